"""``python -m kerasnb profile script.py``: where the time of a script's models goes."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasnb.errors import ArgumentError
from kerasnb.models.model import Model

__all__ = ["profile_script"]


def profile_script(script: str, arguments: Sequence[str] = ()) -> None:
    """Run a script, then time a step of each of its models, and print a table for each.

    Args:
        script: a file of Python.
        arguments: what the script finds in ``sys.argv`` after its name.

    Raises:
        ArgumentError: there is no such file, or no global name of it is a model that has run.
    """
    if not Path(script).is_file():
        raise ArgumentError(f"profile: there is no file {script!r}.")
    before = sys.argv
    sys.argv = [script, *arguments]
    try:
        names = runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv = before
    models = {id(v): v for v in names.values() if isinstance(v, Model) and v.has_run()}
    if not models:
        raise ArgumentError(
            f"profile: after {script!r} no global name is a model that was trained or used. Keep "
            "the model in one, or call model.profile(x, y) in the script."
        )
    for model in models.values():
        print(f"\n{model.profile()}")
