"""What `StringLookup` and `IntegerLookup` share: a vocabulary, given or learned, and its weights.

Imports common, host and numerical_preprocessing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from kerasnb import config
from kerasnb.errors import ArgumentError, GraphError, LoadError, unknown
from kerasnb.layers.common import attributes, check_whole, label
from kerasnb.layers.host import batches_of
from kerasnb.layers.numerical_preprocessing import check_mode, refuse_sparse
from kerasnb.tensor import Operators, as_tensor

__all__ = ["Vocabulary", "check_written", "checked_salt", "old_mode", "plain_list"]

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class Known:
    """What a lookup layer knows. An object of its own, as layers search their lists for layers.

    Attributes:
        given, given_weights: arguments of the layer.
        tokens: the keys in the order of their indices.
        table: the index of each key.
        weights: the weight of each index, special ones included; None as long as there are none.
    """

    def __init__(self, given: Any, given_weights: Any):
        self.given, self.given_weights = given, given_weights
        self.learn([], 0, None)

    def learn(self, tokens: list, first: int, weights: np.ndarray | None) -> None:
        """Know other tokens, with indices from `first` on."""
        self.tokens, self.weights = tokens, weights
        self.table = {key: first + place for place, key in enumerate(tokens)}


class Vocabulary:
    """The tokens of a lookup layer, most frequent first; mixed into it.

    A token is kept as a key: a whole number, or the bytes of a string. Its index is its place
    after the mask token (if there is one, and `output_mode` is ``"int"``) and the indices for what
    is not in the vocabulary (`num_oov_indices`).
    """

    def _init_vocabulary(
        self,
        *,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        oov_method: str,
        salt: Any,
        vocabulary_size: int | None,
    ) -> None:
        output_mode = old_mode(output_mode)
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.output_mode, self.sparse = invert, output_mode, sparse
        self.pad_to_max_tokens, self.oov_method = pad_to_max_tokens, oov_method
        self.salt = checked_salt(self, salt)
        self._check_arguments(idf_weights)
        given = None if isinstance(vocabulary, (str, Path)) else vocabulary
        self._known = Known(given, idf_weights)
        self._given = vocabulary is not None
        self._size: int | None = vocabulary_size
        if output_mode == "tf_idf" and self._given and idf_weights is None:
            raise ArgumentError(
                f"{label(self)}: output_mode='tf_idf' with a vocabulary needs idf_weights too."
            )
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_arguments(self, idf_weights: Any) -> None:
        check_mode(self, self.output_mode, MODES)
        refuse_sparse(self, self.sparse)
        check_whole(self, "num_oov_indices", self.num_oov_indices, least=0)
        if self.oov_method not in ("floormod", "farmhash"):
            raise unknown(
                f"oov_method of {label(self)}:", self.oov_method, ("floormod", "farmhash")
            )
        if self.max_tokens is not None:
            check_whole(self, "max_tokens", self.max_tokens, least=2)
        elif self.pad_to_max_tokens:
            raise ArgumentError(f"{label(self)}: pad_to_max_tokens=True needs max_tokens.")
        if self.invert and self.output_mode != "int":
            raise ArgumentError(
                f"{label(self)}: invert=True needs output_mode='int', got {self.output_mode!r}."
            )
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ArgumentError(
                f"{label(self)}: idf_weights needs output_mode='tf_idf', got {self.output_mode!r}."
            )

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """A new layer from what `get_config` gave; no file is read."""
        check_written(cls, config)
        return cls(**config)

    # What a subclass says about its tokens

    def _keys(self, values: Any) -> list:
        """The keys of an array's elements, in one list."""
        raise NotImplementedError

    def _key_of_line(self, line: str) -> Any:
        """The key of a line of a vocabulary file."""
        raise NotImplementedError

    def _shown(self, key: Any) -> Any:
        """The token that a key stands for."""
        raise NotImplementedError

    # The vocabulary

    @property
    def input_vocabulary(self) -> Any:
        """The vocabulary that was given when the layer was made, if it was a list or an array."""
        return self._known.given

    @property
    def input_idf_weights(self) -> Any:
        """The weights that were given when the layer was made."""
        return self._known.given_weights

    @property
    def _first_oov(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first_token(self) -> int:
        return self._first_oov + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: also those for the mask and for what is not in the vocabulary.
        """
        tokens = [self._shown(key) for key in self._known.tokens]
        if not include_special_tokens:
            return tokens
        return (
            [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices + tokens
        )

    def vocabulary_size(self) -> int:
        """The number of indices, special ones included."""
        return self._first_token + len(self._known.tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Use these tokens; those before are forgotten.

        Args:
            vocabulary: a list or an array of tokens, with the special ones in front or without
                them; or the path of a text file with one token a line.
            idf_weights: with ``output_mode="tf_idf"``, the weight of each token.

        Raises:
            ArgumentError: it is empty, too large, has a token twice, or the special tokens are at
                another place; or the weights do not fit.
        """
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            raise ArgumentError(
                f"{label(self)}: idf_weights go with output_mode='tf_idf', got "
                f"{'none' if idf_weights is None else 'some'} with {self.output_mode!r}."
            )
        from_file = isinstance(vocabulary, (str, Path))
        if from_file and self.output_mode == "tf_idf":
            raise ArgumentError(
                f"{label(self)}: output_mode='tf_idf' takes no vocabulary file; pass a list."
            )
        keys = self._lines(vocabulary) if from_file else self._keys_of(vocabulary)
        if not keys:
            raise ArgumentError(f"{label(self)}: the vocabulary is empty.")
        # not made if it is longer: there may be a billion indices for unknown tokens
        with_special = not from_file and self._first_token <= len(keys)
        if with_special:
            special = [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices
            with_special = None not in special
            with_special = with_special and keys[: self._first_token] == self._keys_of(special)
        tokens = keys[self._first_token :] if with_special else keys
        self._check_tokens(tokens)
        weights = None
        if idf_weights is not None:
            weights = self._padded_weights(idf_weights, len(keys), with_special)
        self._check_size(self._first_token + len(tokens))
        self._learn(tokens, weights)

    def _keys_of(self, tokens: Any) -> list:
        if isinstance(tokens, Operators):
            tokens = as_tensor(tokens).numpy()
        return self._keys(tokens) if len(tokens) else []

    def _lines(self, path: Any) -> list:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ArgumentError(
                f"{label(self)}: the vocabulary file {str(path)!r} cannot be read: "
                f"{error.strerror}."
            ) from None
        return [self._key_of_line(line) for line in text.removesuffix("\n").split("\n")]

    def _check_tokens(self, tokens: list) -> None:
        if len(set(tokens)) < len(tokens):
            twice = sorted(key for key, count in Counter(tokens).items() if count > 1)
            shown = ", ".join(repr(self._shown(key)) for key in twice[:5])
            raise ArgumentError(f"{label(self)}: the vocabulary has tokens twice: {shown}.")
        reserved = {"mask_token": self.mask_token}
        if self.invert:
            reserved["oov_token"] = self.oov_token
        for name, token in reserved.items():
            if token is not None and self._keys_of([token])[0] in tokens:
                raise ArgumentError(
                    f"{label(self)}: the vocabulary holds the {name} {token!r}. Leave it out, or "
                    "begin with all special tokens: "
                    f"{self.get_vocabulary()[: self._first_token]}."
                )
        size = self._first_token + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(
                f"{label(self)}: the vocabulary has {size} tokens, special ones included, more "
                f"than max_tokens={self.max_tokens}."
            )

    def _check_size(self, size: int) -> None:
        """Vectors must not change their length once others have been built on it."""
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self._size is not None and size != self._size:
            raise GraphError(
                f"{label(self)}: the vocabulary had {self._size} tokens, and now has {size}; with "
                f"output_mode={self.output_mode!r} that changes the output's length. Make a new "
                "layer, or use pad_to_max_tokens=True."
            )

    def _padded_weights(self, given: Any, expected: int, with_special: bool) -> np.ndarray:
        """One weight for each index; the mean for special tokens that have none."""
        weights = np.asarray(as_tensor(given).numpy() if isinstance(given, Operators) else given)
        if weights.shape != (expected,):
            raise ArgumentError(
                f"{label(self)}: expected {expected} idf_weights, one for each token of the "
                f"vocabulary, got shape {weights.shape}."
            )
        weights = weights.astype("float64")
        if not with_special:
            weights = np.concatenate([np.full(self._first_token, weights.mean()), weights])
        return self._to_max_tokens(weights)

    def _to_max_tokens(self, weights: np.ndarray) -> np.ndarray:
        more = self.max_tokens - len(weights) if self.pad_to_max_tokens else 0
        return np.pad(weights, (0, more)).astype(config.floatx())

    def _learn(self, tokens: list, weights: np.ndarray | None) -> None:
        self._known.learn(tokens, self._first_token, weights)
        self._size = self.vocabulary_size()
        self._note_adaptation()

    # Learning it

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent tokens of data, ties from high to low.

        Args:
            data: a list, an array, or an iterable of batches.
            steps: so many batches at most.

        Raises:
            ArgumentError: the vocabulary was given when the layer was made.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(self._as_samples(batch, batch is data))
        self.finalize_state()

    def _as_samples(self, batch: Any, whole: bool) -> Any:
        """A list or an array given as a whole is one sample for each element; a batch with one
        axis is one sample."""
        values = self._arrays(batch)
        return values[:, None] if whole and values.ndim == 1 else values

    def update_state(self, data: Any) -> None:
        """Count the tokens of one more batch."""
        values = self._arrays(data)
        rows = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(1, -1)
        if self.output_mode != "tf_idf":
            self._count([self._keys(rows)])
            return
        self._count([self._keys(row) for row in rows], len(values) if values.ndim > 1 else 1)

    def _count(self, rows: Sequence[Sequence], documents: int = 0) -> None:
        """Count the keys of some documents."""
        if self._given:
            raise ArgumentError(
                f"{label(self)}: adapt learns a vocabulary, but one was given when the layer was "
                "made. Leave one of them out."
            )
        self._documents += documents
        self._counts.update(chain.from_iterable(rows))
        if self.output_mode == "tf_idf":
            self._document_counts.update(chain.from_iterable(map(set, rows)))

    def finalize_state(self) -> None:
        """Make a vocabulary of the tokens counted so far."""
        if self._given or not self._counts:
            self._size = self.vocabulary_size()
            return
        for special in (self.mask_token, self.oov_token):
            if special is not None:
                self._counts.pop(self._keys_of([special])[0], None)
        most = None
        if self.max_tokens is not None:
            most = max(self.max_tokens - self._first_token, 0)
        ranked = sorted(zip(self._counts.values(), self._counts, strict=True), reverse=True)
        tokens = [key for _, key in ranked[:most]]
        weights = None
        if self.output_mode == "tf_idf":
            found = np.array([self._document_counts[key] for key in tokens], "float64")
            weights = np.log(1 + self._documents / (1 + found))
            mean = weights.mean() if len(weights) else 0.0
            weights = np.concatenate([np.full(self._first_token, mean), weights])
            weights = self._to_max_tokens(weights)
        self._check_size(self._first_token + len(tokens))
        self._learn(tokens, weights)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the tokens counted so far."""
        self._counts: Counter = Counter()
        self._document_counts: Counter = Counter()
        self._documents = 0

    # What they compute with

    def _depth(self) -> int:
        """The length of the vectors.

        Raises:
            GraphError: it is not known before there is a vocabulary.
        """
        if self.pad_to_max_tokens:
            return self.max_tokens
        if self._size is None:
            raise GraphError(
                f"{label(self)}: with output_mode={self.output_mode!r} the output's length is that "
                "of the vocabulary: call adapt(data) first, or give a vocabulary, or "
                "pad_to_max_tokens=True."
            )
        return self._size

    def _weights(self) -> np.ndarray:
        """The weight of each index.

        Raises:
            GraphError: there are none yet.
        """
        if self._known.weights is None:
            raise GraphError(
                f"{label(self)}: has no weights of tokens yet: call adapt(data) first, or give "
                "vocabulary and idf_weights."
            )
        return self._known.weights

    def _refuse_unknown(self, missing: int, among: int) -> None:
        if missing:
            raise ArgumentError(
                f"{label(self)}: {missing} of {among} values are not in the vocabulary, and "
                "num_oov_indices=0 leaves no index for them. Use num_oov_indices=1."
            )

    def _vocabulary_config(self) -> dict:
        names = (
            "invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode",
            "sparse", "pad_to_max_tokens", "oov_method", "salt",
        )  # fmt: skip
        return {
            **attributes(self, *names),
            "idf_weights": plain_list(self.input_idf_weights),
            "vocabulary": plain_list(self.input_vocabulary),
            "vocabulary_size": self._size,
        }


def check_written(cls: type, config: dict) -> None:
    """Refuse a configuration that would have a file read.

    Raises:
        LoadError: its vocabulary is a path.
    """
    if isinstance(config.get("vocabulary"), (str, Path)):
        raise LoadError(
            f"{cls.__name__}: a configuration holds a vocabulary itself, not the name of a file. "
            "Pass the file to the layer's constructor, or to set_vocabulary."
        )


def old_mode(mode: str) -> str:
    """An output mode under its present name."""
    return {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)


def plain_list(values: Any) -> list | None:
    """An array or list as a list that JSON can hold."""
    if values is None:
        return None
    array = as_tensor(values).numpy() if isinstance(values, Operators) else values
    items = array.tolist() if isinstance(array, np.ndarray) else list(array)
    return [item.decode() if isinstance(item, bytes) else item for item in items]


def checked_salt(layer: Any, salt: Any) -> list | None:
    """The two numbers of a salt; None for none.

    Raises:
        ArgumentError: it is neither a whole number nor two of them.
    """
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) else list(salt) if _is_pair(salt) else None
    if pair is None:
        raise ArgumentError(
            f"{label(layer)}: salt must be a whole number or two of them, got {salt!r}."
        )
    return pair


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(isinstance(v, int) for v in value)
    )
