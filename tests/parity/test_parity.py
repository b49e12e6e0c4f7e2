"""kerasnb gives Keras's numbers, shapes, names and configurations, for every case of the table.

`golden/` holds what Keras 3.15 gave (`make_golden.py` wrote it). Where `keras` is installed,
here or for the Python that the environment variable KERASNB_PEER_PYTHON names, the table is also
run on it and compared live; elsewhere those tests do not exist. The tolerance is explained in
`case.py`, the distance in `record.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from second_backend import ON_GPU

from kerasnb import backends

from .case import Case
from .cases import CASES
from .make_golden import GOLDEN, load_all
from .record import Record, fact_differences, value_differences
from .sides import Own

TOP = Path(__file__).parents[2]
PEER = os.environ.get("KERASNB_PEER_PYTHON", sys.executable)


@cache
def _golden() -> dict[str, Record]:
    return load_all(GOLDEN)


@pytest.fixture(autouse=True, scope="module")
def on_the_gpu():
    """All of it on CuPy, where the tests are run for a GPU."""
    if ON_GPU:
        backends.use("cupy")
    yield
    backends.use("numpy")


@cache
def _own() -> Own:
    return Own()


@cache
def _record(case: Case) -> Record:
    return case.record(_own())


def test_the_golden_files_have_every_case() -> None:
    assert _golden().keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    case = CASES[name]
    different = value_differences(_record(case), _golden()[name], case.tolerance)
    assert not different, "\n".join(different)


@pytest.mark.parametrize("name", CASES)
def test_facts(name: str) -> None:
    different = fact_differences(_record(CASES[name]), _golden()[name])
    assert not different, "\n".join(different)


def _peer_has_keras() -> bool:
    question = "import importlib.util as u, sys; sys.exit(u.find_spec('keras') is None)"
    return subprocess.run([PEER, "-c", question], check=False).returncode == 0


if _peer_has_keras():

    @pytest.fixture(scope="module")
    def live(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
        path = tmp_path_factory.mktemp("peer")
        command = [PEER, "-W", "ignore", "-m", "tests.parity.make_golden", "--output", str(path)]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return load_all(path)

    def test_the_peer_runs_every_case(live: dict[str, Record]) -> None:
        # what is missing needs another backend
        assert all(CASES[name].needs for name in CASES.keys() - live.keys())

    @pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].needs])
    def test_live(name: str, live: dict[str, Record]) -> None:
        case = CASES[name]
        different = value_differences(_record(case), live[name], case.tolerance)
        different += fact_differences(_record(case), live[name])
        assert not different, "\n".join(different)
