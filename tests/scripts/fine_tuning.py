"""What one network has learned serves another: first frozen, then trained a little."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(17)

rng = np.random.default_rng(17)
x = rng.standard_normal((500, 10)).astype("float32")
hidden = np.tanh(x[:, :5] @ rng.standard_normal((5, 4)))
many = np.argmax(hidden, axis=1)  # a task with much data
few = (hidden[:, 0] > hidden[:, 1]).astype("int32")  # and one with little

inputs = keras.Input(shape=(10,))
features = keras.layers.Dense(32, activation="relu", name="low")(inputs)
features = keras.layers.Dense(16, activation="relu", name="high")(features)
base = keras.Model(inputs, keras.layers.Dense(4, activation="softmax", name="top")(features))
base.compile("adam", "sparse_categorical_crossentropy")
base.optimizer.learning_rate = 0.01
base.fit(x, many, epochs=20, verbose=0)

body = keras.Model(base.inputs, base.get_layer("high").output, name="body")
body.trainable = False
assert body.trainable_weights == []

new_inputs = keras.Input(shape=(10,))
outputs = keras.layers.Dense(1, activation="sigmoid")(body(new_inputs, training=False))
model = keras.Model(new_inputs, outputs)
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
before = [np.array(w) for w in body.get_weights()]
model.fit(x[:60], few[:60], epochs=30, verbose=0)
assert all(np.array_equal(a, b) for a, b in zip(before, body.get_weights()))
frozen = model.evaluate(x[60:], few[60:], verbose=0)[1]
assert frozen > 0.75, frozen

body.trainable = True
body.get_layer("low").trainable = False
model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:60], few[:60], epochs=10, verbose=0)
after = body.get_weights()
assert np.array_equal(before[0], after[0])
assert not np.array_equal(before[2], after[2])
assert model.evaluate(x[60:], few[60:], verbose=0)[1] > 0.75
