"""Layers of one's own, which describe themselves and can be made again."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(7)


class Scaled(keras.layers.Layer):
    """A dense layer with a gain for each unit, which begins at a given number."""

    def __init__(self, units=8, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.start = start

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="w"
        )
        self.gain = self.add_weight(
            shape=(self.units,), initializer=keras.initializers.Constant(self.start), name="gain"
        )

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.w) * self.gain

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "start": self.start}


class Residual(keras.Layer):
    """A layer whose input is added to its output."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.join = keras.layers.Add()

    def call(self, inputs, training=None):
        hidden = self.layer(keras.activations.tanh(inputs))
        if training:
            self.add_loss(1e-4 * keras.ops.sum(keras.ops.square(hidden)))
        return self.join([inputs, hidden])


inputs = keras.Input(shape=(6,))
x = Scaled(12, start=0.5, name="first")(inputs)
x = Residual(Scaled(12), name="second")(x)
x = keras.layers.Lambda(lambda t: keras.ops.concatenate([t, t * t], axis=-1))(x)
outputs = keras.layers.Dense(1)(x)
model = keras.Model(inputs, outputs)

rng = np.random.default_rng(7)
x = rng.standard_normal((256, 6)).astype("float32")
y = x[:, :1] * x[:, 1:2] + x[:, 2:3]
model.compile(keras.optimizers.Adam(0.02), "mse")
history = model.fit(x, y, epochs=40, batch_size=32, verbose=0).history
assert history["loss"][-1] < 0.1 * history["loss"][0], history["loss"]

first = model.get_layer("first")
again = Scaled.from_config(first.get_config())
assert (again.units, again.start, again.name) == (12, 0.5, "first")
assert [tuple(w.shape) for w in first.weights] == [(6, 12), (12,)]
assert not np.allclose(keras.ops.convert_to_numpy(first.gain), 0.5)
