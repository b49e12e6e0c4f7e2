"""An encoder hands its state to a decoder, which writes a sequence backwards."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(23)

symbols, length, width = 8, 4, 48
begin = symbols  # what the decoder reads first
rng = np.random.default_rng(23)
source = rng.integers(0, symbols, (800, length))
target = source[:, ::-1]
shifted = np.concatenate([np.full((800, 1), begin), target[:, :-1]], axis=1)

encoder_in = keras.Input(shape=(None, symbols), name="encoder_in")
_, h, c = keras.layers.LSTM(width, return_state=True, name="encoder")(encoder_in)
decoder_in = keras.Input(shape=(None, symbols + 1), name="decoder_in")
decoder = keras.layers.LSTM(width, return_sequences=True, return_state=True, name="decoder")
x, _, _ = decoder(decoder_in, initial_state=[h, c])
head = keras.layers.Dense(symbols, activation="softmax", name="head")
model = keras.Model([encoder_in, decoder_in], head(x))

model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
one_hot = np.eye(symbols, dtype="float32")
read, write = one_hot[source], np.eye(symbols + 1, dtype="float32")[shifted]
model.fit([read, write], one_hot[target], batch_size=50, epochs=20, verbose=0)

# use: the encoder once, then the decoder symbol by symbol
encode = keras.Model(encoder_in, [h, c])
state_in = [keras.Input(shape=(width,)), keras.Input(shape=(width,))]
x, *state_out = decoder(decoder_in, initial_state=state_in)
decode = keras.Model([decoder_in, *state_in], [head(x), *state_out])

state = encode.predict(read[:50], verbose=0)
symbol = np.full((50, 1), begin)
written = []
for _ in range(length):
    given = np.eye(symbols + 1, dtype="float32")[symbol]
    chosen, *state = decode.predict([given, *state], verbose=0)
    symbol = np.argmax(chosen, axis=-1)
    written.append(symbol)
accuracy = np.mean(np.concatenate(written, axis=1) == target[:50])
assert accuracy > 0.9, accuracy
