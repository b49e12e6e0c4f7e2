"""Images as tensors: known values, what is drawn in training, and every error's whole text."""

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, DTypeError, ShapeError
from kerasnb.ops import image

RNG = np.random.default_rng(0)
PHOTOS = RNG.uniform(0, 255, size=(4, 6, 5, 3)).astype("float32")
# one row of four pixels with one channel
ROW = np.array([1.0, 2.0, 4.0, 8.0], "float32").reshape(1, 1, 4, 1)


def flat(tensor):
    return np.asarray(tensor).ravel().tolist()


# Known values


def test_halves_and_doubles_a_row():
    assert flat(image.resize(ROW, (1, 2))) == [1.5, 6.0]
    assert flat(image.resize(ROW, (1, 8)))[:4] == [1.0, 1.25, 1.75, 2.5]
    assert flat(image.resize(ROW, (1, 2), "nearest")) == [2.0, 8.0]
    # three pixels become one: the middle one, or with antialiasing a mean of all
    assert flat(image.resize(ROW[:, :, :3], (1, 1))) == [2.0]
    mean = (2 * 1 + 3 * 2 + 2 * 4) / 7  # 2/3, 1 and 2/3 under a triangle three times as wide
    np.testing.assert_allclose(flat(image.resize(ROW[:, :, :3], (1, 1), antialias=True)), [mean])


def test_bytes_stay_bytes_and_are_rounded():
    small = image.resize(np.array([[[10], [13]]], "uint8"), (1, 1))
    assert (small.dtype, flat(small)) == ("uint8", [12])  # 11.5 to the even number


def test_patches_are_read_row_by_row():
    x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    patches = image.extract_patches(x, 2)
    assert patches.shape == (1, 2, 2, 4)
    assert flat(patches[0, 0, 1]) == [2, 3, 6, 7]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [9, 9, 1, 2]),
        ("nearest", [1, 1, 1, 2]),
        ("wrap", [4, 8, 1, 2]),
        ("reflect", [2, 1, 1, 2]),
        ("mirror", [4, 2, 1, 2]),
    ],
)
def test_what_lies_beyond_the_edge(mode, expected):
    moved = image.affine_transform(
        ROW, [1, 0, -2, 0, 1, 0, 0, 0], "nearest", fill_mode=mode, fill_value=9
    )
    assert flat(moved) == expected


def test_values_between_elements_are_means():
    assert flat(image.map_coordinates([[1.0, 2.0], [3.0, 7.0]], [[0.5], [0.5]], 1)) == [3.25]


def test_colours_of_the_circle():
    pure = np.array([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5]]], "float32")
    hsv = image.rgb_to_hsv(pure)
    hues = [0, 1 / 3, 2 / 3, 1 / 6, 0]
    np.testing.assert_allclose(hsv[0, :, 0], hues, atol=1e-6)
    np.testing.assert_allclose(image.hsv_to_rgb(hsv), pure, atol=1e-6)


# In training


RANDOM = {
    "flip": lambda: layers.RandomFlip(seed=1),
    "rotation": lambda: layers.RandomRotation(0.3, seed=1),
    "zoom": lambda: layers.RandomZoom(0.3, seed=1),
    "translation": lambda: layers.RandomTranslation(0.3, 0.3, seed=1),
    "contrast": lambda: layers.RandomContrast(0.6, seed=1),
    "brightness": lambda: layers.RandomBrightness(0.6, seed=1),
    "crop": lambda: layers.RandomCrop(3, 2, seed=1),
}


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_repeats_what_is_drawn(name):
    first, again = RANDOM[name](), RANDOM[name]()
    made = [np.asarray(first(PHOTOS, training=True)) for _ in range(4)]
    for batch in made:
        np.testing.assert_array_equal(batch, again(PHOTOS, training=True))
    assert any((batch != made[0]).any() for batch in made[1:]), "each call draws anew"


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "crop"])
def test_each_image_is_varied_by_itself(name):
    same = np.repeat(PHOTOS[:1], 16, axis=0)
    made = np.asarray(RANDOM[name]()(same, training=True))
    assert any((picture != made[0]).any() for picture in made[1:])
    np.testing.assert_array_equal(RANDOM[name]()(same, training=False), same)


def test_flips_are_either_and_about_half():
    made = np.asarray(
        layers.RandomFlip("horizontal", seed=2)(np.tile(PHOTOS[:1], (400, 1, 1, 1)), training=True)
    )
    plain = (made == PHOTOS[0]).all(axis=(1, 2, 3))
    turned = (made == PHOTOS[0, :, ::-1]).all(axis=(1, 2, 3))
    assert (plain ^ turned).all()
    assert 150 < plain.sum() < 250


def test_a_quarter_turn_to_the_left_and_a_shift():
    x = np.arange(9, dtype="float32").reshape(3, 3, 1)
    turned = layers.RandomRotation((0.25, 0.25), "constant", "nearest")(x, training=True)
    np.testing.assert_array_equal(turned[..., 0], np.rot90(x[..., 0]))
    moved = layers.RandomTranslation((1 / 3, 1 / 3), (0, 0), "constant")(x, training=True)
    np.testing.assert_allclose(moved[1:, :, 0], x[:2, :, 0], atol=1e-5)


def test_contrast_keeps_the_mean_and_the_range():
    layer = layers.RandomContrast((0.2, 0.9), value_range=(-1000, 1000), seed=0)
    made = np.asarray(layer(PHOTOS, training=True))
    np.testing.assert_allclose(made.mean(axis=(1, 2)), PHOTOS.mean(axis=(1, 2)), rtol=1e-4)
    ratio = made.std(axis=(1, 2)) / PHOTOS.std(axis=(1, 2))
    assert ((ratio >= 0.8) & (ratio <= 1.9)).all()
    assert np.ptp(ratio, axis=0).min() > 0.01, "each picture has a contrast of its own"
    bright = np.asarray(layers.RandomBrightness((0.9, 0.9))(PHOTOS, training=True))
    assert bright.max() == 255.0


