"""Attention layers and `EinsumDense`: known values, masks, models, configurations, errors."""

import json

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.graph import Graph, inner_level
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder
from kerasnb.variable import StateScope

RNG = np.random.default_rng(0)


def data(*shape):
    return RNG.normal(size=shape).astype("float32")


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def heads(**options):
    """A small layer with weights that are not near 0, biases included."""
    layer = layers.MultiHeadAttention(2, 3, bias_initializer="glorot_uniform", name="m", **options)
    layer.build((None, None, 4), (None, None, 4))
    return layer


# Known values


def test_multi_head_attention_by_hand():
    layer, x, z = heads(), data(2, 5, 4), data(2, 7, 4)
    y, weights = layer(x, z, return_attention_scores=True)
    w_q, b_q, w_k, b_k, w_v, b_v, w_o, b_o = layer.get_weights()
    expected = b_o
    for head in range(2):
        q, k, v = (
            a @ w[:, head] + b[head] for a, w, b in ((x, w_q, b_q), (z, w_k, b_k), (z, w_v, b_v))
        )
        seen = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(3))
        close(weights[:, head], seen)
        expected = expected + seen @ v @ w_o[head]
    close(y, expected)


def test_the_gate_is_a_sigmoid_of_the_query():
    layer, x = heads(use_gate=True), data(2, 5, 4)
    names = [w.path.split("/")[1] for w in layer.weights[::2]]
    assert names == ["query", "key", "gate", "value", "attention_output"]
    before = layer(x, x).numpy()
    gate = layer._gate_dense
    gate.set_weights([np.zeros(w.shape) for w in gate.weights])  # sigmoid(0) = 1/2
    half = layer(x, x).numpy() - layer.output_dense.bias.numpy()
    gate.set_weights([np.zeros((4, 2, 3)), np.full((2, 3), 50.0)])  # sigmoid(50) = 1
    close(layer(x, x) - layer.output_dense.bias, 2 * half)
    assert np.abs(layer(x, x).numpy() - before).max() > 0.01


def test_attention_over_chosen_axes_is_attention_line_by_line():
    x = data(2, 3, 5, 4)
    layer = layers.MultiHeadAttention(2, 3, attention_axes=2)
    close(layer(x, x)[:, 1], layer(x[:, 1:2], x[:, 1:2])[:, 0])
    both = layers.MultiHeadAttention(2, 3)
    assert both(x, x, return_attention_scores=True)[1].shape == (2, 2, 3, 5, 3, 5)
    assert both.attention_axes == (1, 2)
    flat = both(x.reshape(2, 15, 1, 4), x.reshape(2, 15, 1, 4))
    close(both(x, x), flat.numpy().reshape(2, 3, 5, 4))


def test_luong_attention_by_hand():
    q, v, k = data(2, 3, 4), data(2, 5, 6), data(2, 5, 4)
    y, weights = layers.Attention()([q, v, k], return_attention_scores=True)
    close(weights, softmax(q @ k.transpose(0, 2, 1)))
    close(y, weights.numpy() @ v)
    layer = layers.Attention(use_scale=True)
    layer.build([q.shape, v.shape, k.shape])
    layer.scale.assign(0.5)
    close(layer([q, v, k]), softmax(q @ k.transpose(0, 2, 1) / 2) @ v)


def test_additive_attention_by_hand():
    q, v = data(2, 3, 4), data(2, 5, 4)
    layer = layers.AdditiveAttention()
    y = layer([q, v])
    scores = (layer.scale.numpy() * np.tanh(q[:, :, None] + v[:, None])).sum(-1)
    close(y, softmax(scores) @ v)
    sums = np.tanh(q[:, :, None] + v[:, None]).sum(-1)
    close(layers.AdditiveAttention(use_scale=False)([q, v]), softmax(sums) @ v)
    close(layers.Attention(score_mode="concat")([q, v]), softmax(sums) @ v)


def test_dot_product_attention_by_hand():
    q, k, v = data(2, 3, 4, 5), data(2, 6, 4, 5), data(2, 6, 4, 7)
    scores = np.einsum("btnh,bsnh->bnts", q, k)
    y = ops.dot_product_attention(q, k, v)
    close(y, np.einsum("bnts,bsnh->btnh", softmax(scores / np.sqrt(5)), v))
    bias = data(1, 4, 1, 6)
    y = ops.dot_product_attention(q, k, v, bias=bias, scale=0.3)
    close(y, np.einsum("bnts,bsnh->btnh", softmax(scores * 0.3 + bias), v))


