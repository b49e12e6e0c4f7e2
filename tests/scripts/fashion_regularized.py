"""Clothes: a network that is kept from overfitting, and stopped when it does."""

import kerasnb as keras

keras.utils.set_random_seed(2)

(x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = keras.Sequential()
model.add(keras.layers.InputLayer(shape=(28, 28)))
model.add(keras.layers.Flatten())
for units in (48, 24):
    model.add(keras.layers.Dense(units, kernel_regularizer=keras.regularizers.l2(1e-4)))
    model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.Activation("relu"))
    model.add(keras.layers.Dropout(0.1))
model.add(keras.layers.Dense(10))

model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="of_three"),
    ],
)
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
history = model.fit(
    x_train, y_train, epochs=15, validation_split=0.2, callbacks=[stop], verbose=0
).history
results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
assert results["accuracy"] > 0.85, results
assert results["of_three"] >= results["accuracy"]
assert len(history["loss"]) <= 15
