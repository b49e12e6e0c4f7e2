"""Layered drawings: boxes apart, lines around boxes, chains straight, always the same."""

import itertools
import random

import pytest

from kerasnb.notebook.diagram import layout, smooth

BOX = (100.0, 30.0)


def chain(n):
    return dict.fromkeys(range(n), BOX), list(itertools.pairwise(range(n)))


def diamond():
    return dict.fromkeys("abcd", BOX), [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def residual(blocks):
    """Blocks of two boxes, with a line past each block."""
    sizes, edges = chain(3 * blocks + 1)
    return sizes, edges + [(3 * b, 3 * b + 3) for b in range(blocks)]


def ladder(seed, n=40):
    rng = random.Random(seed)
    sizes = {i: (rng.uniform(50, 200), rng.uniform(20, 60)) for i in range(n)}
    edges = [(rng.randrange(max(0, i - 6), i), i) for i in range(1, n) for _ in range(2)]
    return sizes, edges


GRAPHS = {
    "one": ({"a": BOX}, []),
    "chain": chain(8),
    "diamond": diamond(),
    "residual": residual(4),
    "apart": (dict.fromkeys("abcd", BOX), [("a", "b"), ("c", "d")]),
    "twice": (dict.fromkeys("ab", BOX), [("a", "b"), ("a", "b")]),
    **{f"random {seed}": ladder(seed) for seed in range(6)},
}
each_graph = pytest.mark.parametrize("name", GRAPHS)


def rectangles(sizes, placed):
    return {k: (*placed.corners[k], *sizes[k]) for k in sizes}


@each_graph
def test_boxes_lie_apart_and_within_the_picture(name):
    sizes, edges = GRAPHS[name]
    placed = layout(sizes, edges)
    boxes = rectangles(sizes, placed).values()
    for (x, y, w, h), (x2, y2, w2, h2) in itertools.combinations(boxes, 2):
        beside = x + w + 27.9 <= x2 or x2 + w2 + 27.9 <= x
        assert beside or y + h + 43.9 <= y2 or y2 + h2 + 43.9 <= y
    assert min(x for x, *_ in boxes) >= -1e-6
    assert max(x + w for x, _, w, _ in boxes) <= placed.width + 1e-6
    assert max(y + h for _, y, _, h in boxes) == pytest.approx(placed.height)


@each_graph
def test_lines_go_down_from_box_to_box_and_cross_none(name):
    sizes, edges = GRAPHS[name]
    placed = layout(sizes, edges)
    boxes = rectangles(sizes, placed)
    assert len(placed.routes) == len(edges)
    for (source, target), route in zip(edges, placed.routes, strict=True):
        x, y, w, h = boxes[source]
        assert route[0] == (pytest.approx(x + w / 2), pytest.approx(y + h))
        x, y, w, _ = boxes[target]
        assert route[-1] == (pytest.approx(x + w / 2), pytest.approx(y))
        for (x0, y0), (x1, y1) in itertools.pairwise(route):
            assert y0 <= y1
            for key, (x, y, w, h) in boxes.items():
                inside = y + 1e-6 < y1 and y0 < y + h - 1e-6
                if inside and key not in (source, target):
                    assert x0 == x1, "a line bends between ranks only"
                    assert not x < x0 < x + w


def test_a_chain_is_straight_beside_lines_that_skip():
    sizes, edges = residual(5)
    placed = layout(sizes, edges)
    places = [x for x, _ in placed.corners.values()]
    assert max(places) - min(places) < 0.5


def test_every_box_is_below_all_that_it_reads():
    for sizes, edges in GRAPHS.values():
        placed = layout(sizes, edges)
        assert all(placed.corners[a][1] < placed.corners[b][1] for a, b in edges)


def test_what_reads_nothing_is_just_above_its_reader():
    sizes, edges = chain(4)
    placed = layout({**sizes, "late": BOX}, [*edges, ("late", 3)])
    assert placed.corners["late"][1] == placed.corners[2][1]


def test_crossed_lines_are_uncrossed():
    sizes = dict.fromkeys("abxy", BOX)
    placed = layout(sizes, [("a", "y"), ("b", "x")])
    left = {k: x for k, (x, _) in placed.corners.items()}
    assert (left["a"] < left["b"]) == (left["y"] < left["x"])


def test_a_box_is_in_the_middle_of_those_that_it_feeds():
    sizes = dict.fromkeys("abcd", BOX)
    placed = layout(sizes, [("a", "b"), ("a", "c"), ("a", "d")])
    left = {k: x for k, (x, _) in placed.corners.items()}
    assert left["a"] == pytest.approx(left["c"], abs=0.5)


@each_graph
def test_the_same_graph_gives_the_same_drawing(name):
    sizes, edges = GRAPHS[name]
    assert layout(sizes, edges) == layout(dict(sizes), list(edges))


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "a")],
        [("a", "b"), ("b", "a")],
        [("a", "b"), ("b", "c"), ("c", "a")],
        [("a", "b"), ("b", "c"), ("c", "b")],
    ],
)
def test_cycles_are_drawn_all_the_same(edges):
    placed = layout(dict.fromkeys("abc", BOX), edges)
    assert len(placed.corners) == 3
    assert len(placed.routes) == len(edges)


def test_nothing_takes_no_room():
    assert layout({}, []) == ({}, [], 0.0, 0.0)


def test_a_thousand_boxes_take_no_noticeable_time():
    sizes, edges = residual(333)
    assert len(layout(sizes, edges).corners) == 1000


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ([(5, 0), (5, 20)], "M5 0L5 20"),
        ([(5, 0), (25, 20)], "M5 0C5 10 25 10 25 20"),
        ([(5, 0), (25, 20), (25, 40)], "M5 0C5 10 25 10 25 20L25 40"),
    ],
)
def test_a_route_as_a_path(route, path):
    assert smooth(route) == path


def test_paths_of_large_drawings_are_exact():
    route = [(12345.6, 99999.4), (23456.7, 123456.7)]
    assert smooth(route) == "M12345.6 99999.4C12345.6 111728 23456.7 111728 23456.7 123456.7"