def varied_model():
    kerasnb.utils.set_random_seed(3)
    return kerasnb.Sequential(
        [
            kerasnb.Input((6, 5, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip(seed=1),
            layers.RandomRotation(0.2, seed=2),
            layers.RandomZoom(0.2, seed=3),
            layers.RandomTranslation(0.1, 0.1, seed=4),
            layers.RandomContrast(0.3, value_range=(0, 1), seed=5),
            layers.RandomBrightness(0.3, value_range=(0, 1), seed=6),
            layers.RandomCrop(4, 4, seed=7),
            layers.Resizing(5, 5),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_training_is_the_same_compiled_and_op_by_op():
    y = RNG.normal(size=(4, 2)).astype("float32")
    weights = []
    for eagerly in (False, True):
        model = varied_model()
        model.compile("sgd", "mse", run_eagerly=eagerly)
        model.fit(PHOTOS, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for compiled, eager in zip(*weights, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


def test_a_model_with_images_comes_back_from_its_configuration():
    model = varied_model()
    again = kerasnb.Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()


# Errors


@pytest.mark.parametrize(
    ("work", "error", "text"),
    [
        (
            lambda: image.resize(PHOTOS, (2, 2), "cubic"),
            ArgumentError,
            "Unknown interpolation 'cubic'. Did you mean 'bicubic'?",
        ),
        (
            lambda: image.resize(PHOTOS, (2, 0)),
            ArgumentError,
            "resize: expected a height and a width from 1, got (2, 0).",
        ),
        (
            lambda: image.resize(np.zeros((2, 3)), (2, 2)),
            ShapeError,
            "resize: expected images (H, W, C) or (N, H, W, C), got f64[2,3].",
        ),
        (
            lambda: image.resize(
                PHOTOS, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True
            ),
            ArgumentError,
            "resize: only one of crop_to_aspect_ratio and pad_to_aspect_ratio may be true.",
        ),
        (
            lambda: image.resize(PHOTOS, (2, 2), fill_mode="wrap"),
            ArgumentError,
            "resize: fill_mode must be \"constant\", got 'wrap'.",
        ),
        (
            lambda: image.extract_patches(PHOTOS, 9),
            ShapeError,
            "extract_patches: windows of 9 do not fit into 6 pixels.",
        ),
        (
            lambda: image.crop_images(PHOTOS, 1, 1),
            ArgumentError,
            "crop_images: give two of top_cropping, bottom_cropping and target_height.",
        ),
        (
            lambda: image.crop_images(PHOTOS, 4, 0, target_height=3, target_width=2),
            ShapeError,
            "crop_images: 4 to 7 is no part of the 6 along axis 1.",
        ),
        (
            lambda: image.pad_images(PHOTOS, 0, 0, target_height=3, target_width=9),
            ShapeError,
            "pad_images: the 6 along axis 1 do not fit into 3 with the given padding.",
        ),
        (
            lambda: image.affine_transform(PHOTOS, np.zeros((3, 8), "float32")),
            ShapeError,
            "affine_transform: expected transform (8,) or (N, 8) for images f32[4,6,5,3], got "
            "f32[3,8].",
        ),
        (
            lambda: image.map_coordinates(ROW, np.zeros((2, 1)), 1),
            ShapeError,
            "map_coordinates: expected coordinates (4, ...) for f32[1,1,4,1], got f64[2,1].",
        ),
        (
            lambda: image.rgb_to_hsv(np.zeros((2, 2, 3), "uint8")),
            DTypeError,
            "rgb_to_hsv: expected floats from 0 to 1, got u8[1,2,2,3]. Divide by 255.",
        ),
        (
            lambda: layers.RandomRotation(2.0, name="turn"),
            ArgumentError,
            "RandomRotation 'turn': factor must be a number from -1 to 1, or two of them, got 2.0.",
        ),
        (
            lambda: layers.RandomContrast(0.5, value_range=(1, 0), name="c"),
            ArgumentError,
            "RandomContrast 'c': value_range must be the least and the largest value, got (1, 0).",
        ),
        (
            lambda: layers.RandomFlip("sideways", name="f"),
            ArgumentError,
            "Unknown mode of RandomFlip 'f': 'sideways'. Known: horizontal, "
            "horizontal_and_vertical, vertical.",
        ),
        (
            lambda: layers.CenterCrop(2, 2, name="c")(np.zeros((2, 3))),
            ShapeError,
            "CenterCrop 'c': expected images (H, W, C) or (N, H, W, C), got f32[2,3].",
        ),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(work, error, text):
    with pytest.raises(error) as info:
        work()
    assert str(info.value) == text


def test_images_of_text_are_no_images():
    with pytest.raises(DTypeError):
        ops.image.resize(np.array([[["a"]]]), (1, 1))


def test_a_call_by_itself_is_training_and_a_prediction_is_not():
    model = kerasnb.Sequential([layers.RandomBrightness((0.5, 0.5)), layers.Dropout(0.9)])
    dark = np.zeros((1, 2, 2, 3), "float32")
    assert flat(model(dark)) == [127.5] * 12  # nothing is dropped: that is for training alone
    assert flat(model(dark, training=False)) == [0.0] * 12
    assert flat(model.predict(dark, verbose=0)) == [0.0] * 12
