"""Layers that learn from data by `adapt`, and text: what they learn, give and say of themselves.

Keras computes text with TensorFlow, whichever its backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, config_facts
from .draw import rng_of
from .record import Record, plain
from .sides import Side

__all__ = ["PREPROCESSING"]

TEXTS = [
    "The quick brown Fox -- jumps, over the LAZY dog!",
    "the dog\tdoesn't  jump;\nthe fox does",
    "Ünïcode ÉTÉ été \u00a0wide\u00a0space \x1cseparated\x0bwords (brackets) [and] {more}",
    "",
    "dog dog dog ... !!! a-b_c d'e",
    "日本 日本 語 the",
]
WORDS = [["earth", "wind", "fire"], ["wind", "", "water"], ["[UNK]", "earth", "Wind"]]
VOCABULARY = ["wind", "earth", "and", "fire"]
NUMBERS = [[12, 1138, 42, 42], [42, 7, 36, 7], [-1, 0, 2**40, 12]]
VALUES = [[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, float("inf")], [2.0, -2.0, float("nan"), 1.0]]


def normal(*shape: int) -> np.ndarray:
    """Seeded numbers that are not centred."""
    return (3 + 2 * rng_of("normal").standard_normal(shape)).astype("float32")


def row(
    kind: str,
    title: str,
    data: Any,
    *arguments: Any,
    adapt: Any = None,
    skip: tuple[str, ...] = (),
    call: dict[str, Any] | None = None,
    symbolic: bool = True,
    after: Callable[[Any], None] | None = None,
    needs: str | None = None,
    **options: Any,
) -> Case:
    """Return the case of a layer of class `kind` on `data`, learned from `adapt`.

    Args:
        kind: the class.
        title: the configuration.
        data: the input; a tuple is several.
        *arguments: of the layer.
        adapt: gives what to learn from.
        skip: entries of the configuration that are the library's own business.
        call: further arguments of the call.
        symbolic: whether the shapes of symbolic tensors are asked.
        after: done to the layer before it is used.
        needs: see `Case`.
        **options: of the layer.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        layer = getattr(side.keras.layers, kind)(*arguments, **options)
        if adapt is not None:
            layer.adapt(adapt())
        if after is not None:
            after(layer)
        inputs = tuple(map(np.array, data)) if isinstance(data, tuple) else np.array(data)
        outputs = layer(inputs, **(call or {}))
        if options.get("invert") and kind == "StringLookup":
            record.facts["strings"] = _strings(outputs)
        else:
            record.values["output"] = side.array(outputs)
        for fact in ("get_vocabulary", "vocabulary_size"):
            if hasattr(layer, fact):
                record.facts[fact] = plain(getattr(layer, fact)())
        if hasattr(layer, "get_vocabulary"):
            record.facts["tokens"] = plain(layer.get_vocabulary(include_special_tokens=False))
        record.facts["weights"] = [
            [w.path.partition("/")[2], list(w.shape), str(w.dtype)] for w in layer.weights
        ]
        for number, w in enumerate(layer.weights):
            record.values[f"weight {number}"] = side.array(w)
        if symbolic:
            _symbolic(side, layer, inputs, record)
        config_facts(record, layer, skip, restore=not skip)

    return Case(f"preprocessing/{kind}/{title}", run, needs=needs)


def _symbolic(side: Side, layer: Any, inputs: Any, record: Record) -> None:
    several = inputs if isinstance(inputs, tuple) else (inputs,)
    symbols = [
        side.keras.Input(
            shape=array.shape[1:], dtype="string" if array.dtype.kind == "U" else array.dtype.name
        )
        for array in several
    ]
    output = layer(tuple(symbols) if isinstance(inputs, tuple) else symbols[0])
    record.facts["symbolic"] = [list(output.shape), str(output.dtype)]
    shapes = tuple((None, *array.shape[1:]) for array in several)
    shape = layer.compute_output_shape(shapes if isinstance(inputs, tuple) else shapes[0])
    record.facts["output shape"] = plain(tuple(shape))


def _strings(outputs: Any) -> list:
    array = np.array(outputs, dtype=object)
    shown = [s.decode() if isinstance(s, bytes) else str(s) for s in array.ravel().tolist()]
    return [list(array.shape), shown]


def batches(*parts: Any) -> Callable[[], Any]:
    """A generator of batches."""
    return lambda: (np.array(part) for part in parts)


def text(title: str, data: Any = TEXTS, **options: Any) -> Case:
    """Return a case of `TextVectorization`, which learns from `TEXTS`."""
    options.setdefault("adapt", lambda: TEXTS)
    return row("TextVectorization", title, data, **options)


def upper(texts: Any) -> Any:
    """Standardize by a function of arrays of strings."""
    return np.char.upper(texts)