def test_few_keys_serve_many_queries():
    q, k, v = data(2, 3, 6, 5), data(2, 4, 2, 5), data(2, 4, 2, 7)
    mask = np.tril(np.ones((3, 4), bool))
    expected = ops.dot_product_attention(q, k.repeat(3, 2), v.repeat(3, 2), mask=mask)
    close(ops.dot_product_attention(q, k, v, mask=mask), expected)
    close(ops.dot_product_attention(q, k, v, is_causal=True), expected)


def test_einsum_dense_is_dense_on_the_last_axis():
    x, dense = data(2, 3, 5), layers.Dense(4, activation="tanh", bias_initializer="ones")
    expected = dense(x)
    for equation, shape in (("abc,cd->abd", (None, 4)), ("...c,cd->...d", 4)):
        layer = layers.EinsumDense(equation, shape, "tanh", "d")
        layer(x)
        layer.set_weights(dense.get_weights())
        close(layer(x), expected)


def test_einsum_dense_in_any_order():
    x = data(2, 3, 5)
    layer = layers.EinsumDense("abc,edc->adbe", (4, None, 6))
    y = layer(x)
    close(y, np.einsum("abc,edc->adbe", x, layer.kernel.numpy()))
    assert layer.kernel.shape == (6, 4, 5)
    layer = layers.EinsumDense("ab...,bc->ac...", 4, bias_axes="c", bias_initializer="ones")
    close(layer(x), np.einsum("abd,bc->acd", x, layer.kernel.numpy()) + 1)
    assert layer.bias.shape == (4, 1)


def test_first_kernels_have_the_fans_of_what_they_multiply():
    layer = layers.MultiHeadAttention(4, 30, value_dim=50)
    layer.build((None, None, 80), (None, None, 80))
    fans = {"query": (80, 120), "key": (80, 120), "value": (80, 200), "output": (200, 80)}
    kernels = {name: getattr(layer, f"{name}_dense").kernel.numpy() for name in fans}
    for name, (ins, outs) in fans.items():
        limit = np.sqrt(6 / (ins + outs))
        # of thousands of numbers spread evenly up to the limit, the largest is within a hundredth
        assert 0.99 * limit < np.abs(kernels[name]).max() <= limit
    assert not np.array_equal(kernels["query"], kernels["key"])


# Masks


def test_what_is_masked_does_not_matter():
    layer, x, z = heads(), data(2, 3, 4), data(2, 5, 4)
    seen = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1]], bool)
    other = np.where(seen[..., None], z, 100.0).astype("float32")
    for mask in (
        {"value_mask": seen},
        {"key_mask": seen},
        {"attention_mask": seen[:, None]},
        {"attention_mask": seen[:, None, None].astype("float32")},
    ):
        close(layer(x, other, **mask), layer(x, z, **mask))
        weights = layer(x, z, return_attention_scores=True, **mask)[1].numpy()
        assert (weights[np.broadcast_to(~seen[:, None, None], weights.shape)] == 0).all()
        close(weights.sum(-1), np.ones((2, 2, 3)))
    for kind in (layers.Attention, layers.AdditiveAttention):
        simple = kind()
        close(simple([x, other], mask=[None, seen]), simple([x, z], mask=[None, seen]))


def test_masks_add_up():
    layer, x = heads(), data(2, 5, 4)
    seen, pairs = np.array([[1, 1, 0, 1, 1]] * 2, bool), RNG.random((5, 5)) > 0.3
    pairs[:, 0] = True
    both = pairs & seen[0] & np.tril(np.ones((5, 5), bool))
    y = layer(x, x, value_mask=seen, attention_mask=pairs, use_causal_mask=True)
    close(y, layer(x, x, attention_mask=both))


