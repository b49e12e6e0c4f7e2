"""Rates of learning that change: schedules, and a callback."""

import numpy as np

import kerasnb as keras

rng = np.random.default_rng(19)
x = rng.standard_normal((256, 6)).astype("float32")
y = np.argmax(x @ rng.standard_normal((6, 3)), axis=1)

schedules = keras.optimizers.schedules
rates = {
    "exponential": schedules.ExponentialDecay(0.1, decay_steps=20, decay_rate=0.8, staircase=True),
    "cosine": schedules.CosineDecay(0.01, decay_steps=60, warmup_target=0.1, warmup_steps=10),
    "pieces": schedules.PiecewiseConstantDecay([30, 60], [0.1, 0.05, 0.01]),
    "inverse": schedules.InverseTimeDecay(0.1, decay_steps=20, decay_rate=0.5),
    "polynomial": schedules.PolynomialDecay(0.1, decay_steps=80, end_learning_rate=0.01),
}
for name, rate in rates.items():
    keras.utils.set_random_seed(19)
    model = keras.Sequential([keras.layers.Dense(12, "tanh"), keras.layers.Dense(3, "softmax")])
    model.compile(
        keras.optimizers.SGD(learning_rate=rate, momentum=0.9, nesterov=True),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    accuracy = model.fit(x, y, epochs=10, verbose=0).history["accuracy"][-1]
    assert accuracy > 0.9, (name, accuracy)
    assert float(rate(79)) < 0.1, name
    assert np.isclose(float(model.optimizer.learning_rate), float(rate(80)), atol=1e-3), name

seen = []


def halved(epoch, rate):
    seen.append(rate)
    return rate / 2 if epoch else rate


model.compile(keras.optimizers.Nadam(0.08), "sparse_categorical_crossentropy")
model.fit(x, y, epochs=4, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(halved)])
assert np.allclose(seen, [0.08, 0.08, 0.04, 0.02])
