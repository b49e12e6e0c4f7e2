"""Settings: where they come from, which wins, and what a mistake in a file looks like."""

import json
import os
import subprocess
import sys
import warnings

import pytest

from kerasnb import config
from kerasnb.errors import ArgumentError, LoadError

VARIABLES = ("KERASNB_BACKEND", "KERAS_BACKEND", "KERASNB_ANNOUNCE")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder for either file, and an environment that says nothing else."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERASNB_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "own").mkdir()
    (tmp_path / "keras").mkdir()
    config.reload()
    yield tmp_path
    monkeypatch.undo()
    config.reload()


@pytest.fixture
def own(home):
    return home / "own" / "kerasnb.json"


@pytest.fixture
def keras(home):
    return home / "keras" / "keras.json"


def everything():
    names = ("floatx", "epsilon", "image_data_format", "backend", "announce", "path")
    return {name: getattr(config, name)() for name in names}


DEFAULTS = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "backend": "numpy",
    "announce": True,
    "path": None,
}
OTHERS = {
    "floatx": "float64",
    "epsilon": 1e-5,
    "image_data_format": "channels_first",
    "backend": "cupy",
    "announce": False,
}


def test_defaults_without_a_file():
    assert everything() == DEFAULTS


def test_our_file_comes_first(own, keras):
    own.write_text(json.dumps(OTHERS))
    keras.write_text('{"floatx": "float16"}')
    assert everything() == {**OTHERS, "path": str(own)}


def test_keras_file_is_read_where_ours_is_not_there(keras):
    # as Keras 3 writes it, with a key that this package does not know
    keras.write_text(
        '{"floatx": "float16", "epsilon": 1e-05, "backend": "numpy", '
        '"image_data_format": "channels_first", "nnx_enabled": false}'
    )
    assert everything() == {
        **DEFAULTS,
        "floatx": "float16",
        "epsilon": 1e-5,
        "image_data_format": "channels_first",
        "path": str(keras),
    }


@pytest.mark.parametrize(("old", "new"), [("tf", "channels_last"), ("th", "channels_first")])
def test_old_name_of_the_data_format(own, old, new):
    own.write_text(json.dumps({"image_dim_ordering": old}))
    assert config.image_data_format() == new


@pytest.mark.parametrize("order", [1, -1])
def test_new_name_of_the_data_format_wins(own, order):
    both = {"image_dim_ordering": "th", "image_data_format": "channels_last"}
    own.write_text(json.dumps(dict(list(both.items())[::order])))
    assert config.image_data_format() == "channels_last"


def test_nothing_is_read_at_import_or_written_at_all(home, own):
    own.write_text("{")
    code = "import kerasnb.config as c\ntry: c.floatx()\nexcept ValueError: print('read late')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "read late\n"
    own.unlink()
    code = "import kerasnb; kerasnb.ops.ones(2)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert [p for p in home.rglob("*") if p.is_file()] == []


