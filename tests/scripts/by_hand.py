"""Clusters, a straight line and neighbours, by plain functions of tensors."""

import numpy as np

import kerasnb as keras

ops = keras.ops

# clusters: each point goes to the nearest centre, each centre to the mean of its points
true = np.array([[0, 0], [4, 0], [0, 4]], "float32")
draws = keras.random.normal((3, 40, 2), stddev=0.3, seed=25)
points = ops.reshape(draws + ops.expand_dims(ops.convert_to_tensor(true), 1), (-1, 2))
centres = ops.stack([points[0], points[50], points[100]])
for _ in range(5):
    apart = ops.expand_dims(points, 1) - ops.expand_dims(centres, 0)
    nearest = ops.argmax(-ops.sum(ops.square(apart), axis=-1), axis=-1)
    chosen = ops.cast(ops.expand_dims(nearest, 1) == ops.arange(3), "float32")
    sizes = ops.sum(chosen, axis=0)
    centres = ops.matmul(ops.transpose(chosen), points) / ops.expand_dims(sizes, 1)
assert np.allclose(ops.convert_to_numpy(centres), true, atol=0.2)
assert ops.shape(points) == (120, 2)

# a line: gradient descent with the derivative written out
x = keras.random.uniform((200, 1), minval=-1.0, maxval=1.0, seed=26)
y = 3 * x - 1 + 0.05 * keras.random.normal((200, 1), seed=27)
features = ops.concatenate([x, ops.ones((200, 1))], axis=1)
w = ops.zeros((2, 1))
for _ in range(200):
    error = ops.matmul(features, w) - y
    w = w - 0.5 * ops.matmul(ops.transpose(features), error) / 200
w = ops.convert_to_numpy(ops.squeeze(w, axis=-1))
assert np.allclose(w, [3, -1], atol=0.05), w

# a table of squares by tiling, with its ends cut off
table = ops.tile(ops.expand_dims(ops.arange(5), 0), (3, 1))
cut = ops.clip(ops.square(table), 1, 9)
assert ops.convert_to_numpy(cut).tolist() == [[1, 1, 4, 9, 9]] * 3
