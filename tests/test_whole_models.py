"""Models of the size that people train: native steps against the reference plan's.

They are those of the benchmark beside other libraries. What is divided among chunks, kept in caches
or written past them shows only at such sizes.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

import kerasnb

sys.path.append(str(Path(__file__).parent / "benchmarks"))

from peers_cases import CASES
from peers_keras import Trained

STEPS = {"pima": 20, "mlp": 4, "cnn": 2, "lstm": 3, "resnet20": 1, "transformer": 3}


def trained(name, jit_compile):
    """The losses of some steps, and what is left after them; the last batch is a short one."""
    kerasnb.utils.set_random_seed(5)
    case = CASES[name]
    x, y = case.data(case.batch * STEPS[name] - 3)
    model = Trained(kerasnb, name, {"jit_compile": jit_compile}).model
    losses = []
    for _ in range(2):
        history = model.fit(x, y, batch_size=case.batch, shuffle=False, verbose=0)
        losses.append(history.history["loss"][0])
    return losses, model.weights, model.predict(x[:7], verbose=0)


@pytest.mark.parametrize("name", STEPS)
def test_training_is_that_of_the_reference(name):
    native, reference = trained(name, True), trained(name, False)
    # steps change weights by more than rounding does, which they multiply
    np.testing.assert_allclose(native[0], reference[0], rtol=2e-3)
    np.testing.assert_allclose(native[2], reference[2], atol=0.02)
    for weight, other in zip(native[1], reference[1], strict=True):
        a, b = weight.numpy(), other.numpy()
        # Adam takes a whole step where rounding alone is the gradient: a few numbers may differ
        assert np.linalg.norm(a - b) <= 0.02 * np.linalg.norm(b) + 0.02, weight.path
