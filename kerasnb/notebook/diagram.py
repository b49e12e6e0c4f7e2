"""Where boxes and lines go: layered drawings of directed graphs, as pure functions on plain data.

Each box lies on a rank below all that it reads; lines bend only between ranks, and pass through a
rank in a lane of their own, so that they never cross a box. The same graph always gives the same
drawing. Imports nothing of the package.

Source: the four steps of Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of
    hierarchical system structures", doi:10.1109/TSMC.1981.4308636.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

__all__ = ["Layout", "layout", "smooth"]

_SWEEPS = 8  # of reordering and of shifting; pictures of models settle after three or four
_LANE = 12.0  # the width that a line takes on a rank through which it passes
_LANE_WEIGHT = 0.001  # lines give way to boxes: a chain stays straight beside a skip connection

Edge = tuple[Hashable, Hashable]


class Layout(NamedTuple):
    """A finished drawing; y grows downwards.

    Attributes:
        corners: the left upper corner of each box.
        routes: for each edge the points on its way, from the lower side of the source to the upper
            side of the target.
        width: of the whole.
        height: of the whole.
    """

    corners: dict[Hashable, tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


def layout(
    sizes: Mapping[Hashable, tuple[float, float]],
    edges: Sequence[Edge],
    gap: tuple[float, float] = (28.0, 44.0),
) -> Layout:
    """A layered drawing from top to bottom.

    Args:
        sizes: width and height of each box, in the order in which equals are placed.
        edges: pairs of source and target. An edge that closes a cycle is drawn, and otherwise
            ignored.
        gap: the least distances between boxes of one rank, and between ranks.
    """
    if not sizes:
        return Layout({}, [], 0.0, 0.0)
    ranks = _ranks(list(sizes), edges)
    widths = {key: width for key, (width, _) in sizes.items()}
    layers: list[list] = [[] for _ in range(max(ranks.values()) + 1)]
    for key in sizes:
        layers[ranks[key]].append(key)
    lanes, links = _lanes(edges, ranks, layers)
    widths |= {lane: _LANE for between in lanes for lane in between}
    order = _ordered(layers, links)
    centers = _centers(order, links, widths, gap[0], set(sizes))
    return _drawing(sizes, edges, ranks, lanes, centers, gap[1])


def smooth(route: Sequence[tuple[float, float]], turned: bool = False) -> str:
    """The points of a route as the path of an SVG line that leaves and arrives vertically.

    Args:
        route: the points.
        turned: whether it goes from left to right, so leaves and arrives horizontally.
    """
    (x, y), *rest = route
    parts = [f"M{_point(x, y)}"]
    for x1, y1 in rest:
        if abs(y1 - y if turned else x1 - x) < 0.5:
            parts.append(f"L{_point(x1, y1)}")
        else:
            between = [(x, (y + y1) / 2), (x1, (y + y1) / 2)]
            if turned:
                between = [((x + x1) / 2, y), ((x + x1) / 2, y1)]
            points = [_point(*p) for p in (*between, (x1, y1))]
            parts.append(f"C{' '.join(points)}")
        x, y = x1, y1
    return "".join(parts)


def _point(x: float, y: float) -> str:
    return f"{round(x, 1):.7g} {round(y, 1):.7g}"


# Ranks


def _ranks(keys: list, edges: Sequence[Edge]) -> dict:
    """The length of the longest path to each box; what reads nothing is just above its reader."""
    after: dict = {key: [] for key in keys}
    waiting = dict.fromkeys(keys, 0)
    for source, target in edges:
        if source != target:
            after[source].append(target)
            waiting[target] += 1
    sources = [key for key in keys if not waiting[key]]
    ranks, ready, left = {}, [(key, 0) for key in sources], dict.fromkeys(keys)
    while left:
        if not ready:  # a cycle: begin it at its first box
            ready = [(next(iter(left)), max(ranks.values(), default=-1) + 1)]
        key, rank = ready.pop()
        if key not in left:
            continue
        del left[key]
        ranks[key] = max(rank, ranks.get(key, 0))
        for target in after[key]:
            if target in left:
                ranks[target] = max(ranks.get(target, 0), ranks[key] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append((target, ranks[target]))
    for key in sources:
        if after[key]:
            ranks[key] = max(min(ranks[t] for t in after[key]) - 1, 0)
    # no rank stays empty, as one can where a cycle was begun
    place = {rank: i for i, rank in enumerate(sorted(set(ranks.values())))}
    return {key: place[rank] for key, rank in ranks.items()}


def _lanes(edges: Sequence[Edge], ranks: dict, layers: list[list]) -> tuple[list, list]:
    """For each edge its places on the ranks between; and the pairs of neighbours on each two ranks.

    The places are added to `layers`.
    """
    lanes: list[list] = []
    links: list[list] = [[] for _ in layers]  # links[r]: between rank r and r + 1
    for number, (source, target) in enumerate(edges):
        first, last = ranks[source], ranks[target]
        between = [("lane", number, rank) for rank in range(first + 1, last)]
        lanes.append(between)
        for lane in between:
            layers[lane[2]].append(lane)
        if first < last:
            stops = [source, *between, target]
            for rank, pair in enumerate(pairwise(stops), first):
                links[rank].append(pair)
    return lanes, links


# The order within a rank


def _ordered(layers: list[list], links: list[list]) -> list[list]:
    """The layers reordered by sweeps down and up so that few lines cross."""
    best, fewest = layers, _crossings(layers, links)
    order = [list(layer) for layer in layers]
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        downwards = sweep % 2 == 0
        ranks = range(1, len(order)) if downwards else range(len(order) - 2, -1, -1)
        for rank in ranks:
            pairs = links[rank - 1] if downwards else [(b, a) for a, b in links[rank]]
            fixed = order[rank - 1] if downwards else order[rank + 1]
            order[rank] = _by_neighbours(order[rank], fixed, pairs)
        crossings = _crossings(order, links)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in order], crossings
    return best


def _by_neighbours(layer: list, fixed: list, pairs: list) -> list:
    """`layer` sorted by the mean place of each item's neighbours in `fixed` (its barycentre)."""
    place = {key: i for i, key in enumerate(fixed)}
    found: dict = {}
    for neighbour, key in pairs:
        found.setdefault(key, []).append(place[neighbour])
    own = {
        key: sum(found[key]) / len(found[key]) if key in found else i for i, key in enumerate(layer)
    }
    return sorted(layer, key=own.__getitem__)


