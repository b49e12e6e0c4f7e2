"""The errors a user meets, and how their texts are built. Imports nothing of the package.

Every text says what was expected, what came, and what to do; it names the object and the argument
and shows shapes and dtypes, never contents.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "BackendError",
    "DTypeError",
    "DownloadError",
    "GraphError",
    "KerasnbError",
    "LoadError",
    "MissingDependency",
    "ShapeError",
    "UnknownDimension",
    "unknown",
]


class KerasnbError(Exception):
    """Base of every error that this package raises on purpose."""


class ArgumentError(KerasnbError, ValueError):
    """An argument has a value that the function cannot take."""


class ShapeError(KerasnbError, ValueError):
    """Shapes do not fit together."""


class UnknownDimension(ShapeError):
    """A dimension is needed that a model under construction does not know yet."""


class DTypeError(KerasnbError, TypeError):
    """A data type cannot be used here."""


class GraphError(KerasnbError, RuntimeError):
    """A graph is malformed, or a symbolic tensor was used where a value is needed."""


class BackendError(KerasnbError, RuntimeError):
    """A backend is missing, unusable, or its arrays were mixed with another's."""


class LoadError(KerasnbError, ValueError):
    """A file or configuration cannot be loaded."""


class DownloadError(LoadError):
    """A file cannot be fetched: there is no network, or the server does not give it."""


class MissingDependency(KerasnbError, ImportError):
    """An optional package is not installed; the text holds the pip line."""


def unknown(kind: str, name: object, choices: Iterable[str]) -> ArgumentError:
    """The error for a name that is not among `choices`, with the closest ones listed.

    Args:
        kind: what is being named, for example ``"activation"``.
        name: what the user gave.
        choices: every name that would have been accepted.
    """
    choices = sorted(choices)
    close = difflib.get_close_matches(str(name).lower(), choices, n=3, cutoff=0.6)
    hint = (
        f"Did you mean {' or '.join(map(repr, close))}?"
        if close
        else "Known: " + ", ".join(choices) + "."
    )
    return ArgumentError(f"Unknown {kind} {name!r}. {hint}")
