"""`FeatureSpace`: tables of numbers and categories as vectors. Imports layers.

A table is a dictionary from names of columns to arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasnb import layers, naming, registry
from kerasnb.errors import ArgumentError, GraphError, unknown
from kerasnb.layers.base import Layer
from kerasnb.layers.host import array_of, batches_of
from kerasnb.layers.symbolic import is_symbolic
from kerasnb.tensor import Operators, as_tensor

__all__ = ["Cross", "Feature", "FeatureSpace"]

_BATCH = 32  # rows that a layer learns from at a time where they do not come in batches


class Feature:
    """A column of a table, and the layer that prepares it.

    Args:
        dtype: of the column: ``"float32"``, ``"int32"`` or ``"string"``.
        preprocessor: a layer.
        output_mode: ``"float"`` as the layer gives it, ``"int"`` as numbers of categories,
            ``"one_hot"`` as a vector for the category.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str):
        _check("output_mode of a feature:", output_mode, ("int", "one_hot", "float"))
        if isinstance(preprocessor, dict):
            preprocessor = layers.deserialize(preprocessor)
        self.dtype, self.preprocessor, self.output_mode = dtype, preprocessor, output_mode

    def get_config(self) -> dict:
        """The arguments that make a feature like this one."""
        return {
            "dtype": self.dtype,
            "preprocessor": registry.serialize(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict) -> Feature:
        """A new feature from what `get_config` gave."""
        return cls(**config)


class Cross:
    """Columns whose combinations are categories, put into bins by a hash.

    Args:
        feature_names: of the columns.
        crossing_dim: the number of bins.
        output_mode: ``"int"`` or ``"one_hot"``.
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ):
        _check("output_mode of a cross:", output_mode, ("int", "one_hot"))
        self.feature_names = tuple(feature_names)
        self.crossing_dim, self.output_mode = crossing_dim, output_mode

    @property
    def name(self) -> str:
        """The names of the columns, joined."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict:
        """The arguments that make a cross like this one."""
        return {
            "feature_names": self.feature_names,
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict) -> Cross:
        """A new cross from what `get_config` gave."""
        return cls(**config)


class FeatureSpace(Layer):
    """Turns the columns of a table into one vector for each row, or into a dictionary of vectors.

    Args:
        features: for each column what it is: a name such as ``"float_normalized"``, or what a
            method of that name gives, such as ``FeatureSpace.string_categorical(max_tokens=9)``.
        output_mode: ``"concat"`` for one vector, ``"dict"`` for one for each column.
        crosses: tuples of names of columns whose combinations are categories too.
        crossing_dim: the number of bins of a cross.
        hashing_dim: the number of bins of ``"string_hashed"`` and ``"integer_hashed"``.
        num_discretization_bins: the number of bins of ``"float_discretized"``.
        name: of the layer.

    Example:
        >>> space = FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
        >>> table = {"age": [20.0, 40.0], "city": ["Rome", "Oslo"]}
        >>> space.adapt(table)
        >>> space(table).numpy()
        array([[-1.,  0.,  1.,  0.],
               [ 1.,  0.,  0.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise ArgumentError("FeatureSpace: features is empty: name at least one column.")
        _check("output_mode of FeatureSpace:", output_mode, ("dict", "concat"))
        self.output_mode = output_mode
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {column: self._feature(column, f) for column, f in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or ()]
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.inputs = {
            column: layers.Input(shape=(1,), dtype=feature.dtype, name=column)
            for column, feature in self.features.items()
        }
        self.preprocessors = {c: feature.preprocessor for c, feature in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, Layer] = {}
        self.concat: Layer | None = None
        self.encoded_features: Any = None
        self._is_adapted = not self._learners()

    # What a column can be

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A column that a layer of your own prepares; see `Feature`."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def cross(
        cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> Cross:
        """Combinations of columns; see `Cross`."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        layer = layers.Identity(dtype="float32", name=_named("float", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_rescaled(
        cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None
    ) -> Feature:
        """Numbers times `scale` plus `offset`."""
        layer = layers.Rescaling(scale=scale, offset=offset, name=_named("float_rescaled", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with mean 0 and variance 1."""
        layer = layers.Normalization(axis=-1, name=_named("float_normalized", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Sequence | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Numbers put into bins."""
        layer = layers.Discretization(
            num_bins=num_bins, bin_boundaries=bin_boundaries,
            name=_named("float_discretized", name),
        )  # fmt: skip
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Whole numbers that name categories."""
        layer = layers.IntegerLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices,
            name=_named("integer_categorical", name),
        )  # fmt: skip
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Strings that name categories."""
        layer = layers.StringLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices,
            name=_named("string_categorical", name),
        )  # fmt: skip
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Strings put into bins by a hash."""
        layer = layers.Hashing(num_bins=num_bins, name=_named("string_hashed", name))
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Whole numbers put into bins by a hash."""
        layer = layers.Hashing(num_bins=num_bins, name=_named("integer_hashed", name))
        return Feature("int32", layer, output_mode)

    def _feature(self, column: str, given: Any) -> Feature:
        if isinstance(given, Feature):
            return given
        if isinstance(given, dict):
            return registry.deserialize(given, {"Feature": Feature}, "feature")
        sizes = {
            "float_discretized": self.num_discretization_bins,
            "integer_hashed": self.hashing_dim,
            "string_hashed": self.hashing_dim,
        }
        _check(f"kind of the feature {column!r}:", given, _KINDS)
        size = [sizes[given]] if given in sizes else []
        return getattr(self, given)(*size, name=column)

    def _cross(self, given: Any) -> Cross:
        if isinstance(given, dict):
            given = registry.deserialize(given, {"Cross": Cross}, "cross")
        cross = given if isinstance(given, Cross) else Cross(given, self.crossing_dim)
        for column in cross.feature_names:
            _check(f"feature in the cross {cross.name!r}:", column, self.features)
        return cross

    # Learning

    def _learners(self) -> list[str]:
        """The columns whose layers have something to learn."""
        return [
            column
            for column, layer in self.preprocessors.items()
            if hasattr(layer, "adapt")
            and getattr(layer, "input_mean", None) is None
            and getattr(layer, "input_vocabulary", None) is None
            and not (hasattr(layer, "num_bins") and layer.num_bins is None)
        ]

    def adapt(self, dataset: Any) -> None:
        """Let the layer of each column learn from a table.

        Args:
            dataset: a dictionary of arrays or lists, or an iterable of batches or of rows, each of
                them such a dictionary, alone or before the targets.

        Raises:
            ArgumentError: a column is missing, or there is no data.
        """
        tables = (
            [dataset] if isinstance(dataset, Mapping) else list(batches_of(dataset, None, True))
        )
        if not tables:
            raise ArgumentError(f"FeatureSpace {self.name!r}: adapt got no data.")
        for table in tables:
            self._check_table(table)
        for column in self._learners():
            columns = [_column(column, table[column]) for table in tables]
            if isinstance(dataset, Mapping) or np.ndim(tables[0][column]) == 0:
                rows = np.concatenate(columns)
                columns = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
            self.preprocessors[column].adapt(iter(columns))
        self._is_adapted = True
        self.get_encoded_features()

    def _check_table(self, table: Any) -> None:
        if not isinstance(table, Mapping):
            raise ArgumentError(
                f"FeatureSpace {self.name!r}: expected a dictionary of columns, got "
                f"{type(table).__name__}."
            )
        missing = [column for column in self.features if column not in table]
        if missing:
            raise ArgumentError(
                f"FeatureSpace {self.name!r}: expected the columns {', '.join(self.features)}; "
                f"missing: {', '.join(missing)}."
            )

    def get_inputs(self) -> dict:
        """The symbolic inputs by column, for `Model`."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """The symbolic outputs that belong to `get_inputs`.

        Raises:
            GraphError: a layer has not learned yet.
        """
        if not self._is_adapted:
            raise GraphError(
                f"FeatureSpace {self.name!r}: call adapt(table) first; these columns have "
                f"something to learn: {', '.join(self._learners())}."
            )
        if self.encoded_features is None:
            self.encoded_features = self._encode(self.inputs)
            self.built = True
        return self.encoded_features

    # The computation

    def __call__(self, data: Any) -> Any:
        self.get_encoded_features()
        self._check_table(data)
        single = all(np.ndim(data[c]) == 0 for c in self.features if not is_symbolic(data[c]))
        single = single and not any(map(is_symbolic, data.values()))
        made = self._encode({column: _column(column, data[column]) for column in self.features})
        if not single:
            return made
        return {c: v[0] for c, v in made.items()} if isinstance(made, dict) else made[0]

    def _encode(self, columns: dict) -> Any:
        found = {c: self.preprocessors[c](columns[c]) for c in self.features}
        crossed = {
            cross.name: self.crossers[cross.name]([found[c] for c in cross.feature_names])
            for cross in self.crosses
        }
        parts = {name: self._vector(name, found[name]) for name in sorted(found)}
        parts |= {name: self._vector(name, crossed[name]) for name in sorted(crossed)}
        if self.output_mode == "dict":
            return parts
        for name, part in parts.items():
            if not part.dtype.startswith("float"):
                raise ArgumentError(
                    f"FeatureSpace {self.name!r}: the feature {name!r} gives {part.dtype}, which "
                    "cannot be joined with vectors. Use output_mode='dict', or 'one_hot' for the "
                    "feature."
                )
        if len(parts) == 1:
            return next(iter(parts.values()))
        self.concat = self.concat or layers.Concatenate(axis=-1)
        return self.concat(list(parts.values()))

    def _vector(self, name: str, value: Any) -> Any:
        """A column as its feature wants it: as it is, or as vectors of zeros and ones."""
        spec = self.features.get(name) or self.crosses_by_name[name]
        if spec.output_mode != "one_hot":
            return value
        if name not in self.one_hot_encoders:
            size = _categories(self.preprocessors.get(name) or self.crossers[name])
            if size is None or not value.dtype.startswith("int"):
                raise ArgumentError(
                    f"FeatureSpace {self.name!r}: output_mode='one_hot' of the feature {name!r} "
                    "needs a layer that gives numbers of categories, and says how many there are."
                )
            self.one_hot_encoders[name] = layers.CategoryEncoding(size, output_mode="multi_hot")
        return self.one_hot_encoders[name](value)

    def get_config(self) -> dict:
        return {
            "features": registry.serialize(self.features),
            "output_mode": self.output_mode,
            "crosses": registry.serialize(self.crosses),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }


_KINDS = (
    "float", "float_rescaled", "float_normalized", "float_discretized", "integer_categorical",
    "string_categorical", "string_hashed", "integer_hashed",
)  # fmt: skip


def _check(kind: str, value: Any, known: Any) -> None:
    if not isinstance(value, str) or value not in known:
        raise unknown(kind, value, known)


def _named(kind: str, name: str | None) -> str:
    return f"{name or naming.auto_name(kind)}_preprocessor"


def _column(name: str, values: Any) -> Any:
    """A column with an axis for its one value: ``(N,) -> (N, 1)``."""
    if is_symbolic(values):
        return values
    if isinstance(values, Operators):
        values = as_tensor(values).numpy()
    array = array_of(values, f"FeatureSpace, column {name!r}")
    return array.reshape(-1, 1) if array.ndim < 2 else array


def _categories(layer: Any) -> int | None:
    """How many categories the numbers that a layer gives stand for."""
    if isinstance(layer, layers.IntegerLookup | layers.StringLookup):
        return layer.vocabulary_size()
    if isinstance(layer, layers.Discretization):
        return layer.num_bins or len(layer.bin_boundaries) + 1
    if isinstance(layer, layers.CategoryEncoding):
        return layer.num_tokens
    return getattr(layer, "num_bins", None)
