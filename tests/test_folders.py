"""`Dataset` and what makes one: folders of files, series, parts; and pictures in files."""

import builtins
import io
import math
import re
import threading
import wave

import numpy as np
import pytest
from PIL import Image

import kerasnb
from kerasnb import layers, utils
from kerasnb.errors import ArgumentError, LoadError, MissingDependency, ShapeError
from kerasnb.utils import Dataset, array_to_img, img_to_array, load_img, save_img
from kerasnb.utils.images import INTERPOLATIONS, resize


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=rf"\A{re.escape(text)}\Z"):
        function(*args, **kwargs)


def numbers(size):
    return Dataset.from_tensor_slices(np.arange(size))


def values(dataset):
    return [np.asarray(e).tolist() for e in dataset]


# Dataset


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda d: d.map(lambda x: 10 * x), [0, 10, 20, 30, 40]),
        (lambda d: d.map(lambda x: 10 * x, num_parallel_calls=-1), [0, 10, 20, 30, 40]),
        (lambda d: d.map(lambda x: x, num_parallel_calls=3, deterministic=False), [0, 1, 2, 3, 4]),
        (lambda d: d.take(2), [0, 1]),
        (lambda d: d.take(9), [0, 1, 2, 3, 4]),
        (lambda d: d.take(-1), [0, 1, 2, 3, 4]),
        (lambda d: d.skip(3), [3, 4]),
        (lambda d: d.skip(9), []),
        (lambda d: d.skip(-1), []),
        (lambda d: d.batch(2), [[0, 1], [2, 3], [4]]),
        (lambda d: d.batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
        (lambda d: d.batch(2).unbatch(), [0, 1, 2, 3, 4]),
        (lambda d: d.batch(2).take(1), [[0, 1]]),
        (lambda d: d.repeat(2).take(7), [0, 1, 2, 3, 4, 0, 1]),
        (lambda d: d.repeat().take(6), [0, 1, 2, 3, 4, 0]),
        (lambda d: d.filter(lambda x: x % 2 == 0), [0, 2, 4]),
        (lambda d: d.concatenate(numbers(2)), [0, 1, 2, 3, 4, 0, 1]),
        (lambda d: d.cache().prefetch(-1), [0, 1, 2, 3, 4]),
        (lambda d: d.enumerate(5).map(lambda i, x: i + x), [5, 7, 9, 11, 13]),
    ],
)
def test_each_method_gives_another_data_set(make, expected):
    found = make(numbers(5))
    assert values(found) == expected
    assert values(found) == expected, "it can be read again"
    count = found.cardinality()
    assert count in (len(expected), -2)
    if count >= 0:
        assert len(found) == len(expected)


def test_lengths_that_are_not_known():
    for found, count, text in (
        (
            numbers(5).filter(bool),
            -2,
            "The length of this data set is not known before it is read.",
        ),
        (numbers(5).repeat(), -1, "The length of this data set has no end."),
    ):
        assert found.cardinality() == count
        assert found
        refused(TypeError, text, len, found)
    assert repr(numbers(5)) == "<Dataset: 5 elements>"
    assert repr(numbers(5).repeat()) == "<Dataset: no end>"
    assert repr(numbers(5).unbatch()) == "<Dataset: unknown length>"
    assert numbers(5).repeat().take(3).cardinality() == 3
    assert numbers(5).repeat().batch(2).cardinality() == -1


def test_elements_may_be_nested():
    data = Dataset.from_tensor_slices(({"a": np.arange(4), "b": np.ones((4, 2))}, np.arange(4)))
    (x, y), *_ = data.map(lambda x, y: (x, y + 1)).batch(3)
    assert (x["a"].tolist(), x["b"].shape, y.tolist()) == ([0, 1, 2], (3, 2), [1, 2, 3])
    assert [float(np.sum(x["b"])) for x, _ in data.batch(3).unbatch()] == [2.0] * 4
    first = next(iter(data.as_numpy_iterator()))
    assert all(isinstance(leaf, np.ndarray) for leaf in (first[0]["a"], first[1]))


