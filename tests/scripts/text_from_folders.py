"""Texts in folders, made to numbers, and told apart."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(15)

rng = np.random.default_rng(15)
kinds = {"good": ["great", "lovely", "fine"], "poor": ["dull", "awful", "weak"]}
filler = ["the", "film", "was", "a", "story", "with", "music", "and"]

with tempfile.TemporaryDirectory() as folder:
    for kind, special in kinds.items():
        (pathlib.Path(folder) / kind).mkdir()
        for number in range(60):
            text = [*rng.choice(filler, 6), rng.choice(special), *rng.choice(filler, 3)]
            path = pathlib.Path(folder) / kind / f"{number}.txt"
            path.write_text(" ".join(text).capitalize() + ".")
    data = keras.utils.text_dataset_from_directory(folder, batch_size=16, shuffle=False)
    assert list(data.class_names) == ["good", "poor"]
    texts, labels = [], []
    for batch, y in data:
        texts += [one.decode() if isinstance(one, bytes) else str(one) for one in np.array(batch)]
        labels += [int(one) for one in np.array(y)]

assert len(texts) == 120
vectorize = keras.layers.TextVectorization(max_tokens=30, output_sequence_length=12)
vectorize.adapt(texts)
vocabulary = vectorize.get_vocabulary()
assert vocabulary[:2] == ["", "[UNK]"]
assert "lovely" in vocabulary
numbers = np.array(keras.ops.convert_to_numpy(vectorize(texts)))
assert numbers.shape == (120, 12)

model = keras.Sequential(
    [
        keras.layers.Embedding(len(vocabulary), 8),
        keras.layers.Conv1D(8, 3, padding="same", activation="relu"),
        keras.layers.GlobalMaxPooling1D(),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
model.fit(numbers, np.array(labels), epochs=8, batch_size=16, verbose=0)
assert model.evaluate(numbers, np.array(labels), verbose=0)[1] > 0.95
