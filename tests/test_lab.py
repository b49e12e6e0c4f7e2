"""``python -m kerasnb lab``: copying the lessons, and starting JupyterLab on them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from kerasnb import __main__ as cli
from kerasnb import lab
from kerasnb.errors import ArgumentError, MissingDependency

ROOT = Path(__file__).parent.parent
NAMES = sorted(f.name for f in (ROOT / "notebooks").glob("0*.ipynb"))


def test_copies_every_lesson(tmp_path):
    assert NAMES[0] == lab.FIRST_LESSON
    assert [f.name for f in lab.lessons()] == NAMES
    assert lab.copy_lessons(tmp_path / "new" / "folder") == (NAMES, [])
    for name in NAMES:
        copy = tmp_path / "new" / "folder" / name
        assert copy.read_bytes() == (ROOT / "notebooks" / name).read_bytes()


def test_never_writes_into_a_file_that_is_there(tmp_path):
    (tmp_path / NAMES[0]).write_text("mine")
    (tmp_path / "other.txt").write_text("mine too")
    assert lab.copy_lessons(tmp_path) == (NAMES[1:], NAMES[:1])
    assert lab.copy_lessons(str(tmp_path)) == ([], NAMES)
    assert (tmp_path / NAMES[0]).read_text() == "mine"
    assert (tmp_path / "other.txt").read_text() == "mine too"


@pytest.mark.parametrize("below", ["", "folder"])
def test_a_file_is_no_folder(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / below
    with pytest.raises(ArgumentError) as error:
        lab.copy_lessons(folder)
    assert str(error.value) == f"lab: expected a folder, got the file {folder}."
    assert (tmp_path / "file").read_text() == "mine"


def installed_as_a_wheel(monkeypatch, site, names):
    """Make the package look as if it stood in `site`, with a list of files that holds `names`."""
    share = site / "share" / "kerasnb" / "notebooks"
    share.mkdir(parents=True)
    files = []
    for name in names:
        (share / name).write_text(name)
        file = metadata.PackagePath(f"share/kerasnb/notebooks/{name}")
        file.dist = SimpleNamespace(locate_file=site.joinpath)
        files.append(file)
    monkeypatch.setattr(lab, "__file__", str(site / "kerasnb" / "lab.py"))
    monkeypatch.setattr(metadata, "files", lambda name: files)
    return share


def test_finds_the_lessons_of_a_wheel(monkeypatch, tmp_path):
    share = installed_as_a_wheel(monkeypatch, tmp_path, ["02_b.ipynb", lab.FIRST_LESSON])
    assert lab.lessons() == [share / lab.FIRST_LESSON, share / "02_b.ipynb"]


def not_installed(name):
    raise metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("files", [lambda name: None, lambda name: [], not_installed])
def test_says_where_lessons_come_from_if_there_are_none(monkeypatch, tmp_path, files):
    installed_as_a_wheel(monkeypatch, tmp_path, [])
    monkeypatch.setattr(metadata, "files", files)
    with pytest.raises(MissingDependency) as error:
        lab.copy_lessons(tmp_path / "new")
    assert str(error.value) == (
        "The lessons are not where this installation of kerasnb says: "
        "pip install --force-reinstall --no-deps kerasnb"
    )
    assert not (tmp_path / "new").exists()


def test_without_jupyterlab_nothing_is_copied(monkeypatch, tmp_path):
    monkeypatch.setattr(lab.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency) as error:
        lab.open_lab(tmp_path / "new")
    assert str(error.value) == (
        'The lessons open in JupyterLab, which is missing: pip install "kerasnb[notebook]"'
    )
    assert not (tmp_path / "new").exists()


# Starting it


def start(words, folder, paths=(), **environment):
    """``python -m kerasnb lab`` in a process group of its own, as a terminal starts it."""
    environment = os.environ | environment
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, paths), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "kerasnb", "lab", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def pretend(folder, code):
    """A module `jupyterlab` in `folder` that runs `code`."""
    folder.mkdir()
    (folder / "jupyterlab.py").write_text(code)
    return folder


def test_starts_jupyterlab_in_the_folder_and_gives_its_status(tmp_path):
    fake = pretend(
        tmp_path / "fake", "import os, sys; print(*sys.argv[1:], sep='\\n'); sys.exit(3)"
    )
    folder = tmp_path / "kerasnb-notebooks"
    with start(["--no-browser"], tmp_path, [fake]) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 3
    assert output.splitlines() == [
        f"Lessons in {folder}: {len(NAMES)} copied, 0 there before and left as is.",
        "--LabApp.default_url=/lab/tree/01_quickstart.ipynb",
        f"--ServerApp.root_dir={folder}",
        "--no-browser",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to interrupt")
def test_an_interrupt_is_left_to_jupyterlab(tmp_path):
    fake = pretend(
        tmp_path / "fake",
        "import time\n"
        "for word in ('first', 'second'):\n"
        "    try:\n"
        "        print('ready', flush=True); time.sleep(60)\n"
        "    except KeyboardInterrupt:\n"
        "        print(word, flush=True)\n",
    )
    with start(["mine"], tmp_path, [fake]) as process:
        lines = [process.stdout.readline().strip() for _ in range(2)]
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            lines += [process.stdout.readline().strip() for _ in range(2)]
    assert process.returncode == 0
    assert lines[1:] == ["ready", "first", "ready", "second", ""]


def fetch(address):
    """What a web address gives, or None if nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.URLError:
        return None


