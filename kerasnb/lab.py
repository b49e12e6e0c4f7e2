"""``python -m kerasnb lab``: the lessons in a folder of the user's own, open in JupyterLab.

Imports errors. JupyterLab is started as a program of its own, by the Python that runs this.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from kerasnb.errors import ArgumentError, MissingDependency

__all__ = ["FIRST_LESSON", "copy_lessons", "lessons", "open_lab"]

FIRST_LESSON = "01_quickstart.ipynb"


def open_lab(folder: str | Path = "kerasnb-notebooks", options: Sequence[str] = ()) -> int:
    """Copy the lessons to `folder` and open the first one in JupyterLab, until that ends.

    Args:
        folder: where the lessons go; made if need be. What is there already is left as it is.
        options: further words for JupyterLab, for example ``["--no-browser"]``.

    Returns:
        JupyterLab's exit status: 0 if it ended well.

    Raises:
        MissingDependency: JupyterLab or the lessons are not installed.
        ArgumentError: `folder` is a file.
    """
    if util.find_spec("jupyterlab") is None:
        raise MissingDependency(
            'The lessons open in JupyterLab, which is missing: pip install "kerasnb[notebook]"'
        )
    folder = Path(folder).resolve()
    copied, kept = copy_lessons(folder)
    print(f"Lessons in {folder}: {len(copied)} copied, {len(kept)} there before and left as is.")
    return _run_lab(folder, options)


def copy_lessons(folder: str | Path) -> tuple[list[str], list[str]]:
    """Copy to `folder` the lessons that are not there.

    Returns:
        The names of the files that were copied, and of those that were there and stay as they are.

    Raises:
        MissingDependency: the lessons are not installed.
        ArgumentError: `folder` is a file.
    """
    files, folder = lessons(), Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ArgumentError(f"lab: expected a folder, got the file {folder}.") from None
    copied, kept = [], []
    for file in files:
        try:
            with (folder / file.name).open("xb") as copy:  # x: never into a file that exists
                copy.write(file.read_bytes())
        except FileExistsError:
            kept.append(file.name)
        else:
            copied.append(file.name)
    return copied, kept


def lessons() -> list[Path]:
    """The lessons of this installation, in their order.

    In a source folder they stand beside the package; a wheel brings them as data files, whose
    places its list of files knows.

    Raises:
        MissingDependency: there are none.
    """
    found = list((Path(__file__).parents[1] / "notebooks").glob("0*.ipynb"))
    if not found:
        found = [Path(f.locate()) for f in _installed_files() if f.match("notebooks/0*.ipynb")]
    found = sorted((f for f in found if f.is_file()), key=lambda f: f.name)
    if FIRST_LESSON not in [f.name for f in found]:
        raise MissingDependency(
            "The lessons are not where this installation of kerasnb says: "
            "pip install --force-reinstall --no-deps kerasnb"
        )
    return found


def _installed_files() -> list:
    try:
        return metadata.files("kerasnb") or []
    except metadata.PackageNotFoundError:  # the package was put on the path by hand
        return []


def _run_lab(folder: Path, options: Sequence[str]) -> int:
    page = f"/lab/tree/{FIRST_LESSON}"  # of the browser, and in the address that is printed
    command = [sys.executable, "-m", "jupyterlab", f"--LabApp.default_url={page}"]
    command += [f"--ServerApp.root_dir={folder}", *options]
    # JupyterLab gets an interrupt, too, and asks whether to end. Here it must do nothing at all: if
    # it is raised within a `wait`, that can leave a lock behind on which the next one hangs. What
    # is started does not inherit a function as its handler.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call(command, cwd=folder)
    finally:
        signal.signal(signal.SIGINT, before)
