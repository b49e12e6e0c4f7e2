"""Logs for TensorBoard."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(26)

rng = np.random.default_rng(26)
x = rng.standard_normal((200, 3)).astype("float32")
y = (x[:, :1] > x[:, 1:2]).astype("float32")
model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])

with tempfile.TemporaryDirectory() as folder:
    board = keras.callbacks.TensorBoard(log_dir=folder)
    history = model.fit(x, y, validation_split=0.2, epochs=6, callbacks=[board], verbose=0).history
    written = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    for part in ("train", "validation"):
        assert any(path.parent.name == part and path.stat().st_size > 100 for path in written)
assert history["val_accuracy"][-1] > 0.85, history["val_accuracy"]
