"""Pictures without their noise."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(11)

size = 16
rng = np.random.default_rng(11)
clean = np.zeros((200, size, size, 1), "float32")
for one in clean:
    top, left = rng.integers(0, size - 6, 2)
    one[top : top + 6, left : left + 6] = 1.0
noise = keras.ops.convert_to_numpy(keras.random.normal(clean.shape, stddev=0.4, seed=11))
noisy = np.clip(clean + noise, 0.0, 1.0)

inputs = keras.Input(shape=(size, size, 1))
x = keras.layers.Conv2D(8, 3, activation="relu", padding="same")(inputs)
x = keras.layers.MaxPooling2D(2, padding="same")(x)
x = keras.layers.Conv2D(8, 3, activation="relu", padding="same")(x)
x = keras.layers.UpSampling2D(2)(x)
x = keras.layers.Conv2D(8, 3, activation="relu", padding="same")(x)
outputs = keras.layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x)
autoencoder = keras.Model(inputs, outputs, name="autoencoder")
autoencoder.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
autoencoder.fit(noisy[:160], clean[:160], epochs=8, batch_size=20, verbose=0)

mended = autoencoder.predict(noisy[160:], verbose=0)
before = np.mean(np.square(noisy[160:] - clean[160:]))
after = np.mean(np.square(mended - clean[160:]))
assert after < 0.3 * before, (before, after)
