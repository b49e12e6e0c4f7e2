"""Two pictures go through the same network: do they show the same?"""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(22)

size, kinds = 10, 4
rng = np.random.default_rng(22)
patterns = (rng.uniform(0, 1, (kinds, size, size, 1)) > 0.5).astype("float32")


def pairs(count):
    left = rng.integers(0, kinds, count)
    same = rng.integers(0, 2, count)
    right = np.where(same, left, (left + rng.integers(1, kinds, count)) % kinds)
    noise = 0.3 * rng.standard_normal((2, count, size, size, 1)).astype("float32")
    return patterns[left] + noise[0], patterns[right] + noise[1], same.astype("float32")


encoder = keras.Sequential(
    [
        keras.Input(shape=(size, size, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(8),
    ],
    name="encoder",
)
left = keras.Input(shape=(size, size, 1), name="left")
right = keras.Input(shape=(size, size, 1), name="right")


def distance(vectors):
    a, b = vectors
    squares = keras.ops.sum(keras.ops.square(a - b), axis=1, keepdims=True)
    return keras.ops.sqrt(keras.ops.maximum(squares, 1e-7))


apart = keras.layers.Lambda(distance, output_shape=(1,))([encoder(left), encoder(right)])
model = keras.Model([left, right], apart)


def contrastive(same, far):
    near = same * keras.ops.square(far)
    return keras.ops.mean(near + (1 - same) * keras.ops.square(keras.ops.maximum(2.0 - far, 0.0)))


model.compile(optimizer=keras.optimizers.RMSprop(0.002), loss=contrastive)
a, b, same = pairs(400)
model.fit([a, b], same[:, None], epochs=10, batch_size=40, verbose=0)

a, b, same = pairs(100)
far = model.predict([a, b], verbose=0)[:, 0]
accuracy = np.mean((far < 1) == (same == 1))
assert accuracy > 0.95, accuracy
assert len(model.trainable_weights) == 4
