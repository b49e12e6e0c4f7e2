"""A small transformer that tells in which order two words come."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(12)

words, length, width = 30, 12, 16


class TokenAndPosition(keras.layers.Layer):
    """What a word is, and where it stands."""

    def __init__(self, length, words, width, **kwargs):
        super().__init__(**kwargs)
        self.token = keras.layers.Embedding(words, width)
        self.position = keras.layers.Embedding(length, width)

    def call(self, x):
        places = keras.ops.expand_dims(keras.ops.arange(0, keras.ops.shape(x)[-1], 1), 0)
        return self.token(x) + self.position(places)


class TransformerBlock(keras.layers.Layer):
    """Attention and a dense network, each added to what came in."""

    def __init__(self, width, heads, hidden, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.attention = keras.layers.MultiHeadAttention(num_heads=heads, key_dim=width)
        self.dense = keras.Sequential(
            [keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(width)]
        )
        self.first = keras.layers.LayerNormalization(epsilon=1e-6)
        self.second = keras.layers.LayerNormalization(epsilon=1e-6)
        self.drop = keras.layers.Dropout(rate)

    def call(self, inputs, training=None):
        seen = self.drop(self.attention(inputs, inputs), training=training)
        x = self.first(inputs + seen)
        return self.second(x + self.dense(x))


inputs = keras.Input(shape=(length,), dtype="int32")
x = TokenAndPosition(length, words, width)(inputs)
x = TransformerBlock(width, 2, 32)(x)
x = keras.layers.GlobalAveragePooling1D()(x)
x = keras.layers.Dropout(0.1)(x)
outputs = keras.layers.Dense(2, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)

rng = np.random.default_rng(12)
x = rng.integers(3, words, (800, length))
places = np.array([rng.permutation(length)[:2] for _ in x])
x[np.arange(800), places[:, 0]] = 1
x[np.arange(800), places[:, 1]] = 2
y = (places[:, 0] < places[:, 1]).astype("int32")

model.compile(
    keras.optimizers.AdamW(learning_rate=0.005, weight_decay=1e-4),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x[:700], y[:700], batch_size=50, epochs=12, verbose=0)
_, accuracy = model.evaluate(x[700:], y[700:], verbose=0)
assert accuracy > 0.9, accuracy
