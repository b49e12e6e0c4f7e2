"""Weights in a file, a model as text, and a copy."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.backend.clear_session()
keras.utils.set_random_seed(20)


def build():
    inputs = keras.Input(shape=(7, 3))
    x = keras.layers.LSTM(5, return_sequences=True)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


rng = np.random.default_rng(20)
x = rng.standard_normal((60, 7, 3)).astype("float32")
y = np.stack([x.mean((1, 2)), x[:, -1, 0]], axis=1)
model = build()
model.compile("adam", "mse")
model.optimizer.learning_rate = 0.02
losses = model.fit(x, y, epochs=25, verbose=0).history["loss"]
assert losses[-1] < 0.3 * losses[0], losses
expected = model.predict(x, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    path = str(pathlib.Path(folder) / "model.weights.h5")
    model.save_weights(path)
    other = build()
    assert not np.allclose(other.predict(x, verbose=0), expected)
    other.load_weights(path)
assert np.array_equal(other.predict(x, verbose=0), expected)

again = keras.models.model_from_json(model.to_json())
again.set_weights(model.get_weights())
assert np.allclose(again.predict(x, verbose=0), expected, atol=1e-6)

copy = keras.models.clone_model(model)
assert [tuple(w.shape) for w in copy.weights] == [tuple(w.shape) for w in model.weights]
assert copy.count_params() == model.count_params()
