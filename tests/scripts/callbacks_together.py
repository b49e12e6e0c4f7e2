"""Callbacks of many kinds in one training."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(18)


class Remember(keras.callbacks.Callback):
    """Notes what it is told, and when."""

    def on_train_begin(self, logs=None):
        self.losses = []
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"])


rng = np.random.default_rng(18)
x = rng.standard_normal((320, 5)).astype("float32")
y = (x[:, :1] - 2 * x[:, 1:2] + 0.1 * rng.standard_normal((320, 1))).astype("float32")
model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    remember = Remember()
    said = []
    model.fit(
        x,
        y,
        validation_split=0.25,
        epochs=30,
        batch_size=24,
        verbose=0,
        callbacks=[
            remember,
            keras.callbacks.ModelCheckpoint(
                str(folder / "best.weights.h5"), save_best_only=True, save_weights_only=True
            ),
            keras.callbacks.ReduceLROnPlateau(
                monitor="val_loss", factor=0.5, patience=1, min_delta=0.01, min_lr=1e-4
            ),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=6, min_delta=1e-3),
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: said.append(epoch)),
            keras.callbacks.CSVLogger(str(folder / "log.csv")),
        ],
    )
    epochs = len(remember.losses)
    assert said == list(range(epochs))
    assert remember.batches == 10 * epochs
    assert float(model.optimizer.learning_rate) < 0.05
    assert len((folder / "log.csv").read_text().splitlines()) == epochs + 1
    model.load_weights(str(folder / "best.weights.h5"))

best = model.evaluate(x[240:], y[240:], verbose=0)[0]
assert np.isclose(best, min(remember.losses), rtol=1e-4), (best, remember.losses)
assert best < 0.2, best
