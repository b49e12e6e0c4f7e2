"""The widgets' scripts: their tests run in Node, where there is one; their sizes and lines."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("anywidget")

import kerasnb
from kerasnb.notebook.squeezing import squeezed
from kerasnb.notebook.widgets import script

STATIC = Path(kerasnb.__file__).parent / "notebook" / "static"
TESTS = Path(__file__).parents[1] / "js"
FILES = sorted(STATIC.iterdir())
WIDGETS = [f.name for f in FILES if "export default" in f.read_text(encoding="utf-8")]
WIDGET_BYTES, ALL_BYTES = 60_000, 240_000


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


def run_tests(folder):
    """How many tests of the scripts pass; all of them do."""
    tests = sorted(folder.glob("*.test.js"))
    run = subprocess.run([node(), "--test", *tests], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    (passed,) = re.findall(r"pass (\d+)$", run.stdout, re.MULTILINE)
    assert int(passed) >= len(tests)
    return int(passed)


def test_pure_functions_also_of_squeezed_files(tmp_path):
    squeezed_static = tmp_path / "kerasnb" / "notebook" / "static"
    squeezed_static.mkdir(parents=True)
    for file in STATIC.glob("*.js"):
        text = squeezed(file.read_text(encoding="utf-8"))
        (squeezed_static / file.name).write_text(text, encoding="utf-8")
    shutil.copytree(TESTS, tmp_path / "tests" / "js")
    assert run_tests(tmp_path / "tests" / "js") == run_tests(TESTS)


def joined(name, found=()):
    """The names of a script's file and of all that it imports."""
    text = (STATIC / name).read_text(encoding="utf-8")
    for other in re.findall(r'^import .* from "\./([\w.-]+)";$', text, re.MULTILINE):
        found = found if other in found else joined(other, found)
    return (*found, name)


@pytest.mark.parametrize(("text", "wanted"), [
    ("// words\nconst a = 1; // more\n\n\n  /** and\n   * more */\nlet b;\n", "const a=1;let b;"),
    ("f(\n  a,\n  b,\n)\n  .then(c)\n", "f(a,b,).then(c)"),
    ("x = a + +b - -c - --d + b++ + c;", "x=a+ +b- -c- --d+b++ +c;"),
    ("a = b\nc = d\n;(e)\n", "a=b\nc=d;(e)"),
    ("a = {}\nb++\n++c\n", "a={}\nb++\n++c"),
    ("return\nx\n", "return\nx"),
    ("return (\n  x\n);", "return(x);"),
    ("throw\n// why\nx", "throw\nx"),
    ("a = b\n  || c ||\n  d\n  ? e\n  : f", "a=b||c||d?e:f"),
    ("class A {\n  b = 1\n  #c\n  static #d() {}\n}", "class A{b=1\n#c\nstatic #d(){}}"),
    ("if (a in b) typeof c; else d of e", "if(a in b)typeof c;else d of e"),
    ("1 .toFixed(); a . b", "1 .toFixed();a.b"),
    ('x = "a  // b" + \'/*  "*/\' ;', 'x="a  // b"+\'/*  "*/\';'),
    (r'x = "\\" /* y */ + "\"  z";', r'x="\\"+"\"  z";'),
    ("x = `a  // b\n   ${ c + `  ${ {d:  1}.d }` + \"}\" }  \\`  it's` ;",
     "x=`a  // b\n   ${ c + `  ${ {d:  1}.d }` + \"}\" }  \\`  it's`;"),
    ("x = a.match(/ \"  [/  ] \\/ '/g) ;", "x=a.match(/ \"  [/  ] \\/ '/g);"),
    ("return / a  b/.test(c)", "return/ a  b/.test(c)"),
    ("x = a / b / c; y = (d) / e / f", "x=a/b/c;y=(d)/e/f"),
    ("x = a[0] /  2 // half\n", "x=a[0]/2"),
    ("x = a / /  b/.exec(c)", "x=a/ /  b/.exec(c)"),
    ("$a in b; ä of _c", "$a in b;ä of _c"),
    ("f(() => {\n  a();\n  b = {c: 1};\n});", "f(()=>{a();b={c:1}});"),
])  # fmt: skip
def test_a_script_is_squeezed_to_what_means_something(text, wanted):
    assert squeezed(text).strip() == wanted
    assert squeezed(wanted).strip() == wanted


def test_what_is_sent_holds_each_file_once_and_no_comments():
    text = script("live.js")
    assert text.count("class Delivery{") == text.count("class Chart{") == 1
    assert not re.search(r"^\s|^//|/\*\*|\n\n", text, re.MULTILINE)
    assert len(text) < 0.8 * sum(len((STATIC / f).read_text("utf-8")) for f in joined("live.js"))


def test_widgets_are_found():
    assert {"builder.js", "builder_train.js", "confusion.js", "live.js", "pad.js"} <= set(WIDGETS)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_is_one_small_module(name, checked):
    text = script(name)
    assert len(text.encode()) <= WIDGET_BYTES
    assert not re.search(r"^(import|from) ", text, re.MULTILINE)
    assert len(re.findall(r"^export default\b", text, re.MULTILINE)) == 1
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