def test_a_list_is_an_array():
    assert values(Dataset.from_tensor_slices([1, 2, 3])) == [1, 2, 3]
    pairs = Dataset.from_tensor_slices((["a", "b"], [[1, 2], [3, 4]]))
    assert [(str(x), y.tolist()) for x, y in pairs] == [("a", [1, 2]), ("b", [3, 4])]


def test_numbers_become_tensors_of_the_usual_kinds():
    ints, floats, flags, texts = next(
        iter(Dataset(lambda: [(1, 0.5, True, "a"), (2, 1.5, False, "b")]).batch(2))
    )
    assert [a.dtype for a in (ints, floats, flags, texts)] == ["int32", "float32", "bool", object]
    assert texts.tolist() == ["a", "b"]


def test_shuffle_is_new_in_each_pass_and_repeatable():
    found = numbers(50).shuffle(50, seed=1)
    first, second = values(found), values(found)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(50))
    again = numbers(50).shuffle(50, seed=1)
    assert [values(again), values(again)] == [first, second]
    still = numbers(50).shuffle(50, seed=1, reshuffle_each_iteration=False)
    assert values(still) == values(still) == first
    near = values(numbers(50).shuffle(3))
    assert sorted(near) == list(range(50))
    assert all(value <= place + 2 for place, value in enumerate(near))
    refused(ArgumentError, "shuffle: expected buffer_size from 1, got 0.", numbers(3).shuffle, 0)


def test_the_seed_of_shuffle_is_governed_by_set_random_seed():
    orders = []
    for _ in range(2):
        utils.set_random_seed(4)
        orders.append(values(numbers(30).shuffle(30)))
    assert orders[0] == orders[1]


def test_cache_reads_once():
    read = []
    found = Dataset(lambda: (read.append(i) or i for i in range(3)), 3).cache()
    next(iter(found))
    assert values(found) == values(found) == [0, 1, 2]
    assert read == [0, 0, 1, 2]
    text = "cache: elements are kept in memory only; call cache() without file."
    refused(ArgumentError, text, found.cache, "file")


def test_threads_read_ahead_but_not_far():
    seen, lock = [], threading.Lock()

    def read(i):
        with lock:
            seen.append(int(i))
        return i

    passing = iter(numbers(100).map_ahead(read, 4, 10))
    assert next(passing) == 0
    passing.close()
    assert len(seen) <= 10
    assert values(numbers(40).map_ahead(read, 4, 10)) == list(range(40))


def test_an_error_in_a_thread_is_raised_where_it_is_read():
    def fail_at_three(x):
        if x == 3:
            raise LoadError("the third")
        return x

    passing = iter(numbers(5).map(fail_at_three, num_parallel_calls=2))
    assert [int(next(passing)) for _ in range(3)] == [0, 1, 2]
    refused(LoadError, "the third", next, passing)


def test_elements_of_different_shapes_are_refused():
    found = Dataset(lambda: [np.zeros(2), np.zeros(3)], 2)
    text = (
        "batch: expected elements of one shape, got (2,) and (3,). Make them equal with map first."
    )
    refused(ShapeError, text, list, found.batch(2))
    assert values(found.padded_batch(2)) == [[[0, 0, 0], [0, 0, 0]]]
    text = "batch: expected a positive integer as batch_size, got 0."
    refused(ArgumentError, text, found.batch, 0)
    text = "from_tensor_slices: expected arrays of one length, got [(2,), (3,)]."
    refused(ShapeError, text, Dataset.from_tensor_slices, (np.zeros(2), np.zeros(3)))


