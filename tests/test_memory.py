"""What a step needs of memory, and the warning before it exceeds a limit."""

import gc
import tracemalloc
import warnings

import numpy as np
import pytest

from kerasnb import Input, Sequential, layers, ops
from kerasnb.compile import llvm, memory
from kerasnb.compile.step import Step

MB = 1_000_000


def test_peak_counts_what_lives_at_one_time():
    step = Step(lambda x: ops.sum(ops.exp(ops.sin(ops.cos(x)))))
    step(np.zeros((1000,), "float32"))
    # cos; sin beside it; then two at a time; the sum is one number
    assert memory.peak_bytes(step.graph()) == 2 * 4000


def trained(jit_compile):
    """A model after a step, and its batch."""
    model = Sequential([Input((256,)), *(layers.Dense(512, "relu") for _ in range(4))])
    model.compile("sgd", "mse", jit_compile=jit_compile)
    x, y = np.zeros((4096, 256), "float32"), np.zeros((4096, 512), "float32")
    model.train_on_batch(x, y)
    return model, x, y


def test_the_need_is_near_what_is_really_used():
    model, x, y = trained(jit_compile=False)
    tracemalloc.start()
    model.train_on_batch(x, y)
    real = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    need = model._steps["train"].program().plan.nbytes()
    assert 0.5 * real < need < 2 * real


def test_the_need_of_a_native_plan_is_what_it_takes():
    if memory.used() is None or not llvm.available():
        pytest.skip("only Linux states what is used, and only llvmlite makes native plans")
    trained(jit_compile=True)  # now the engine is loaded and the kernels are compiled
    gc.collect()
    before = memory.used()
    model, *_ = trained(jit_compile=True)
    need = model._steps["train"].program().plan.nbytes()
    assert need > 30 * MB
    assert 0.5 * need < memory.used() - before < 1.5 * need


@pytest.mark.parametrize(
    ("environment", "group", "expected"),
    [
        ("2147483648", "max", 2147483648),
        ("", "max", None),
        ("", "1000000", 1000000),
        ("3e9", "9223372036854771712", None),  # not written as digits, and version 1's "no limit"
        ("5000000", "1000000", 1000000),
    ],
)
def test_limit(tmp_path, monkeypatch, environment, group, expected):
    file = tmp_path / "memory.max"
    file.write_text(group + "\n")
    monkeypatch.setattr(memory, "_LIMITS", (str(file), str(tmp_path / "absent")))
    monkeypatch.setenv("MEM_LIMIT", environment)
    assert memory.limit() == expected


def fit(units: int, x, y) -> None:
    model = Sequential([Input((4,)), layers.Dense(units, "relu"), layers.Dense(1)], name="wide")
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=len(x), verbose=0)


def test_fit_warns_before_it_exceeds_the_limit(monkeypatch):
    monkeypatch.setattr(memory, "limit", lambda: 194 * MB)
    monkeypatch.setattr(memory, "used", lambda: 190 * MB)
    x, y = np.zeros((1000, 4), "float32"), np.zeros((1000, 1), "float32")
    with pytest.warns(UserWarning, match="A training step") as caught:
        fit(1000, x, y)
    (text,) = {str(w.message) for w in caught}
    need = text.split("about ")[1].split(" beside")[0]
    assert text == (
        f"A training step of 'wide' needs about {need} beside the 0.2 GB in use, and the limit "
        "here is 0.2 GB: the kernel may be ended. Use a smaller batch_size, or a smaller model."
    )
    assert need.endswith(" MB")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(10, x, y)


def test_used_is_what_the_system_says():
    before = memory.used()
    if before is None:
        pytest.skip("only Linux states it in a file")
    block = np.ones(64 * MB, "uint8")  # more than an allocator keeps of what was freed before
    assert memory.used() - before > 50 * MB
    del block
