"""What every lesson must be like as it is stored; that they run is checked by nbval."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)

LARGEST = 300_000  # bytes; above 1 MB a notebook is slow to open, and code hosts do not show it
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TAGS = {"nbval-ignore-output", "solution"}
FOLDED = {"source_hidden": True, "outputs_hidden": True}
TURN = "# your turn"
# what a lesson may show when it is opened: nothing that is run, and nothing that needs a kernel
SHOWN = {"text/plain", "text/html", "image/png", "image/svg+xml"}


@cache
def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path: Path) -> list[dict]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def bundles(path: Path) -> list[dict[str, str]]:
    """The stored outputs as MIME type -> text; what was printed counts as plain text."""
    found = []
    for output in (output for cell in code_cells(path) for output in cell["outputs"]):
        data = output.get("data", {"text/plain": output.get("text", "")})
        found.append({kind: "".join(text) for kind, text in data.items()})
    return found


def texts(path: Path) -> list[str]:
    """All that a reader can read: sources and outputs, but no pictures."""
    shown = [text for b in bundles(path) for kind, text in b.items() if kind != "image/png"]
    return [source(cell) for cell in read(path)["cells"]] + shown


def test_lessons_are_numbered():
    assert [path.stem[:3] for path in PATHS] == [f"{i:02}_" for i in range(1, 9)]


@LESSONS
def test_metadata_names_a_plain_kernel_and_nothing_else(path):
    notebook = read(path)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"] == METADATA
    for cell in notebook["cells"]:
        assert cell["metadata"].keys() <= {"tags", "jupyter"}, cell["id"]
        assert set(cell["metadata"].get("tags", ())) <= TAGS, cell["id"]


@LESSONS
def test_was_run_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    kinds = {(o["output_type"], o.get("name")) for c in code_cells(path) for o in c["outputs"]}
    assert {kind for kind, _ in kinds} <= {"stream", "display_data", "execute_result"}
    assert ("stream", "stderr") not in kinds, "warnings, or words about the backend"


@LESSONS
def test_outputs_are_stored_and_are_for_reading(path):
    outputs = bundles(path)
    assert len(outputs) >= 5
    assert any("image/png" in bundle for bundle in outputs)
    for bundle in outputs:
        assert bundle.keys() <= SHOWN
        markup = bundle.get("text/html", "") + bundle.get("image/svg+xml", "")
        assert not re.search(r"<script|<iframe|<link|javascript:|\son\w+\s*=", markup, re.I)


@LESSONS
def test_file_is_small(path):
    assert path.stat().st_size < LARGEST


@LESSONS
def test_names_no_place_on_a_machine_and_no_address(path):
    text = "\n".join(texts(path))
    paths = re.findall(r"""(?:^|[\s"'(=\[])((?:~|[A-Z]:)?(?:[/\\][\w.-]+){2,})""", text, re.M)
    addresses = re.findall(r"https?://\S+", text.replace("http://www.w3.org/", ""))  # SVG's name
    assert paths + addresses == []


@LESSONS
def test_has_one_title_and_short_paragraphs(path):
    cells = [source(c) for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    titles = [line for text in cells for line in text.splitlines() if line.startswith("# ")]
    assert titles == [cells[0].splitlines()[0]]
    words = [len(p.split()) for text in cells for p in text.split("\n\n")]
    assert max(words) <= 90


@LESSONS
def test_exercises_have_a_folded_solution(path):
    cells = read(path)["cells"]
    places = [i for i, c in enumerate(cells) if re.search(r"^## Exercise", source(c), re.MULTILINE)]
    assert places, "every lesson has an exercise"
    for i in places:
        turn, solution = cells[i + 1 : i + 3]
        assert source(turn) == TURN
        assert solution["metadata"]["jupyter"] == FOLDED
        assert "solution" in solution["metadata"]["tags"]
    folded = [c for c in cells if c["metadata"].get("jupyter")]
    assert len(folded) == len(places), "nothing else is folded"


@LESSONS
def test_links_lead_to_lessons(path):
    links = re.findall(r"\]\(([^)]+)\)", "\n".join(texts(path)))
    assert links or path == PATHS[-1]
    assert [link for link in links if not (path.parent / link).is_file()] == []
    # a copy of the lessons is a folder without the rest of the project
    assert [link for link in links if "/" in link] == []
