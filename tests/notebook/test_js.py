"""The widgets' scripts: their tests run in Node, where there is one; their sizes and lines."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

import kerasnb
from kerasnb.notebook.widgets import script

STATIC = Path(kerasnb.__file__).parent / "notebook" / "static"
TESTS = Path(__file__).parents[1] / "js"
FILES = sorted(STATIC.iterdir())
WIDGETS = [f.name for f in FILES if "export default" in f.read_text(encoding="utf-8")]
WIDGET_BYTES, ALL_BYTES = 60_000, 150_000


def node():
    """The path of a Node that takes `.js` files as modules by itself (20.19, 22.7 and newer)."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node")
    text = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
    if version < (20, 19) or (21, 0) <= version < (22, 7):
        pytest.skip(f"node {text.strip()} is too old")
    return found


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A function that fails if Node does not take a text for a module."""
    found, folder = node(), tmp_path_factory.mktemp("js")

    def check(text):
        (folder / "one.mjs").write_text(text, encoding="utf-8")
        run = subprocess.run([found, "--check", folder / "one.mjs"], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr

    return check


def test_pure_functions():
    tests = sorted(TESTS.glob("*.test.js"))
    run = subprocess.run([node(), "--test", *tests], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    (passed,) = re.findall(r"pass (\d+)$", run.stdout, re.MULTILINE)
    assert int(passed) >= len(tests)


def joined(name, found=()):
    """The names of a script's file and of all that it imports."""
    text = (STATIC / name).read_text(encoding="utf-8")
    for other in re.findall(r'^import .* from "\./([\w.-]+)";$', text, re.MULTILINE):
        found = found if other in found else joined(other, found)
    return (*found, name)


def test_what_is_sent_has_no_comments_and_runs_as_the_files_do():
    text = script("live.js")
    assert not re.search(r"^\s|^//|^/\*\*", text, re.MULTILINE)
    files = [(STATIC / f).read_text(encoding="utf-8") for f in FILES if f.suffix == ".js"]
    for file in files:  # a text over several lines would lose its indents
        assert all(line.count("`") % 2 == 0 for line in file.splitlines() if '"`"' not in line)


def test_widgets_are_found():
    assert {"confusion.js", "live.js", "pad.js"} <= set(WIDGETS)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_is_one_small_module(name, checked):
    text = script(name)
    assert len(text.encode()) <= WIDGET_BYTES
    assert not re.search(r"^(import|from) ", text, re.MULTILINE)
    assert len(re.findall(r"^export default ", text, re.MULTILINE)) == 1
    # names of the files that are joined must not clash
    sources = "\n".join((STATIC / f).read_text(encoding="utf-8") for f in joined(name))
    declared = re.findall(
        r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", sources, re.MULTILINE
    )
    assert sorted(declared) == sorted(set(declared))
    checked(text)


def test_all_files_are_small_together():
    assert sum(f.stat().st_size for f in FILES) <= ALL_BYTES


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_files_can_be_read(file):
    assert file.suffix in (".js", ".css")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {i: line for i, line in enumerate(lines, 1) if len(line) > 100} == {}
    assert not any(line.rstrip() != line or "\t" in line for line in lines)


# what would run text as code or HTML, or fetch something from elsewhere
FORBIDDEN = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
    "DOMParser", "createContextualFragment", "srcdoc", "fetch(", "XMLHttpRequest", "WebSocket",
    "import(", "@import", "url(", "https:",
)  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_files_run_no_text_and_fetch_nothing(file):
    text = file.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in text] == []
