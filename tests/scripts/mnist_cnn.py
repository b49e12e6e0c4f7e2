"""A convolutional network that reads digits."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(1)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = np.expand_dims(x_train.astype("float32") / 255, -1)
x_test = np.expand_dims(x_test.astype("float32") / 255, -1)
y_train = keras.utils.to_categorical(y_train, 10)
y_test = keras.utils.to_categorical(y_test, 10)

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28, 1)),
        keras.layers.AveragePooling2D(pool_size=(2, 2)),
        keras.layers.ZeroPadding2D(1),
        keras.layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        keras.layers.MaxPooling2D(pool_size=(2, 2)),
        keras.layers.SeparableConv2D(16, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    loss=keras.losses.CategoricalCrossentropy(),
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
)
model.fit(x_train, y_train, batch_size=32, epochs=6, validation_split=0.1, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
assert accuracy > 0.9, accuracy

digits = np.argmax(model.predict(x_test, verbose=0), axis=-1)
assert np.isclose(np.mean(digits == np.argmax(y_test, axis=-1)), accuracy, atol=1e-6)
