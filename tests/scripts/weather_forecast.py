"""Forecasts from windows of a series, by three kinds of network."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(13)

rng = np.random.default_rng(13)
hours = np.arange(600)
series = np.stack(
    [np.sin(hours / 5) + 0.05 * rng.standard_normal(600), np.cos(hours / 5)], axis=1
).astype("float32")
window, ahead = 12, 3


def windows(begin, end):
    return keras.utils.timeseries_dataset_from_array(
        series[:-ahead],
        targets=series[window - 1 + ahead :, 0],
        sequence_length=window,
        batch_size=32,
        shuffle=False,
        start_index=begin,
        end_index=end,
    )


train, test = windows(0, 450), windows(450, 597)
targets = np.concatenate([np.array(y) for _, y in test])
naive = np.mean(np.abs(targets - np.concatenate([np.array(x)[:, -1, 0] for x, _ in test])))

for middle in (
    [keras.layers.SimpleRNN(8)],
    [keras.layers.GRU(8, recurrent_dropout=0.0, unroll=True)],
    [
        keras.layers.Conv1D(8, 3, activation="relu"),
        keras.layers.MaxPooling1D(2),
        keras.layers.Conv1D(8, 3, activation="relu"),
        keras.layers.GlobalMaxPooling1D(),
    ],
):
    model = keras.Sequential([keras.Input((window, 2)), *middle, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mse", metrics=["mae"])
    model.fit(train, epochs=6, validation_data=test, verbose=0)
    error = model.evaluate(test, verbose=0)[1]
    assert error < 0.6 * naive, (error, naive)