def test_home_folder_is_the_default_place(monkeypatch, tmp_path):
    for name in ("KERASNB_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path.replace("~", str(tmp_path)))
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float16"}')
    assert config.floatx() == "float16"
    (tmp_path / ".kerasnb").mkdir()
    (tmp_path / ".kerasnb" / "kerasnb.json").write_text('{"floatx": "float64"}')
    config.reload()
    assert config.floatx() == "float64"


# The backend


def test_environment_overrides_the_backend(own, monkeypatch):
    own.write_text('{"backend": "numpy"}')
    monkeypatch.setenv("KERAS_BACKEND", "cupy")
    assert config.backend() == "cupy"
    config.reload()
    monkeypatch.setenv("KERASNB_BACKEND", "numpy")
    assert config.backend() == "numpy"


def warned():
    """The backend, and the warnings at the first and at the second question."""
    found = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            name = config.backend()
        found.append([(w.category, str(w.message)) for w in caught])
    return name, *found


@pytest.mark.parametrize("name", ["jax", "torch", "tensorflow"])
def test_foreign_keras_backend_warns_once_and_is_passed_over(own, monkeypatch, name):
    monkeypatch.setenv("KERAS_BACKEND", name)
    text = f"KERAS_BACKEND: kerasnb has no backend {name!r}; using "
    assert warned() == ("numpy", [(UserWarning, text + "'numpy'.")], [])
    own.write_text('{"backend": "cupy"}')
    config.reload()
    assert warned() == ("cupy", [(UserWarning, text + "'cupy'.")], [])


def test_foreign_backend_in_keras_file_is_passed_over_without_a_word(keras):
    # Keras writes this file by itself: its users did not ask for that backend here
    keras.write_text('{\n    "floatx": "float16",\n    "backend": "tensorflow"\n}')
    assert warned() == ("numpy", [], [])
    assert config.floatx() == "float16"


def test_warning_takes_one_line_on_standard_error(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    code = "import kerasnb.config as c; c.backend()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == (
        "<kerasnb>:1: UserWarning: KERAS_BACKEND: kerasnb has no backend 'jax'; using 'numpy'.\n"
    )


def test_unknown_backend_of_ours_is_an_error(own, monkeypatch):
    own.write_text('{\n"backend": "cuppy"}')
    with pytest.raises(ArgumentError) as error:
        config.backend()
    assert str(error.value) == (
        f"{own}, line 2, key 'backend': Unknown backend 'cuppy'. Did you mean 'cupy' or 'numpy'?"
    )
    monkeypatch.setenv("KERASNB_BACKEND", "numpi")
    with pytest.raises(ArgumentError) as error:
        config.backend()
    assert str(error.value) == "KERASNB_BACKEND: Unknown backend 'numpi'. Did you mean 'numpy'?"


def test_empty_variables_say_nothing(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert everything() == DEFAULTS


def test_backend_names_are_those_of_the_files():
    assert config.backend_names() == ["cupy", "numpy"]


def test_backend_of_another_package_is_found(tmp_path, monkeypatch):
    package = tmp_path / "extra_backend-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: extra-backend\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[kerasnb.backends]\nextra = nowhere:BACKEND\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert config.backend_names() == ["cupy", "extra", "numpy"]
    monkeypatch.setenv("KERAS_BACKEND", "extra")
    assert config.backend() == "extra"


# Mistakes in a file

MISTAKES = [
    (
        '{"floatx": "float3"}',
        1,
        "floatx",
        "Unknown floatx 'float3'. Did you mean 'float32' or 'float64' or 'float16'?",
    ),
    (
        '{"floatx": 32}',
        1,
        "floatx",
        "Unknown floatx 32. Known: float16, float32, float64.",
    ),
    (
        '{\n\n"epsilon": "1e-7"}',
        3,
        "epsilon",
        "epsilon: expected a finite number above 0, got '1e-7'.",
    ),
    ('{"epsilon": 0}', 1, "epsilon", "epsilon: expected a finite number above 0, got 0."),
    ('{"epsilon": true}', 1, "epsilon", "epsilon: expected a finite number above 0, got True."),
    ('{"epsilon": NaN}', 1, "epsilon", "epsilon: expected a finite number above 0, got nan."),
    (
        '{"image_data_format": "channel_last"}',
        1,
        "image_data_format",
        "Unknown image_data_format 'channel_last'. "
        "Did you mean 'channels_last' or 'channels_first'?",
    ),
    (
        '{"image_dim_ordering": "tensorflow"}',
        1,
        "image_dim_ordering",
        "Unknown image_dim_ordering 'tensorflow'. Known: tf, th.",
    ),
    ('{"announce": "no"}', 1, "announce", 'announce: expected true or false, got "no".'),
    ('{"backend": null}', 1, "backend", "backend: expected a name in quotes, got null."),
    (
        '{"floatx": "float32",\n "flotax": 1}',
        2,
        "flotax",
        "Unknown key 'flotax'. Did you mean 'floatx'?",
    ),
]


@pytest.mark.parametrize(("text", "line", "key", "said"), MISTAKES)
def test_mistake_is_named_with_file_line_and_key(own, text, line, key, said):
    own.write_text(text)
    with pytest.raises(ArgumentError) as error:
        config.floatx()
    assert str(error.value) == f"{own}, line {line}, key {key!r}: {said}"


def test_mistake_in_keras_file_is_named_too(keras):
    keras.write_text('{\n"floatx": "float3"}')
    with pytest.raises(ArgumentError) as error:
        config.floatx()
    assert str(error.value) == (
        f"{keras}, line 2, key 'floatx': Unknown floatx 'float3'. "
        "Did you mean 'float32' or 'float64' or 'float16'?"
    )


def test_bfloat16_of_keras_warns(keras):
    keras.write_text('{"floatx": "bfloat16"}')
    with pytest.warns(UserWarning, match="bfloat16") as caught:
        assert config.floatx() == "float32"
    assert [str(w.message) for w in caught] == [
        f"{keras}, line 1, key 'floatx': kerasnb has no float type 'bfloat16'; using 'float32'."
    ]


BROKEN = [
    (
        b'{\n  "floatx": "float32"\n  "epsilon": 1}',
        ", line 3, column 3: not valid JSON: Expecting ',' delimiter. Correct or remove the file.",
    ),
    (b"[1]", ', line 1: expected a JSON object like {"floatx": "float32"}, got list.'),
    (b'{"a": "\xff"}', ": expected UTF-8 text, got byte 7 that is not."),
]


@pytest.mark.parametrize(("content", "said"), BROKEN)
@pytest.mark.parametrize("which", ["own", "keras"])
def test_broken_file_is_named_with_its_place(request, which, content, said):
    file = request.getfixturevalue(which)
    file.write_bytes(content)
    with pytest.raises(LoadError) as error:
        config.epsilon()
    assert str(error.value) == f"{file}{said}"


def test_file_with_a_byte_order_mark_is_read(own):
    own.write_bytes(b'\xef\xbb\xbf{"floatx": "float64"}')
    assert config.floatx() == "float64"


def test_line_of_a_repeated_key_is_that_of_the_one_that_counts(own):
    own.write_text('{"epsilon": 1,\n"epsilon": -1}')
    with pytest.raises(ArgumentError, match="line 2, key 'epsilon'"):
        config.epsilon()


# Changing and saving


def test_set_and_ask():
    config.set_floatx("float16")
    config.set_epsilon(1)
    config.set_image_data_format("channels_first")
    assert everything() == {
        **DEFAULTS,
        "floatx": "float16",
        "epsilon": 1.0,
        "image_data_format": "channels_first",
    }


REFUSED = [
    (config.set_floatx, "int32", "Unknown floatx 'int32'. Known: float16, float32, float64."),
    (config.set_epsilon, -1.0, "epsilon: expected a finite number above 0, got -1.0."),
    (
        config.set_image_data_format,
        "nchw",
        "Unknown image_data_format 'nchw'. Known: channels_first, channels_last.",
    ),
]


@pytest.mark.parametrize(("function", "value", "said"), REFUSED)
def test_wrong_value_is_refused_and_changes_nothing(function, value, said):
    with pytest.raises(ArgumentError) as error:
        function(value)
    assert str(error.value) == said
    assert everything() == DEFAULTS


def test_save_writes_what_is_read_again(own):
    own.parent.rmdir()  # made where it is not there
    config.set_floatx("float64")
    config.set_epsilon(1e-4)
    assert config.save() == str(own)
    assert config.path() == str(own)
    before = everything()
    config.reload()
    assert everything() == before
    assert [p.name for p in own.parent.iterdir()] == ["kerasnb.json"]


def test_save_elsewhere_leaves_our_file_alone(own, tmp_path):
    assert config.save(tmp_path / "copy.json") == str(tmp_path / "copy.json")
    assert json.loads((tmp_path / "copy.json").read_text()) == {
        k: v for k, v in DEFAULTS.items() if k != "path"
    }
    assert not own.exists()
    assert config.path() is None


def test_failed_save_leaves_the_old_file(own, monkeypatch):
    own.write_text('{"floatx": "float64"}')
    config.floatx()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        config.save()
    assert own.read_text() == '{"floatx": "float64"}'
    assert [p.name for p in own.parent.iterdir()] == ["kerasnb.json"]


@pytest.mark.parametrize(
    ("value", "expected"), [("0", False), ("false", False), ("OFF", False), ("1", True)]
)
def test_variable_switches_the_announcement(own, monkeypatch, value, expected):
    own.write_text(json.dumps({"announce": not expected}))
    monkeypatch.setenv("KERASNB_ANNOUNCE", value)
    assert config.announce() is expected


def test_unknown_value_of_the_variable(monkeypatch):
    monkeypatch.setenv("KERASNB_ANNOUNCE", "maybe")
    with pytest.raises(ArgumentError) as error:
        config.announce()
    assert str(error.value) == "KERASNB_ANNOUNCE: expected 0 or 1, got 'maybe'."
