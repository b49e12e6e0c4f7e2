"""The settings of the file: float type, epsilon, image data format, backend. Imports errors only.

They come from ``~/.kerasnb/kerasnb.json`` (another folder with `KERASNB_HOME`) or, without that
file, from an existing ``~/.keras/keras.json`` (`KERAS_HOME`). `KERASNB_BACKEND`, then
`KERAS_BACKEND`, override the backend. All is read at the first question; nothing is written unless
`save` is called.
"""

from __future__ import annotations

import json
import math
import numbers
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from kerasnb.errors import ArgumentError, LoadError, unknown

__all__ = [
    "announce",
    "backend",
    "backend_names",
    "cache_folder",
    "datasets_folder",
    "epsilon",
    "floatx",
    "home",
    "image_data_format",
    "num_threads",
    "path",
    "reload",
    "save",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

FLOATS = ("float16", "float32", "float64")
FORMATS = ("channels_first", "channels_last")
ORDERINGS = {"tf": "channels_last", "th": "channels_first"}
SWITCH = {"0": False, "false": False, "no": False, "off": False} | {
    "1": True, "true": True, "yes": True, "on": True,
}  # fmt: skip


class _Settings:
    """The values in force. `source` says where the name of the backend stood."""

    __slots__ = (
        "announce", "backend", "epsilon", "floatx", "image_data_format", "ours", "path", "source",
    )  # fmt: skip

    def __init__(self) -> None:
        self.floatx = "float32"
        self.epsilon = 1e-7
        self.image_data_format = "channels_last"
        self.announce = True
        self.backend: str | None = None
        self.path: str | None = None
        self.ours = False
        self.source = ""


_forget_floatx: list[Callable[[], None]] = []
state: dict[str, Any] = {"settings": None, "backend": None, "policy": None}
"""All that is in force in this session."""


def floatx() -> str:
    """The default float type: ``"float16"``, ``"float32"`` or ``"float64"``."""
    return _settings().floatx


def set_floatx(value: str) -> None:
    """Make `value` the default float type of this session.

    Raises:
        ArgumentError: it is none of ``float16``, ``float32``, ``float64``.
    """
    _settings().floatx = _check_floatx(value)
    for forget in _forget_floatx:
        forget()


def on_floatx_change(forget: Callable[[], None]) -> None:
    """Call `forget` whenever the default float type is set: for caches that depend on it."""
    _forget_floatx.append(forget)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _settings().epsilon


def set_epsilon(value: float) -> None:
    """Make `value` the epsilon of this session.

    Raises:
        ArgumentError: it is not a finite number above zero.
    """
    _settings().epsilon = _check_epsilon(value)


def image_data_format() -> str:
    """The default place of the channel axis: ``"channels_last"`` or ``"channels_first"``."""
    return _settings().image_data_format


def set_image_data_format(data_format: str) -> None:
    """Make `data_format` the default place of the channel axis in this session.

    Raises:
        ArgumentError: it is neither ``"channels_last"`` nor ``"channels_first"``.
    """
    _settings().image_data_format = _check_format(data_format)


def backend() -> str:
    """The configured backend's name; `kerasnb.backend.use` may have chosen another since.

    Raises:
        ArgumentError: `KERASNB_BACKEND` or our own file names a backend that does not exist.
    """
    if state["backend"] is None:
        state["backend"] = _find_backend(_settings())
    return state["backend"]


def announce() -> bool:
    """Whether the line ``Using NumPy backend.`` is printed when a backend is first used."""
    value = os.environ.get("KERASNB_ANNOUNCE", "").strip().lower()
    if not value:
        return _settings().announce
    if value not in SWITCH:
        raise ArgumentError(f"KERASNB_ANNOUNCE: expected 0 or 1, got {value!r}.")
    return SWITCH[value]


def num_threads() -> int | None:
    """How many threads native steps may use, from `KERASNB_NUM_THREADS`; None if it is not set.

    Raises:
        ArgumentError: it is not a whole number from 1.
    """
    value = os.environ.get("KERASNB_NUM_THREADS", "").strip()
    if not value:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise ArgumentError(f"KERASNB_NUM_THREADS: expected a whole number from 1, got {value!r}.")
    return int(value)


def cache_folder() -> str | None:
    """Where native code is kept for the next session; None if `KERASNB_CACHE` is empty or off.

    `KERASNB_CACHE` names the folder; without it, it is a folder of the user's cache: that of
    `XDG_CACHE_HOME` or ``~/.cache``, on macOS ``~/Library/Caches``, on Windows `LOCALAPPDATA`.
    """
    value = os.environ.get("KERASNB_CACHE", "on").strip()
    switch = SWITCH.get(value.lower()) if value else False
    if switch is None:
        return os.path.abspath(os.path.expanduser(value))
    return _user_cache() if switch else None


def datasets_folder() -> str | None:
    """The folder of one's own where `kerasnb.datasets` looks first; None without one.

    Raises:
        ArgumentError: `KERASNB_DATASETS` names no folder.
    """
    value = os.environ.get("KERASNB_DATASETS", "").strip()
    if not value:
        return None
    folder = os.path.abspath(os.path.expanduser(value))
    if not os.path.isdir(folder):
        raise ArgumentError(f"KERASNB_DATASETS: expected a folder, got {value!r}, which is none.")
    return folder


def home() -> str:
    """The folder of our own files: `KERASNB_HOME`, or ``.kerasnb`` in the user's home."""
    return os.path.abspath(_folder("KERASNB_HOME", ".kerasnb"))


def path() -> str | None:
    """The settings file in use, or None."""
    return _settings().path


def save(path: str | os.PathLike | None = None) -> str:
    """Write the settings in force to a JSON file and return its path.

    The file is replaced in one step: a crash leaves the old one or the new one.

    Args:
        path: where; our own settings file if None.
    """
    target = os.path.realpath(_own_file() if path is None else os.fspath(path))
    values = {
        "backend": backend(),
        "floatx": floatx(),
        "epsilon": epsilon(),
        "image_data_format": image_data_format(),
        "announce": _settings().announce,
    }
    os.makedirs(os.path.dirname(target), exist_ok=True)
    partial = f"{target}.{os.getpid()}.tmp"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(json.dumps(values, indent=4) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise
    if path is None:
        _settings().path = _own_file()
    return target


def reload() -> None:
    """Forget every setting; file and environment are read again at the next question."""
    state.clear()
    state.update(settings=None, backend=None, policy=None)


def backend_names() -> list[str]:
    """The names of all backends, usable here or not; none of them is imported."""
    # imported here: 30 ms with the search, and only a question for all backends needs it
    from importlib import metadata

    points = metadata.entry_points(group="kerasnb.backends")
    return sorted(_own_backends() | _backends_among(p.name for p in points))


def has_backend(name: str) -> bool:
    """Whether there is a backend of this name, usable here or not; it is not imported."""
    return name in _own_backends() or name in backend_names()


def _own_backends() -> set[str]:
    """The names of the backends that are part of this package."""
    import pkgutil  # as above: 1 ms

    package = os.path.dirname(os.path.dirname(__file__))
    files = pkgutil.iter_modules([os.path.join(package, "backends")])
    return _backends_among(file.name for file in files)


def _backends_among(names: Iterable[str]) -> set[str]:
    return {n for n in names if not n.startswith("_") and n != "protocol"}


def _settings() -> _Settings:
    if state["settings"] is None:
        state["settings"] = _read_settings()
    return state["settings"]


def _folder(variable: str, default: str) -> str:
    return os.environ.get(variable) or os.path.join(os.path.expanduser("~"), default)


def _user_cache() -> str | None:
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        folder = os.path.join(base, "kerasnb", "cache")
    elif sys.platform == "darwin":
        folder = os.path.join(home, "Library", "Caches", "kerasnb")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        folder = os.path.join(base, "kerasnb")
    return folder if os.path.isabs(folder) else None  # nobody's home is no place


def _own_file() -> str:
    return os.path.join(_folder("KERASNB_HOME", ".kerasnb"), "kerasnb.json")


def _read_settings() -> _Settings:
    settings = _Settings()
    own, keras = _own_file(), os.path.join(_folder("KERAS_HOME", ".keras"), "keras.json")
    for file, ours in ((own, True), (keras, False)):
        if os.path.isfile(file):
            settings.path, settings.ours = file, ours
            text = _read_text(file)
            _apply_values(settings, _parse(file, text), text)
            break
    return settings


def _read_text(file: str) -> str:
    try:
        with open(file, encoding="utf-8-sig") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise LoadError(
            f"{file}: expected UTF-8 text, got byte {error.start} that is not."
        ) from None
    except OSError as error:
        raise LoadError(f"{file}: cannot be read: {error.strerror}.") from None


def _parse(file: str, text: str) -> dict:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise LoadError(
            f"{file}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}. "
            "Correct or remove the file."
        ) from None
    if not isinstance(values, dict):
        raise LoadError(
            f'{file}, line 1: expected a JSON object like {{"floatx": "float32"}}, '
            f"got {type(values).__name__}."
        )
    return values


def _apply_values(settings: _Settings, values: dict, text: str) -> None:
    for key, value in values.items():
        where = f"{settings.path}, line {_line_of(key, text)}, key {key!r}"
        if key not in CHECKS:
            if settings.ours:  # Keras adds keys of its own to its file
                raise ArgumentError(f"{where}: {unknown('key', key, CHECKS)}")
            continue
        if key == "floatx" and value == "bfloat16" and not settings.ours:
            _warn(f"{where}: kerasnb has no float type 'bfloat16'; using 'float32'.")
            continue
        try:
            checked = CHECKS[key](value)
        except ArgumentError as error:
            raise ArgumentError(f"{where}: {error}") from None
        if key == "backend":
            settings.source = where
        if key != "image_dim_ordering":
            setattr(settings, key, checked)
        elif "image_data_format" not in values:  # the newer key counts where both are given
            settings.image_data_format = checked


def _line_of(key: str, text: str) -> int:
    """The line on which `key` last stands as a key: the last of a repeated key is the one read."""
    places = [m.start() for m in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    return text.count("\n", 0, places[-1]) + 1 if places else 1


def _find_backend(settings: _Settings) -> str:
    if name := os.environ.get("KERASNB_BACKEND"):
        return _known_backend("KERASNB_BACKEND", name)
    chosen = "numpy"
    name = os.environ.get("KERAS_BACKEND")
    if name and has_backend(name):
        return name
    if settings.backend is not None:
        if settings.ours:
            chosen = _known_backend(settings.source, settings.backend)
        elif has_backend(settings.backend):
            chosen = settings.backend
    if name:
        _warn_foreign("KERAS_BACKEND", name, chosen)
    return chosen


def _known_backend(where: str, name: str) -> str:
    if not has_backend(name):
        raise ArgumentError(f"{where}: {unknown('backend', name, backend_names())}")
    return name


def _warn_foreign(where: str, name: str, chosen: str) -> None:
    _warn(f"{where}: kerasnb has no backend {name!r}; using {chosen!r}.")


def _warn(text: str) -> None:
    # not of a place in the code: so one line is printed, without a line of source below it
    warnings.warn_explicit(text, UserWarning, "<kerasnb>", 1, module="kerasnb")


def _check_floatx(value: object) -> str:
    if value not in FLOATS:
        raise unknown("floatx", value, FLOATS)
    return value


def _check_epsilon(value: object) -> float:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ArgumentError(f"epsilon: expected a finite number above 0, got {value!r}.")
    return float(value)


def _check_format(value: object) -> str:
    name = value.lower() if isinstance(value, str) else value
    if name not in FORMATS:
        raise unknown("image_data_format", value, FORMATS)
    return name


def _check_ordering(value: object) -> str:
    if not isinstance(value, str) or value not in ORDERINGS:
        raise unknown("image_dim_ordering", value, ORDERINGS)
    return ORDERINGS[value]


def _check_announce(value: object) -> bool:
    if not isinstance(value, bool):
        raise ArgumentError(f"announce: expected true or false, got {json.dumps(value)}.")
    return value


def _check_name(value: object) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"backend: expected a name in quotes, got {json.dumps(value)}.")
    return value


CHECKS: dict[str, Callable[[Any], Any]] = {
    "backend": _check_name,
    "floatx": _check_floatx,
    "epsilon": _check_epsilon,
    "image_data_format": _check_format,
    "image_dim_ordering": _check_ordering,
    "announce": _check_announce,
}