def test_a_query_that_sees_nothing_is_answered_with_zeros():
    layer, x = heads(dtype="float64"), RNG.normal(size=(2, 3, 4))
    counts = np.array([[True, True, False], [False, False, False]])
    with kerasnb.GradientTape() as tape:
        y, weights = layer(x, x, query_mask=counts, return_attention_scores=True)
        total = ops.sum(y)
    assert all(np.isfinite(g.numpy()).all() for g in tape.gradient(total, layer.weights))
    assert np.abs(weights.numpy().transpose(0, 2, 1, 3)[~counts]).max() == 0
    close(y.numpy()[~counts], np.broadcast_to(layer.output_dense.bias.numpy(), (4, 4)))
    close(y[0, 0], layer(x, x)[0, 0])


def test_an_attention_gives_zeros_for_queries_that_do_not_count():
    q, v = data(2, 3, 4), data(2, 5, 4)
    counts = np.array([[True, False, True], [False, True, True]])
    y = layers.Attention()([q, v], mask=[counts, None]).numpy()
    close(y[counts], layers.Attention()([q, v]).numpy()[counts])
    assert (y[~counts] == 0).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: heads()(x, x, use_causal_mask=True),
        lambda x: layers.Attention()([x, x], use_causal_mask=True),
        lambda x: layers.AdditiveAttention()([x, x], use_causal_mask=True),
        lambda x: ops.dot_product_attention(*[x[:, :, None]] * 3, is_causal=True),
    ],
)
def test_a_causal_mask_hides_what_comes_later(call):
    x = data(2, 5, 4)
    later = x.copy()
    later[:, 3:] += 1
    kerasnb.utils.set_random_seed(0)
    before = call(x).numpy()
    kerasnb.utils.set_random_seed(0)
    after = call(later).numpy()
    close(after[:, :3], before[:, :3])
    assert np.abs(after[:, 3:] - before[:, 3:]).min() > 1e-6


def test_a_window_hides_what_is_far():
    layer, x = heads(sliding_window=2), data(1, 5, 4)
    weights = layer(x, x, return_attention_scores=True)[1].numpy()
    near = np.abs(np.subtract.outer(range(5), range(5))) < 2
    np.testing.assert_array_equal(weights[0] > 0, [near] * 2)
    weights = layer(x, x, return_attention_scores=True, use_causal_mask=True)[1].numpy()
    np.testing.assert_array_equal(weights[0] > 0, [np.tril(near)] * 2)


# Dropout, gradients, plans and models


def test_dropout_is_for_training():
    layer, x = heads(dropout=0.5, seed=1), data(2, 5, 4)
    plain, weights = layer(x, x, return_attention_scores=True)
    dropped, same = layer(x, x, return_attention_scores=True, training=True)
    close(same, weights)  # they are those before the dropout
    assert np.abs((dropped - plain).numpy()).max() > 1e-3
    layer = layers.Attention(dropout=0.5, seed=1)
    eye = np.eye(4, dtype="float32")[None]
    y = layer([np.zeros((1, 50, 4), "float32"), eye], training=True).numpy()
    assert set(np.unique(y)) == {0.0, 0.5}  # 1/4, dropped or doubled


