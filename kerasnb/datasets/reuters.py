"""``kerasnb.datasets.reuters``: short news of 46 topics."""

from __future__ import annotations

import os

import numpy as np

from kerasnb.datasets.npz import read_npz
from kerasnb.datasets.upstream import GOOGLE, Upstream
from kerasnb.datasets.words import keep_short, keep_words, shifted
from kerasnb.errors import ArgumentError
from kerasnb.files.plain import parse
from kerasnb.files.whole import read_whole

__all__ = ["get_label_names", "get_word_index", "load_data"]

FILE = Upstream(
    "reuters", f"{GOOGLE}reuters.npz",
    "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
)  # fmt: skip
WORDS = Upstream("reuters", f"{GOOGLE}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")

LABELS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple:
    """11,228 news as numbers of words, and which of 46 topics each is about.

    A word's number is its place among all words, the most frequent being 1, plus `index_from`.

    Args:
        path: the name under which the file is kept.
        num_words: only words with smaller numbers are kept.
        skip_top: only words with this or greater numbers are kept.
        maxlen: only news of fewer words are kept.
        test_split: the part of the news that is for testing.
        seed: draws the order of the news.
        start_char: stands at the beginning of each; nothing does if it is None.
        oov_char: stands for words that are not kept; they are left out if it is None.
        index_from: added to the place of each word.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: lists of numbers in arrays of objects, and int64.

    Raises:
        ArgumentError: no news are as short as `maxlen` asks, or `test_split` is not from 0 to 1.
        DownloadError: the file is not here and cannot be fetched.

    Source: Lewis 1997, the collection "Reuters-21578".
    """
    if isinstance(test_split, bool) or not 0 <= test_split <= 1:
        raise ArgumentError(f"load_data: expected test_split from 0 to 1, got {test_split!r}.")
    x, y = read_npz(FILE.path(path), ("x", "y"))
    order = np.random.RandomState(seed).permutation(len(x))
    x, y = keep_short(shifted(x[order], start_char, index_from), y[order], maxlen)
    words = keep_words(x, num_words, skip_top, oov_char)
    cut = int(len(words) * (1 - test_split))
    return (words[:cut], y[:cut]), (words[cut:], y[cut:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Each word with its place among all words, the most frequent being 1.

    Args:
        path: the name under which the file is kept.

    Raises:
        DownloadError: the file is not here and cannot be fetched.
    """
    file = WORDS.path(path)
    return parse(read_whole(file, "get_word_index"), os.fspath(file))


def get_label_names() -> tuple[str, ...]:
    """The topics, in the order of the labels."""
    return tuple(LABELS.split())