TEXT = [
    text("plain"),
    text("column", [[t] for t in TEXTS], output_sequence_length=5),
    text("long", output_sequence_length=15, max_tokens=9),
    text("lower", standardize="lower"),
    text("strip", standardize="strip_punctuation", split="character"),
    text("as it is", standardize=None, split="character", output_sequence_length=3),
    text("bigrams", ngrams=2, max_tokens=20),
    text("ngrams", ngrams=(3, 1), standardize="lower"),
    text("multi_hot", output_mode="multi_hot"),
    text("count", output_mode="count", max_tokens=8),
    text("padded", output_mode="multi_hot", max_tokens=60, pad_to_max_tokens=True),
    text("tf_idf", output_mode="tf_idf"),
    text("tf_idf padded", output_mode="tf-idf", max_tokens=50, pad_to_max_tokens=True, ngrams=2),
    text("binary", output_mode="binary", max_tokens=12),
    text("batches", adapt=batches(TEXTS[:2], TEXTS[2:]), output_mode="tf_idf"),
    text("batches of columns", adapt=batches([[t] for t in TEXTS[:4]]), output_mode="count"),
    text("vocabulary", adapt=None, vocabulary=["dog", "the", "fox"]),
    text("whole vocabulary", adapt=None, vocabulary=["", "[UNK]", "dog", "the"]),
    text("given weights", adapt=None, vocabulary=["dog", "the"], output_mode="tf_idf",
         idf_weights=[0.25, 0.5]),
    text("words", WORDS, adapt=lambda: np.array(WORDS), split=None, output_sequence_length=4),
    text("words counted", WORDS, adapt=lambda: np.array(WORDS), split=None, output_mode="count"),
    text("function", standardize=upper, skip=("standardize",)),
    text("set later", adapt=None,
         after=lambda layer: layer.set_vocabulary(["the", "dog", "lazy"])),
]  # fmt: skip

STRINGS = [
    row("StringLookup", "plain", WORDS, adapt=lambda: np.array(WORDS)),
    row("StringLookup", "list", ["a", "b", "b"], adapt=lambda: ["b", "a", "c", "b", "c"]),
    row("StringLookup", "given", WORDS, vocabulary=VOCABULARY),
    row("StringLookup", "mask", WORDS, vocabulary=VOCABULARY, mask_token=""),
    row("StringLookup", "mask learned", WORDS, adapt=lambda: np.array(WORDS), mask_token="",
        max_tokens=4),
    row("StringLookup", "no oov", [["wind", "fire"]], vocabulary=VOCABULARY, num_oov_indices=0),
    row("StringLookup", "hashed", WORDS, vocabulary=["fire"], num_oov_indices=4),
    row("StringLookup", "salted", WORDS, vocabulary=["fire"], num_oov_indices=7, salt=[5, 9],
        mask_token="", oov_token="?"),
    row("StringLookup", "one_hot", WORDS, vocabulary=VOCABULARY, output_mode="one_hot"),
    row("StringLookup", "one_hot column", [["wind"], ["sea"]], vocabulary=VOCABULARY,
        output_mode="one_hot"),
    row("StringLookup", "one_hot row", ["wind", "sea"], vocabulary=VOCABULARY,
        output_mode="one_hot"),
    row("StringLookup", "multi_hot", WORDS, vocabulary=VOCABULARY, output_mode="multi_hot",
        mask_token=""),
    row("StringLookup", "multi_hot row", ["wind", "sea"], vocabulary=VOCABULARY,
        output_mode="multi_hot", symbolic=False),
    row("StringLookup", "count", WORDS, adapt=lambda: np.array(WORDS), output_mode="count",
        num_oov_indices=2),
    row("StringLookup", "padded", WORDS, vocabulary=VOCABULARY, output_mode="count",
        max_tokens=9, pad_to_max_tokens=True),
    row("StringLookup", "tf_idf", WORDS, adapt=lambda: np.array(WORDS), output_mode="tf_idf"),
    row("StringLookup", "tf_idf batches", WORDS, adapt=batches(WORDS[0], WORDS[1:]),
        output_mode="tf_idf", mask_token=""),
    row("StringLookup", "tf_idf given", WORDS, vocabulary=["[UNK]", *VOCABULARY],
        idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4], output_mode="tf_idf"),
    row("StringLookup", "tf_idf list", WORDS, adapt=lambda: ["wind", "sea", "wind"],
        output_mode="tf_idf", max_tokens=7, pad_to_max_tokens=True),
    row("StringLookup", "invert", [0, 1, 4], vocabulary=VOCABULARY, invert=True, symbolic=False,
        needs="torch"),
    row("StringLookup", "invert masked", [0, 1, 2, 9], vocabulary=VOCABULARY, invert=True,
        mask_token="-", symbolic=False, needs="torch"),
]  # fmt: skip