def test_the_real_jupyterlab_opens_the_first_lesson(tmp_path):
    pytest.importorskip("jupyterlab")
    settings = {"ServerApp": {"allow_root": True}, "IdentityProvider": {"token": "secret"}}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(settings))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site, token = f"http://127.0.0.1:{port}", "?token=secret"
    own = {f"JUPYTER_{k}_DIR": str(tmp_path) for k in ("CONFIG", "DATA", "RUNTIME")}
    with start(["mine", "--no-browser", f"--port={port}"], tmp_path, **own) as process:
        try:
            deadline = time.monotonic() + 60
            while (page := fetch(f"{site}/lab/tree/{lab.FIRST_LESSON}{token}")) is None:
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.2)
            listing = json.loads(fetch(f"{site}/api/contents{token}"))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            output = process.communicate(timeout=60)[0]
    assert "<title>JupyterLab</title>" in page
    assert sorted(entry["name"] for entry in listing["content"]) == NAMES
    assert f"{site}/lab/tree/{lab.FIRST_LESSON}" in output, "the address that is printed"


# The command line


@pytest.mark.parametrize(
    ("words", "folder", "options"),
    [
        ([], "kerasnb-notebooks", []),
        (["mine"], "mine", []),
        (["--no-browser"], "kerasnb-notebooks", ["--no-browser"]),
        (["mine", "--no-browser", "--port=1"], "mine", ["--no-browser", "--port=1"]),
        (["mine", "--port", "9999"], "mine", ["--port", "9999"]),
        (["--port", "9999", "--help"], "kerasnb-notebooks", ["--port", "9999", "--help"]),
    ],
)
def test_words_of_the_command_line(monkeypatch, words, folder, options):
    calls = []
    monkeypatch.setattr(cli.lab, "open_lab", lambda *given: calls.append(given) or 5)
    with pytest.raises(SystemExit) as stop:
        cli.main(["lab", *words])
    assert stop.value.code == 5
    assert calls == [(folder, options)]


def test_help_is_of_this_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["lab", "--help"])
    assert stop.value.code == 0
    assert "kerasnb lab [-h] [folder] [options of JupyterLab" in capsys.readouterr().out


def test_other_commands_take_no_options(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--no-browser"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("error: unrecognized arguments: --no-browser\n")
