"""`TextVectorization`: texts to sequences of indices, or to vectors of words.

Works on bytes, as TensorFlow does: capital letters, punctuation and white space are those of
ASCII. Imports host, lookup and vocabulary.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasnb import config, registry
from kerasnb.errors import ArgumentError, ShapeError, unknown
from kerasnb.layers.common import check_whole, label
from kerasnb.layers.host import HostLayer, batches_of
from kerasnb.layers.lookup import StringLookup
from kerasnb.layers.vocabulary import check_written, old_mode, plain_list
from kerasnb.spec import TensorSpec
from kerasnb.text import as_bytes, as_text

__all__ = ["TextVectorization"]

Rows = list[list[bytes]]

_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
_PUNCTUATION = string.punctuation.encode()
_STANDARDIZE: dict[str, Callable[[bytes], bytes]] = {
    "lower": lambda text: text.translate(_LOWER),
    "strip_punctuation": lambda text: text.translate(None, _PUNCTUATION),
    "lower_and_strip_punctuation": lambda text: text.translate(_LOWER, _PUNCTUATION),
}
_SPLIT: dict[str, Callable[[bytes], list[bytes]]] = {
    "whitespace": bytes.split,
    "character": lambda text: [letter.encode() for letter in text.decode("utf-8", "replace")],
}


class TextVectorization(HostLayer):
    """Turns texts into sequences of whole numbers, or into vectors, by a vocabulary of words.

    Each text is standardized, split into words, and the words are looked up. The vocabulary is
    learned by `adapt`, or given.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included.
        standardize: ``"lower_and_strip_punctuation"``, ``"lower"``, ``"strip_punctuation"``, None,
            or a function from an array of strings to such an array.
        split: ``"whitespace"``, ``"character"``, None, or a function from an array of strings to
            a list of words for each.
        ngrams: also make tokens of so many neighbouring words; a tuple says of which numbers.
        output_mode: ``"int"`` for the indices of the words; ``"multi_hot"``, ``"count"`` or
            ``"tf_idf"`` for one vector for each text: which words are there, how often, or how
            often times the weight of the word.
        output_sequence_length: with ``"int"``, cut or fill up each sequence with zeros to this
            length; that of the longest in the batch if not given, and a model is compiled anew
            for each length.
        pad_to_max_tokens: make vectors of length `max_tokens`, whatever the vocabulary has.
        vocabulary: a list, an array, or the path of a file with one word a line, instead of
            `adapt`.
        idf_weights: with ``"tf_idf"``, the weight of each word of `vocabulary`.
        sparse: must not be true: sparse tensors are not supported.
        ragged: must not be true: the rows of a tensor are of one length.
        encoding: of bytes that are given instead of strings.

    Shape:
        ``(N,)`` or ``(N, 1)`` -> ``(N, length)``, or ``(N, size of the vocabulary)``.

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
        >>> layer(["Foo, qux bar!", "qux baz"]).numpy()
        array([[4, 1, 3, 0],
               [1, 2, 0, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable | None = "lower_and_strip_punctuation",
        split: str | Callable | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        kwargs.pop("dtype", None)  # there is one type of text
        vocabulary_size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        output_mode = old_mode(output_mode)
        self._check(standardize, split, ngrams, output_mode, output_sequence_length, ragged)
        self._standardize, self._split = standardize, split
        self._ngrams_arg = ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._output_mode, self._output_sequence_length = output_mode, output_sequence_length
        self._ragged, self._encoding = ragged, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=output_mode, sparse=sparse,
            encoding=encoding, vocabulary_size=vocabulary_size, name=f"{self.name}_vocabulary",
        )  # fmt: skip

    expected_dtype = "string"

    def _check(
        self, standardize: Any, split: Any, ngrams: Any, mode: Any, length: Any, ragged: Any
    ) -> None:
        for argument, value, known in (
            ("standardize", standardize, _STANDARDIZE),
            ("split", split, _SPLIT),
        ):
            if value is not None and not callable(value) and value not in known:
                raise unknown(f"{argument} of {label(self)}:", value, known)
        several = ngrams if isinstance(ngrams, tuple) else (ngrams,)
        if ngrams is not None and not all(type(n) is int and n > 0 for n in several):
            raise ArgumentError(
                f"{label(self)}: ngrams must be a positive whole number, a tuple of them, or None, "
                f"got {ngrams!r}."
            )
        if length is not None:
            check_whole(self, "output_sequence_length", length)
            if mode != "int":
                raise ArgumentError(
                    f"{label(self)}: output_sequence_length needs output_mode='int', got {mode!r}."
                )
        if ragged:
            raise ArgumentError(
                f"{label(self)}: ragged must be false: the rows of a tensor are of one length. "
                "Leave it out; shorter sequences are filled up with zeros."
            )

    # The vocabulary

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent words of data, ties from high to low.

        Args:
            data: a list or an array of strings, or an iterable of batches of them.
            batch_size: accepted for Keras's sake.
            steps: so many batches at most.

        Raises:
            ArgumentError: the vocabulary was given when the layer was made.
        """
        self.reset_state()
        for batch in batches_of(data, steps):
            values = self._text(batch)
            if batch is data and values.ndim == 1:
                values = values[:, None]
            self.update_state(values)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the words of one more batch."""
        rows, _ = self._rows(self._text(data))
        self._lookup_layer._count(rows, len(rows))

    def finalize_state(self) -> None:
        """Make a vocabulary of the words counted so far."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the words counted so far."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their indices.

        Args:
            include_special_tokens: also those for padding and for unknown words.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of indices, special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Use these words; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # The computation

    def _text(self, data: Any) -> np.ndarray:
        return as_text(data, label(self))

    def _rows(self, text: np.ndarray) -> tuple[Rows, tuple]:
        """The tokens of each text, and the shape of the texts."""
        standardize, split = self._standardize, self._split
        if callable(standardize):
            text = self._text(standardize(self._strings(text)))
        if split is not None and text.ndim > 1:
            if text.shape[-1] != 1:
                raise ShapeError(
                    f"{label(self)}: expected texts (N,) or (N, 1), got {text.shape}. Join the "
                    "texts of each sample, or use split=None if they are words."
                )
            text = text[..., 0]  # (N, 1) -> (N,)
        if callable(split):
            rows, shape = self._split_by(split, text), text.shape
        else:
            items = as_bytes(text)
            if isinstance(standardize, str):
                items = list(map(_STANDARDIZE[standardize], items))
            if split is None:
                width = text.shape[-1] if text.ndim else 1
                rows = [items[i : i + width] for i in range(0, len(items), width)]
                shape = text.shape[:-1]
            else:
                rows, shape = list(map(_SPLIT[split], items)), text.shape
        if self._ngrams is not None:
            rows = [_with_ngrams(row, self._ngrams) for row in rows]
        return rows, shape

    def _strings(self, text: np.ndarray) -> np.ndarray:
        """Text as an array of `str`, which NumPy's functions of strings take."""
        strings = [b.decode(self._encoding) for b in as_bytes(text)]
        return np.array(strings, dtype=str).reshape(text.shape)

    def _split_by(self, split: Callable, text: np.ndarray) -> Rows:
        strings = self._strings(text)
        if isinstance(self._standardize, str):
            cut = _STANDARDIZE[self._standardize]
            items = [cut(s.encode()).decode() for s in strings.ravel().tolist()]
            strings = np.array(items, dtype=str).reshape(text.shape)
        rows = list(split(strings))
        if len(rows) != strings.size or any(isinstance(row, (str, bytes)) for row in rows):
            raise ShapeError(
                f"{label(self)}: the function given as split must make a list of words of each of "
                f"the {strings.size} texts, got {len(rows)} items."
            )
        return [as_bytes(as_text(list(row), label(self))) if len(row) else [] for row in rows]

    def _compute(self, inputs: np.ndarray) -> np.ndarray:
        lookup = self._lookup_layer
        rows, shape = self._rows(self._text(inputs))
        length = self._output_sequence_length
        if length is not None:
            rows = [row[:length] for row in rows]
        sizes = np.fromiter(map(len, rows), "int64", len(rows))
        found = lookup._find([token for row in rows for token in row])
        if self._output_mode == "int":
            width = int(sizes.max(initial=0)) if length is None else length
            padded = np.zeros((len(rows), width), "int64")
            padded[np.arange(width) < sizes[:, None]] = found
            return padded.reshape(*shape, width)
        if self._output_mode == "one_hot":
            return self._one_hot(found, sizes).reshape(*shape, -1, lookup._depth())
        self._check_samples(shape)
        vectors = lookup._scatter(found, np.repeat(np.arange(len(rows)), sizes), len(rows))
        return vectors.reshape(*shape, lookup._depth())

    def _one_hot(self, found: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """A vector for each word; all texts must have as many words."""
        if len(set(sizes.tolist())) > 1:
            raise ShapeError(
                f"{label(self)}: output_mode='one_hot' makes a vector of each word, but the texts "
                "have different numbers of words. Use 'multi_hot' for a vector of each text."
            )
        return self._lookup_layer._scatter(found, np.arange(len(found)), len(found))

    def _check_samples(self, shape: Sequence) -> None:
        if len(shape) > 1:
            raise ShapeError(
                f"{label(self)}: output_mode={self._output_mode!r} expects texts (N,) or (N, 1), "
                f"got {(*shape, 1)}."
            )

    def _output_spec(self, specs: TensorSpec) -> TensorSpec:
        if specs.dtype != "string":
            raise ArgumentError(
                f"{label(self)}: expected strings, got {specs}. Use Input(..., dtype='string')."
            )
        shape = specs.shape
        if (self._split is not None and len(shape) > 1) or self._split is None:
            shape = shape[:-1]
        if self._output_mode == "int":
            return TensorSpec((*shape, self._output_sequence_length), "int64")
        depth = self._lookup_layer._depth()
        if self._output_mode == "one_hot":
            return TensorSpec((*shape, None, depth), config.floatx())
        self._check_samples(shape)
        return TensorSpec((*shape, depth), config.floatx())

    def get_config(self) -> dict:
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": registry.serialize(self._standardize),
            "split": registry.serialize(self._split),
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": lookup.sparse,
            "ragged": self._ragged,
            "vocabulary": plain_list(lookup.input_vocabulary),
            "idf_weights": plain_list(lookup.input_idf_weights),
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict) -> Any:
        check_written(cls, config)
        config = dict(config)
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = registry.deserialize(config[name], {}, "function")
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)


def _with_ngrams(words: list[bytes], sizes: tuple[int, ...]) -> list[bytes]:
    """The runs of so many neighbouring words, joined by spaces, the first size first."""
    return [b" ".join(words[i : i + size]) for size in sizes for i in range(len(words) - size + 1)]
