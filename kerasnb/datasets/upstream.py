"""Where the files of public data sets are found: a folder of one's own, the cache, the network.

The folder that `KERASNB_DATASETS` names is looked in first. A file there has the name that it has
upstream; its hash is not asked for, since the folder is chosen on purpose, and reading a file
executes nothing. Without it, some sets are taken from a smaller file there, for example
``imdb-small.npz``: its name is that of the set, a hyphen, any word and ``.npz``, and it holds the
arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test`` (or ``arr_0`` to ``arr_3``) as
`load_data()` returns them. A line is printed when one is used.

Imports config, errors, datasets.npz, datasets.small and utils.files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasnb import config
from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.small import SETS
from kerasnb.errors import DownloadError, LoadError
from kerasnb.utils.files import cache_folder, get_file

__all__ = ["GOOGLE", "Upstream"]

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_PARTS = ("x_train", "y_train", "x_test", "y_test")
_UNNAMED = ("arr_0", "arr_1", "arr_2", "arr_3")


class Upstream(NamedTuple):
    """A file of a data set.

    Attributes:
        title: of the set.
        address: where it is.
        hash: SHA-256, or MD5 where only that is published.
        folder: within the cache and the folder of one's own.
    """

    title: str
    address: str
    hash: str
    folder: str = ""

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.address.rpartition("/")[2]

    def path(self, name: str | None = None) -> Path:
        """The file here, fetched if need be.

        Args:
            name: under which it is kept, if not as upstream.

        Raises:
            DownloadError: it is not here and cannot be fetched.
        """
        name = name or self.name
        own = _own_folder()
        if own is not None and (own / self.folder / name).is_file():
            return own / self.folder / name
        kept = cache_folder(os.path.join("datasets", self.folder) if self.folder else "datasets")
        try:
            return Path(get_file(name, self.address, file_hash=self.hash, cache_subdir=kept))
        except DownloadError as reason:
            raise DownloadError(self._not_here(name, kept, reason)) from None

    def reduced(self, row: tuple[int, ...] | None) -> list[np.ndarray] | None:
        """The four arrays of a smaller file in the folder of one's own.

        None if there is none, or the file of the whole set is there, too.

        Args:
            row: the shape of an example; None for lists of words.

        Raises:
            LoadError: the file has other arrays.
        """
        own = _own_folder()
        if own is None or (own / self.folder / self.name).is_file():
            return None
        found = sorted(own.glob(f"{self.title}-*.npz"))
        if not found:
            return None
        arrays = read_npz(found[0], _PARTS, _UNNAMED)
        for x, y in (arrays[:2], arrays[2:]):
            if len(x) != len(y) or (x.dtype != object if row is None else x.shape[1:] != row):
                what = "lists of words" if row is None else f"examples of shape {row}"
                raise LoadError(
                    f"{found[0]}: expected {what} with a label each, got arrays of shapes "
                    f"{x.shape} and {y.shape}."
                )
        rows = f"{len(arrays[0]):,} + {len(arrays[2]):,} rows"
        print(f"{self.title}: a reduced set, {found[0]}, with {rows}.")
        return arrays

    def _not_here(self, name: str, kept: Path, reason: DownloadError) -> str:
        within = f" in a folder {self.folder}" if self.folder else ""
        return (
            f"The data set {self.title!r} is not on this computer, and {reason} Fetch it elsewhere "
            f"and put it as {name} into {kept}, or name a folder that has it{within} with the "
            f"variable KERASNB_DATASETS. These sets need no network: {', '.join(sorted(SETS))}."
        )


def _own_folder() -> Path | None:
    folder = config.datasets_folder()
    return None if folder is None else Path(folder)
