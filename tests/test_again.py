"""`predict_on_batch` for one more batch of a kind gives what a model that starts anew gives."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import kerasnb
from kerasnb.compile import llvm

pytestmark = pytest.mark.skipif(not llvm.available(), reason="needs llvmlite")

RNG = np.random.default_rng(11)


def small_model():
    kerasnb.utils.set_random_seed(3)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((5,)),
            kerasnb.layers.Dense(7, activation="tanh"),
            kerasnb.layers.Dropout(0.5),
            kerasnb.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "mse")
    return model


def batch(rows=2, dtype="float32"):
    return RNG.normal(size=(rows, 5)).astype(dtype)


def used(model, x):
    """The outputs of a second call, which must have gone the short way."""
    model.predict_on_batch(x)
    assert model._again is not None
    assert model._again.takes(model, x)
    return model.predict_on_batch(x)


def plainly(model, x):
    return model(x, training=False).numpy()


def test_other_numbers_of_the_kind():
    model = small_model()
    used(model, batch())
    for _ in range(3):
        x = batch()
        np.testing.assert_allclose(model.predict_on_batch(x), plainly(model, x), rtol=1e-6)


def test_results_stay_when_others_follow():
    model, batches = small_model(), [batch() for _ in range(8)]
    results = [model.predict_on_batch(x) for x in batches]
    for x, result in zip(batches, results, strict=True):
        np.testing.assert_allclose(result, plainly(model, x), rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.set_weights([w + 1 for w in model.get_weights()]),
        lambda model: model.layers[0].kernel.assign(np.ones((5, 7))),
        lambda model: model.fit(batch(8), RNG.random((8, 3)), verbose=0),
        lambda model: model.add(kerasnb.layers.Dense(3)),
        lambda model: setattr(model, "run_eagerly", True),
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: model.compile("adam", "mae"),
    ],
    ids=["set_weights", "assign", "fit", "add", "eager", "freeze", "compile"],
)
def test_changes_of_the_model_are_seen(change):
    model, x = small_model(), batch()
    used(model, x)
    change(model)
    for _ in range(2):
        np.testing.assert_allclose(model.predict_on_batch(x), plainly(model, x), rtol=1e-6)


def test_frozen_batch_normalization_is_another_step():
    kerasnb.utils.set_random_seed(0)
    model = kerasnb.Sequential([kerasnb.Input((5,)), kerasnb.layers.BatchNormalization()])
    model.compile("sgd", "mse")
    x = batch()
    used(model, x)
    again = model._again
    model.layers[0].trainable = False
    assert not again.takes(model, x)


def test_floatx_is_looked_at():
    model, x = small_model(), batch()
    used(model, x)
    kerasnb.config.set_floatx("float64")
    try:
        assert not model._again.takes(model, x)
    finally:
        kerasnb.config.set_floatx("float32")


@pytest.mark.parametrize(
    "x",
    [
        batch(dtype="float64"),
        batch().tolist(),
        batch(3),
        np.asfortranarray(batch()),
        np.repeat(batch(), 2, axis=1)[:, ::2],
        RNG.integers(0, 9, (2, 5)),
    ],
    ids=["float64", "list", "rows", "by columns", "strided", "integers"],
)
def test_other_batches(x):
    model = small_model()
    used(model, batch())
    for _ in range(2):
        expected = plainly(model, np.asarray(x, "float32"))
        np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, 1e30])
def test_numbers_are_not_looked_at(value):
    model, x = small_model(), batch()
    x[1, 2] = value
    for _ in range(3):  # the first call is no other in this
        np.testing.assert_allclose(model.predict_on_batch(x), plainly(model, x), rtol=1e-6)


def test_wrong_shapes_are_still_refused():
    model = small_model()
    used(model, batch())
    with pytest.raises(kerasnb.errors.ShapeError):
        model.predict_on_batch(np.ones((2, 6), "float32"))


def test_indices_are_always_looked_at():
    model = kerasnb.Sequential([kerasnb.Input((4,)), kerasnb.layers.Embedding(10, 2)])
    x = np.ones((2, 4), "float32")
    model.predict_on_batch(x)
    assert model._again is None
    with pytest.raises(kerasnb.errors.ShapeError, match="expected indices from 0 to 9"):
        model.predict_on_batch(x * 10)


def test_a_model_that_counts_goes_the_long_way():
    class Counting(kerasnb.Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.count.assign_add(1.0)
            return inputs + self.count

    model = kerasnb.Sequential([kerasnb.Input((5,)), Counting()])
    x = np.zeros((1, 5), "float32")
    assert [model.predict_on_batch(x)[0, 0] for _ in range(3)] == [1, 2, 3]


def test_several_inputs_and_outputs():
    a, b = kerasnb.Input((5,)), kerasnb.Input((5,))
    model = kerasnb.Model([a, b], {"sum": a + b, "product": a * b})
    for _ in range(3):
        x, y = batch(), batch()
        result = model.predict_on_batch([x, y])
        np.testing.assert_allclose(result["sum"], x + y, rtol=1e-6)


def test_several_outputs():
    a = kerasnb.Input((5,))
    model = kerasnb.Model(a, {"double": a * 2.0, "square": a * a})
    x = batch()
    result = used(model, x)
    np.testing.assert_allclose(result["double"], 2 * x, rtol=1e-6)
    np.testing.assert_allclose(result["square"], x * x, rtol=1e-6)


def test_while_it_is_trained():
    model, x = small_model(), batch()
    used(model, x)
    wrong, done = [], threading.Event()

    def predict():
        while not done.is_set():
            if not np.allclose(model.predict_on_batch(x).sum(-1), 1, atol=1e-5):
                wrong.append(x)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    model.fit(batch(64), RNG.random((64, 3)), batch_size=4, epochs=20, verbose=0)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_copies_have_their_own():
    import pickle

    model, x = small_model(), batch()
    used(model, x)
    other = pickle.loads(pickle.dumps(model))
    other.layers[0].kernel.assign(np.zeros((5, 7)))
    np.testing.assert_allclose(other.predict_on_batch(x), plainly(other, x), rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(x), plainly(model, x), rtol=1e-6)
