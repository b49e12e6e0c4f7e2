"""Layers that learn from data by `adapt`, and text in models: known values, state and errors."""

from __future__ import annotations

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, DTypeError, GraphError, ShapeError
from kerasnb.layers.hashes import buckets, cross, farmhash64, siphash64
from kerasnb.layers.numerical_preprocessing import not_above
from kerasnb.models import fronts

TEXTS = np.array(["good film", "bad film", "good good", "awful bad film"] * 6)
LABELS = np.array([1, 0, 1, 0] * 6)


# what tf.strings.to_hash_bucket_fast and to_hash_bucket_strong give
FARMHASH = [
    397263,
    363939,
    161385,
    954234,
    687393,
    143733,
    319989,
    968750,
    581026,
    340329,
    351642,
    917508,
    554014,
]
SIPHASH = [450900, 841354, 64880, 234857, 654645, 861749]


def error_of(error, function) -> str:
    with pytest.raises(error) as caught:
        function()
    return str(caught.value)


def texts_vectorizer(**options) -> layers.TextVectorization:
    vectorizer = layers.TextVectorization(name="words", **options)
    vectorizer.adapt(TEXTS)
    return vectorizer


def classifier(vectorizer, eager: bool = False) -> kerasnb.Sequential:
    kerasnb.utils.set_random_seed(0)
    model = kerasnb.Sequential(
        [
            vectorizer,
            layers.Embedding(vectorizer.vocabulary_size(), 4),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", run_eagerly=eager)
    return model


# Hashes: the numbers are TensorFlow's


def test_farmhash_of_every_length():
    strings = [("abc0 " * 30)[:n].encode() for n in (0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 130)]
    assert buckets(strings, 10**6).tolist() == FARMHASH
    assert farmhash64([b""]).dtype == "uint64"


def test_siphash_of_every_length():
    strings = [("abc0 " * 30)[:n].encode() for n in (0, 1, 7, 8, 9, 130)]
    assert buckets(strings, 10**6, [133, 137]).tolist() == SIPHASH
    # the first vector of the function's own test: key 00 01 … 0f, no text
    key = [int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8)]
    assert siphash64([b""], key)[0] == 0x726FDB47DD0E0E31


def test_a_cross_depends_on_the_order():
    a, b = farmhash64([b"A"]), np.array([101], "uint64")
    assert cross([a, b], 5).tolist() == [1]
    assert cross([a, b], 10**6) != cross([b, a], 10**6)


# Numbers


def test_boundaries_below_and_nan():
    bins = np.array([-1.0, 0.5, 0.5, 7.0], "float32")
    x = np.array([-2.0, -1.0, 0.5, 6.9, 7.0, np.inf, -np.inf, np.nan], "float32")
    assert not_above(bins, ops.array(x)).numpy().tolist() == [0, 1, 3, 3, 4, 4, 0, 4]
    most = np.iinfo("int64").max
    keys = np.array([-5, 3, most])
    found = not_above(keys, ops.array(np.array([-6, -5, 4, most]))).numpy()
    assert found.tolist() == [0, 1, 2, 3]


def test_normalization_keeps_its_state_in_weights():
    layer = layers.Normalization()
    layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
    mean, variance, count = layer.get_weights()
    assert (mean.tolist(), variance.tolist(), count) == ([1, 8], [1, 1], 0)
    assert layer.mean.shape == layer.variance.shape == (1, 2)
    other = layers.Normalization.from_config(layer.get_config())
    other.build((None, 2))
    other.set_weights(layer.get_weights())
    x = np.array([[3.0, 4.0]], "float32")
    assert np.array_equal(other(x).numpy(), layer(x).numpy())
    layer.adapt([np.array([[1.0, 1.0]]), np.array([[3.0, 5.0]])])  # what was learned is forgotten
    assert layer.adapt_mean.numpy().tolist() == [2, 3]


def test_a_model_follows_an_adapt_after_it_was_traced():
    x = np.array([[1.0], [3.0]], "float32")
    bins = layers.Discretization(num_bins=2)
    bins.adapt(np.array([0.0, 1.0, 2.0, 3.0]))
    normal = layers.Normalization()
    normal.adapt(x)
    lookup = layers.IntegerLookup()
    lookup.adapt(np.array([1, 3, 3]))
    inputs = kerasnb.Input((1,))
    codes = kerasnb.Input((1,), dtype="int64")
    model = kerasnb.Model([inputs, codes], [bins(inputs), normal(inputs), lookup(codes)])
    data = [x, x.astype("int64")]
    before = model.predict(data, verbose=0)
    assert [a.ravel().tolist() for a in before] == [[1, 1], [-1, 1], [2, 1]]
    bins.adapt(np.array([2.0, 3.0, 4.0, 5.0]))
    normal.adapt(x + 1)
    lookup.adapt(np.array([1, 1, 3]))
    after = model.predict(data, verbose=0)
    assert [a.ravel().tolist() for a in after] == [[0, 1], [-2, 0], [1, 2]]


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_layers_of_numbers_run_in_compiled_models(mode):
    x = np.array([[1, 9], [7, 7], [4, 1]])
    inputs = kerasnb.Input((2,), dtype="int64")
    lookup = layers.IntegerLookup(vocabulary=[9, 7, 1], output_mode=mode)
    bins = layers.Discretization([2, 8], output_mode=mode)
    model = kerasnb.Model(inputs, [lookup(inputs), bins(inputs)])
    assert model._split is None
    for compiled, eager in zip(model.predict(x, verbose=0), model(x), strict=True):
        assert np.array_equal(compiled, eager.numpy())
    for made, layer in zip(model(x), (lookup, bins), strict=True):
        assert np.array_equal(made.numpy(), layer(x).numpy())


def test_unknown_numbers_are_found_before_a_compiled_step():
    lookup = layers.IntegerLookup(vocabulary=[5, 7], num_oov_indices=0, mask_token=0, name="ids")
    model = kerasnb.Sequential([lookup, layers.Embedding(3, 2)])
    assert model.predict(np.array([[5, 0], [7, 7]]), verbose=0).shape == (2, 2, 2)
    assert error_of(ArgumentError, lambda: model.predict(np.array([[5, 6]]), verbose=0)) == (
        "IntegerLookup 'ids': 1 of 2 values are not in the vocabulary, and num_oov_indices=0 "
        "leaves no index for them. Use num_oov_indices=1."
    )


def test_large_numbers_reach_a_hash_unrounded():
    ids = np.array([[2**40 + 1], [2**40 + 2]])
    model = kerasnb.Sequential([layers.Hashing(1000), layers.Embedding(1000, 1)])
    model.predict(ids, verbose=0)
    assert model.inputs[0].dtype == "int64"
    expected = model.layers[1](layers.Hashing(1000)(ids)).numpy()
    assert np.array_equal(model.predict(ids, verbose=0), expected)


def test_gradients_go_through_normalization():
    layer = layers.Normalization(mean=1.0, variance=4.0)
    x = ops.array([[2.0, 4.0]])
    with kerasnb.GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(layer(x) ** 2)
    assert tape.gradient(y, x).numpy().tolist() == [[0.5, 1.5]]


# Vocabularies


def test_ties_come_from_high_to_low():
    layer = layers.StringLookup()
    layer.adapt(["b", "c", "a", "é", "c"])
    assert layer.get_vocabulary() == ["[UNK]", "c", "é", "b", "a"]


def test_a_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("été\nthe\n", encoding="utf-8")
    layer = layers.TextVectorization(vocabulary=str(path))
    assert layer.get_vocabulary() == ["", "[UNK]", "été", "the"]
    assert layer.get_config()["vocabulary"] is None
    path.write_text("12\n7\n")
    assert layers.IntegerLookup(vocabulary=path)(np.array([7, 12, 1])).numpy().tolist() == [2, 1, 0]
    path.write_text("x\n")
    assert error_of(ArgumentError, lambda: layers.IntegerLookup(vocabulary=path, name="i")) == (
        "IntegerLookup 'i': expected a whole number in each line of the vocabulary file."
    )


@pytest.mark.parametrize(
    "data",
    [
        ["a", "b b"],
        [["a"], ["b b"]],
        np.array(["a", "b b"]),
        np.array(["a", "b b"], dtype=object),
        np.array([b"a", b"b b"]),
    ],
    ids=["list", "lists", "array", "objects", "bytes"],
)
def test_the_forms_of_text(data):
    layer = layers.TextVectorization()
    layer.adapt(data)
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"]
    assert layer(data).numpy().tolist() == [[3, 0], [2, 2]]


def test_one_text():
    layer = layers.TextVectorization(vocabulary=["b", "a"])
    assert layer("a b").numpy().tolist() == [3, 2]
    assert layers.StringLookup(vocabulary=["b", "a"])("a").numpy() == 2


class Batches(kerasnb.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return TEXTS[4 * index : 4 * index + 4], LABELS[4 * index : 4 * index + 4]


def test_adapt_reads_batches_of_a_dataset():
    expected = texts_vectorizer().get_vocabulary()
    layer = layers.TextVectorization()
    layer.adapt(Batches())
    assert layer.get_vocabulary() == expected
    layer.adapt((batch for batch, _ in Batches()), steps=1)
    assert layer.get_vocabulary() == expected  # each batch has the same texts
    layer.adapt(iter([TEXTS[:1]]))
    assert layer.get_vocabulary() == ["", "[UNK]", "good", "film"]


def test_functions_that_standardize_and_split():
    layer = layers.TextVectorization(
        standardize=lambda texts: np.char.replace(texts, "<br>", " "),
        split=lambda texts: [text.split("|") for text in texts],
    )
    layer.adapt(["a|b<br>b", "b b"])
    assert layer.get_vocabulary(include_special_tokens=False) == ["b b", "a"]
    mixed = layers.TextVectorization(split=lambda texts: [list(text) for text in texts])
    assert mixed(["Ab!", "c"]).shape == (2, 2)


def test_functions_of_the_user_in_a_configuration():
    @kerasnb.saving.register_keras_serializable(package="tests")
    def shout(texts):
        return np.char.upper(texts)

    layer = layers.TextVectorization(standardize=shout, vocabulary=["A"], ngrams=(1, 2))
    again = layers.TextVectorization.from_config(layer.get_config())
    assert again(["a a"]).numpy().tolist() == layer(["a a"]).numpy().tolist() == [[2, 2, 1]]


def test_strings_and_back():
    names = ["a", "b"]
    forward, back = (
        layers.StringLookup(vocabulary=names),
        layers.StringLookup(vocabulary=names, invert=True),
    )
    assert back(forward([["a", "z"], ["b", "b"]])).tolist() == [["a", "[UNK]"], ["b", "b"]]


# Text in models


@pytest.mark.parametrize("length", [3, None])
def test_text_into_a_sequential_model(length):
    vectorizer = texts_vectorizer(output_sequence_length=length)
    losses = []
    for eager in (False, True):
        model = classifier(vectorizer, eager)
        history = model.fit(
            TEXTS, LABELS, epochs=3, batch_size=8, validation_split=0.25, verbose=0
        ).history
        losses.append(
            [*history["loss"], *history["val_loss"], model.evaluate(TEXTS, LABELS, verbose=0)]
        )
    assert np.allclose(*losses, atol=1e-6)  # eager and compiled differ in how sums are ordered
    indices = kerasnb.Sequential(model.layers[1:])(vectorizer(TEXTS)).numpy()
    for given in (TEXTS, TEXTS.tolist(), TEXTS[:, None], TEXTS.astype(object)):
        assert np.allclose(model.predict(given, verbose=0), indices, atol=1e-6)
    assert np.allclose(model(TEXTS).numpy(), indices, atol=1e-6)
    assert np.allclose(model.predict_on_batch(TEXTS), indices, atol=1e-6)


def test_text_is_computed_at_once_only_where_memory_allows(monkeypatch):
    histories = []
    for most in (2**28, 0):
        monkeypatch.setattr(fronts, "_AT_ONCE", most)
        model = classifier(texts_vectorizer(output_sequence_length=3))
        data = model._make_data(TEXTS, LABELS)
        assert isinstance(data, fronts.FrontData) == (most == 0)
        assert [len(batch[1]) for batch in data.epoch()] == [24]
        history = model.fit(TEXTS, LABELS, batch_size=5, epochs=2, class_weight={0: 2}, verbose=0)
        histories.append(history.history["loss"])
    assert np.allclose(*histories, atol=1e-6)


def test_batches_of_text():
    model = classifier(texts_vectorizer())
    alone = model.fit(TEXTS, LABELS, batch_size=4, shuffle=False, verbose=0).history
    model = classifier(texts_vectorizer())
    assert model.fit(Batches(), shuffle=False, verbose=0).history == alone
    model = classifier(texts_vectorizer())
    pairs = (Batches()[i] for i in range(6))
    assert model.fit(pairs, validation_data=Batches(), verbose=0).history["loss"] == alone["loss"]
    assert set(model.train_on_batch(TEXTS[:4], LABELS[:4], return_dict=True)) == {"loss"}
    assert model.test_on_batch(TEXTS[:4], LABELS[:4]) > 0


def two_inputs(vectorizer):
    text = kerasnb.Input((1,), dtype="string", name="text")
    number = kerasnb.Input((2,), name="number")
    mean = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(vectorizer(text)))
    joined = layers.Concatenate()([mean, number])
    return kerasnb.Model({"text": text, "number": number}, layers.Dense(1)(joined))


def test_text_beside_numbers():
    kerasnb.utils.set_random_seed(1)
    model = two_inputs(texts_vectorizer())
    model.compile("sgd", "mse")
    data = {"text": TEXTS, "number": np.random.default_rng(0).random((24, 2), "float32")}
    before = model.evaluate(data, LABELS, verbose=0)
    assert model.fit(data, LABELS, epochs=3, verbose=0).history["loss"][-1] < before
    assert np.allclose(model.predict(data, verbose=0), model(data).numpy(), atol=1e-6)
    assert model.explain()
    assert model.profile(data, LABELS)


def test_a_model_with_text_within_another():
    kerasnb.utils.set_random_seed(2)
    vectorizer = texts_vectorizer()
    inner = classifier(vectorizer)
    inner.predict(TEXTS[:1], verbose=0)
    text = kerasnb.Input((1,), dtype="string")
    model = kerasnb.Model(text, layers.Dense(1)(inner(text)))
    model.compile("sgd", "mse")
    before = [w.copy() for w in inner.get_weights()]
    model.fit(TEXTS, LABELS, verbose=0)
    assert all((a != b).any() for a, b in zip(before, inner.get_weights(), strict=True))
    assert np.allclose(model.predict(TEXTS, verbose=0), model(TEXTS).numpy(), atol=1e-6)
    # a model that only prepares is computed before the step as a whole
    prepare = kerasnb.Model(text, vectorizer(text))
    outer = kerasnb.Model(text, layers.Embedding(9, 2)(prepare(text)))
    assert not outer._split.inner
    assert np.array_equal(outer.predict(TEXTS, verbose=0), outer(TEXTS).numpy())


def test_a_hash_of_what_was_computed():
    number, text = kerasnb.Input((1,)), kerasnb.Input((1,), dtype="string")
    bins = layers.Discretization([0.0, 1.0])(number)
    crossed = layers.HashedCrossing(8, "one_hot")([bins, text])
    model = kerasnb.Model([number, text], layers.Concatenate()([crossed, number * 2]))
    data = [np.array([[0.5], [-1.0]], "float32"), np.array([["a"], ["b"]])]
    expected = layers.HashedCrossing(8, "one_hot")([np.array([[1], [0]]), data[1]]).numpy()
    for made in (model.predict(data, verbose=0), model(data).numpy()):
        assert np.array_equal(made[:, :-1], expected)
        assert made[:, -1].tolist() == [1, -2]


class OwnModel(kerasnb.Model):
    def __init__(self, vectorizer):
        super().__init__()
        self.vectorizer = vectorizer
        self.embedding = layers.Embedding(9, 3)
        self.dense = layers.Dense(1)

    def call(self, texts):
        return self.dense(ops.mean(self.embedding(self.vectorizer(texts)), axis=1))


def test_text_in_a_model_of_ones_own_runs_op_by_op():
    model = OwnModel(texts_vectorizer())
    model.compile("sgd", "mse")
    losses = model.fit(TEXTS, LABELS, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    assert np.allclose(model.predict(TEXTS, verbose=0), model(TEXTS).numpy(), atol=1e-6)


def test_a_copy_from_the_configuration():
    vectorizer = texts_vectorizer()
    model = two_inputs(vectorizer)
    again = type(model).from_config(model.get_config())
    assert {t.name: t.dtype for t in again.inputs} == {"text": "string", "number": "float32"}
    copy = next(x for x in again.layers if isinstance(x, layers.TextVectorization))
    assert copy.get_vocabulary() == ["", "[UNK]"]  # as in Keras: what was learned is no argument
    copy.set_vocabulary(vectorizer.get_vocabulary())
    again.set_weights(model.get_weights())
    data = {"text": TEXTS, "number": np.ones((24, 2), "float32")}
    assert np.array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))