def _crossings(order: list[list], links: list[list]) -> int:
    total = 0
    for rank, pairs in enumerate(links[:-1]):
        above = {key: i for i, key in enumerate(order[rank])}
        below = {key: i for i, key in enumerate(order[rank + 1])}
        seen: list[int] = []
        for _, end in sorted((above[a], below[b]) for a, b in pairs):
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


# Places within a rank


def _centers(order: list[list], links: list[list], widths: dict, gap: float, boxes: set) -> dict:
    """The middle of each item: as near to its neighbours as the others of its rank allow."""
    weight = {key: 1.0 if key in boxes else _LANE_WEIGHT for layer in order for key in layer}
    near: dict = {key: ([], []) for key in weight}  # above and below
    for pairs in links:
        for a, b in pairs:
            near[a][1].append(b)
            near[b][0].append(a)
    x: dict = {}
    offsets = []
    for layer in order:
        steps = [(widths[a] + widths[b]) / 2 + gap for a, b in pairwise(layer)]
        offsets.append(list(accumulate(steps, initial=0.0)))
        x |= {key: at - offsets[-1][-1] / 2 for key, at in zip(layer, offsets[-1], strict=True)}

    def settle(rank: int, sides: tuple) -> None:
        layer, offset = order[rank], offsets[rank]
        wanted = []
        for key in layer:
            others = [other for side in sides for other in near[key][side]]
            total = sum(weight[o] for o in others)
            wanted.append(sum(weight[o] * x[o] for o in others) / total if others else x[key])
        pulls = [w - o for w, o in zip(wanted, offset, strict=True)]
        fitted = _nondecreasing(pulls, [weight[key] for key in layer])
        x.update((key, f + o) for key, f, o in zip(layer, fitted, offset, strict=True))

    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for rank in range(len(order)) if down else reversed(range(len(order))):
            settle(rank, (0,) if down else (1,))
    return x


def _nondecreasing(values: list[float], weights: list[float]) -> list[float]:
    """The nondecreasing sequence nearest to `values` in weighted squares.

    Neighbours in the wrong order are merged into blocks that share their mean.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for mean, weight in zip(values, weights, strict=True):
        length = 1
        while blocks and blocks[-1][0] > mean:
            other, own, count = blocks.pop()
            mean = (mean * weight + other * own) / (weight + own)
            weight, length = weight + own, length + count
        blocks.append((mean, weight, length))
    return [mean for mean, _, length in blocks for _ in range(length)]


def _drawing(sizes, edges, ranks, lanes, centers, gap) -> Layout:
    heights = [0.0] * (max(ranks.values()) + 1)
    for key, (_, height) in sizes.items():
        heights[ranks[key]] = max(heights[ranks[key]], height)
    tops = list(accumulate((h + gap for h in heights), initial=0.0))
    left = min(centers[key] - width / 2 for key, (width, _) in sizes.items())
    left = min([left, *(centers[lane] - _LANE / 2 for between in lanes for lane in between)])
    corners, right = {}, 0.0
    for key, (width, height) in sizes.items():
        rank = ranks[key]
        corner = centers[key] - width / 2 - left
        corners[key] = (corner, tops[rank] + (heights[rank] - height) / 2)
        right = max(right, corner + width)
    right = max([right, *(centers[lane] + _LANE - left for between in lanes for lane in between)])
    routes = []
    for (source, target), between in zip(edges, lanes, strict=True):
        x, end = centers[source] - left, centers[target] - left
        bottom = tops[ranks[source]] + heights[ranks[source]]
        route = [(x, corners[source][1] + sizes[source][1]), (x, bottom)]
        for lane in between:
            at, top = centers[lane] - left, tops[lane[2]]
            route += [(at, top), (at, top + heights[lane[2]])]
        route += [(end, tops[ranks[target]]), (end, corners[target][1])]
        routes.append([p for i, p in enumerate(route) if i == 0 or p != route[i - 1]])
    return Layout(corners, routes, right, tops[-1] - gap)
