"""``python -m kerasnb``: what is in use; ``demo``: a first training; ``profile``: a script's steps;
``lab``: the lessons; ``coverage``: which of Keras's names are here.

Imports whatever it needs; nothing imports it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

from kerasnb import backends, config, coverage, demo, lab
from kerasnb.compile import cores, llvm
from kerasnb.errors import KerasnbError
from kerasnb.profiling import profile_script
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
    profile = commands.add_parser(
        "profile", help="run a script, and tell where its models' steps spend their time"
    )
    profile.add_argument("script", help="a file of Python")
    profile.add_argument("arguments", nargs=argparse.REMAINDER, help="for the script")
    notebooks = commands.add_parser(
        "lab", help="copy the lessons and open them in JupyterLab",
        usage="kerasnb lab [-h] [folder] [options of JupyterLab, for instance --port 8889]",
    )  # fmt: skip
    notebooks.add_argument(
        "folder", nargs="?", default="kerasnb-notebooks",
        help="where they go, if it is the first word",
    )  # fmt: skip
    names = commands.add_parser("coverage", help="list Keras's names: which are here and compared")
    coverage.add_arguments(names)
    ours, for_lab = _split(sys.argv[1:] if arguments is None else arguments)
    words = parser.parse_args(ours)
    try:
        if words.command == "demo":
            demo.main()
        elif words.command == "profile":
            profile_script(words.script, words.arguments)
        elif words.command == "lab":
            sys.exit(lab.open_lab(words.folder, for_lab))
        elif words.command == "coverage":
            print(coverage.report(words))
        else:
            print(describe())
    except KerasnbError as error:  # written for people: the traceback would add nothing
        parser.exit(1, f"{type(error).__name__}: {error}\n")
    except BrokenPipeError:  # whoever reads has enough, as ``| head`` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that are for kerasnb, and those for JupyterLab: all but a folder and ``--help``."""
    ours, rest = list(words[:1]), list(words[1:])
    if ours != ["lab"]:
        return ours + rest, []
    if rest and (not rest[0].startswith("-") or rest[0] in ("-h", "--help")):
        ours.append(rest.pop(0))
    return ours, rest


def describe() -> str:
    """Version, backend, device, engine and settings in force, one a line."""
    backend = backends.current()
    facts = {
        "kerasnb": __version__,
        "python": platform.python_version(),
        "backend": backend.name,
        "device": backend.device(),
        "engine": _engine(backend),
        "config file": config.path() or "none",
        "floatx": config.floatx(),
        "epsilon": config.epsilon(),
        "image_data_format": config.image_data_format(),
    }
    return "\n".join(f"{name:<18} {value}" for name, value in facts.items())


def _engine(backend: Any) -> str:
    if backend.name != "numpy":
        return f"operation by operation ({backend.title})"
    if not llvm.available():
        return "operation by operation (NumPy); pip install llvmlite for native kernels"
    return f"native kernels ({llvm.host().cpu}, {cores.threads()} threads)"


if __name__ == "__main__":
    main()
