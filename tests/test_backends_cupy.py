"""The CuPy backend: why it is unusable, what it calls, and that ops run on it.

`cupy_standin.py` stands in for CuPy, unless KERASNB_TEST_GPU=1 asks for a real GPU.
"""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import make_cupy_names
import numpy as np
import pytest
from cupy_standin import CUDARuntimeError, module
from second_backend import ON_GPU, cupy, offer, only_standin
from test_ops import CASES, differentiable, make_inputs, outputs_of, projected, random_weights

import kerasnb
from kerasnb import backends, layers, ops, random
from kerasnb.autodiff import value_and_grad
from kerasnb.backends import cupy as cupy_backend
from kerasnb.errors import ArgumentError, BackendError
from kerasnb.variable import Variable

PACKAGE = Path(kerasnb.__file__).parent


@pytest.fixture
def standin(monkeypatch):
    """CuPy is installed and has a GPU, for one test; it is not in use yet."""
    yield from offer(monkeypatch, cupy)


@pytest.fixture
def on_gpu(standin):
    backends.use("cupy")
    return standin


# Why it is unusable

TOO_OLD = (
    "The NVIDIA driver is too old: it supports CUDA 12.4, and CuPy 14.2.0 is built for CUDA 13.2; "
    "update the driver, or install cupy-cuda12x in place of this CuPy."
)
NO_GPU = "The NVIDIA driver is there, but it finds no GPU in this machine."
DIAGNOSES = {
    "usable": ({}, None, None),
    "minor versions of one major go together": ({"driver": 13000}, None, None),
    "newer driver": ({"driver": 14010}, None, None),
    "no driver": (
        {"driver": 0, "devices": CUDARuntimeError(35)},
        None,
        "This machine has no NVIDIA driver, which the cupy backend needs; install one.",
    ),
    "old driver": ({"driver": 12040, "devices": CUDARuntimeError(35)}, None, TOO_OLD),
    "old driver by its number alone": ({"driver": 12040}, None, TOO_OLD),
    "old driver by the runtime's word": (
        {"driver": 13000, "devices": CUDARuntimeError(35)},
        None,
        "The NVIDIA driver is too old: it supports CUDA 13.0, and CuPy 14.2.0 is built for CUDA "
        "13.2; update the driver, or install cupy-cuda13x in place of this CuPy.",
    ),
    "no device": ({"devices": CUDARuntimeError(100)}, None, NO_GPU),
    "zero devices": ({"devices": 0}, None, NO_GPU),
    "hidden devices": (
        {"devices": CUDARuntimeError(100)},
        "",
        "No GPU is visible: CUDA_VISIBLE_DEVICES is ''; unset it, or set it to the number of a "
        "GPU, and start Python again.",
    ),
    "devices that are not there": (
        {"devices": 0},
        "7",
        "No GPU is visible: CUDA_VISIBLE_DEVICES is '7'; unset it, or set it to the number of a "
        "GPU, and start Python again.",
    ),
    "another error": (
        {"devices": CUDARuntimeError(999, "cudaErrorUnknown: unknown error")},
        None,
        "The CUDA runtime does not start (status 999): cudaErrorUnknown: unknown error.",
    ),
}


@pytest.mark.parametrize("name", DIAGNOSES)
def test_diagnosis(name):
    cuda, visible, expected = DIAGNOSES[name]
    assert cupy_backend.diagnose(module(**cuda), visible) == expected


def test_diagnosis_where_cupy_is_not_installed():
    assert cupy_backend.diagnose(None) == (
        'CuPy is not installed: pip install "kerasnb[gpu]", which brings cupy-cuda13x, or '
        "cupy-cuda12x for an older NVIDIA driver."
    )


def test_diagnosis_of_missing_cuda_libraries():
    def fail(shape):
        raise RuntimeError("CuPy failed to load libnvrtc.so.13:\n OSError: no such file")

    broken = module()
    broken.ones = fail
    assert cupy_backend.diagnose(broken) == (
        "CuPy finds a GPU but cannot compute on it (where CUDA libraries are missing: pip install "
        '"cupy-cuda13x[ctk]"): CuPy failed to load libnvrtc.so.13: OSError: no such file.'
    )


