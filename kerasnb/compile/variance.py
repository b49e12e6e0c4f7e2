"""Variances as what kernels are made of, in one pass over memory. Imports fusion and passes.

The mean of squared differences to the mean needs two passes: the mean must be known first. Where an
array is too large for the processor's caches, the differences are taken to another number instead,
the mean of a part of it: with d = x - shift, the variance is mean(d²) - mean(d)², and the mean is
shift + mean(d), all in one pass.

Such a difference of squares cancels if the shift is far from the mean. But a part that is 1/k of
the elements and has another mean adds to the variance itself: (shift - mean)² is at most (k - 1)
times the variance. So the relative error is at most some k roundings, whatever the numbers are.

**Source:** Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance: analysis
and recommendations", The American Statistician 37(3), for the shift; the bound is their
decomposition into the variances within and between parts.
"""

from __future__ import annotations

from typing import Any

from kerasnb.compile.fusion import ROW
from kerasnb.compile.passes import rebuilt, share_common
from kerasnb.graph import Graph, Node
from kerasnb.op import OPS
from kerasnb.spec import size_of
from kerasnb.tensor import Tensor, apply

__all__ = ["without_variance"]

VARIANCE, MEAN = OPS["reduce_variance"], OPS["reduce_mean"]
PART = 32  # of so many elements one gives the shift: reading them again costs 3 %
CACHED = 1 << 16  # elements that a second pass finds in a cache


def without_variance(graph: Graph) -> Graph:
    """The graph with variances, and means of the same numbers, as sums of simpler terms."""
    known = [node for node in graph.nodes if _is_known(node)]
    if not known:
        return graph
    shifted = {_of(node) for node in known if _is_shifted(node)}

    def change(node: Node, values: dict[int, Tensor]) -> Any:
        is_shifted = node.op in (MEAN, VARIANCE) and _of(node) in shifted
        if not is_shifted and not _is_known(node):
            return None
        x, axes = values.get(id(node.inputs[0]), node.inputs[0]), node.attrs["axes"]
        if is_shifted:
            return [_by_shift(x, axes, node.op)]
        return [_mean_square(x - _kept(apply(MEAN, x, axes=axes), x, axes), axes)]

    return share_common(rebuilt(graph, change))


def _of(node: Node) -> tuple:
    """What a mean or a variance is taken of."""
    return id(node.inputs[0]), node.attrs["axes"]


def _is_known(node: Node) -> bool:
    """Whether it is a variance for which there can be a kernel."""
    if node.op is not VARIANCE:
        return False
    return node.inputs[0].dtype in ("float32", "float64") and node.inputs[0].size > 0


def _is_shifted(node: Node) -> bool:
    """Whether it is taken over rows, or over rows too long to be kept, and of many elements: there
    a second pass reads memory again."""
    shape, axes = node.inputs[0].shape, node.attrs["axes"]
    over = [i for i, n in enumerate(shape) if n != 1 and i in axes]
    kept = [i for i, n in enumerate(shape) if n != 1 and i not in axes]
    if size_of(shape) <= CACHED or not over:
        return False
    is_long = size_of(tuple(shape[a] for a in over)) > ROW
    return not kept or kept[0] > over[-1] or (kept[-1] < over[0] and is_long)


def _by_shift(x: Tensor, axes: tuple, op: Any) -> Tensor:
    """The mean or the variance."""
    longest = max(axes, key=lambda a: x.shape[a])
    stop = tuple(-(-n // PART) if axis == longest else None for axis, n in enumerate(x.shape))
    part = apply(OPS["slice"], x, start=(0,) * x.ndim, stop=stop, step=(1,) * x.ndim)
    shift = apply(MEAN, part, axes=axes)
    difference = x - _kept(shift, x, axes)
    mean = apply(MEAN, difference, axes=axes)
    if op is MEAN:
        return shift + mean
    # rounding can make it negative
    return apply(OPS["maximum"], _mean_square(difference, axes) - mean * mean, 0.0)


def _mean_square(x: Tensor, axes: tuple) -> Tensor:
    return apply(MEAN, apply(OPS["square"], x), axes=axes)


def _kept(reduced: Tensor, x: Tensor, axes: tuple) -> Tensor:
    """A reduced tensor with its axes put back, each of length 1."""
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return apply(OPS["reshape"], reduced, shape=shape)
