"""What measured numbers of a network mean, in sentences, and what to try. Plain NumPy.

Imports checks. Each rule reads the rows of a `HealthReport`. The bounds are rules of thumb,
given here with their reasons; none is a law.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.notebook.insight.checks import shorten

__all__ = ["USUAL_UPDATE", "about", "about_inputs"]

# A step that changes a kernel by about 1/1000 of its length learns well; ten times as much or a
# tenth is no cause for worry.
USUAL_UPDATE = (1e-4, 1e-2)
LARGE_UPDATE = 0.1  # a tenth of the kernel in one step: what was learnt is overwritten
SMALL_UPDATE = 1e-7  # the last digit of float32: most weights do not change at all
LARGE_GRADIENT = 1e3
VANISHED = 1e-3  # of the strongest layer's gradient, per weight
DEAD = 0.25  # a few dead units are usual in ReLU networks
SATURATED = 0.5
LARGE_INPUT = 30.0  # beyond what initial weights, made for inputs around 1, are meant for


def about(rows: list[dict], examples: int, loss: float | None) -> list[str]:
    """The warnings for the rows of a report."""
    found = _not_finite(rows, loss)
    if found:  # everything else that could be said follows from that
        return found
    found = _collapsed(rows) + _dead(rows, examples) + _saturated(rows)
    return found + _gradients(rows) + _updates(rows)


def about_inputs(x: Any) -> list[str]:
    """A warning if inputs are much larger than networks are made for, or hold NaN."""
    found = []
    for array in tree.flatten(x):
        if array.dtype.kind != "f":
            if array.dtype.kind in "iu" and array.ndim == 4:  # pictures; other integers are indices
                found += _large(array)
            continue
        bad = int((~np.isfinite(array)).sum())
        if bad:
            found.append(
                f"Inputs hold {bad:,} NaN or infinite values, which spread through every layer. "
                "Remove those examples or replace the values."
            )
        else:
            found += _large(array)
    return found


def _large(values: np.ndarray) -> list[str]:
    largest = float(np.abs(values.astype("float64")).max()) if values.size else 0.0
    if largest <= LARGE_INPUT:
        return []
    return [
        f"Inputs reach {largest:.4g}, but networks learn best from numbers around -1 to 1. Divide "
        "pixels by 255; subtract the mean of each feature and divide by its standard deviation."
    ]


def _not_finite(rows: list[dict], loss: float | None) -> list[str]:
    for kind, where in (("weights", "Weights"), ("output", "Outputs"), ("gradient", "Gradients")):
        bad = [row for row in rows if row["not_finite"][kind]]
        if bad:
            return [
                f"{where} of {_listed(bad)} are NaN or infinite"
                + (f" ({bad[0]['layer']!r} is the first). " if len(bad) > 1 else ". ")
                + _CURES[kind]
            ]
    if loss is not None and not math.isfinite(loss):
        return [
            "The loss is NaN or infinite, though every layer gives finite numbers. Look at the "
            "targets, and at logarithms and divisions in a loss of your own."
        ]
    return []


_CURES = {
    "weights": "Training has diverged, and these weights cannot recover: make the model anew, and "
    "fit with a learning rate ten times smaller or with clipnorm=1.0 in the optimizer.",
    "output": "Check the inputs for NaN and for very large values; lower the learning rate; look "
    "at logarithms, square roots and divisions in layers of your own.",
    "gradient": "The next step would make the weights NaN: use clipnorm=1.0 in the optimizer, a "
    "smaller learning rate, or from_logits=True with outputs that have no activation.",
}


def _collapsed(rows: list[dict]) -> list[str]:
    bad = [row for row in rows if row["constant"]]
    if not bad:
        return []
    return [
        f"{_layer(bad[0])} gives the same output for every example, so nothing after it can tell "
        "them apart. All its units may be dead: make the model anew with a smaller learning rate, "
        "and scale the inputs."
    ]


def _dead(rows: list[dict], examples: int) -> list[str]:
    return [
        f"{_layer(row)}: {100 * row['dead']:.0f} % of its units are 0 for all {examples:,} "
        "examples. Such dead units get no gradient and stay as they are. Try a smaller learning "
        "rate, kernel_initializer='he_normal', or LeakyReLU."
        for row in rows
        if row["dead"] is not None and row["dead"] >= DEAD and not row["constant"]
    ]


def _saturated(rows: list[dict]) -> list[str]:
    return [
        f"{_layer(row)}: {100 * row['saturated']:.0f} % of its outputs are at an end of the "
        "activation, where its slope is almost 0, so hardly any gradient passes. Scale the inputs, "
        "use smaller initial weights or BatchNormalization before it, or 'relu'."
        for row in rows
        if row["saturated"] is not None and row["saturated"] >= SATURATED
    ]


def _gradients(rows: list[dict]) -> list[str]:
    learning = [row for row in rows if row["gradient"] is not None]
    found = [
        f"{_layer(row)} gets no gradient at all: it cannot learn. The loss does not depend on it, "
        "or what follows it is dead."
        for row in learning
        if row["gradient"] == 0
    ]
    found += [
        f"{_layer(row)}: its gradient is {row['gradient']:.3g} long, which makes steps wild. Use "
        "clipnorm=1.0 in the optimizer, a smaller learning rate, or scale inputs and targets."
        for row in learning
        if row["gradient"] > LARGE_GRADIENT
    ]
    strength = {
        id(row): row["gradient"] / math.sqrt(row["parameters"])
        for row in learning
        if row["gradient"] > 0 and row["parameters"]
    }
    strongest = max(strength.values(), default=0.0)
    weak = [row for row in learning if 0 < strength.get(id(row), 0) < VANISHED * strongest]
    if weak:
        factor = strongest / min(strength[id(row)] for row in weak)
        found.append(
            f"The gradient vanishes on its way to {_listed(weak)}: it is {factor:,.0f} times "
            "weaker there than where it is strongest. Use 'relu' in place of 'sigmoid' or 'tanh', "
            "BatchNormalization, shortcuts around layers, or fewer layers."
        )
    return found


def _updates(rows: list[dict]) -> list[str]:
    moved = [row for row in rows if row["update"] is not None]
    large = [row for row in moved if row["update"] > LARGE_UPDATE]
    small = [row for row in moved if row["update"] < SMALL_UPDATE]
    found = []
    if large:
        most = 100 * max(row["update"] for row in large)
        found.append(
            f"The next step changes the weights of {_listed(large)} by {most:.0f} %, which "
            "overwrites what was learnt. Lower the learning rate."
        )
    if small and len(small) == len(moved):
        found.append(
            "The next step changes no layer's weights by more than a ten-millionth: training has "
            "come to its end, or the learning rate is far too small."
        )
    return found


def _layer(row: dict) -> str:
    return f"{row['type']} {shorten(row['layer'], 40)!r}"


def _listed(rows: list[dict]) -> str:
    names = [repr(shorten(row["layer"], 40)) for row in rows]
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more layers"
    return " and ".join(names) if len(names) < 3 else f"{names[0]}, {names[1]} and {names[2]}"
