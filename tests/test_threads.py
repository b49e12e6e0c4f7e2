"""Steps divided among threads, and many steps in one call."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

import kerasnb
from kerasnb import layers, ops
from kerasnb.boundary import boundary
from kerasnb.compile import cores, pool
from kerasnb.compile.recycling import Recycled
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError
from kerasnb.variable import Variable


@pytest.fixture
def count(monkeypatch):
    """Sets the number of threads."""
    return lambda n: monkeypatch.setenv("KERASNB_NUM_THREADS", str(n))


def images(rows=64):
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, 16, 16, 3)).astype("float32"), rng.integers(0, 5, rows)


def trained(shuffle=True, **options):
    """The weights of a model after two epochs, the second with one batch that is shorter."""
    kerasnb.utils.set_random_seed(7)
    x, y = images(150)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((16, 16, 3)), layers.Conv2D(20, 3, activation="relu"),
            layers.BatchNormalization(), layers.MaxPooling2D(2), layers.Dropout(0.3),
            layers.Flatten(), layers.Dense(70, "tanh"), layers.Dense(5, "softmax"),
        ]
    )  # fmt: skip
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=True, **options
    )
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=shuffle, verbose=0).history
    return [w.numpy() for w in model.weights], history


def assert_same(a, b):
    assert a[1] == b[1]
    for x, y in zip(a[0], b[0], strict=True):
        np.testing.assert_array_equal(x, y)


def test_any_number_of_threads_gives_the_same_bits(count):
    count(1)
    alone = trained()
    for n in (2, 3, 7):
        count(n)
        assert_same(trained(), alone)


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_any_number_of_steps_per_execution_gives_the_same_bits(shuffle):
    one = trained(shuffle, steps_per_execution=1)
    for steps in ("auto", 2, 4, 100):
        assert_same(trained(shuffle, steps_per_execution=steps), one)


def test_threads_leave_when_a_job_is_done(count):
    count(4)
    x = np.random.default_rng(2).normal(size=(400, 400)).astype("float32")
    step = Step(lambda x: ops.tanh(x @ x), native=True)
    first = step(x).numpy()
    for _ in range(300):
        np.testing.assert_array_equal(step(x).numpy(), first)
    shared = pool.pool()._shared.view(np.int64)
    assert shared[pool.SHARED["open"] // 8] == 0
    assert shared[pool.SHARED["inside"] // 8] == 0


def test_models_in_several_threads_do_not_wait_for_each_other_in_vain(count):
    count(3)
    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=(200 + 40 * i, 300)).astype("float32") for i in range(4)]
    steps = [
        Step(lambda x: ops.sum(ops.exp(-x * x) @ ops.transpose(x)), native=True) for _ in inputs
    ]
    expected = [step(x).numpy() for step, x in zip(steps, inputs, strict=True)]
    wrong = []

    def work(i):
        for _ in range(40):
            if steps[i](inputs[i]).numpy() != expected[i]:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def fit_in_child(results):
    results.put([float(np.abs(w).sum()) for w in trained()[0]])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of Python, where threads exist
def test_a_forked_process_has_threads_of_its_own(count):
    count(3)
    expected = [float(np.abs(w).sum()) for w in trained()[0]]
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=fit_in_child, args=(results,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert results.get() == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_threads_that_are_gone():
    step, x = Step(ops.exp, native=True), np.zeros(3, "float32")
    step(x)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with step.program().plan._lock, boundary._changed:
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(60)
    child = multiprocessing.get_context("fork").Process(target=run_within_boundary, args=(step, x))
    child.start()
    child.join(20)
    child.kill()
    leave.set()
    thread.join()
    assert child.exitcode == 0


def run_within_boundary(step, x):
    with boundary.inside(), boundary.moving():
        assert step(x).numpy().tolist() == [1, 1, 1]


def test_a_repeated_step_leaves_the_last_state(count):
    total, count_of = Variable(np.zeros(3, "float32")), Variable(np.float32(0))

    def function(x):
        count_of.assign_add(1.0)
        total.assign(total.value * 0.5 + ops.sum(x, 0))
        return total.value + 0.0

    x = np.arange(30, dtype="float32").reshape(10, 3)
    step = Step(function, native=True)
    assert step.repeat((x,), np.array([[0, 1]])) is None  # nothing is traced yet
    before = step(x[:2]).numpy()
    held = total.value
    rows = np.random.default_rng(0).integers(0, 10, (7, 2))
    expected = before
    for row in rows:
        expected = expected * 0.5 + x[row].sum(0)
    np.testing.assert_allclose(step.repeat((x,), rows).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(total.numpy(), expected, rtol=1e-6)
    np.testing.assert_array_equal(held.numpy(), before)  # whoever holds a value keeps it
    assert count_of.item() == 8


def test_what_runs_through_numpy_is_not_repeated():
    step = Step(lambda x: ops.argsort(x, -1), native=True)
    step(np.ones((2, 3), "float32"))
    assert step.repeat((np.ones((4, 3), "float32"),), np.array([[0, 1], [2, 3]])) is None


@pytest.mark.parametrize("shape", [(3, 2), (1500, 1000)])
def test_memory_is_used_again_when_nobody_holds_it(shape):
    recycled = Recycled("float32", shape)
    first, address = recycled.take()
    second, other = recycled.take()
    assert address % 64 == other % 64 == 0
    assert other != address
    view = first[1:]
    del first
    third = recycled.take()[1]
    assert third not in (address, other)
    del view, second
    array, again = recycled.take()
    assert array.shape == shape
    assert again in (address, other, third)
    assert recycled.take(apart_from=array)[1] in {address, other, third} - {again}


def test_the_number_of_threads_is_checked(count):
    for value in ("0", "two", "-1", "1.5"):
        count(value)
        with pytest.raises(ArgumentError) as error:
            cores.threads()
        expected = f"KERASNB_NUM_THREADS: expected a whole number from 1, got {value!r}."
        assert str(error.value) == expected
    count(5)
    assert cores.threads() == 5


@pytest.mark.parametrize(
    ("files", "environment", "expected"),
    [
        ({"cpu.max": "max 100000"}, {}, 4),
        ({"cpu.max": "200000 100000"}, {}, 2),
        ({"cpu.max": "150000 100000"}, {}, 1),
        ({"cpu.max": "50000 100000"}, {}, 1),
        ({"quota": "-1", "period": "100000"}, {}, 4),
        ({"quota": "300000", "period": "100000"}, {}, 3),
        ({}, {"CPU_LIMIT": "1.0"}, 1),
        ({}, {"CPU_LIMIT": ""}, 4),
        ({}, {}, 4),
    ],
)
def test_limits_of_a_container_count(tmp_path, monkeypatch, files, environment, expected):
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(cores, "_SHARE", str(tmp_path / "cpu.max"))
    monkeypatch.setattr(cores, "_SHARE_1", (str(tmp_path / "quota"), str(tmp_path / "period")))
    monkeypatch.setattr(cores, "_SIBLINGS", str(tmp_path / "siblings{}"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 4, 5}, raising=False)
    monkeypatch.delenv("CPU_LIMIT", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cores.available.__wrapped__() == expected


def test_two_threads_of_one_core_count_once(tmp_path, monkeypatch):
    for number, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        (tmp_path / f"siblings{number}").write_text(siblings)
    monkeypatch.setattr(cores, "_SIBLINGS", str(tmp_path / "siblings{}"))
    monkeypatch.setattr(cores, "_SHARE", str(tmp_path / "none"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.delenv("CPU_LIMIT", raising=False)
    assert cores.available.__wrapped__() == 2
