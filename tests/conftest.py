"""What every test starts from: no configuration of whoever runs them, and known seeds."""

import os
import tempfile

import pytest

# before the package is imported: test modules make tensors while they are collected
_home = tempfile.TemporaryDirectory(prefix="kerasnb-tests-")
os.environ.update(KERASNB_HOME=_home.name, KERAS_HOME=_home.name, KERASNB_ANNOUNCE="0")
os.environ["KERASNB_CACHE"] = os.path.join(_home.name, "cache")
for _name in ("KERASNB_BACKEND", "KERAS_BACKEND"):
    os.environ.pop(_name, None)

from fake_network import Network  # noqa: E402

from kerasnb import config  # noqa: E402
from kerasnb.utils import files, set_random_seed  # noqa: E402

config.disable_traceback_filtering()  # who mends a test wants to see where it fails


@pytest.fixture(autouse=True)
def _seeded():
    set_random_seed(0)


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A network without any page yet, and an empty cache in ``tmp_path / "home"``."""
    monkeypatch.setenv("KERASNB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERASNB_DATASETS", raising=False)
    made = Network()
    monkeypatch.setattr(files, "open_url", made.open)
    return made
