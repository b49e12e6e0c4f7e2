"""`StringLookup` and `IntegerLookup`: tokens to indices, or to vectors, and back.

Strings are looked up on the host; whole numbers within the compiled step, by ops. Imports
vocabulary, hashes, host and ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, DTypeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import label
from kerasnb.layers.hashes import buckets
from kerasnb.layers.host import HostLayer, array_of
from kerasnb.layers.numerical_preprocessing import check_samples, encode, not_above
from kerasnb.layers.symbolic import is_symbolic
from kerasnb.layers.vocabulary import Vocabulary
from kerasnb.spec import TensorSpec, is_integer
from kerasnb.tensor import Tensor, as_tensor, placeholder
from kerasnb.text import as_bytes, as_text, is_text

__all__ = ["IntegerLookup", "StringLookup"]


class StringLookup(Vocabulary, HostLayer):
    """Turns strings into whole numbers, by a vocabulary that it learns or is given.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included.
        num_oov_indices: how many indices there are for strings that are not in the vocabulary;
            with more than one, a hash picks one of them.
        mask_token: a string that stands for nothing: it has index 0, or is left out of vectors.
        oov_token: what an index for unknown strings is called.
        vocabulary: a list, an array, or the path of a file with one token a line, instead of
            `adapt`.
        idf_weights: with ``output_mode="tf_idf"``, the weight of each token of `vocabulary`.
        invert: turn indices into strings instead.
        output_mode: ``"int"`` for indices; ``"one_hot"`` for a vector for each string;
            ``"multi_hot"``, ``"count"`` or ``"tf_idf"`` for one vector for each sample, of zeros
            and ones, of counts, or of counts times weights.
        pad_to_max_tokens: make vectors of length `max_tokens`, whatever the vocabulary has.
        sparse: must not be true: sparse tensors are not supported.
        encoding: of bytes that are given instead of strings.
        salt: two whole numbers, or one, that change the hash.

    Shape:
        that of the input; ``(N, T) -> (N, size)`` where samples become vectors.

    Example:
        >>> layer = StringLookup(vocabulary=["a", "b", "c"])
        >>> layer([["a", "c"], ["d", "b"]]).numpy()
        array([[1, 3],
               [0, 2]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ):
        oov_method = kwargs.pop("oov_method", "floormod")
        vocabulary_size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **_without_dtype(kwargs))
        self.encoding = encoding
        self._init_vocabulary(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token,
            oov_token=oov_token, vocabulary=vocabulary, idf_weights=idf_weights, invert=invert,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, sparse=sparse,
            oov_method=oov_method, salt=salt, vocabulary_size=vocabulary_size,
        )  # fmt: skip

    @property
    def expected_dtype(self) -> str:
        return "int64" if self.invert else "string"

    def _keys(self, values: Any) -> list:
        return as_bytes(as_text(values, label(self)))

    def _key_of_line(self, line: str) -> bytes:
        return line.encode()

    def _shown(self, key: bytes) -> str:
        return key.decode(self.encoding)

    def _compute(self, inputs: np.ndarray) -> np.ndarray:
        if self.invert:
            return self._strings(inputs)
        if not is_text(inputs):
            raise DTypeError(
                f"{label(self)}: expected strings, got {inputs.dtype.name}. For whole numbers use "
                "IntegerLookup; invert=True turns indices into strings."
            )
        found = self._find(as_bytes(inputs))
        if self.output_mode == "int":
            return found.reshape(inputs.shape)
        return self._vectors(found, inputs.shape)

    def _find(self, keys: Sequence[bytes]) -> np.ndarray:
        """The index of each key: 0 (or -1 for vectors) where it is the mask token."""
        indices = map(self._known.table.get, keys, repeat(-1))
        found = np.fromiter(indices, "int64", len(keys))
        missing = np.flatnonzero(found < 0)
        if self.mask_token is not None and len(missing):
            (mask,) = self._keys([self.mask_token])
            masked = np.fromiter((keys[i] == mask for i in missing), bool, len(missing))
            found[missing[masked]] = 0 if self.output_mode == "int" else -1
            missing = missing[~masked]
        if self.num_oov_indices == 0:
            self._refuse_unknown(len(missing), len(keys))
        elif self.num_oov_indices == 1:
            found[missing] = self._first_oov
        elif len(missing):
            hashed = buckets([keys[i] for i in missing], self.num_oov_indices, self.salt)
            found[missing] = self._first_oov + hashed
        return found

    def _vectors(self, found: np.ndarray, shape: tuple) -> np.ndarray:
        """Vectors of indices, for one string or for each sample."""
        depth = self._depth()
        if self.output_mode == "one_hot":
            shape = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)
            return self._scatter(found, np.arange(len(found)), len(found)).reshape(*shape, depth)
        check_samples(self, shape, self.output_mode)
        if len(shape) < 2:
            return self._scatter(found, np.zeros(len(found), int), 1)[0]
        return self._scatter(found, np.repeat(np.arange(shape[0]), shape[1]), shape[0])

    def _scatter(self, found: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        """`count` vectors; each index falls into the vector of its row, -1 into none."""
        depth = self._depth()
        vectors = np.zeros((count, depth), config.floatx())
        keep = (found >= 0) & (found < depth)
        where = (rows[keep], found[keep])
        if self.output_mode in ("count", "tf_idf"):
            np.add.at(vectors, where, 1)
        else:
            vectors[where] = 1
        return vectors if self.output_mode != "tf_idf" else vectors * self._weights()

    def _strings(self, indices: np.ndarray) -> np.ndarray:
        if indices.dtype.kind not in "iu":
            raise DTypeError(f"{label(self)}: invert=True expects indices, got strings.")
        names = np.array([*self.get_vocabulary(), self.oov_token], dtype=object)
        known = (indices >= 0) & (indices < len(names) - 1)
        return np.asarray(names[np.where(known, indices, len(names) - 1)], dtype=object)

    def _output_spec(self, specs: TensorSpec) -> TensorSpec:
        if self.invert:
            return specs.with_dtype("string")
        if specs.dtype != "string":
            raise DTypeError(
                f"{label(self)}: expected strings, got {specs}. Use Input(..., dtype='string')."
            )
        return lookup_spec(self, specs)

    def get_config(self) -> dict:
        return {**super().get_config(), **self._vocabulary_config(), "encoding": self.encoding}


class IntegerLookup(Vocabulary, Layer):
    """Turns whole numbers, such as identifiers, into consecutive indices by a vocabulary.

    The vocabulary is learned or given. The arguments are those of `StringLookup`, and:

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included.
        num_oov_indices: how many indices there are for numbers that are not in the vocabulary.
        mask_token: a number that stands for nothing: it has index 0, or is left out of vectors.
        oov_token: what an index for unknown numbers is called.
        vocabulary: a list, an array, or the path of a file with one number a line, instead of
            `adapt`.
        vocabulary_dtype: must be ``"int64"``.
        idf_weights: with ``output_mode="tf_idf"``, the weight of each token of `vocabulary`.
        invert: turn indices into the vocabulary's numbers instead.
        output_mode: as for `StringLookup`.
        sparse: must not be true: sparse tensors are not supported.
        pad_to_max_tokens: make vectors of length `max_tokens`, whatever the vocabulary has.
        oov_method: with several indices for unknown numbers, ``"floormod"`` takes the remainder,
            and ``"farmhash"`` a hash, which spreads them evenly but is computed on the host.
        salt: two whole numbers, or one, that change the hash of ``"farmhash"``.

    Shape:
        that of the input; ``(N, T) -> (N, size)`` where samples become vectors.

    Example:
        >>> import numpy as np
        >>> layer = IntegerLookup(vocabulary=[12, 36, 1138])
        >>> layer(np.array([[12, 1138], [7, 36]])).numpy()
        array([[1, 3],
               [0, 2]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        vocabulary_size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **_without_dtype(kwargs))
        if vocabulary_dtype != "int64":
            raise ArgumentError(
                f"{label(self)}: vocabulary_dtype must be 'int64', got {vocabulary_dtype!r}."
            )
        if salt is not None and oov_method != "farmhash":
            raise ArgumentError(
                f"{label(self)}: salt needs oov_method='farmhash', got {oov_method!r}."
            )
        self.vocabulary_dtype = vocabulary_dtype
        self._init_vocabulary(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token,
            oov_token=oov_token, vocabulary=vocabulary, idf_weights=idf_weights, invert=invert,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, sparse=sparse,
            oov_method=oov_method, salt=salt, vocabulary_size=vocabulary_size,
        )  # fmt: skip
        self.on_host = oov_method == "farmhash" and num_oov_indices > 1

    expected_dtype = "int64"

    def _arrays(self, inputs: Any) -> np.ndarray:
        return array_of(inputs, label(self))

    def _keys(self, values: Any) -> list:
        array = np.asarray(values)
        whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and not (array % 1).any())
        if not whole:
            raise DTypeError(
                f"{label(self)}: expected whole numbers, got {array.dtype}. For strings use "
                "StringLookup."
            )
        return array.astype("int64").ravel().tolist()

    def _key_of_line(self, line: str) -> int:
        try:
            return int(line)
        except ValueError:
            raise ArgumentError(
                f"{label(self)}: expected a whole number in each line of the vocabulary file."
            ) from None

    def _shown(self, key: int) -> int:
        return key

    def call(self, inputs: Any) -> Any:
        inputs = as_tensor(inputs)
        if not is_integer(inputs.dtype):
            raise DTypeError(
                f"{label(self)}: expected whole numbers, got {inputs.spec}. Use Input(..., "
                "dtype='int64'), or Discretization for numbers with fractions."
            )
        self.check_indices(inputs)
        inputs = ops.cast(inputs, "int64")
        if self.invert:
            return self._numbers(inputs)
        found = self._find(inputs)
        if self.output_mode == "int":
            return found
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        vectors = encode(self, found, mode, self._depth(), config.floatx())
        return vectors * as_tensor(self._weights()) if self.output_mode == "tf_idf" else vectors

    def _find(self, inputs: Any) -> Any:
        """The index of each number: 0 (or -1 for vectors) where it is the mask token."""
        found = self._unknown_index(inputs)
        if self._known.tokens:
            keys = np.sort(np.array(self._known.tokens, "int64"))
            places = np.array([self._known.table[key] for key in keys.tolist()], "int64")
            at = ops.maximum(not_above(keys, inputs) - 1, 0)
            known = ops.equal(ops.take(as_tensor(keys), at, axis=0), inputs)
            found = ops.where(known, ops.take(as_tensor(places), at, axis=0), found)
        if self.mask_token is not None:
            masked = 0 if self.output_mode == "int" else -1
            found = ops.where(ops.equal(inputs, int(self.mask_token)), masked, found)
        return ops.cast(found, "int64")

    def _unknown_index(self, inputs: Any) -> Any:
        if self.on_host and is_symbolic(inputs):
            return placeholder(inputs.spec)
        if self.on_host:
            strings = [str(i).encode() for i in inputs.numpy().ravel().tolist()]
            hashed = buckets(strings, self.num_oov_indices, self.salt) + self._first_oov
            return as_tensor(hashed.reshape(inputs.shape))
        if self.num_oov_indices > 1:
            return ops.cast(ops.mod(inputs, self.num_oov_indices) + self._first_oov, "int64")
        return ops.full_like(inputs, self._first_oov if self.num_oov_indices else -1)

    def check_indices(self, indices: Tensor | np.ndarray) -> None:
        """Nothing, if all numbers have an index, or cannot be looked at cheaply.

        Args:
            indices: only data on the host is looked at: none in a trace, none on a device.

        Raises:
            ArgumentError: a number is not in the vocabulary, and there is no index for it.
        """
        array = indices.data if isinstance(indices, Tensor) else indices
        if self.num_oov_indices or self.invert or not isinstance(array, np.ndarray):
            return
        known = self._known.tokens + [self.mask_token] * (self.mask_token is not None)
        missing = ~np.isin(array, np.array(known, "int64"))
        self._refuse_unknown(int(missing.sum()), missing.size)

    def _numbers(self, indices: Any) -> Any:
        unknown = -1 if self.oov_token is None else self.oov_token
        names = np.array([*self.get_vocabulary(), unknown], "int64")
        known = ops.logical_and(indices >= 0, indices < len(names) - 1)
        return ops.take(as_tensor(names), ops.where(known, indices, len(names) - 1), axis=0)

    def get_config(self) -> dict:
        own = {**self._vocabulary_config(), "vocabulary_dtype": self.vocabulary_dtype}
        return {**super().get_config(), **own}


def lookup_spec(layer: Any, specs: TensorSpec) -> TensorSpec:
    """The shape and dtype that a lookup of such inputs gives."""
    shape = specs.shape
    if layer.output_mode == "int":
        return specs.with_dtype("int64")
    if layer.output_mode == "one_hot":
        shape = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape or (1,)
        return TensorSpec((*shape, layer._depth()), config.floatx())
    check_samples(layer, shape, layer.output_mode)
    return TensorSpec((*shape[:-1], layer._depth()), config.floatx())


def _without_dtype(kwargs: dict) -> dict:
    """The arguments of every layer, but for those that mean nothing here, as in Keras."""
    return {k: v for k, v in kwargs.items() if k not in ("dtype", "trainable")}