def test_a_model_takes_it():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype("float32")
    y = x @ np.float32([[1], [2], [3]])
    data = Dataset.from_tensor_slices((x, y)).batch(8)
    model = kerasnb.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    shuffled = data.unbatch().shuffle(40, seed=0).batch(8).map(lambda x, y: (x + 0, y)).cache()
    history = model.fit(shuffled, epochs=4, validation_data=data, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert math.isclose(
        model.evaluate(data, verbose=0), model.evaluate(x, y, verbose=0), rel_tol=1e-5
    )
    found = model.predict(data.map(lambda x, y: x), verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-6)
    model.fit(data.repeat(), steps_per_epoch=7, epochs=2, verbose=0)


# Folders


@pytest.fixture
def texts(tmp_path):
    """Three folders of four texts, which hold their own paths."""
    for name in ("cats", "dogs", "eels"):
        for i in range(4):
            path = tmp_path / name / ("sub" if i == 2 else "") / f"{i}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.relative_to(tmp_path).as_posix())
        (tmp_path / name / "notes.md").write_text("no example")
    (tmp_path / ".git").mkdir()
    return tmp_path


def read(folder, **arguments):
    return utils.text_dataset_from_directory(folder, verbose=False, **arguments)


# what Keras 3.15 gives for this folder and seed 42
ORDER = [
    "eels/3.txt", "eels/1.txt", "cats/0.txt", "eels/0.txt", "dogs/1.txt", "cats/3.txt",
    "cats/1.txt", "eels/sub/2.txt", "dogs/0.txt", "dogs/sub/2.txt", "cats/sub/2.txt", "dogs/3.txt",
]  # fmt: skip


def test_files_come_in_keras_s_order(texts):
    found = read(texts, seed=42)
    assert found.file_paths == [str(texts / name) for name in ORDER]
    assert found.class_names == ["cats", "dogs", "eels"]
    assert len(found) == 1
    (x, y), = found  # fmt: skip
    assert sorted(x) == sorted(ORDER)
    assert [found.class_names[i] for i in y] == [name.partition("/")[0] for name in x]
    assert (x.dtype, y.dtype) == (object, "int32")


def test_parts_share_no_file_and_are_keras_s(texts):
    part = {"seed": 42, "validation_split": 0.3}
    training, validation = read(texts, subset="both", **part)
    for found, names in ((training, ORDER[:9]), (validation, ORDER[9:])):
        assert found.file_paths == [str(texts / name) for name in names]
    assert read(texts, subset="training", **part).file_paths == training.file_paths
    assert read(texts, subset="validation", **part).file_paths == validation.file_paths
    (x, _), = validation  # fmt: skip
    assert x.tolist() == ORDER[9:], "the validation part of a pair keeps its order"


def test_each_pass_is_mixed_anew_unless_not_asked(texts):
    mixed = read(texts, seed=42, batch_size=None, labels=None)
    first, second = list(mixed), list(mixed)
    assert first != second
    assert sorted(first) == sorted(second) == sorted(ORDER)
    still = read(texts, shuffle=False, batch_size=5, labels=None)
    names = [f"{c}/{n}.txt" for c in ("cats", "dogs", "eels") for n in ("0", "1", "3", "sub/2")]
    assert [x.tolist() for x in still] == [names[:5], names[5:10], names[10:]]


@pytest.mark.parametrize(
    ("mode", "names", "expected", "dtype"),
    [
        ("int", ["dogs", "cats"], [0, 0, 0, 0, 1, 1, 1, 1], "int32"),
        ("binary", ["dogs", "cats"], [[0]] * 4 + [[1]] * 4, "float32"),
        ("categorical", ["eels", "dogs"], [[1, 0]] * 4 + [[0, 1]] * 4, "float32"),
    ],
)
def test_labels_have_the_form_that_is_asked_for(texts, mode, names, expected, dtype):
    (_, y), = read(texts, label_mode=mode, class_names=names, shuffle=False)  # fmt: skip
    assert (y.tolist(), y.dtype) == (expected, dtype)


def test_labels_may_be_given(texts):
    found = read(texts, labels=list(range(12)), shuffle=False)
    (x, y), = found  # fmt: skip
    assert y.tolist() == list(range(12))
    assert x[0] == "cats/0.txt"
    assert found.class_names == [str(i) for i in sorted(range(12))]
    mixed = read(texts, labels=list(range(12)), seed=1)
    by_path = dict(zip(x, y, strict=True))
    assert all(by_path[x] == y for x, y in mixed.unbatch())


def test_texts_are_cut_and_must_be_utf_8(texts):
    (x,) = read(texts, labels=None, max_length=3, shuffle=False)
    assert x.tolist() == ["cat"] * 4 + ["dog"] * 4 + ["eel"] * 4
    path = texts / "cats" / "0.txt"
    path.write_bytes(b"caf\xe9")
    text = f"{path}: expected UTF-8 text, but byte 3 is not."
    refused(LoadError, text, list, read(texts, shuffle=False))


def test_what_is_found_is_printed(texts, capsys):
    utils.text_dataset_from_directory(texts, seed=1, validation_split=0.25, subset="training")
    said = f"Found 12 texts of 3 classes in {texts}.\n9 are for training, 3 for validation.\n"
    assert capsys.readouterr().out == said
    utils.text_dataset_from_directory(texts, labels=None)
    assert capsys.readouterr().out == f"Found 12 texts in {texts}.\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"labels": "infer"}, "labels: expected 'inferred', None, or a list with a label for each "
         "file, got 'infer'."),
        ({"labels": [1]}, "labels: expected one for each of 12 files, got 1."),
        ({"labels": None, "class_names": ["cats"]},
         "class_names needs labels='inferred': it chooses among the folders."),
        ({"class_names": ["cat"]},
         "Unknown folder of {} in class_names: 'cat'. Did you mean 'cats'?"),
        ({"label_mode": "integer"}, "Unknown label_mode 'integer'. Did you mean 'int'?"),
        ({"label_mode": "binary"},
         "label_mode='binary': expected two classes, got 3. Use 'int' or 'categorical'."),
        ({"subset": "valid", "validation_split": 0.1},
         "Unknown subset 'valid'. Did you mean 'validation'?"),
        ({"subset": "training"},
         "validation_split and subset belong together: give both, or neither."),
        ({"validation_split": 0.1},
         "validation_split and subset belong together: give both, or neither."),
        ({"validation_split": 2, "subset": "both", "seed": 1},
         "validation_split: expected a number between 0 and 1, got 2."),
        ({"validation_split": 0.5, "subset": "both"},
         "validation_split with shuffle needs a seed: without it, the two parts would be drawn "
         "from different orders, and share files."),
        ({"validation_split": 0.01, "subset": "both", "seed": 1},
         "validation_split=0.01 of 12 texts leaves none for validation."),
        ({"format": "torch"}, "Unknown format 'torch'. Known: grain, tf."),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(texts, arguments, text):
    refused(ArgumentError, text.format(texts), read, texts, **arguments)