LAYERS = {
    "heads": (layers.MultiHeadAttention, (2, 3), {"value_dim": 2, "output_shape": (2, 2)}),
    "gated": (layers.MultiHeadAttention, (1, 2), {"use_gate": True, "sliding_window": 3}),
    "dot": (layers.Attention, (True,), {}),
    "concat": (layers.Attention, (True, "concat"), {}),
    "additive": (layers.AdditiveAttention, (), {}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_agree_with_central_differences(name):
    kind, arguments, options = LAYERS[name]
    layer = kind(*arguments, **options, dtype="float64")
    mask = np.array([[1, 1, 0, 1, 1], [1, 0, 1, 1, 1]], bool)

    def loss(x, z):
        if kind is layers.MultiHeadAttention:
            y = layer(x, z, value_mask=mask, use_causal_mask=name == "gated")
        else:
            y = layer([x, z], mask=[None, mask], use_causal_mask=True)
        return ops.sum(ops.sin(y))

    inputs = [ops.array(RNG.normal(size=(2, n, 4))) for n in (4, 5)]
    loss(*inputs)
    with kerasnb.GradientTape() as tape:
        value = loss(*inputs)
    gradients = tape.gradient(value, [*inputs, *layer.weights])
    start = [v.numpy().copy() for v in (*inputs, *layer.weights)]
    directions = [RNG.normal(size=v.shape) for v in start]
    ends = []
    for step in (1e-6, -1e-6):
        moved = [v + step * d for v, d in zip(start, directions, strict=True)]
        layer.set_weights(moved[2:])
        ends.append(float(loss(*map(ops.array, moved[:2]))))
    slope = sum(float(ops.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
    # float64: differences at 1e-6 are good to about 1e-9 of the loss
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-7)


def test_neighbours_stay_neighbours_in_all_products():
    shapes = [(2, 5, 4), *(w.shape for w in heads().weights)]

    def gradients(x, *weights):
        layer = heads()
        for weight, value in zip(layer.weights, weights, strict=True):
            weight.assign(value)
        with kerasnb.GradientTape() as tape:
            total = ops.sum(layer(x, x))
        return tape.gradient(total, [x, *layer.weights])

    with inner_level(), StateScope().active():
        inputs = [placeholder(TensorSpec(shape, "float32")) for shape in shapes]
        graph = Graph(inputs, gradients(*inputs))
    axes = [n.attrs["axes"] for n in graph.nodes if n.op.name == "transpose"]
    # the means, their gradient, and those of queries, keys and values: features stay last
    assert [a[-1] for a in axes] == [3] * 5


def transformer(**options):
    """A model of one block, which tells the class of each word."""
    words = kerasnb.Input((None,), dtype="int32")
    x = layers.Embedding(20, 8)(words)
    seen = layers.MultiHeadAttention(2, 4, dropout=0.2, seed=5)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, seen]))
    model = kerasnb.Model(words, layers.Dense(3, activation="softmax")(x))
    model.compile(kerasnb.optimizers.SGD(0.1), "sparse_categorical_crossentropy", **options)
    return model


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}], ids=["traced", "native"])
def test_a_traced_step_is_the_eager_one(options):
    if options:
        pytest.importorskip("llvmlite")
    x, y = RNG.integers(0, 20, (8, 7)), RNG.integers(0, 3, (8, 7))
    weights = []
    for choice in (options, {"run_eagerly": True}):
        kerasnb.utils.set_random_seed(1)
        model = transformer(**choice)
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for traced, eager in zip(*weights, strict=True):
        close(traced, eager)


def test_a_block_of_ones_own_trains():
    class Block(kerasnb.Model):
        def __init__(self):
            super().__init__()
            self.attend = layers.MultiHeadAttention(2, 4)
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(ops.mean(x + self.attend(x, x), axis=1))

    model = Block()
    model.compile("adam", "mse")
    x, y = data(16, 5, 8), data(16, 1)
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert len(model.trainable_weights) == 10


def test_a_query_looks_at_inputs_of_unknown_length():
    query, value = kerasnb.Input((None, 4)), kerasnb.Input((6, 3))
    y, weights = layers.MultiHeadAttention(2, 3)(query, value, return_attention_scores=True)
    assert (y.shape, weights.shape) == ((None, None, 4), (None, 2, None, 6))
    mask = kerasnb.Input((6,), dtype="bool")
    z = layers.Attention()([layers.Dense(3)(y), value], mask=[None, mask])
    model = kerasnb.Model([query, value, mask], z)
    found = model.predict([data(2, 5, 4), data(2, 6, 3), np.ones((2, 6), bool)], verbose=0)
    assert found.shape == (2, 5, 3)


def test_a_frozen_layer_stays_as_it_is():
    layer = heads(trainable=False)
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 8


def test_penalties_are_those_of_the_projections():
    layer, x = heads(activity_regularizer="l1", kernel_regularizer="l2"), data(2, 5, 4)
    layer(x, x)
    assert len(layer.losses) == 4 + 4


# Configurations and files