INTEGERS = [
    row("IntegerLookup", "plain", NUMBERS, adapt=lambda: np.array(NUMBERS)),
    row("IntegerLookup", "given", NUMBERS, vocabulary=[12, 36, 1138, 42]),
    row("IntegerLookup", "mask", NUMBERS, vocabulary=[42, 12, -5], mask_token=0),
    row("IntegerLookup", "max_tokens", NUMBERS, adapt=lambda: np.array(NUMBERS), max_tokens=4,
        mask_token=7),
    row("IntegerLookup", "no oov", [[12, 36]], vocabulary=[36, 12], num_oov_indices=0),
    row("IntegerLookup", "floormod", NUMBERS, vocabulary=[42], num_oov_indices=3, mask_token=0),
    row("IntegerLookup", "farmhash", NUMBERS, vocabulary=[42], num_oov_indices=5,
        oov_method="farmhash"),
    row("IntegerLookup", "salted", NUMBERS, vocabulary=[42], num_oov_indices=5, salt=7,
        oov_method="farmhash"),
    row("IntegerLookup", "one_hot", NUMBERS, vocabulary=[12, 42, 7], output_mode="one_hot"),
    row("IntegerLookup", "multi_hot", NUMBERS, vocabulary=[12, 42, 7], output_mode="multi_hot",
        mask_token=36),
    row("IntegerLookup", "count", NUMBERS, adapt=lambda: np.array(NUMBERS), output_mode="count"),
    row("IntegerLookup", "padded", NUMBERS, vocabulary=[12, 42], output_mode="count", max_tokens=6,
        pad_to_max_tokens=True),
    row("IntegerLookup", "tf_idf", NUMBERS, adapt=lambda: np.array(NUMBERS), output_mode="tf_idf"),
    row("IntegerLookup", "tf_idf given", NUMBERS, vocabulary=[12, 36, 1138, 42],
        idf_weights=[0.25, 0.75, 0.6, 0.4], output_mode="tf_idf"),
    row("IntegerLookup", "invert", [[1, 3, 4], [4, 0, 9]], vocabulary=[12, 36, 1138, 42],
        invert=True),
    row("IntegerLookup", "invert masked", [0, 1, 2], vocabulary=[12, 36], invert=True,
        mask_token=5),
]  # fmt: skip

CODES = [[0, 1, 1], [4, 4, 4], [2, 0, 3]]

CATEGORIES = [
    row("CategoryEncoding", "multi_hot", CODES, 5),
    row("CategoryEncoding", "count", CODES, 6, "count"),
    row("CategoryEncoding", "one_hot", CODES, num_tokens=5, output_mode="one_hot"),
    row("CategoryEncoding", "one_hot column", [[3], [0]], num_tokens=4, output_mode="one_hot"),
    row("CategoryEncoding", "one_hot row", [3, 0, 1], num_tokens=4, output_mode="one_hot"),
    row("CategoryEncoding", "weighted", CODES, 5, "count", symbolic=False,
        call={"count_weights": np.array([[0.1, 0.2, 0.4], [1, 2, 3], [1, 1, -1]], "float32")}),
    row("CategoryEncoding", "one sample", [3, 0, 3], num_tokens=4, symbolic=False),
    row("CategoryEncoding", "binary", CODES, 5, "binary"),
    row("Discretization", "boundaries", VALUES, [0.0, 1.0, 2.0]),
    row("Discretization", "one boundary", VALUES, [0.5]),
    row("Discretization", "learned", VALUES, num_bins=4, adapt=lambda: np.array(VALUES[0])),
    row("Discretization", "many", VALUES, num_bins=7, adapt=lambda: normal(500, 3)),
    row("Discretization", "batches", VALUES, num_bins=5, epsilon=0.05,
        adapt=lambda: [normal(30), normal(200, 2) * 2]),
    row("Discretization", "one_hot", VALUES, [0.0, 1.0], output_mode="one_hot"),
    row("Discretization", "multi_hot", VALUES, [0.0, 1.0], output_mode="multi_hot"),
    row("Discretization", "count", VALUES, [0.0, 1.0, 5.0], output_mode="count"),
    row("Normalization", "last axis", normal(4, 3), adapt=lambda: normal(9, 3)),
    row("Normalization", "no axis", normal(4, 3), axis=None, adapt=lambda: normal(9, 3)),
    row("Normalization", "two axes", normal(4, 3, 2), axis=(1, -1), adapt=lambda: normal(9, 3, 2)),
    row("Normalization", "first axis", normal(4, 3), axis=0, symbolic=False,
        adapt=lambda: normal(4, 3)),
    row("Normalization", "batches", normal(4, 3), adapt=batches(normal(9, 3), 2 * normal(5, 3))),
    row("Normalization", "invert", normal(4, 3), invert=True, adapt=lambda: normal(9, 3)),
    row("Normalization", "given", normal(4, 3), mean=3.0, variance=2.0),
    row("Normalization", "given rows", normal(4, 3), mean=[1.0, 2.0, 3.0], variance=[4.0, 2.0, 0.0],
        invert=True),
    row("Normalization", "no spread", normal(2, 2), adapt=lambda: np.ones((3, 2), "float32")),
]  # fmt: skip

