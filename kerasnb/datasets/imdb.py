"""``kerasnb.datasets.imdb``: reviews of films, for or against."""

from __future__ import annotations

import os

import numpy as np

from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.upstream import GOOGLE, Upstream
from kerasnb.datasets.words import keep_short, keep_words, shifted
from kerasnb.errors import ArgumentError
from kerasnb.files.plain import parse
from kerasnb.files.whole import read_whole

__all__ = ["get_word_index", "load_data"]

FILE = Upstream(
    "imdb", f"{GOOGLE}imdb.npz",
    "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
)  # fmt: skip
WORDS = Upstream("imdb", f"{GOOGLE}imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple:
    """25,000 reviews of films to train and 25,000 to test, as numbers of words; 1 is praise.

    A word's number is its place among all words, the most frequent being 1, plus `index_from`.

    Args:
        path: the name under which the file is kept.
        num_words: only words with smaller numbers are kept.
        skip_top: only words with this or greater numbers are kept.
        maxlen: only reviews of fewer words are kept.
        seed: draws the order of the reviews.
        start_char: stands at the beginning of each review; nothing does if it is None.
        oov_char: stands for words that are not kept; they are left out if it is None.
        index_from: added to the place of each word.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: lists of numbers in arrays of objects, and int64.

        A reduced set from the folder that `KERASNB_DATASETS` names (see `datasets.upstream`) holds
        what this function returned: it is neither reordered nor numbered again.

    Raises:
        ArgumentError: no review is as short as `maxlen` asks, or a reduced set was to be numbered.
        DownloadError: the file is not here and cannot be fetched.

    Source: Maas et al. 2011, "Learning word vectors for sentiment analysis", ACL.
    """
    found = FILE.reduced(None)
    if found is not None:
        if (start_char, oov_char, index_from) != (1, 2, 3):
            raise ArgumentError(
                "imdb.load_data: a reduced set has its numbers already. Leave start_char, oov_char "
                "and index_from as they are, or use the whole set."
            )
        x_train, y_train, x_test, y_test = found
        x_train, x_test = list(x_train), list(x_test)
    else:
        names = ("x_train", "y_train", "x_test", "y_test")
        x_train, y_train, x_test, y_test = read_npz(FILE.path(path), names)
        rng = np.random.RandomState(seed)
        train, test = rng.permutation(len(x_train)), rng.permutation(len(x_test))
        x_train = shifted(x_train[train], start_char, index_from)
        x_test = shifted(x_test[test], start_char, index_from)
        y_train, y_test = y_train[train], y_test[test]
    x_train, y_train = keep_short(x_train, y_train, maxlen)
    x_test, y_test = keep_short(x_test, y_test, maxlen)
    # numbered together: without num_words, the greatest word of both parts counts
    words = keep_words([*x_train, *x_test], num_words, skip_top, oov_char)
    return (words[: len(x_train)], y_train), (words[len(x_train) :], y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Each word with its place among all words, the most frequent being 1.

    Args:
        path: the name under which the file is kept.

    Raises:
        DownloadError: the file is not here and cannot be fetched.
    """
    file = WORDS.path(path)
    return parse(read_whole(file, "get_word_index"), os.fspath(file))
