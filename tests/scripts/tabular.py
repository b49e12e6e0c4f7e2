"""Rows with words and numbers: who has a disease?"""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(14)

rng = np.random.default_rng(14)
samples = 400
age = rng.uniform(20, 80, samples).astype("float32")
pressure = rng.normal(130, 15, samples).astype("float32")
kind = rng.choice(["fixed", "normal", "reversible"], samples)
visits = rng.integers(0, 4, samples)
risk = (age - 50) / 15 + (pressure - 130) / 15 + 2 * (kind == "reversible") - (visits == 0)
sick = (risk > 0).astype("float32")

numbers = np.stack([age, pressure], axis=1)
normalize = keras.layers.Normalization()
normalize.adapt(numbers)
lookup = keras.layers.StringLookup(output_mode="one_hot")
lookup.adapt(kind)
assert set(lookup.get_vocabulary()) == {"[UNK]", "fixed", "normal", "reversible"}
words = np.array(keras.ops.convert_to_numpy(lookup(kind)), "float32")
encode = keras.layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")

numbers_in = keras.Input(shape=(2,), name="numbers")
words_in = keras.Input(shape=(words.shape[1],), name="words")
visits_in = keras.Input(shape=(1,), dtype="int32", name="visits")
x = keras.layers.Concatenate()([normalize(numbers_in), words_in, encode(visits_in)])
x = keras.layers.Dense(16, activation="relu")(x)
outputs = keras.layers.Dense(1, activation="sigmoid")(x)
model = keras.Model([numbers_in, words_in, visits_in], outputs)
model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy()])
model.optimizer.learning_rate = 0.02

features = {"numbers": numbers, "words": words, "visits": visits[:, None]}
model.fit(features, sick, epochs=15, validation_split=0.2, class_weight={0: 1.0, 1: 1.2}, verbose=0)
accuracy = model.evaluate(features, sick, verbose=0)[1]
assert accuracy > 0.9, accuracy

scaled = keras.ops.convert_to_numpy(normalize(numbers))
assert np.allclose(np.mean(scaled, axis=0), 0, atol=1e-4)
assert np.allclose(np.std(scaled, axis=0), 1, atol=1e-3)