LETTERS = [["A"], ["B"], ["C"], ["D"], [""], ["a much longer string than thirty-two bytes: é"]]

HASHES = [
    row("Hashing", "strings", LETTERS, 3),
    row("Hashing", "many bins", LETTERS, 1_000_003),
    row("Hashing", "mask", LETTERS, num_bins=3, mask_value=""),
    row("Hashing", "salt", LETTERS, num_bins=1009, salt=[133, 137]),
    row("Hashing", "one salt", LETTERS, num_bins=3, salt=133),
    row("Hashing", "numbers", NUMBERS, num_bins=101),
    row("Hashing", "numbers masked", NUMBERS, num_bins=11, mask_value=42, salt=3),
    row("Hashing", "int32", LETTERS, num_bins=3, dtype="int32"),
    row("Hashing", "one_hot", LETTERS, num_bins=4, output_mode="one_hot"),
    row("Hashing", "multi_hot", NUMBERS, num_bins=6, output_mode="multi_hot"),
    row("Hashing", "count", NUMBERS, num_bins=6, output_mode="count"),
    row("HashedCrossing", "plain", (["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]), 5),
    row("HashedCrossing", "columns", ([["A"], ["B"]], [[1], [-2]], [["x"], ["y"]]), 1009,
        symbolic=False),
    row("HashedCrossing", "numbers", ([1, 2, 3], [4, 5, 2**40]), num_bins=97),
    row("HashedCrossing", "one_hot", (["A", "B"], [101, 102]), 5, "one_hot"),
    row("HashedCrossing", "one_hot columns", ([["A"], ["B"]], [[1], [2]]), num_bins=6,
        output_mode="one_hot"),
]  # fmt: skip

TABLE = {
    "age": [20.0, 40.5, 30.0, 33.0, 71.0],
    "city": ["Rome", "Oslo", "Rome", "Bonn", "Oslo"],
    "floor": [1, 2, 3, 1, 12],
    "size": [1.0, 2.0, 3.0, 9.0, 0.5],
}


def table(title: str, make: Callable[[Any], dict[str, Any]], **options: Any) -> Case:
    """Return the case of a `FeatureSpace`, which learns from `TABLE`.

    Args:
        title: the configuration.
        make: gives the features for the class.
        **options: of the class.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        kind = side.keras.utils.FeatureSpace
        space = kind(make(kind), **options)
        columns = {name: TABLE[name] for name in space.features}
        space.adapt(columns)
        outputs = space(columns)
        parts = outputs if isinstance(outputs, dict) else {"": outputs}
        symbolic = space.get_encoded_features()
        symbolic = symbolic if isinstance(symbolic, dict) else {"": symbolic}
        for name, part in parts.items():
            record.values[f"output {name}"] = side.array(part)
        record.facts["symbolic"] = {name: list(part.shape) for name, part in symbolic.items()}
        record.facts["inputs"] = {
            name: [list(t.shape), str(t.dtype)] for name, t in space.get_inputs().items()
        }
        row = space({name: values[1] for name, values in columns.items()})
        record.facts["one row"] = [
            list(part.shape) for part in (row.values() if isinstance(row, dict) else [row])
        ]
        config_facts(record, space, ("features", "crosses", "name"), restore=False)

    return Case(f"preprocessing/FeatureSpace/{title}", run)


TABLES = [
    table("kinds", lambda k: {"age": "float_normalized", "city": "string_categorical",
                              "floor": "integer_categorical", "size": "float_discretized"},
          num_discretization_bins=3),
    table("hashes", lambda k: {"age": "float", "city": "string_hashed",
                               "floor": k.integer_hashed(num_bins=7)}, hashing_dim=5),
    table("crosses", lambda k: {"city": k.string_categorical(max_tokens=3, num_oov_indices=2),
                                "floor": k.integer_categorical(max_tokens=3)},
          crosses=[("city", "floor")], crossing_dim=11),
    table("dictionary", lambda k: {"city": k.string_categorical(output_mode="int"),
                                   "floor": "integer_hashed", "size": "float_normalized"},
          output_mode="dict", crosses=[("floor", "city")]),
]  # fmt: skip

PREPROCESSING = [*TABLES, *TEXT, *STRINGS, *INTEGERS, *CATEGORIES, *HASHES]
