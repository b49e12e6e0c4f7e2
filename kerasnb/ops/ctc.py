"""Connectionist temporal classification: labels for sequences that are not aligned with them.
Imports control, activations and index.

Source: A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber (2006), "Connectionist temporal
classification", doi:10.1145/1143844.1143891.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb.errors import GraphError, ShapeError, unknown
from kerasnb.ops.activations import log_softmax
from kerasnb.ops.control import scan
from kerasnb.ops.creation import arange, full
from kerasnb.ops.elementwise import (
    cast,
    equal,
    greater_equal,
    logaddexp,
    logical_and,
    logical_or,
    not_equal,
    where,
)
from kerasnb.ops.index import argsort, take_along_axis
from kerasnb.ops.reduce import argmax, max, sum
from kerasnb.ops.reshaping import broadcast_to, concatenate, expand_dims, moveaxis, reshape, stack
from kerasnb.spec import promote
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["ctc_decode", "ctc_loss"]

IMPOSSIBLE = -1e5  # in place of log 0, whose difference to itself would be NaN


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """The negative logarithm of the probability of all ways to read the labels off the output.

    Args:
        target: ``(N, L)`` labels.
        output: ``(N, T, classes)`` logits.
        target_length: ``(N,)``, how many labels count.
        output_length: ``(N,)``, how many steps of the output count.
        mask_index: the class that stands for no label.

    Returns:
        ``(N,)``.

    Raises:
        ShapeError: the shapes do not fit.
    """
    target, output = cast(target, "int32"), as_tensor(output)
    if target.ndim != 2 or output.ndim != 3:
        raise ShapeError(
            f"ctc_loss: expected a target (N, L) and an output (N, T, classes), got {target.spec} "
            f"and {output.spec}."
        )
    lengths, steps = cast(target_length, "int32"), cast(output_length, "int32")
    logs = log_softmax(cast(output, promote(output.dtype, "float32")))
    count, labels = target.shape
    # blank, label, blank, label, .., blank
    blanks = full((count, labels), mask_index, "int32")
    states = reshape(stack([blanks, target], 2), (count, 2 * labels))
    states = concatenate([states, blanks[:, :1]], 1)  # (N, 2 L + 1)
    skips = logical_and(
        not_equal(states[:, 2:], mask_index), not_equal(states[:, 2:], states[:, :-2])
    )
    # (N, T, classes) -> (T, N, 2 L + 1)
    scores = moveaxis(take_along_axis(logs, expand_dims(states, 1), -1), 1, 0)
    impossible = full((count, 1), IMPOSSIBLE, logs.dtype)

    def step(before: Tensor, x: tuple) -> tuple:
        score, number = x
        one = concatenate([impossible, before[:, :-1]], 1)
        two = where(skips, before[:, :-2], IMPOSSIBLE)
        two = concatenate([impossible, impossible, two], 1)
        after = logaddexp(logaddexp(before, one), two) + score
        return where(expand_dims(number < steps, 1), after, before), []

    start = where(arange(2 * labels + 1) > 0, IMPOSSIBLE, cast(logs[:, 0, :1] * 0.0, logs.dtype))
    last, _ = scan(step, start, (scores, arange(output.shape[1])))
    ends = expand_dims(2 * lengths, 1)
    blank = take_along_axis(last, ends, 1)
    label = where(ends > 0, take_along_axis(last, where(ends > 0, ends - 1, 0), 1), IMPOSSIBLE)
    return -logaddexp(blank, label)[:, 0]


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The likeliest labels for an output.

    Args:
        inputs: ``(N, T, classes)``: with ``"greedy"`` any scores, with ``"beam_search"`` logits.
        sequence_lengths: ``(N,)``, how many steps count.
        strategy: ``"greedy"`` takes the best class of each step; ``"beam_search"`` keeps the best
            beginnings, and works on data alone.
        beam_width: how many beginnings.
        top_paths: how many results for each sequence of a beam search.
        merge_repeated: whether equal neighbours are one label, with ``"greedy"``.
        mask_index: the class that stands for no label.

    Returns:
        Labels ``(top_paths, N, T)``, filled up with -1; and ``(N, 1)`` the negative sum of the
        scores, or with a beam search ``(N, top_paths)`` the logarithms of the probabilities.

    Raises:
        ArgumentError: there is no such strategy.
        GraphError: a beam search on symbolic tensors.
    """
    x = as_tensor(inputs)
    x = cast(x, promote(x.dtype, "float32"))
    if strategy == "greedy":
        return _greedy(x, cast(sequence_lengths, "int32"), merge_repeated, mask_index)
    if strategy != "beam_search":
        raise unknown("strategy of ctc_decode", strategy, ["beam_search", "greedy"])
    lengths = as_tensor(sequence_lengths)
    if x.data is None or lengths.data is None:
        raise GraphError(
            "ctc_decode: a beam search works on data, but its inputs are symbolic. Use "
            "strategy='greedy', or compile(run_eagerly=True)."
        )
    logs = log_softmax(x).numpy()
    found = [
        _beam_search(rows[:length], beam_width, top_paths, mask_index)
        for rows, length in zip(logs, lengths.numpy().tolist(), strict=True)
    ]
    labels = np.full((top_paths, *x.shape[:2]), -1, "int32")
    scores = np.full((x.shape[0], top_paths), -np.inf, logs.dtype)
    for n, paths in enumerate(found):
        for i, (path, score) in enumerate(paths):
            labels[i, n, : len(path)], scores[n, i] = path, score
    return as_tensor(labels), as_tensor(scores)


