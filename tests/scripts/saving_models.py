"""A whole model in a file, with a layer of one's own, and training that goes on."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(21)


@keras.saving.register_keras_serializable(package="scripts")
class Twice(keras.layers.Layer):
    """Its input two times over."""

    def call(self, x):
        return keras.ops.concatenate([x, 2 * x], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2 * input_shape[-1])


inputs = keras.Input(shape=(4,))
x = keras.layers.Dense(8, activation="relu")(Twice()(inputs))
model = keras.Model(inputs, keras.layers.Dense(1)(x))
model.compile(keras.optimizers.Adam(0.02), "mse", metrics=["mae"])

rng = np.random.default_rng(21)
x = rng.standard_normal((128, 4)).astype("float32")
y = np.abs(x[:, :1])
first = model.fit(x, y, epochs=10, verbose=0).history["loss"]

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path)

assert np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
assert again.evaluate(x, y, verbose=0) is not None
more = again.fit(x, y, epochs=10, verbose=0).history["loss"]
assert int(np.array(again.optimizer.iterations)) == 2 * 10 * 4
assert more[0] < 1.2 * first[-1], (first, more)
assert more[-1] < first[-1]