def test_use_says_why_and_moves_nothing(standin, monkeypatch):
    monkeypatch.setattr(cupy_backend, "_load", lambda: module(driver=0))
    weight = Variable([1.0, 2.0])
    with pytest.raises(BackendError) as error:
        backends.use("cupy")
    assert str(error.value) == DIAGNOSES["no driver"][2]
    assert backends.current().name == "numpy"
    assert type(weight.value.data) is np.ndarray


def test_use_reads_the_visible_devices(standin, monkeypatch):
    monkeypatch.setattr(cupy_backend, "_load", lambda: module(devices=0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(BackendError, match="CUDA_VISIBLE_DEVICES is '-1'"):
        backends.use("cupy")


def test_cupy_that_cannot_be_imported(monkeypatch):
    def fail(name):
        raise ImportError("a page\nof advice") from ImportError("libcuda.so.1: not found")

    monkeypatch.setattr(cupy_backend.importlib, "import_module", fail)
    assert cupy_backend.BACKEND().unusable() == (
        "CuPy is installed but cannot be imported: libcuda.so.1: not found."
    )


def test_cupy_that_is_not_installed(monkeypatch):
    def fail(name):
        raise ModuleNotFoundError("No module named 'cupy'", name="cupy")

    monkeypatch.setattr(cupy_backend.importlib, "import_module", fail)
    assert cupy_backend.BACKEND().unusable() == cupy_backend.diagnose(None)


def test_unknown_backend():
    with pytest.raises(ArgumentError) as error:
        backends.use("cuppy")
    assert str(error.value) == "Unknown backend 'cuppy'. Did you mean 'cupy' or 'numpy'?"


# What it calls


def uses(path: Path) -> set[tuple[str, int]]:
    """Each dotted name that a module takes from an array module, with its line.

    An array module is a parameter called `xp`, or `m` (a namespace of mathematics), or an attribute
    called `xp`.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set(_attributes(tree, set()))
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.Lambda)):
            roots = {a.arg for a in function.args.args} & {"xp", "m"}
            if roots:
                found |= set(_attributes(function, roots))
    return {(n, i) for n, i in found if not any(o.startswith(f"{n}.") for o, j in found if i == j)}


def _attributes(scope: ast.AST, roots: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Attribute):
            name = _dotted(node, roots)
            if name and not name.startswith("__"):
                yield name, node.lineno


def _dotted(node: ast.AST, roots: set[str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        if node.attr == "xp":
            return ".".join(reversed(parts))
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in roots:
        return ".".join(reversed(parts))
    return None


def cupy_has() -> dict:
    """CuPy's names: from CuPy where it is installed, else from the list."""
    if importlib.util.find_spec("cupy") is None:
        return make_cupy_names.read()
    return make_cupy_names.collect(importlib.import_module("cupy"))


def test_every_array_function_used_exists_in_cupy():
    names, found, missing = cupy_has(), 0, []
    spaces = {name.rpartition(".")[0] for name in names}
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, line in sorted(uses(path)):
            found += 1
            if name not in names and name not in spaces:
                missing.append(f"{path.relative_to(PACKAGE)}:{line}: {name}")
    assert found > 100
    assert missing == []


def test_the_search_for_names_finds_them(tmp_path):
    (tmp_path / "a.py").write_text(
        "def f(xp, x):\n    return xp.add.at(x) + xp.lib.stride_tricks.as_strided(x)\n"
        "g = lambda m, x: m.exp(x)\n"
        "class A:\n    def f(self, other):\n        return self.xp.zeros(other.size), other.m.q\n"
    )
    assert {name for name, _ in uses(tmp_path / "a.py")} == {
        "add.at", "lib.stride_tricks.as_strided", "exp", "zeros",
    }  # fmt: skip


# The stand-in refuses what CuPy refuses

HOST = np.ones(3, "float32")
REFUSALS = {
    "conversion": (lambda a: np.asarray(a), "Implicit conversion to a NumPy array"),
    "float of NumPy": (lambda a: np.float32(a), "Implicit conversion to a NumPy array"),
    "host array on the right": (lambda a: a + HOST, "Unsupported type <class 'numpy.ndarray'>"),
    "host array on the left": (lambda a: HOST + a, "Unsupported type <class 'numpy.ndarray'>"),
    "host array as an argument": (lambda a: cupy.add(a, HOST), "Unsupported type"),
    "host array within": (lambda a: cupy.concatenate([a, HOST]), "Unsupported type"),
    "host array as an index": (lambda a: a[np.array([0])], "Unsupported type"),
    "host array by NumPy's function": (lambda a: np.add(a, HOST), "Unsupported type"),
    "host index of a host array": (lambda a: HOST[a], "Implicit conversion|index"),
    "list as an operand": (lambda a: cupy.add(a, [1, 2, 3]), "Unsupported type <class 'list'>"),
    "host array to a function of one": (lambda a: cupy.sum(HOST), "is no CuPy array"),
    "scalar condition": (lambda a: cupy.where(True, a, a), "is no CuPy array"),
    "argument that CuPy lacks": (lambda a: cupy.sum(a, where=True), "unexpected keyword"),
    "method's argument that CuPy lacks": (lambda a: a.sum(initial=1), "unexpected keyword"),
    "addition at indices of int64": (
        lambda a: cupy.add.at(cupy.zeros(2, "int64"), cupy.zeros(1, "int64"), 1),
        "cupy.add.at only supports",
    ),
}


@only_standin
@pytest.mark.parametrize("name", REFUSALS)
def test_standin_refuses(name):
    call, text = REFUSALS[name]
    with pytest.raises((TypeError, IndexError), match=text):
        call(cupy.asarray(HOST))


@only_standin
def test_standin_refuses_assignment_of_a_host_array():
    array = cupy.zeros(3)
    with pytest.raises(TypeError, match="Unsupported type"):
        array[:] = HOST
    with pytest.raises(TypeError, match="Unsupported type"):
        array += HOST


@only_standin
@pytest.mark.parametrize("name", ["nanargmin_", "float128", "add.reduce", "ndarray.searchsorted_"])
def test_standin_lacks_what_cupy_lacks(name):
    owner = cupy.zeros(1) if name.startswith("ndarray.") else cupy
    *path, last = name.removeprefix("ndarray.").split(".")
    for part in path:
        owner = getattr(owner, part)
    assert not hasattr(owner, last)


@only_standin
def test_standin_gives_arrays_never_scalars_and_copies_from_the_host():
    host = np.arange(3.0)
    array = cupy.asarray(host)
    host[0] = 7
    assert type(array.sum()) is type(array[1]) is type(cupy.max(array)) is cupy.ndarray
    assert array.get().tolist() == [0, 1, 2]
    assert cupy.asarray(array) is array
    assert np.isnan(cupy.empty(2, "float32").get()).all()
    assert cupy.take(array, cupy.asarray([4])).tolist() == [1]  # counts on, as CuPy does


# Ops and training run on it


def host(tensor):
    """The data of a tensor, whose array must be CuPy's."""
    assert type(tensor.data) is cupy.ndarray
    return tensor.numpy()


def placed(inputs):
    """Arrays on the current backend; Python scalars stay what they are."""
    asarray = backends.current().asarray
    return [asarray(x) if isinstance(x, np.ndarray) else x for x in inputs]


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_op_gives_what_numpy_gives(standin, op, sample):
    inputs = make_inputs(sample, dtype="float32")
    expected = [t.numpy() for t in outputs_of(op, inputs, sample.attrs)]
    backends.use("cupy")
    outputs = outputs_of(op, placed(inputs), sample.attrs)
    for result, value in zip(map(host, outputs), expected, strict=True):
        assert result.dtype == value.dtype
        # the GPU's route adds up in other pieces: a few units in the last place of float32
        np.testing.assert_allclose(result, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_gradient_is_the_one_on_numpy(standin, op, sample):
    inputs = make_inputs(sample)
    weights = random_weights(op, inputs, sample.attrs)

    def gradients():
        there, w = placed(inputs), placed(weights)
        return [
            value_and_grad(
                lambda x, i=i: projected(op, [*there[:i], x, *there[i + 1 :]], sample.attrs, w)
            )(there[i])[1]
            for i in differentiable(op, inputs)
        ]

    expected = [t.numpy() for t in gradients()]
    backends.use("cupy")
    for result, value in zip(map(host, gradients()), expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-12, atol=1e-12)


def test_host_arrays_go_to_the_current_backend(on_gpu):
    x = ops.convert_to_tensor(HOST)
    assert host(x).tolist() == host(x + HOST - HOST).tolist() == HOST.tolist()
    assert host(layers.Dense(2)(np.ones((4, 3), "float32"))).shape == (4, 2)


def test_variables_move_there_and_back(standin):
    weight, count = Variable([1.0, 2.0]), Variable(3)
    moved = backends.use("cupy")
    assert (moved.name, moved.arrays >= 2) == ("cupy", True)
    for variable in (weight, count):
        host(variable.value)
    weight.assign_add([1.0, 1.0])
    backends.use("numpy")
    assert type(weight.value.data) is np.ndarray
    assert weight.numpy().tolist() == [2.0, 3.0]
    assert (count.item(), count.dtype, weight.dtype) == (3, "int32", "float32")


def test_one_seed_gives_the_same_numbers(standin):
    uniform, normal = (f((100,), seed=5).numpy() for f in (random.uniform, random.normal))
    backends.use("cupy")
    np.testing.assert_array_equal(host(random.uniform((100,), seed=5)), uniform)
    # a GPU's own log and cos may round otherwise: by one unit in the last place, as measured
    ulps = 2 if ON_GPU else 0
    np.testing.assert_array_max_ulp(host(random.normal((100,), seed=5)), normal, maxulp=ulps)


def test_mixing_backends_is_an_error(standin):
    here = ops.convert_to_tensor([1.0])
    backends.use("cupy")
    there = ops.convert_to_tensor([1.0])
    with pytest.raises(BackendError, match="inputs lie on different backends"):
        ops.add(here, there)


def test_device_and_titles(on_gpu):
    assert kerasnb.backend.backend() == "cupy"
    if not ON_GPU:
        assert kerasnb.backend.device() == "GPU 0 (Stand-in, 8 GiB)"
    assert kerasnb.backend.device().startswith("GPU 0 (")
    assert backends.current().title == "CuPy"
    backends.current().synchronize()


def small_model():
    kerasnb.utils.set_random_seed(1)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def small_data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(40, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 40)


@pytest.mark.parametrize("eager", [False, True])
def test_training_goes_on_where_it_was(standin, eager):
    x, y = small_data()
    results = []
    for second in ("numpy", "cupy"):
        model = small_model()
        model.run_eagerly = eager
        first_loss = model.fit(x, y, epochs=1, batch_size=10, verbose=0).history["loss"]
        backends.use(second)
        history = model.fit(x, y, epochs=2, initial_epoch=1, batch_size=10, verbose=0).history
        state = [*model.variables, *model.optimizer.variables]
        assert {type(v.value.data) for v in state} == {backends.current().array_type}
        assert isinstance(model.predict(x[:3], verbose=0), np.ndarray)
        scores = model.evaluate(x, y, verbose=0)
        results.append((first_loss, history, scores, [v.numpy() for v in state]))
        backends.use("numpy")
    (first, history, scores, state), (first_, history_, scores_, state_) = results
    assert first == first_
    # four steps that add up in another order: far below what one step changes
    for name, values in history.items():
        np.testing.assert_allclose(history_[name], values, rtol=1e-4)
    np.testing.assert_allclose(scores_, scores, rtol=1e-4)
    for value, value_ in zip(state, state_, strict=True):
        np.testing.assert_allclose(value_, value, rtol=1e-3, atol=1e-5)


def test_recurrent_model_trains(on_gpu):
    kerasnb.utils.set_random_seed(2)
    model = kerasnb.Sequential(
        [
            kerasnb.Input((5,)),
            layers.Embedding(10, 4),
            layers.LSTM(6),
            layers.LayerNormalization(),
            layers.Dense(1),
        ]
    )
    model.compile(kerasnb.optimizers.SGD(0.05, momentum=0.9, clipnorm=1.0), "mse", metrics=["mae"])
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 10, (20, 5)), rng.normal(size=(20, 1)).astype("float32")
    losses = model.fit(x, y, epochs=8, batch_size=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert {type(v.value.data) for v in model.variables} == {cupy.ndarray}


def test_arrays_that_lie_there_are_taken_as_they_are(on_gpu):
    x, y = small_data()
    model = small_model()
    model.fit(cupy.asarray(x), cupy.asarray(y), epochs=1, batch_size=10, verbose=0)
    assert model.predict(cupy.asarray(x), verbose=0).shape == (40, 3)