@pytest.mark.parametrize(
    "layer",
    [
        layers.MultiHeadAttention(
            2, 3, 4, 0.1, attention_axes=1, seed=2, activity_regularizer="l2"
        ),
        layers.MultiHeadAttention(2, 3, output_shape=5, use_gate=True, sliding_window=4),
        layers.Attention(True, "concat", 0.2, 3),
        layers.AdditiveAttention(False, 0.1, seed=4),
        layers.EinsumDense("abc,cd->abd", (None, 4), "relu", "d", "he_normal", "ones", "l1"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_comes_back_from_its_configuration(layer):
    config = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(config)
    assert type(again) is type(layer)
    assert json.loads(json.dumps(layers.serialize(again))) == config


def test_a_built_layer_comes_back_built():
    layer = layers.MultiHeadAttention(2, 3)
    layer.build((None, 5, 4), (None, 6, 7))
    config = json.loads(json.dumps(layers.serialize(layer)))
    assert config["build_config"] == {
        "shapes_dict": {"query_shape": [None, 5, 4], "value_shape": [None, 6, 7]}
    }
    again = layers.deserialize(config)
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]


def test_a_model_comes_back_from_its_json_and_its_weights(tmp_path):
    h5py = pytest.importorskip("h5py")
    first = transformer()
    second = kerasnb.models.model_from_json(first.to_json())
    first.save_weights(tmp_path / "a.weights.h5")
    second.load_weights(tmp_path / "a.weights.h5")
    x = RNG.integers(0, 20, (2, 7))
    close(second.predict(x, verbose=0), first.predict(x, verbose=0))
    with h5py.File(tmp_path / "a.weights.h5") as file:
        group = file["layers/multi_head_attention"]
        # the names of Keras's files
        assert {*group} == {
            "_dropout_layer", "key_dense", "output_dense", "query_dense", "value_dense"
        }  # fmt: skip
        assert group["query_dense/vars/0"].shape == (8, 2, 4)
        assert group["query_dense/vars/1"].shape == (2, 4)


# Errors


def einsum_dense(equation, shape, bias_axes=None):
    return layers.EinsumDense(equation, shape, bias_axes=bias_axes, name="n")


def built():
    layer = einsum_dense("abc,cd->abd", (None, 4))
    layer.build((None, 3, 5))
    return layer


ERRORS = {
    "MultiHeadAttention 'n': num_heads must be a whole number of at least 1, got 0.": (
        ArgumentError,
        lambda: layers.MultiHeadAttention(0, 2, name="n"),
    ),
    "MultiHeadAttention 'n': attention_axes must be a whole number or several, got 'last'.": (
        ArgumentError,
        lambda: layers.MultiHeadAttention(1, 2, attention_axes="last", name="n"),
    ),
    "MultiHeadAttention 'n': output_shape must be a whole number or several, got 2.5.": (
        ArgumentError,
        lambda: layers.MultiHeadAttention(1, 2, output_shape=2.5, name="n"),
    ),
    "MultiHeadAttention 'n': attention_axes must be axes between the batch and the features of an "
    "input of shape (2, 5, 4), got (2,).": (
        ShapeError,
        lambda: layers.MultiHeadAttention(1, 2, attention_axes=2, name="n")(*[data(2, 5, 4)] * 2),
    ),
    "MultiHeadAttention 'n': expected an input with at least 3 axes (batch, ..., features), got "
    "(2, 4). Reshape it, or change the preceding layer.": (
        ShapeError,
        lambda: layers.MultiHeadAttention(1, 2, name="n")(data(2, 4), data(2, 4)),
    ),
    "MultiHeadAttention 'n': expected query, value and key of one rank, and value and key that "
    "differ in their last axis only, got (2, 5, 4), (2, 6, 4) and (2, 7, 4).": (
        ShapeError,
        lambda: layers.MultiHeadAttention(1, 2, name="n")(
            data(2, 5, 4), data(2, 6, 4), data(2, 7, 4)
        ),
    ),
    "MultiHeadAttention 'm': expected masks that broadcast to the scores (2, 2, 5, 5) (batch, "
    "heads, queries, keys), got (2, 1, 5, 4).": (
        ShapeError,
        lambda: heads()(*[data(2, 5, 4)] * 2, attention_mask=np.ones((2, 5, 4), bool)),
    ),
    "EinsumDense 'query': expected an input whose axis 'c' of 'abc,cde->abde' has length 4, got "
    "(2, 5, 3). Change the preceding layer.": (
        ShapeError,
        lambda: heads()(data(2, 5, 3), data(2, 5, 4)),
    ),
    "Attention 'n': score_mode must be 'dot' or 'concat', got 'cosine'.": (
        ArgumentError,
        lambda: layers.Attention(score_mode="cosine", name="n"),
    ),
    "Attention 'n': inputs must be a list [query, value] or [query, value, key], got one of shape "
    "(2, 5, 4).": (ArgumentError, lambda: layers.Attention(name="n")(data(2, 5, 4))),
    "AdditiveAttention 'n': inputs must be a list [query, value] or [query, value, key], got 1.": (
        ArgumentError,
        lambda: layers.AdditiveAttention(name="n")([data(2, 5, 4)]),
    ),
    "Attention 'n': mask must be a list [query_mask, value_mask] or [..., key_mask], got one of "
    "shape (2, 5).": (
        ArgumentError,
        lambda: layers.Attention(name="n")([data(2, 5, 4)] * 2, mask=ops.ones((2, 5))),
    ),
    "AdditiveAttention 'n': the last axis of the query (None, 5, None) must be known. Give its "
    "length in Input(shape=...).": (
        ShapeError,
        lambda: layers.AdditiveAttention(name="n")([kerasnb.Input((5, None))] * 2),
    ),
    "dot_product_attention: expected query, key and value with 4 axes (batch, length, heads, "
    "features), got (2, 5, 4), (2, 5, 4) and (2, 5, 4).": (
        ShapeError,
        lambda: ops.dot_product_attention(*[data(2, 5, 4)] * 3),
    ),
    "dot_product_attention: expected a multiple of the key's 2 heads, got query (2, 5, 3, 4) and "
    "key (2, 5, 2, 4).": (
        ShapeError,
        lambda: ops.dot_product_attention(data(2, 5, 3, 4), *[data(2, 5, 2, 4)] * 2),
    ),
    "dot_product_attention: attn_logits_soft_cap must be None.": (
        ArgumentError,
        lambda: ops.dot_product_attention(*[data(2, 5, 3, 4)] * 3, attn_logits_soft_cap=2.0),
    ),
    "EinsumDense 'n': expected an equation such as 'ab,bc->ac', '...b,bc->...c' or "
    "'ab...,bc->ac...', got '...b,bc->c'.": (ArgumentError, lambda: einsum_dense("...b,bc->c", 4)),
    "EinsumDense 'n': the kernel's axis 'x' is neither in the input nor in the output of "
    "'ab,bx->ab'.": (ArgumentError, lambda: einsum_dense("ab,bx->ab", 4)),
    "EinsumDense 'n': the output's axis 'x' is neither in the input nor in the kernel of "
    "'ab,b->ax'.": (ArgumentError, lambda: einsum_dense("ab,b->ax", 4)),
    "EinsumDense 'n': the bias's axis 'b' is not in the output of 'ab,bc->ac'.": (
        ArgumentError,
        lambda: einsum_dense("ab,bc->ac", 4, "b"),
    ),
    "EinsumDense 'n': output_shape must be a whole number of at least 1, got 0.": (
        ArgumentError,
        lambda: einsum_dense("ab,bc->ac", 0),
    ),
    "EinsumDense 'n': expected an output_shape with a length for each of the axes 'bd' of "
    "'abc,cd->abd', got (4,).": (
        ShapeError,
        lambda: einsum_dense("abc,cd->abd", 4)(data(2, 3, 5)),
    ),
    "EinsumDense 'n': axis 'b' of 'abc,cd->abd' has length 3 in the input (2, 3, 5), and 2 in "
    "output_shape (2, 4).": (
        ShapeError,
        lambda: einsum_dense("abc,cd->abd", (2, 4))(data(2, 3, 5)),
    ),
    "EinsumDense 'n': the length of axis 'd' of 'abc,cd->abd' must be known, from the input "
    "(2, 3, 5) or from output_shape (3, None).": (
        ShapeError,
        lambda: einsum_dense("abc,cd->abd", (3, None))(data(2, 3, 5)),
    ),
    "EinsumDense 'n': expected an input with 3 axes for the equation 'abc,cd->abd', got (2, 5).": (
        ShapeError,
        lambda: built()(data(2, 5)),
    ),
    "EinsumDense 'n': expected an input whose axis 'c' of 'abc,cd->abd' has length 5, got "
    "(2, 3, 4). Change the preceding layer.": (ShapeError, lambda: built()(data(2, 3, 4))),
    "EinsumDense 'n': quantization_config must be None: quantised layers are not supported.": (
        ArgumentError,
        lambda: layers.EinsumDense("ab,bc->ac", 4, quantization_config={}, name="n"),
    ),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text):
    error, function = ERRORS[text]
    with pytest.raises(error) as caught:
        function()
    assert str(caught.value) == text