def _greedy(x: Tensor, lengths: Tensor, merge: bool, mask_index: int) -> tuple[Tensor, Tensor]:
    count, steps, classes = x.shape
    mask_index = classes - 1 if mask_index is None else mask_index
    over = greater_equal(expand_dims(arange(steps), 0), expand_dims(lengths, 1))
    labels = where(over, mask_index, argmax(x, -1))
    scores = where(over, 0.0, max(x, -1))
    blank = equal(labels, mask_index)
    if merge:
        repeated = equal(labels[:, 1:], labels[:, :-1])
        first = cast(repeated[:, :1] * 0, "bool") if steps > 1 else blank[:, :0]
        blank = logical_or(blank, concatenate([first, repeated], 1)) if steps > 1 else blank
    labels = where(blank, -1, labels)
    # blanks go to the end, the others stay in order
    order = argsort(where(blank, steps, broadcast_to(arange(steps), (count, steps))), -1)
    return expand_dims(take_along_axis(labels, order, -1), 0), -sum(scores, 1, keepdims=True)


def _beam_search(logs: np.ndarray, width: int, top: int, blank: int) -> list[tuple[tuple, float]]:
    """The best labellings and their log-probabilities, from (T, classes) log-probabilities."""
    never = -np.inf
    # for each beginning: the log-probability of ending with a blank, and with its last label
    beams: dict[tuple, tuple[float, float]] = {(): (0.0, never)}
    for row in logs.astype("float64"):
        made: dict[tuple, list[float]] = {}
        for path, (as_blank, as_label) in beams.items():
            both = np.logaddexp(as_blank, as_label)
            _add(made, path, 0, both + row[blank])
            for label, score in enumerate(row):
                if label == blank:
                    continue
                if path and path[-1] == label:
                    _add(made, path, 1, as_label + score)
                    _add(made, (*path, label), 1, as_blank + score)
                else:
                    _add(made, (*path, label), 1, both + score)
        best = sorted(made.items(), key=lambda item: -np.logaddexp(*item[1]))[:width]
        beams = {path: (as_blank, as_label) for path, (as_blank, as_label) in best}
    ordered = [(path, float(np.logaddexp(*ends))) for path, ends in beams.items()]
    return sorted(ordered, key=lambda item: -item[1])[:top]


def _add(made: dict[tuple, list[float]], path: tuple, end: int, score: float) -> None:
    ends = made.setdefault(path, [-np.inf, -np.inf])
    ends[end] = np.logaddexp(ends[end], score)
