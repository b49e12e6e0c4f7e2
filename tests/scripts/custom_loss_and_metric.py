"""A loss, a metric, a schedule and a regularizer of one's own."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(8)


class Quantile(keras.Loss):
    """The loss whose best prediction is a quantile."""

    def __init__(self, q, name="quantile", **kwargs):
        super().__init__(name=name, **kwargs)
        self.q = q

    def call(self, y_true, y_pred):
        error = keras.ops.cast(y_true, y_pred.dtype) - y_pred
        return keras.ops.mean(keras.ops.maximum(self.q * error, (self.q - 1) * error), axis=-1)


class Below(keras.Metric):
    """The share of targets below the predictions."""

    def __init__(self, name="below", **kwargs):
        super().__init__(name=name, **kwargs)
        self.under = self.add_weight(shape=(), initializer="zeros", name="under")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        under = keras.ops.cast(y_true < y_pred, "float32")
        self.under.assign(self.under + keras.ops.sum(under))
        self.count.assign(self.count + keras.ops.sum(keras.ops.ones_like(under)))

    def result(self):
        return self.under / keras.ops.maximum(self.count, 1.0)


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises, and then falls as the root of the step."""

    def __init__(self, peak, steps):
        self.peak = peak
        self.steps = steps

    def __call__(self, step):
        step = keras.ops.cast(step, "float32") + 1.0
        return self.peak * keras.ops.minimum(step / self.steps, keras.ops.sqrt(self.steps / step))

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


def small(w):
    return 1e-5 * keras.ops.sum(keras.ops.absolute(w))


rng = np.random.default_rng(8)
x = rng.uniform(-1, 1, (600, 2)).astype("float32")
y = (x[:, :1] + (1 + x[:, 1:]) * rng.standard_normal((600, 1))).astype("float32")

model = keras.Sequential(
    [
        keras.layers.Dense(16, activation="relu", kernel_regularizer=small),
        keras.layers.Dense(1),
    ]
)
schedule = WarmUp(0.03, 20.0)
model.compile(keras.optimizers.Adam(schedule), loss=Quantile(0.8), metrics=[Below()])
model.fit(x, y, epochs=15, batch_size=50, verbose=0)
loss, below = model.evaluate(x, y, verbose=0)
assert abs(below - 0.8) < 0.08, below
assert float(schedule(19)) > float(schedule(0))
assert float(schedule(19)) > float(schedule(200))
assert loss < 0.4, loss
