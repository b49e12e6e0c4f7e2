"""Reviews, read in both directions."""

import kerasnb as keras

keras.utils.set_random_seed(4)

words, length = 60, 20
(x_train, y_train), (x_test, y_test) = keras.datasets.imdb.load_data(num_words=words)
x_train = keras.utils.pad_sequences(x_train, maxlen=length)
x_test = keras.utils.pad_sequences(x_test, maxlen=length)

inputs = keras.Input(shape=(None,), dtype="int32")
x = keras.layers.Embedding(words, 8)(inputs)
x = keras.layers.Bidirectional(keras.layers.LSTM(8, return_sequences=True))(x)
x = keras.layers.Bidirectional(keras.layers.GRU(6))(x)
outputs = keras.layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.RMSprop(0.01), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(x_train, y_train, batch_size=32, epochs=4, validation_data=(x_test, y_test), verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
assert accuracy > 0.85, accuracy