# Errors


def model_of_numbers() -> kerasnb.Sequential:
    model = kerasnb.Sequential([layers.Dense(1)], name="m")
    model.compile("sgd", "mse")
    return model


FIRST = "put a TextVectorization (or for categories a StringLookup) first."
S, T, W, D = (
    layers.StringLookup,
    layers.TextVectorization,
    layers.IntegerLookup,
    layers.Discretization,
)
ERRORS = {
    "dense": (
        DTypeError,
        lambda: layers.Dense(2, name="d")(np.array(["a"])),
        f"Dense 'd' takes numbers, got strings; {FIRST}",
    ),
    "dense, symbolic": (
        DTypeError,
        lambda: layers.Dense(2, name="d")(kerasnb.Input((1,), dtype="string")),
        f"Dense 'd' takes numbers, got strings; {FIRST}",
    ),
    "op": (DTypeError, lambda: ops.add(["a"], 1), f"A tensor takes numbers, got strings; {FIRST}"),
    "symbolic op": (
        DTypeError,
        lambda: ops.exp(kerasnb.Input((1,), dtype="string")),
        f"exponential takes numbers, got strings; {FIRST}",
    ),
    "model": (
        DTypeError,
        lambda: model_of_numbers().fit(TEXTS, LABELS, verbose=0),
        "x: expected numbers, got text (dtype <U14). Turn them into numbers first, "
        "with TextVectorization or StringLookup.",
    ),
    "labels": (
        DTypeError,
        lambda: classifier(texts_vectorizer()).fit(TEXTS, TEXTS, verbose=0),
        "y: expected numbers, got text (dtype <U14). Turn them into numbers first, "
        "with TextVectorization or StringLookup.",
    ),
    "numbers for text": (
        DTypeError,
        lambda: two_inputs(texts_vectorizer()).predict(
            {"text": np.ones((2, 1), "float32"), "number": np.ones((2, 2))}, verbose=0
        ),
        "input 'text': expected text, got f32[2,1].",
    ),
    "text as output": (
        GraphError,
        lambda: kerasnb.Model(
            i := kerasnb.Input((1,), dtype="int64"),
            S(vocabulary=["a"], invert=True)(i),
            name="m",
        ),
        "Model 'm': an output is text, but models compute numbers. Turn what predict gives into "
        "text afterwards.",
    ),
    "missing values": (
        DTypeError,
        lambda: T(name="t")(np.array(["a", None], dtype=object)),
        "TextVectorization 't': expected strings, got also NoneType. Replace what is "
        "missing by '', "
        "and numbers by str(number).",
    ),
    "ragged": (
        ShapeError,
        lambda: S(name="s")([["a"], ["a", "b"]]),
        "StringLookup 's': expected texts in an array, got lists of different lengths. Join the "
        "words of each text to one string, or fill the lists up with ''.",
    ),
    "several texts": (
        ShapeError,
        lambda: T(name="t")([["a", "b"]]),
        "TextVectorization 't': expected texts (N,) or (N, 1), got (1, 2). Join the texts of each "
        "sample, or use split=None if they are words.",
    ),
    "unknown standardize": (
        ArgumentError,
        lambda: T(standardize="lowe", name="t"),
        "Unknown standardize of TextVectorization 't': 'lowe'. Did you mean 'lower'?",
    ),
    "unknown mode": (
        ArgumentError,
        lambda: T(output_mode="ints", name="t"),
        "Unknown output_mode of StringLookup 't_vocabulary': 'ints'. Did you mean 'int'?",
    ),
    "ragged output": (
        ArgumentError,
        lambda: T(ragged=True, name="t"),
        "TextVectorization 't': ragged must be false: the rows of a tensor are of one "
        "length. Leave "
        "it out; shorter sequences are filled up with zeros.",
    ),
    "sparse": (
        ArgumentError,
        lambda: S(sparse=True, name="s"),
        "StringLookup 's': sparse must be false: sparse tensors are not supported.",
    ),
    "not learned": (
        GraphError,
        lambda: S(output_mode="count", name="s")(["a"]),
        "StringLookup 's': with output_mode='count' the output's length is that of the vocabulary: "
        "call adapt(data) first, or give a vocabulary, or pad_to_max_tokens=True.",
    ),
    "no weights": (
        GraphError,
        lambda: T(output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True, name="t")(["a"]),
        "StringLookup 't_vocabulary': has no weights of tokens yet: call adapt(data) first, or "
        "give vocabulary and idf_weights.",
    ),
    "given and learned": (
        ArgumentError,
        lambda: S(vocabulary=["a"], name="s").adapt(["b"]),
        "StringLookup 's': adapt learns a vocabulary, but one was given when the layer was made. "
        "Leave one of them out.",
    ),
    "twice": (
        ArgumentError,
        lambda: S(vocabulary=["a", "b", "a"], name="s"),
        "StringLookup 's': the vocabulary has tokens twice: 'a'.",
    ),
    "mask inside": (
        ArgumentError,
        lambda: S(vocabulary=["a", "-"], mask_token="-", name="s"),
        "StringLookup 's': the vocabulary holds the mask_token '-'. Leave it out, or "
        "begin with all "
        "special tokens: ['-', '[UNK]'].",
    ),
    "too many": (
        ArgumentError,
        lambda: S(max_tokens=2, vocabulary=["a", "b"], name="s"),
        "StringLookup 's': the vocabulary has 3 tokens, special ones included, more than "
        "max_tokens=2.",
    ),
    "empty": (ArgumentError, lambda: S(vocabulary=[], name="s"),
              "StringLookup 's': the vocabulary is empty."),
    "no index": (
        ArgumentError,
        lambda: S(vocabulary=["a"], num_oov_indices=0, name="s")(["a", "b", "c"]),
        "StringLookup 's': 2 of 3 values are not in the vocabulary, and "
        "num_oov_indices=0 leaves no "
        "index for them. Use num_oov_indices=1.",
    ),
    "no index of a number": (
        ArgumentError,
        lambda: W(vocabulary=[1], num_oov_indices=0, name="i")(np.array([1, 2])),
        "IntegerLookup 'i': 1 of 2 values are not in the vocabulary, and num_oov_indices=0 leaves "
        "no index for them. Use num_oov_indices=1.",
    ),
    "another length": (
        GraphError,
        lambda: S(vocabulary=["a"], output_mode="count", name="s").set_vocabulary(["a", "b"]),
        "StringLookup 's': the vocabulary had 2 tokens, and now has 3; with "
        "output_mode='count' that "
        "changes the output's length. Make a new layer, or use pad_to_max_tokens=True.",
    ),
    "weights": (
        ArgumentError,
        lambda: S(vocabulary=["a"], output_mode="tf_idf", name="s"),
        "StringLookup 's': output_mode='tf_idf' with a vocabulary needs idf_weights too.",
    ),
    "weights that do not fit": (
        ArgumentError,
        lambda: S(vocabulary=["a"], idf_weights=[1, 2], output_mode="tf_idf", name="s"),
        "StringLookup 's': expected 1 idf_weights, one for each token of the vocabulary, got shape "
        "(2,).",
    ),
    "no file": (
        ArgumentError,
        lambda: S(vocabulary="/nowhere/words.txt", name="s"),
        "StringLookup 's': the vocabulary file '/nowhere/words.txt' cannot be read: No "
        "such file or "
        "directory.",
    ),
    "fractions": (
        DTypeError,
        lambda: W(name="i")(np.array([0.5], "float32")),
        "IntegerLookup 'i': expected whole numbers, got f32[1]. Use Input(..., dtype='int64'), or "
        "Discretization for numbers with fractions.",
    ),
    "numbers for strings": (
        DTypeError,
        lambda: S(name="s")(np.array([1])),
        "StringLookup 's': expected strings, got int64. For whole numbers use IntegerLookup; "
        "invert=True turns indices into strings.",
    ),
    "salt": (
        ArgumentError,
        lambda: layers.Hashing(3, salt="x", name="h"),
        "Hashing 'h': salt must be a whole number or two of them, got 'x'.",
    ),
    "one input": (
        ArgumentError,
        lambda: layers.HashedCrossing(3, name="h")([["A"]]),
        "HashedCrossing 'h': expected a list of two or more inputs, got list.",
    ),
    "crossed fractions": (
        DTypeError,
        lambda: layers.HashedCrossing(3, name="h")((["A"], [0.5])),
        "HashedCrossing 'h': expected strings or whole numbers, got float64. Use "
        "Discretization for "
        "numbers with fractions.",
    ),
    "different shapes": (
        ShapeError,
        lambda: layers.HashedCrossing(3, name="h")((["A"], [1, 2])),
        "HashedCrossing 'h': expected inputs of one shape, got (1,) and (2,).",
    ),
    "no tokens": (
        ArgumentError,
        lambda: layers.CategoryEncoding(name="c"),
        "CategoryEncoding 'c': num_tokens must be given. If the number of categories is not known, "
        "use IntegerLookup.",
    ),
    "three axes": (
        ShapeError,
        lambda: layers.CategoryEncoding(3, name="c")(np.ones((1, 2, 3), "int32")),
        "CategoryEncoding 'c': output_mode='multi_hot' makes a vector of each sample, and expects "
        "inputs (samples, values), got (1, 2, 3). Reshape them, or use output_mode='one_hot'.",
    ),
    "no boundaries": (
        ArgumentError,
        lambda: D(name="d"),
        "Discretization 'd': give either bin_boundaries or num_bins, got neither.",
    ),
    "boundaries given": (
        ArgumentError,
        lambda: D([1.0], name="d").adapt(np.ones(3)),
        "Discretization 'd': adapt learns boundaries, but bin_boundaries were given. "
        "Make the layer "
        "with num_bins instead.",
    ),
    "not adapted": (
        GraphError,
        lambda: D(num_bins=3, name="d")(np.ones(3)),
        "Discretization 'd': has no boundaries yet; call adapt(data) first, or give "
        "bin_boundaries.",
    ),
    "descending": (
        ArgumentError,
        lambda: D([1.0, 0.0], name="d"),
        "Discretization 'd': bin_boundaries must be a list of numbers in ascending order, got "
        "[1.0, 0.0].",
    ),
    "only the mean": (
        ArgumentError,
        lambda: layers.Normalization(mean=1.0, name="n"),
        "Normalization 'n': mean and variance go together; give variance too.",
    ),
    "another width": (
        ShapeError,
        lambda: [n := layers.Normalization(name="n"), n.build((None, 3)), n.adapt(np.ones((2, 4)))],
        "Normalization 'n': was built for inputs of shape (None, 3), but adapt got (2, 4).",
    ),
    "unknown width": (
        ShapeError,
        lambda: layers.Normalization(name="n")(kerasnb.Input((None,))),
        "Normalization 'n': axis 1 of the input (None, None) must be known, as each of its places "
        "has a mean of its own. Give its size in Input.",
    ),
    "list of numbers": (
        DTypeError,
        lambda: layers.Normalization(name="n").adapt([1.0, 2.0]),
        "Normalization 'n': adapt expected an array, or batches that are arrays, got float in a "
        "list. Pass np.array(data).",
    ),
    "no data": (
        ShapeError,
        lambda: layers.Normalization(name="n").adapt([]),
        "Normalization 'n': adapt got no data.",
    ),
    "one string": (
        ArgumentError,
        lambda: T(name="t").adapt("a b"),
        "adapt: expected a list of strings, an array or batches of them, got one string. Put it "
        "into a list.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, function, text = ERRORS[name]
    kerasnb.backend.clear_session()
    assert error_of(kind, function).endswith(text)
