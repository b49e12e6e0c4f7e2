"""``python -m kerasnb``: what is in use; ``python -m kerasnb demo``: a first training.

Imports whatever it needs; nothing imports it.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence

from kerasnb import backends, config, demo, lab
from kerasnb.errors import KerasnbError
from kerasnb.version import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: the words after the program's name; those of the process if None.
    """
    parser = argparse.ArgumentParser("kerasnb", description="Without a command: what is in use.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("demo", help="train a small network on handwritten digits")
    notebooks = commands.add_parser("lab", help="copy the lessons and open them in JupyterLab")
    notebooks.add_argument("folder", nargs="?", default="kerasnb-notebooks", help="where they go")
    words, rest = parser.parse_known_args(arguments)
    if rest and words.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if words.command == "demo":
            demo.main()
        elif words.command == "lab":
            sys.exit(lab.open_lab(words.folder, rest))
        else:
            print(describe())
    except KerasnbError as error:  # written for people: the traceback would add nothing
        parser.exit(1, f"{type(error).__name__}: {error}\n")


def describe() -> str:
    """Version, backend, device, engine and settings in force, one a line."""
    backend = backends.current()
    facts = {
        "kerasnb": __version__,
        "python": platform.python_version(),
        "backend": backend.name,
        "device": backend.device(),
        "engine": f"reference plan ({backend.title})",
        "config file": config.path() or "none",
        "floatx": config.floatx(),
        "epsilon": config.epsilon(),
        "image_data_format": config.image_data_format(),
    }
    return "\n".join(f"{name:<18} {value}" for name, value in facts.items())


if __name__ == "__main__":
    main()
