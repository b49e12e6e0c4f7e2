"""Sentences as numbers of words, for IMDB and Reuters. Imports errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasnb.errors import ArgumentError

__all__ = ["keep_short", "keep_words", "shifted"]


def shifted(sentences: Iterable, start_char: int | None, index_from: int) -> list[list[int]]:
    """Each word `index_from` higher, after `start_char` if it is given."""
    first = [] if start_char is None else [start_char]
    by = index_from or 0
    return [first + [word + by for word in sentence] for sentence in sentences]


def keep_short(sentences: list, labels: Any, maxlen: int | None) -> tuple[list, np.ndarray]:
    """The sentences of fewer than `maxlen` words, and their labels.

    Raises:
        ArgumentError: none is so short.
    """
    if not maxlen:
        return sentences, labels
    short = [i for i, sentence in enumerate(sentences) if len(sentence) < maxlen]
    if not short:
        raise ArgumentError(
            f"load_data: no sentence has fewer than maxlen={maxlen} words. Increase maxlen."
        )
    return [sentences[i] for i in short], np.asarray(labels)[short]


def keep_words(
    sentences: Sequence[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> np.ndarray:
    """Sentences with the words from `skip_top` to below `num_words`, as an array of lists.

    Any other word becomes `oov_char` or, if that is None, is left out. Without `num_words`, it is
    the greatest word, as in Keras, so that this one word is left out too.
    """
    end = num_words or max((max(s, default=0) for s in sentences), default=0)
    if oov_char is None:
        kept = [[w for w in sentence if skip_top <= w < end] for sentence in sentences]
    else:
        kept = [[w if skip_top <= w < end else oov_char for w in s] for s in sentences]
    array = np.empty(len(kept), object)
    for i, sentence in enumerate(kept):
        array[i] = sentence
    return array
