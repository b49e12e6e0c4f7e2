"""What a backend is: an array module, memory, and the words to say why it cannot be used.

Imports nothing of the package.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Backend"]


class Backend:
    """An array library. Subclass it, set the attributes, and export the class as ``BACKEND``.

    Attributes:
        name: what `use` takes, for example ``"numpy"``.
        title: the name as its authors write it.
        xp: the array module; ops run through it.
        array_type: the class of its arrays.
    """

    name: str
    title: str
    xp: Any
    array_type: type

    def unusable(self) -> str | None:
        """One sentence that says why this backend cannot work here, or None if it can."""
        return None

    def device(self) -> str:
        """The device in words, for people."""
        raise NotImplementedError

    def asarray(self, value: Any, dtype: str | None = None) -> Any:
        """A host array, list or scalar as this backend's array; no copy where none is needed."""
        raise NotImplementedError

    def to_numpy(self, array: Any) -> Any:
        """This backend's array as a NumPy array on the host."""
        raise NotImplementedError

    def synchronize(self) -> None:
        """Return when all work queued on the device is done."""
