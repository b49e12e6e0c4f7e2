"""Half the digits for what is computed, all of them for the weights."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(24)

keras.mixed_precision.set_global_policy("mixed_float16")
model = keras.Sequential(
    [
        keras.Input(shape=(8,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(3),
        keras.layers.Activation("softmax", dtype="float32"),
    ]
)
keras.mixed_precision.set_global_policy("float32")

first = model.layers[0]
assert first.compute_dtype == "float16"
assert str(first.kernel.dtype) == "float32"

rng = np.random.default_rng(24)
x = rng.standard_normal((300, 8)).astype("float32")
y = np.argmax(x @ rng.standard_normal((8, 3)), axis=1)
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
accuracy = model.fit(x, y, epochs=12, verbose=0).history["accuracy"][-1]
assert accuracy > 0.93, accuracy
assert model.predict(x[:2], verbose=0).dtype == np.float32