def test_folders_without_files_are_refused(tmp_path):
    text = f"{tmp_path / 'no'}: expected a folder of texts, but there is none."
    refused(LoadError, text, read, tmp_path / "no")
    text = f"{tmp_path}: expected texts in files that end in .txt."
    refused(LoadError, text, read, tmp_path)


@pytest.fixture
def pictures(tmp_path):
    """Two folders of pictures of one colour each, of different sizes and kinds."""
    for name, color in (("blue", (0, 0, 255)), ("red", (255, 0, 0))):
        (tmp_path / name).mkdir()
        for i, kind in enumerate(("png", "bmp", "PNG")):
            Image.new("RGB", (6 + i, 9 - i), color).save(tmp_path / name / f"{i}.{kind}")
    return tmp_path


def test_pictures_are_read(pictures):
    found = utils.image_dataset_from_directory(
        pictures, image_size=(4, 5), batch_size=4, shuffle=False, verbose=False
    )
    (x, y), (_, last) = found
    assert (x.shape, x.dtype, y.tolist(), last.tolist()) == (
        (4, 4, 5, 3),
        "float32",
        [0, 0, 0, 1],
        [1, 1],
    )
    np.testing.assert_allclose(x[0], np.broadcast_to([0, 0, 255], (4, 5, 3)), atol=1e-4)
    assert len(found.file_paths) == 6
    assert found.take(1).map(lambda x, y: (x, y)).class_names == ["blue", "red"]


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"color_mode": "grayscale"}, (4, 5, 1)),
        ({"color_mode": "rgba", "data_format": "channels_first"}, (4, 4, 5)),
        ({"crop_to_aspect_ratio": True}, (4, 5, 3)),
        ({"pad_to_aspect_ratio": True}, (4, 5, 3)),
        ({"interpolation": "NEAREST"}, (4, 5, 3)),
        ({"image_size": 7}, (7, 7, 3)),
    ],
)
def test_pictures_have_the_form_that_is_asked_for(pictures, arguments, shape):
    arguments = {"image_size": (4, 5), "labels": None, "verbose": False, **arguments}
    (x,) = utils.image_dataset_from_directory(pictures, **arguments)
    assert x.shape == (6, *shape)
    assert x.dtype == ("uint8" if "interpolation" in arguments else "float32")
    if "pad_to_aspect_ratio" in arguments:
        assert (x[:, :, -1] == 0).all(), "black at the right"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"color_mode": "gray"}, "Unknown color_mode 'gray'. Did you mean 'grayscale'?"),
        ({"interpolation": "bilinea"}, "Unknown interpolation 'bilinea'. Did you mean 'bilinear'?"),
        ({"image_size": (3,)}, "image_size: expected height and width, got (3,)."),
        ({"data_format": "last"},
         "Unknown data_format 'last'. Known: channels_first, channels_last."),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
         "Choose one of crop_to_aspect_ratio and pad_to_aspect_ratio, not both."),
    ],
)  # fmt: skip
def test_pictures_that_make_no_sense_are_refused(pictures, arguments, text):
    refused(ArgumentError, text, utils.image_dataset_from_directory, pictures, **arguments)


