"""Where boxes and lines lie on the builder's canvas."""

import re
import time

import pytest
from builder_documents import random_document

from kerasnb.notebook.builder import edits
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.geometry import drawn, place


def inside(a, b):
    return a.x >= b.x and a.y >= b.y and a.x + a.width <= b.x + b.width + 0.01 and (
        a.y + a.height <= b.y + b.height + 0.01
    )  # fmt: skip


def apart(a, b):
    beside = a.x + a.width <= b.x or b.x + b.width <= a.x
    return beside or a.y + a.height <= b.y or b.y + b.height <= a.y


@pytest.mark.parametrize("seed", range(60))
def test_boxes_do_not_overlap_and_lie_in_their_containers(seed):
    document = random_document(seed)
    boxes = place(document).boxes
    assert list(boxes) == [node.id for node in drawn(document)]
    for key, box in boxes.items():
        for other in boxes:
            if other in document.ancestors(key):
                assert inside(box, boxes[other])
            elif key not in document.ancestors(other) and other != key:
                assert apart(box, boxes[other])


@pytest.mark.parametrize("seed", range(60))
def test_lines_lead_from_box_to_box_downwards(seed):
    document = random_document(seed)
    geometry = place(document)
    for line in geometry.lines:
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", line.path)]
        source, target = geometry.boxes[line.source.source], geometry.boxes[line.target]
        assert numbers[0] == pytest.approx(source.port(line.source.output, 1), abs=0.1)
        assert numbers[1] == pytest.approx(source.y + source.height, abs=0.1)
        reads = len(document[line.target].reads)
        assert numbers[-2] == pytest.approx(target.port(line.position, reads), abs=0.1)
        assert numbers[-1] == pytest.approx(target.y, abs=0.1)


def test_what_is_folded_is_a_box_of_usual_size():
    document = random_document(4)
    for node in document:
        if node.kind in ("group", "repeat", "model") and not node.shares:
            document = edits.fold(document, node.id, True)
    boxes = place(document).boxes
    assert {box.width for box in boxes.values()} <= {196, 150}


def test_two_hundred_layers_take_a_blink():
    document, key = edits.add(Document(), Node("", "input", settings={"shape": [8]}))
    made = [Edge(key)]
    for i in range(160):
        document, key = edits.add(document, Node("", type="Dense"), [made[-1]])
        made.append(Edge(key))
        if i % 4 == 3:
            document, key = edits.add(document, Node("", type="Add"), [made[-1], made[-4]], True)
            made.append(Edge(key))
    start = time.perf_counter()
    assert len(place(document).boxes) == 201
    assert time.perf_counter() - start < 1.0  # 0.03 s on a quiet machine
