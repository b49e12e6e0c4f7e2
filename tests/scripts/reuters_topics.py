"""News by topic, from which words are in them."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(5)

words = 80
(x_train, y_train), (x_test, y_test) = keras.datasets.reuters.load_data(
    num_words=words, test_split=0.2
)


def multi_hot(sequences):
    rows = np.zeros((len(sequences), words), "float32")
    for row, sequence in zip(rows, sequences):
        row[sequence] = 1.0
    return rows


x_train, x_test = multi_hot(x_train), multi_hot(x_test)
topics = int(np.max(y_train)) + 1

model = keras.Sequential(
    [
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(topics, activation=keras.activations.softmax),
    ]
)
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=25, batch_size=16, verbose=0)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
assert accuracy > 0.85, accuracy
