"""Tickets of a help desk: a title, a text and tags in; how urgent, and for whom, out."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(6)

samples, words, tags, teams = 300, 40, 6, 3
rng = np.random.default_rng(6)
title = rng.integers(1, words, (samples, 5))
body = rng.integers(1, words, (samples, 9))
tag = rng.integers(0, 2, (samples, tags)).astype("float32")
urgent = (tag[:, 0] + tag[:, 1]) / 2 + 0.05 * rng.standard_normal(samples)
team = (title[:, -1] * teams) // words

title_in = keras.Input(shape=(None,), dtype="int32", name="title")
body_in = keras.Input(shape=(None,), dtype="int32", name="body")
tags_in = keras.Input(shape=(tags,), name="tags")
read_title = keras.layers.LSTM(12)(keras.layers.Embedding(words, 12)(title_in))
read_body = keras.layers.GRU(4)(keras.layers.Embedding(words, 4)(body_in))
x = keras.layers.concatenate([read_title, read_body, tags_in])
urgency = keras.layers.Dense(1, name="urgency")(x)
who = keras.layers.Dense(teams, name="team")(keras.layers.Dense(16, activation="relu")(x))
model = keras.Model(inputs=[title_in, body_in, tags_in], outputs=[urgency, who])

model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss={
        "urgency": keras.losses.MeanSquaredError(),
        "team": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"urgency": 1.0, "team": 0.5},
    metrics={
        "urgency": [keras.metrics.MeanAbsoluteError(name="mae")],
        "team": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    },
)
inputs = {"title": title, "body": body, "tags": tag}
history = model.fit(
    inputs, {"urgency": urgent, "team": team}, epochs=15, batch_size=32, verbose=0
).history
assert history["team_accuracy"][-1] > 0.85, history["team_accuracy"]
assert history["urgency_mae"][-1] < 0.15, history["urgency_mae"]
first, second = model.predict(inputs, verbose=0)
assert first.shape == (samples, 1)
assert second.shape == (samples, teams)
