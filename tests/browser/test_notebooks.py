"""The project's own notebooks, run from top to bottom in a browser."""

from pathlib import Path

import nbformat
import pytest

from .places import at

FOLDER = Path(__file__).parents[2] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


@at("lab", "dark", "notebook", "lab 4.4")
def test_the_quickstart_runs(notebook):
    run_to_the_end(notebook, FOLDER / "01_quickstart.ipynb")


@pytest.mark.parametrize("name", [p.name for p in sorted(FOLDER.glob("0[2-9]_*.ipynb"))])
def test_a_lesson_runs(notebook, name):
    run_to_the_end(notebook, FOLDER / name)


def pictures_in(output: dict) -> int:
    """How many images a page makes of an output: of the first kind below that it has."""
    data = output.get("data", {})
    if WIDGET in data:
        return 0
    if "text/html" in data:
        return "".join(data["text/html"]).count("<img")
    return int("image/png" in data)


def run_to_the_end(notebook, file: Path) -> None:
    content = nbformat.read(file, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.open(content)
    assert notebook.run_all().wait(180)
    pictures = 0
    for i, cell in enumerate(content.cells):
        if cell.cell_type == "code":
            pictures += sum(map(pictures_in, notebook.outputs(i)))
    images = notebook.page.locator(".jp-OutputArea-output img")
    assert images.count() == pictures > 0
    widths = images.evaluate_all("all => all.map(one => one.complete && one.naturalWidth)")
    assert all(width > 50 for width in widths)