def test_sounds_are_read(tmp_path):
    for name, samples in (("high", [0, 16384, -32768]), ("low", [8192])):
        (tmp_path / name).mkdir()
        with wave.open(str(tmp_path / name / "a.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(np.array(samples, "<i2").tobytes())
    load = utils.audio_dataset_from_directory
    (x, y), = load(tmp_path, shuffle=False, verbose=False)  # fmt: skip
    assert x[..., 0].tolist() == [[0, 0.5, -1], [0.25, 0, 0]]
    assert (x.shape, x.dtype, y.tolist()) == ((2, 3, 1), "float32", [0, 1])
    (x, _), = load(tmp_path, output_sequence_length=2, shuffle=False, verbose=False)  # fmt: skip
    assert x[..., 0].tolist() == [[0, 0.5], [0.25, 0]]
    text = (
        "audio_dataset_from_directory: ragged is not supported. Sounds keep their rate, and those "
        "of a batch are filled up to one length."
    )
    refused(ArgumentError, text, load, tmp_path, ragged=True)
    (tmp_path / "low" / "a.wav").write_bytes(b"nothing")
    with pytest.raises(LoadError, match=r"it is no sound in a \.wav file: "):
        list(load(tmp_path, verbose=False))


# Pictures

# what TensorFlow's image.resize gives, whose table of weights for "bicubic" is coarse
PIXELS = np.uint8([[10, 80, 30, 0], [0, 255, 60, 90], [200, 120, 5, 40]])[..., None]
RESIZED = {
    "bilinear": [[26.88, 80.62, 25.0], [150.62, 86.25, 46.88]],
    "nearest": [[10, 30, 0], [200, 5, 40]],
    "bicubic": [[17.42, 84.73, 19.44], [161.88, 79.79, 45.96]],
    "area": [[39.58, 89.17, 32.5], [141.25, 94.17, 48.33]],
    "lanczos3": [[13.55, 100.49, 18.71], [166.72, 80.14, 45.32]],
    "lanczos5": [[8.92, 113.29, 16.25], [170.26, 79.42, 47.17]],
    "gaussian": [[32.29, 82.57, 27.1], [148.32, 88.05, 46.43]],
    "mitchellcubic": [[25.13, 85.2, 23.96], [153.98, 85.23, 46.3]],
}
ENLARGED = {
    "bilinear": [10.0, 59.0, 55.0, 21.0, 0.0],
    "nearest": [10, 80, 30, 30, 0],
    "bicubic": [7.92, 56.96, 55.49, 16.12, -6.13],
    "area": [10.0, 62.5, 55.0, 22.5, 0.0],
    "lanczos3": [11.66, 51.98, 57.5, 10.52, -8.79],
    "lanczos5": [16.56, 50.02, 59.92, 8.5, -8.77],
    "gaussian": [16.23, 66.27, 62.78, 26.27, 8.94],
    "mitchellcubic": [11.03, 61.01, 59.13, 19.71, 1.01],
}


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_pictures_change_size_as_in_tensorflow(interpolation):
    atol = 0.2 if interpolation == "bicubic" else 0.006  # two decimals are noted above
    found = resize(PIXELS, (2, 3), interpolation)
    np.testing.assert_allclose(found[..., 0], RESIZED[interpolation], atol=atol)
    found = resize(PIXELS, (4, 5), interpolation)
    np.testing.assert_allclose(found[0, :, 0], ENLARGED[interpolation], atol=atol)
    assert found.dtype == ("uint8" if interpolation == "nearest" else "float32")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_written_and_read(tmp_path, data_format, channels):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (5, 4, channels)).astype("float32")
    given = array.transpose(2, 0, 1) if data_format == "channels_first" else array
    path = tmp_path / "a.png"
    save_img(path, given, data_format, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        found = img_to_array(load_img(source, mode), data_format)
        assert found.dtype == "float32"
        np.testing.assert_array_equal(found, given)


def test_arrays_are_stretched_to_the_range_of_pictures():
    assert np.asarray(array_to_img([[[-1.0], [0.0], [3.0]]])).tolist() == [[0, 63, 255]]
    assert np.asarray(array_to_img(np.zeros((1, 2, 1)))).tolist() == [[0, 0]]
    image = array_to_img([[[300.0], [1.0]]], scale=False)
    assert (image.mode, np.asarray(image).tolist()) == ("I", [[300, 1]])
    assert img_to_array(np.zeros((2, 3)), dtype="uint8").shape == (2, 3, 1)


def test_a_picture_is_made_smaller_while_it_is_read(tmp_path):
    array = np.zeros((4, 8, 3))
    array[:, 4:] = 255
    save_img(tmp_path / "a.bmp", array)
    found = load_img(tmp_path / "a.bmp", target_size=(2, 4))
    assert (found.size, found.mode) == ((4, 2), "RGB")
    assert np.asarray(found)[0, :, 0].tolist() == [0, 0, 255, 255]
    found = load_img(tmp_path / "a.bmp", "grayscale", (2, 2), "box", keep_aspect_ratio=True)
    assert np.asarray(found)[0].tolist() == [0, 255]
    with pytest.warns(UserWarning, match=r"^JPEG has no transparency: save_img leaves it out\.$"):
        save_img(tmp_path / "b.jpg", np.zeros((2, 2, 4)))


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda p: load_img(p / "no.png"), LoadError,
         "{}/no.png: cannot be read: No such file or directory."),
        (lambda p: load_img(3), ArgumentError, "load_img: expected a path or io.BytesIO, got int."),
        (lambda p: load_img(p, "gray"), ArgumentError,
         "Unknown color_mode 'gray'. Did you mean 'grayscale'?"),
        (lambda p: load_img(p, interpolation="cubic"), ArgumentError,
         "Unknown interpolation 'cubic'. Did you mean 'bicubic'?"),
        (lambda p: img_to_array(np.zeros(3)), ShapeError,
         "img_to_array: expected (H, W) or (H, W, C), got (3,)."),
        (lambda p: array_to_img(np.zeros((2, 2, 2))), ShapeError,
         "array_to_img: expected one picture of 1, 3 or 4 channels, channels_last, got (2, 2, 2)."),
        (lambda p: array_to_img(np.zeros((2, 2))), ShapeError,
         "array_to_img: expected one picture of 1, 3 or 4 channels, channels_last, got (2, 2)."),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(tmp_path, function, error, text):
    refused(error, text.format(tmp_path), function, tmp_path)


def test_a_file_that_holds_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(LoadError, match=r"a\.png: it is no picture that Pillow can read: "):
        load_img(tmp_path / "a.png")


def test_without_pillow_the_error_says_what_to_install(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("PIL"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    text = 'Pictures need Pillow: pip install "kerasnb[image]"'
    refused(MissingDependency, text, load_img, tmp_path)
    refused(MissingDependency, text, save_img, tmp_path / "a.png", np.zeros((2, 2, 3)))


# Series and parts


def test_windows_of_a_series_are_keras_s():
    found = utils.timeseries_dataset_from_array(
        np.arange(12), np.arange(100, 112), 3, sequence_stride=2, sampling_rate=2, batch_size=3,
        start_index=1, end_index=11,
    )  # fmt: skip
    assert [(x.tolist(), y.tolist()) for x, y in found] == [
        ([[1, 3, 5], [3, 5, 7], [5, 7, 9]], [101, 103, 105])
    ]


def test_windows_without_targets_or_batches():
    data = np.arange(10).reshape(5, 2)
    found = utils.timeseries_dataset_from_array(data, None, 2, batch_size=None)
    assert values(found) == [[[0, 1], [2, 3]], [[2, 3], [4, 5]], [[4, 5], [6, 7]], [[6, 7], [8, 9]]]
    mixed = utils.timeseries_dataset_from_array(data, None, 2, batch_size=2, shuffle=True, seed=0)
    assert sorted(values(mixed.unbatch())) == values(found)
    assert len(mixed) == 2
    few = utils.timeseries_dataset_from_array(np.arange(9), np.arange(3), 2)
    assert [y.tolist() for _, y in few] == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sequence_length": 0}, "expected sequence_length from 1 to 9{}, got 0."),
        ({"sequence_stride": 9}, "expected sequence_stride from 1 to 8{}, got 9."),
        ({"sampling_rate": 0}, "expected sampling_rate from 1 to 8{}, got 0."),
        ({"start_index": -1}, "expected start_index from 0 to 8{}, got -1."),
        ({"start_index": 4, "end_index": 3},
         "expected end_index from 5 to 9{}, got 3."),
        ({"sequence_length": 5, "sampling_rate": 3},
         "9 rows hold no window of 5 rows, each 3 after the one before."),
    ],
)  # fmt: skip
def test_windows_that_make_no_sense_are_refused(arguments, text):
    text = f"timeseries_dataset_from_array: {text}".format(" for a series of 9 rows")
    arguments = {"sequence_length": 2, **arguments}
    refused(
        ArgumentError, text, utils.timeseries_dataset_from_array, np.arange(9), None, **arguments
    )


def test_parts_are_keras_s():
    left, right = utils.split_dataset(
        [np.arange(7), 2 * np.arange(7)], left_size=0.6, right_size=2, shuffle=True, seed=5
    )
    assert [[int(v) for v in e] for e in left] == [[6, 12], [3, 6], [1, 2], [0, 0]]
    assert [[int(v) for v in e] for e in right] == [[2, 4], [4, 8]]
    assert len(left) == 4


def test_parts_of_batches_are_batches():
    data = Dataset.from_tensor_slices((np.arange(10), np.arange(10))).batch(3)
    left, right = utils.split_dataset(data, right_size=4)
    assert [x.tolist() for x, _ in left] == [[0, 1, 2], [3, 4, 5]]
    assert [x.tolist() for x, _ in right] == [[6, 7, 8], [9]]
    assert [int(x) for x in utils.split_dataset(np.arange(4), 1)[1]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "give left_size, right_size or both."),
        ({"left_size": 5}, "expected left_size from 1 to 4{}, got 5."),
        ({"right_size": 1.5},
         "expected right_size from 1 to 4{}, got 1.5."),
        ({"left_size": 0.05}, "0 and 5 of 5 examples are no two parts of them."),
        ({"left_size": 4, "right_size": 2}, "4 and 2 of 5 examples are no two parts of them."),
    ],
)  # fmt: skip
def test_parts_that_make_no_sense_are_refused(arguments, text):
    text = f"split_dataset: {text}".format(", or as a part between 0.0 and 1.0")
    refused(ArgumentError, text, utils.split_dataset, np.arange(5), **arguments)


def test_what_has_no_parts_is_refused():
    text = (
        "split_dataset: expected a Dataset, an array, or a list or tuple of arrays, got generator."
    )
    refused(ArgumentError, text, utils.split_dataset, (i for i in range(3)), 1)
    text = "split_dataset: expected arrays of one length, got [(2,), (3,)]."
    refused(ShapeError, text, utils.split_dataset, [np.zeros(2), np.zeros(3)], 1)
