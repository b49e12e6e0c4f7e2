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

from kerasnb.utils import set_random_seed  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded():
    set_random_seed(0)
