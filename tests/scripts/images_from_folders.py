"""Pictures in folders: written, read again, and told apart."""

import pathlib
import tempfile

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(16)

rng = np.random.default_rng(16)

with tempfile.TemporaryDirectory() as folder:
    for kind in range(2):
        place = pathlib.Path(folder) / "pictures" / ("across" if kind else "along")
        place.mkdir(parents=True)
        for number in range(24):
            picture = rng.uniform(0, 90, (20, 24, 3)).astype("float32")
            at = rng.integers(2, 16)
            if kind:
                picture[at : at + 3] += 150
            else:
                picture[:, at : at + 3] += 150
            keras.utils.save_img(place / f"{number}.png", picture, scale=False)

    # a file is fetched from its address, and kept
    origin = pathlib.Path(folder, "pictures", "along", "3.png").as_uri()
    path = keras.utils.get_file("fetched.png", origin=origin, cache_dir=folder)
    picture = keras.utils.load_img(path, target_size=(10, 12))
    array = keras.utils.img_to_array(picture)
    assert array.shape == (10, 12, 3)
    assert keras.utils.array_to_img(array).size == (12, 10)

    train = keras.utils.image_dataset_from_directory(
        pathlib.Path(folder) / "pictures", image_size=(16, 16), batch_size=8, seed=16
    )
    assert list(train.class_names) == ["across", "along"]
    model = keras.Sequential(
        [
            keras.layers.Rescaling(1.0 / 255),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.GlobalMaxPooling2D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.02),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    model.fit(train, epochs=8, verbose=0)
    assert model.evaluate(train, verbose=0)[1] > 0.9

enlarged = keras.ops.image.resize(np.ones((1, 4, 4, 3), "float32"), (8, 6))
assert tuple(enlarged.shape) == (1, 8, 6, 3)
