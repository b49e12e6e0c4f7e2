"""Small colour pictures, changed a little each time they are seen."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(3)

(x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
x_train, x_test = x_train.astype("float32"), x_test.astype("float32")

augment = keras.Sequential(
    [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(0.05),
        keras.layers.RandomZoom(0.1),
        keras.layers.RandomCrop(28, 28),
    ],
    name="augment",
)

inputs = keras.Input(shape=(32, 32, 3))
x = augment(inputs)
x = keras.layers.Resizing(16, 16)(x)
x = keras.layers.Rescaling(1.0 / 255)(x)
x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
x = keras.layers.BatchNormalization(momentum=0.9)(x)
x = keras.layers.ReLU()(x)
before = keras.layers.MaxPooling2D()(x)
x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(before)
x = keras.layers.add([x, before])
x = keras.layers.GlobalMaxPooling2D()(x)
outputs = keras.layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)

model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.optimizer.learning_rate = 0.02
model.fit(x_train, y_train, epochs=8, batch_size=32, verbose=0)
accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
assert accuracy > 0.6, accuracy

# in use nothing is drawn: the pictures are the same twice
once, again = model.predict(x_test[:5], verbose=0), model.predict(x_test[:5], verbose=0)
assert np.array_equal(once, again)
assert augment(x_test[:2], training=True).shape == (2, 28, 28, 3)
