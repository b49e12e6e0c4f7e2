"""Write ``kerasnb/keras_names.json``: Keras's public names, and how much each is used.

Run it in the repository's top folder, where Keras 3 is installed:
``KERAS_BACKEND=numpy python tests/make_keras_names.py [USE]``. USE is a text that has, on one line
a namespace, ``- `layers`: core: Dense 315, ... occasional: RNN 4, ...``; without it what the file
holds of the use of names is kept.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import keras

FILE = Path(__file__).parents[1] / "kerasnb" / "keras_names.json"
# names that a namespace above has too, or that are kept for files of older versions
AGAIN = re.compile(r"applications\..*|ops\.(numpy|nn)|(.*\.)?legacy(\..*)?")
LINE = re.compile(r"^- `([\w. ]+)`: (.*)$", re.MULTILINE)
CLASSES = ("core", "occasional", "rest")


def main() -> None:
    found = dict(namespaces(keras))
    found["keras"].append("__version__")
    use = read_use(Path(sys.argv[1]).read_text("utf-8")) if sys.argv[1:] else kept_use()
    table = {
        space: {
            label: " ".join(sorted(n for n in names if use.get((space, n), "rest") == label))
            for label in CLASSES
        }
        for space, names in sorted(found.items())
        if names
    }
    content = {"version": keras.__version__, "names": table}
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    known = {(space, name) for space, names in found.items() for name in names}
    print("not in Keras:", *sorted(".".join(key) for key in use.keys() - known))


def namespaces(module: ModuleType, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every public namespace with what it has; the top one is called keras."""
    inner = {n: value for n, value in vars(module).items() if not n.startswith("_")}
    modules = {
        f"{path}.{name}".lstrip("."): value
        for name, value in inner.items()
        if isinstance(value, ModuleType) and re.fullmatch(r"keras\.(?!src\b)[\w.]+", value.__name__)
    }
    yield path or "keras", [n for n, v in inner.items() if not isinstance(v, ModuleType)]
    for name, value in modules.items():
        if not AGAIN.fullmatch(name):
            yield from namespaces(value, name)


def read_use(text: str) -> dict[tuple[str, str], str]:
    """The class of use of each name in the lines of `text`, without the numbers."""
    use = {}
    for space, rest in LINE.findall(text):
        space = "keras" if space == "top level" else space
        for label, names in re.findall(r"(core|occasional): ([^.]*)", rest):
            use |= {(space, name): label for name in re.findall(r"(\w+)\*{0,2} \d+", names)}
    return use


def kept_use() -> dict[tuple[str, str], str]:
    table = json.loads(FILE.read_text("utf-8"))["names"]
    return {
        (space, name): label
        for space, classes in table.items()
        for label, names in classes.items()
        for name in names.split()
    }


if __name__ == "__main__":
    main()
