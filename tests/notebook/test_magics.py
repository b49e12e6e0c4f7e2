"""The magics: what they do and say, their completion, loading and unloading; also in a real kernel.

`second_backend.py` stands in for a GPU.
"""

import importlib
import os
import platform
import queue
import re
import time
from pathlib import Path

import numpy as np
import pytest
from cupy_standin import ndarray as gpu_array
from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import MagicAlias
from jupyter_client.manager import start_new_kernel
from second_backend import DEVICE, REASON, alone, gpu, no_gpu  # noqa: F401
from traitlets.config import Config

import kerasnb
from kerasnb import backends, layers
from kerasnb.errors import ArgumentError
from kerasnb.notebook import magics
from kerasnb.notebook.completion import OPTIONS

CPU = f"NumPy, CPU ({platform.machine()})"
X = np.random.default_rng(1).normal(size=(40, 4)).astype("float32")
Y = np.random.default_rng(2).integers(0, 3, 40)
MAGICS = ("backend", "summary", "seed", "timefit")


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory):
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance(config=config)
        # help is printed: a terminal's pager would write past `capsys`
        shell.hooks["show_in_pager"] = lambda data, **_: print(data["text/plain"])
        # new versions load magics when they are first used; here they are put back after each test
        shell.run_cell("int?")
        yield shell
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


@pytest.fixture
def shell(one_shell, monkeypatch):
    """IPython in this process, without the magics, and as if it had just started."""
    monkeypatch.delattr("builtins._", raising=False)  # doctest's; IPython would keep it
    tables = one_shell.magics_manager.magics
    before = {kind: dict(table) for kind, table in tables.items()}
    one_shell.reset()
    yield one_shell
    magics.unload(one_shell)
    one_shell.extension_manager.loaded.discard("kerasnb")
    one_shell.ast_node_interactivity = "last_expr"
    one_shell.Completer.use_jedi = True
    for kind, table in tables.items():
        table.clear()
        table.update(before[kind])
    one_shell.reset()


@pytest.fixture
def ip(shell):
    """IPython in this process, with the magics, `x`, `y` and `np`."""
    magics.load(shell)
    shell.user_ns.update(x=X, y=Y, np=np, kerasnb=kerasnb, backends=backends)
    return shell


def run(shell, code):
    return shell.run_cell(code, store_history=True)


def make_model(name=None):
    model = kerasnb.Sequential(
        [kerasnb.Input((4,)), layers.Dense(3, activation="softmax", name="out")], name=name
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def arrays_of(model):
    return {type(v.value.data) for v in [*model.variables, *model.optimizer.variables]}


# %backend


@pytest.mark.usefixtures("gpu", "alone")
def test_backend_shows_and_switches(ip, capsys):
    model, outer = make_model(), kerasnb.Sequential([kerasnb.Input((4,)), make_model()])
    model.fit(X, Y, verbose=0)
    ip.user_ns.update(model=model, outer=outer)
    run(ip, "%backend")
    run(ip, "%backend gpu")
    shown, switched = capsys.readouterr().out.splitlines()
    assert shown == f"{CPU}: 2 live models"
    assert re.fullmatch(rf"Now on CuPy, {re.escape(DEVICE)}: 2 models, 0\.\d kB, \d+ ms", switched)
    assert arrays_of(model) == {gpu_array}
    for line, expected in {
        "%backend": f"CuPy, {DEVICE}: 2 live models",
        "%backend cupy": f"Already on CuPy, {DEVICE}",
        "%backend auto": f"Already on CuPy, {DEVICE}",
        "%backend --list": f"* cupy   CuPy, {DEVICE}\n  numpy  {CPU}",
    }.items():
        assert run(ip, line).success
        assert capsys.readouterr().out == expected + "\n"
    run(ip, "%backend cpu")
    assert arrays_of(model) == {np.ndarray}


@pytest.mark.usefixtures("gpu", "alone")
def test_backend_counts_what_there_is(ip, capsys):
    run(ip, "%backend gpu")
    kept = kerasnb.Variable(np.zeros(50_000, "float32"))
    run(ip, "%backend cpu")
    model = make_model()
    run(ip, "%backend")
    model.note = lambda m=model: m
    del model  # nothing holds it now but itself
    run(ip, "%backend")
    texts = capsys.readouterr().out.splitlines()
    assert texts[0] == f"Now on CuPy, {DEVICE}: nothing had to move"
    assert re.fullmatch(rf"Now on {re.escape(CPU)}: 1 array, 0\.2 MB, \d+ ms", texts[1])
    assert texts[2:] == [f"{CPU}: 1 live model", f"{CPU}: 0 live models"]
    assert kept.shape == (50_000,)


@pytest.mark.usefixtures("gpu")
def test_training_goes_on_over_a_switch(ip):
    kerasnb.utils.set_random_seed(4)
    ip.user_ns["model"] = model = make_model()
    run(ip, "a = model.fit(x, y, verbose=0, shuffle=False)\n%backend gpu")
    run(ip, "b = model.fit(x, y, verbose=0, shuffle=False)\n%backend cpu")
    kerasnb.utils.set_random_seed(4)
    other = make_model()
    expected = [other.fit(X, Y, verbose=0, shuffle=False).history["loss"] for _ in range(2)]
    assert ip.user_ns["a"].history["loss"] == expected[0]
    # the GPU's route adds up in other pieces: a few units in the last place of float32
    assert ip.user_ns["b"].history["loss"] == pytest.approx(expected[1], rel=1e-5)
    assert arrays_of(model) == {np.ndarray}


@pytest.mark.usefixtures("gpu")
def test_background_training_is_moved_between_steps(ip):
    ip.user_ns["model"] = make_model()
    run(ip, "training = model.fit(x, y, epochs=10**6, verbose=0, background=True)")
    training = ip.user_ns["training"]
    try:
        assert run(ip, "%backend gpu").success
        assert training.running
        assert run(ip, "%backend cpu").success
    finally:
        training.stop()
    assert training.result().stopped_by == "user"


USAGE = {
    "%backend gpu": REASON,
    "%backend cupy": REASON,
    "%backend cuppy": "Unknown backend 'cuppy'. Did you mean 'cupy' or 'numpy'?",
    "%backend cpu gpu": "unrecognized arguments: gpu",
    "%%backend gpu\nran = True": REASON,
    "%%backend\nran = True": "%%backend needs the name of a backend: %%backend cpu",
    "%%backend --list\nran = True": "%%backend needs the name of a backend: %%backend cpu",
    "%seed one": "argument seed: invalid int value: 'one'",
    "%seed -1": "set_random_seed: expected an integer from 0 to 2**32 - 1 as seed, got -1.",
    "%summary": "There is no model yet, or it has no name here.",
    "%summary modl": "No variable is called 'modl'. There is no model yet.",
    "%summary x": "x is no model, but of type ndarray. There is no model yet.",
    "%%timefit -b gpu\nran = True": REASON,
    "%%timefit -e eagr\nran = True": "Unknown engine 'eagr'. Did you mean 'eager'?",
    "%%timefit -r two\nran = True": "argument -r/--repeat: invalid int value: 'two'",
    "%%timefit -r 0\nran = True": "timefit: repeat must be a whole number from 1, got 0.",
    "%%timefit -b cpu\n1": "timefit: fit was not called, so there is nothing to compare.",
}


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("code", USAGE)
def test_usage_errors_are_one_sentence(ip, capsys, code):
    result = run(ip, code)
    assert type(result.error_in_exec) is UsageError
    assert not result.success
    assert "ran" not in ip.user_ns
    assert backends.current().name == "numpy"
    assert capsys.readouterr() == ("", f"UsageError: {USAGE[code]}\n")


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu(ip, capsys):
    run(ip, "%backend auto\n%backend -l")
    assert capsys.readouterr().out == (
        f"Already on {CPU}\n  cupy   does not work here: {REASON}\n* numpy  {CPU}\n"
    )


@pytest.mark.usefixtures("no_gpu")
def test_a_configured_backend_that_does_not_work(ip, capsys, monkeypatch):
    monkeypatch.setattr(backends.config, "backend", lambda: "cupy")
    monkeypatch.setitem(backends._state, "current", None)
    run(ip, "%backend")
    assert capsys.readouterr() == ("", f"UsageError: {REASON}\n")
    run(ip, "%backend -l\n%backend cpu")
    assert capsys.readouterr().out == (
        f"  cupy   does not work here: {REASON}\n  numpy  {CPU}\n"
        f"Now on {CPU}: nothing had to move\n"
    )


# %%backend


@pytest.mark.usefixtures("gpu")
def test_backend_for_a_cell(ip, capsys):
    ip.user_ns["model"] = make_model()
    result = run(
        ip,
        "%%backend gpu\nname = kerasnb.backend.backend()\nmodel.fit(x, y, verbose=0)\n"
        "kind = type(model.weights[0].value.data)\nprint('hello')\nlen(x)",
    )
    assert result.success
    assert result.result == 40
    assert capsys.readouterr().out == f"hello\nOut[{ip.execution_count - 1}]: 40\n"
    assert ip.user_ns["_"] == 40
    assert (ip.user_ns["name"], ip.user_ns["kind"]) == ("cupy", gpu_array)
    assert backends.current().name == "numpy"
    assert arrays_of(ip.user_ns["model"]) == {np.ndarray}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("body", "interactivity", "expected"),
    [
        ("1\n2", "last_expr", "2"),
        ("1\n2;", "last_expr", ""),
        ("1\na = 2", "last_expr", ""),
        ("1\n2", "all", "1 2"),
        ("1\n2", "none", ""),
        ("if True:\n    3", "last", "3"),
        ("if True:\n    3", "last_expr", ""),
        ("s = '''\n%backend cpu\n'''\ns", "last_expr", "'\\n%backend cpu\\n'"),
        ("%backend\n4", "last_expr", f"CuPy, {DEVICE}: 0 live models 4"),
        ("%%backend cpu\nkerasnb.backend.backend()", "last_expr", "'numpy'"),
        ("# nothing", "last_expr", ""),
    ],
)
@pytest.mark.usefixtures("alone")
def test_the_body_displays_as_a_cell_does(ip, capsys, body, interactivity, expected):
    ip.ast_node_interactivity = interactivity
    assert run(ip, f"%%backend gpu\n{body}").success
    lines = re.sub(r"Out\[\d+\]: ", "", capsys.readouterr().out).split("\n")
    assert " ".join(filter(None, lines)) == expected
    assert backends.current().name == "numpy"


FAILURES = {
    "an error": ("1\nraise ValueError('no')", ValueError, 3),
    "in a function": ("def f():\n    return 1 / 0\nf()", ZeroDivisionError, 3),
    "an interrupt": ("\n\nraise KeyboardInterrupt", KeyboardInterrupt, 4),
    "an exit": ("raise SystemExit", SystemExit, None),
    "of the package": ("kerasnb.layers.Dense(-1)", ArgumentError, 2),
    "of a cause": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError from e",
        ValueError,
        3,
    ),
    "in a cell within": ("%%backend cpu\n1 / 0", ZeroDivisionError, None),
}


@pytest.mark.parametrize("magic", ["%%backend cpu", "%%timefit"])
def test_await_is_refused_before_anything_has_run(ip, magic, capsys):
    body = "ran = True\nimport asyncio\nawait asyncio.sleep(0)"
    assert isinstance(run(ip, f"{magic}\n{body}").error_in_exec, UsageError)
    assert "await does not work in a cell with %%backend or %%timefit" in capsys.readouterr().err
    assert "ran" not in ip.user_ns
    within = "import asyncio\nasync def wait():\n    await asyncio.sleep(0)\nran = True"
    assert run(ip, f"%%backend cpu\n{within}").success


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("magic", ["%%backend gpu", "%%timefit -b gpu"])
@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.filterwarnings("ignore:To exit")
def test_an_error_in_the_body_is_the_cells(ip, capsys, magic, name):
    body, kind, line = FAILURES[name]
    result = run(ip, f"{magic}\n{body}")
    assert type(result.error_in_exec) is kind
    assert backends.current().name == "numpy"
    text = "".join(capsys.readouterr())
    assert "run_cell_magic" not in text
    assert "notebook/magics.py" not in text
    assert text.count("Traceback (most recent call last)") == (
        0 if kind is SystemExit else 2 if name == "of a cause" else 1
    )
    if line is not None:
        assert f"Cell In[{ip.execution_count - 1}], line {line}" in text
        assert f"----> {line} " in text


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    ("body", "line"), [("def f(:\n    pass", 2), ("a = 1\nb = = 2", 3), ("exec('1 1')", None)]
)
def test_code_that_is_no_python(ip, capsys, body, line):
    result = run(ip, f"%%backend gpu\n{body}")
    assert type(result.error_in_exec).__name__ == "SyntaxError"
    assert backends.current().name == "numpy"
    text = capsys.readouterr().out
    assert text.count("SyntaxError: invalid syntax") == 1
    assert "run_cell_magic" not in text
    if line is not None:
        assert text.startswith(f"  Cell In[{ip.execution_count - 1}], line {line}\n")


# %builder


def test_builder_begins_with_a_model_or_with_nothing(ip, capsys):
    ip.user_ns.update(model=make_model("mine"))
    assert run(ip, "b = %builder model").success
    assert ip.user_ns["b"].model.name == "mine"
    assert 'layers.Dense(3, activation="softmax", name="out")' in ip.user_ns["b"].to_code()
    assert run(ip, "empty = %builder").success
    assert ip.user_ns["empty"].document["nodes"] == []
    capsys.readouterr()
    assert not run(ip, "%builder modl").success
    assert "No variable is called 'modl'." in capsys.readouterr().err


# %summary and %seed


def test_summary(ip, capsys):
    inner = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(2, name="deep")], name="inner")
    outer = kerasnb.Sequential([kerasnb.Input((4,)), inner], name="outer")
    other = make_model("other")
    ip.user_ns.update(inner=inner, outer=outer, alias=outer, _hidden=other, models={"o": other})

    def shown(line):
        run(ip, line)
        return "".join(capsys.readouterr())

    plain = shown("%summary")
    assert plain.startswith('Model: "outer"\n')
    assert "deep" not in plain
    assert shown("outer.summary()") == plain
    assert shown("%summary -n") == shown("outer.summary(expand_nested=True)") != plain
    assert shown("%summary --trainable") == shown("outer.summary(show_trainable=True)") != plain
    assert shown("%summary inner") == shown("inner.summary()")
    assert shown("%summary --nested models['o']") == shown("models['o'].summary()")
    assert shown("%summary outr") == ("UsageError: No variable is called 'outr'. Models: outer.\n")
    assert shown("%summary x") == (
        "UsageError: x is no model, but of type ndarray. Models: inner, outer, alias.\n"
    )
    ip.user_ns["other"] = other
    assert shown("%summary") == (
        "UsageError: Which model: outer or alias or other? Say, for example: %summary outer\n"
    )


def test_seed(ip, capsys):
    draw = "kerasnb.random.uniform((3,)).numpy().tolist(), np.random.normal()"
    run(ip, f"%seed\n%seed 42\n%seed\na = {draw}\n%seed 42\nb = {draw}\nc = {draw}")
    kerasnb.utils.set_random_seed(42)
    expected = kerasnb.random.uniform((3,)).numpy().tolist(), np.random.normal()
    assert ip.user_ns["a"] == ip.user_ns["b"] == expected != ip.user_ns["c"]
    assert capsys.readouterr().out == (
        "%seed has set no seed yet.\n%seed has last set the seed 42.\n"
    )


# %%timefit


@pytest.mark.usefixtures("gpu")
def test_timefit_compares_and_leaves_nothing(ip, capsys):
    ip.user_ns["model"] = model = make_model()
    weights = model.get_weights()
    result = run(
        ip, "%%timefit -b cpu,gpu -e compiled eager -w\nh = model.fit(x, y, epochs=2)\n1 + 1"
    )
    table = result.result
    assert [(row["backend"], row["engine"]) for row in table.rows] == [
        ("numpy", "compiled"), ("numpy", "eager"), ("cupy", "compiled"), ("cupy", "eager"),
    ]  # fmt: skip
    # the GPU's route adds up in other pieces: a few units in the last place of float32
    assert [r["loss"] for r in table.rows] == pytest.approx([table.rows[0]["loss"]] * 4, rel=1e-5)
    assert "h" not in ip.user_ns
    assert backends.current().name == "numpy"
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)
    out = f"Out[{ip.execution_count - 1}]: \n{table!r}\n"
    assert capsys.readouterr().out == out


@pytest.mark.usefixtures("gpu")
def test_timefit_takes_what_a_cell_takes(ip):
    result = run(
        ip,
        "%%timefit --backends cpu --repeat 2\n%seed 1\n"
        "m = kerasnb.Sequential([kerasnb.layers.Dense(3)])\n"
        "m.compile('sgd', 'sparse_categorical_crossentropy')\nm.fit(x, y)",
    )
    assert result.success
    assert len(result.result.rows) == 1
    assert "m" not in ip.user_ns


# Help


def help_of(shell, capsys, text):
    capsys.readouterr()
    run(shell, text)
    return capsys.readouterr().out


@pytest.mark.parametrize("magic", MAGICS)
def test_help(ip, capsys, magic):
    text = help_of(ip, capsys, f"%%{magic}?" if magic == "timefit" else f"%{magic}?")
    assert "In Python: ``" in text
    assert f"%{magic}" in text
    function = ip.find_line_magic(magic) or ip.find_cell_magic(magic)
    for option in OPTIONS.get(magic, {}):
        assert option in text
    # the lines end where they would be cut
    assert max(map(len, function.__doc__.splitlines())) <= 100


def test_help_of_backend_shows_how(ip, capsys):
    text = help_of(ip, capsys, "%backend?")
    assert help_of(ip, capsys, "%%backend?") == text
    for part in ("%backend [-l] [name]", "%backend gpu ", "%backend --list ", "%%backend cpu "):
        assert part in text


def test_help_names_twins_that_exist(ip):
    named = set()
    for magic in MAGICS:
        function = ip.find_line_magic(magic) or ip.find_cell_magic(magic)
        named |= set(re.findall(r"kerasnb(?:\.\w+)+", function.__doc__))
    assert named == {
        "kerasnb.backend.use", "kerasnb.backend.using", "kerasnb.utils.set_random_seed",
        "kerasnb.notebook.timefit",
    }  # fmt: skip
    for name in named:
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), attribute))


# Completion

BACKENDS = ["auto", "cpu", "gpu", "cupy", "numpy"]
TIMEFIT = ["-b", "--backends", "-e", "--engines", "-r", "--repeat", "-w", "--warmup"]
COMPLETIONS = {  # | is the cursor
    "%backend |": BACKENDS,
    "%backend c|": ["cpu", "cupy"],
    "  %backend  c|": ["cpu", "cupy"],
    "%backend nu|": ["numpy"],
    "%%backend |": BACKENDS,
    "%%backend g|": ["gpu"],
    "%backend -|": ["-l", "--list"],
    "%backend --|": ["--list"],
    "%backend -x|": ["-l", "--list"],
    "%backend opencl|": BACKENDS,
    "%backend c| # for now": ["cpu", "cupy"],
    "%backend c|pu": ["cpu", "cupy"],
    "%%backend c|\nmodel.fit(x, y)\n": ["cpu", "cupy"],
    "\n%%backend c|\nx": ["cpu", "cupy"],
    "%%time\n%%backend c|\nx": ["cpu", "cupy"],
    "x = 1\nif x:\n    %backend n|\n": ["numpy"],
    "%%timefit |": TIMEFIT,
    "%timefit -|": TIMEFIT,
    "%%timefit --r|": ["--repeat"],
    "%%timefit -b |": BACKENDS,
    "%%timefit -b cpu |": ["auto", "gpu", "cupy", "numpy"],
    "%%timefit --backends cpu,c|": ["cupy"],
    "%%timefit -b cpu -|": TIMEFIT[1:],
    "%%timefit -b cpu -e |": ["compiled", "reference", "eager"],
    "%%timefit -b c| -e eager": ["cpu", "cupy"],
    "%%timefit -e eager r|\nmodel.fit(x)": ["reference"],
    "%%timefit -r 3 |": [o for o in TIMEFIT if o != "-r"],
    "%summary |": ["encoder", "model"],
    "%summary m|": ["model"],
    "%summary --nested |": ["encoder", "model"],
    "%summary -|": ["-n", "--nested", "-t", "--trainable"],
    "%summary --t|": ["--trainable"],
    "%seed -|": ["-"],
    "%seed |": [""],
    "%backend numpy |": [""],
}


def complete(shell, text):
    """The texts as a notebook gets them, and the text that each replaces."""
    position = text.index("|")
    text = text.replace("|", "")
    with provisionalcompleter():
        found = list(rectify_completions(text, list(shell.Completer.completions(text, position))))
    return [c.text for c in found], {text[c.start : c.end] for c in found}


@pytest.fixture
def completing(ip):
    ip.Completer.use_jedi = True  # as in a notebook
    ip.user_ns.update(encoder=make_model(), model=make_model(), _old=make_model())
    return ip


@pytest.mark.parametrize("text", COMPLETIONS)
def test_completion(completing, text):
    fragment = re.search(r"[^\s,]*$", text.partition("|")[0])[0]
    start = time.perf_counter()
    found = complete(completing, text)
    seconds = time.perf_counter() - start
    assert found == (COMPLETIONS[text], {fragment})
    assert seconds < 0.2


@pytest.mark.parametrize(
    "text", ["%%backend c\nlen|", "x = 1\n%%backend c|", "backend c|", "%backendc|", "(c|"]
)
def test_completion_leaves_other_places_alone(completing, text):
    there = complete(completing, text)
    assert "cpu" not in there[0]
    magics.unload(completing)
    assert complete(completing, text) == there


def test_completion_of_the_old_interface(completing):
    completing.Completer.use_jedi = False
    with pytest.warns(PendingDeprecationWarning):
        assert completing.complete("c", "%backend c", 10)[1] == ["cpu", "cupy"]


def test_completion_knows_every_option(ip):
    for magic, takes in OPTIONS.items():
        function = ip.find_line_magic(magic) or ip.find_cell_magic(magic)
        options = function.parser._option_string_actions
        assert set(takes) - {""} == set(options)
        values = {o for o, action in options.items() if action.nargs == "+"}
        assert {o for o, kind in takes.items() if kind in ("backends", "engines")} == values


# Loading


def state_of(shell):
    """What loading may change, without IPython's own magics, which come when they are used."""
    tables = shell.magics_manager.magics
    return (
        {
            kind: {n: f for n, f in table.items() if not _of_ipython(f)}
            for kind, table in tables.items()
        },
        list(shell.Completer.custom_matchers),
        "KerasnbMagics" in shell.magics_manager.registry,
    )


def _of_ipython(function):
    module = getattr(function, "spec", None) or getattr(function, "__module__", None)
    return module.startswith("IPython.") and not isinstance(function, MagicAlias)


def test_load_and_unload(shell):
    def mine(line):
        """The user's own."""

    shell.register_magic_function(mine, "line", "seed")
    before = state_of(shell)
    magics.load(shell)
    loaded = state_of(shell)
    magics.load(shell)
    assert state_of(shell) == loaded != before
    assert shell.find_line_magic("seed") is not mine
    magics.unload(shell)
    assert state_of(shell) == before
    magics.unload(shell)
    assert state_of(shell) == before
    assert shell.find_line_magic("seed") is mine


def test_unload_takes_aliases_along_and_leaves_the_users(shell):
    def mine(line):
        """The user's own."""

    before = state_of(shell)
    magics.load(shell)
    shell.run_line_magic("alias_magic", "be backend")
    shell.run_line_magic("alias_magic", "t time")
    shell.register_magic_function(mine, "line", "seed")
    magics.unload(shell)
    after = state_of(shell)
    assert shell.find_line_magic("seed") is mine
    assert shell.find_line_magic("be") is shell.find_cell_magic("be") is None
    assert set(after[0]["line"]) - set(before[0]["line"]) == {"seed", "t"}
    assert set(after[0]["cell"]) - set(before[0]["cell"]) == {"t"}


def test_load_ext(shell, capsys):
    before = state_of(shell)
    for line in ("%load_ext kerasnb", "%load_ext kerasnb", "%reload_ext kerasnb", "%backend"):
        assert run(shell, line).success
    assert len(shell.Completer.custom_matchers) == len(before[1]) + 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("The kerasnb extension is already loaded.")
    assert out[-1].startswith(CPU)
    assert run(shell, "%unload_ext kerasnb").success
    assert state_of(shell) == before
    assert not run(shell, "%backend").success
    assert run(shell, "%load_ext kerasnb\n%backend").success


# In a real kernel

SETUP = """
%load_ext kerasnb
import time
import numpy as np, kerasnb
from kerasnb import layers
from kerasnb.backends import cupy as cupy_backend
from cupy_standin import cupy
cupy_backend._load = lambda: {module}
model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)])
model.compile("adam", "mse")
x, y = np.ones((40, 4), "float32"), np.ones((40, 3), "float32")
"""


class Kernel:
    """A kernel, and what it answers."""

    def __init__(self, module):
        self.manager, self.client = start_new_kernel()
        assert self.run(SETUP.format(module=module))["status"] == "ok"

    def run(self, *cells, interrupt=None):
        """Run cells as Run All does; the last reply, with what it printed and showed."""
        sent = [self.client.execute(code, stop_on_error=True) for code in cells]
        if interrupt is not None:
            self._messages(sent[-1], until=interrupt)
            self.manager.interrupt_kernel()
        replies = {}
        while len(replies) < len(sent):
            reply = self.client.get_shell_msg(timeout=60)
            parent = reply["parent_header"].get("msg_id")
            if parent in sent:  # a slow start is asked about repeatedly
                replies[parent] = reply["content"]
        last = replies[sent[-1]]
        if len(cells) == 1 and last["status"] == "aborted":
            return self.run(*cells)  # it came while the cells after an error were put aside
        shown = [] if last["status"] == "aborted" else self._messages(sent[-1])
        return {**last, "shown": shown, "statuses": [replies[i]["status"] for i in sent]}

    def _messages(self, parent, until=None):
        found = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != parent:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return found
            if kind == "stream":
                found.append(("stream", content["text"]))
            elif kind == "execute_result":
                found.append(("result", content["data"]))
            elif kind == "error":
                found.append(("error", (content["ename"], "\n".join(content["traceback"]))))
            if until is not None and found and found[-1][1].startswith(until):
                return found

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module", params=["None", "cupy"], ids=["no GPU", "GPU"])
def kernel(request):
    with pytest.MonkeyPatch.context() as patch:
        tests = str(Path(__file__).parents[1])
        patch.setenv("PYTHONPATH", os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]))
        kernel = Kernel(request.param)
    kernel.has_gpu = request.param == "cupy"
    yield kernel
    kernel.stop()


def test_kernel_stops_run_all_without_a_gpu(kernel):
    result = kernel.run("%backend gpu", "ran = 1")
    if kernel.has_gpu:
        assert result["statuses"] == ["ok", "ok"]
        assert kernel.run("%backend cpu")["status"] == "ok"
        return
    assert result["statuses"] == ["error", "aborted"]
    result = kernel.run("%%backend gpu\nran = 1")
    assert (result["status"], result["ename"]) == ("error", "UsageError")
    assert result["shown"] == [("stream", f"UsageError: {REASON}\n")]
    assert kernel.run("ran")["ename"] == "NameError"


def test_kernel_shows_the_value_of_a_cell(kernel):
    name = "gpu" if kernel.has_gpu else "cpu"
    result = kernel.run(f"%%backend {name}\nkerasnb.backend.backend()")
    expected = "cupy" if kernel.has_gpu else "numpy"
    assert result["shown"] == [("result", {"text/plain": f"'{expected}'"})]
    assert kernel.run("kerasnb.backend.backend()")["shown"] == [
        ("result", {"text/plain": "'numpy'"})
    ]


@pytest.mark.parametrize(
    ("body", "name"), [("a = 1\n1 / 0", "ZeroDivisionError"), ("a = = 1", "SyntaxError")]
)
def test_kernel_shows_an_error_once_and_stops(kernel, body, name):
    result = kernel.run(f"%%backend cpu\n{body}", "ran = 1")
    assert result["statuses"] == ["error", "aborted"]
    result = kernel.run(f"%%backend cpu\n{body}")
    ((kind, (shown, text)),) = result["shown"]
    assert (kind, shown, result["ename"]) == ("error", name, name)
    assert "run_cell_magic" not in text
    assert "line" in text


def test_kernel_restores_after_an_interrupt(kernel):
    name = "gpu" if kernel.has_gpu else "cpu"
    result = kernel.run(
        f"%%backend {name}\nprint('waiting', flush=True)\ntime.sleep(60)", interrupt="waiting"
    )
    assert (result["status"], result["ename"]) == ("error", "KeyboardInterrupt")
    assert [kind for kind, _ in result["shown"]] == ["error"]
    assert kernel.run("kerasnb.backend.backend()")["shown"][0][1]["text/plain"] == "'numpy'"


def test_kernel_shows_a_table(kernel):
    result = kernel.run("%%timefit\nmodel.fit(x, y, epochs=2)")
    ((kind, data),) = result["shown"]
    assert kind == "result"
    assert set(data) == {"text/plain", "text/html"}
    configurations = re.findall(r'<th scope="row">(.*?)</th>', data["text/html"])
    if kernel.has_gpu:
        assert configurations == ["numpy", "cupy"]
    else:
        assert configurations == ["numpy, compiled", "numpy, reference", "numpy, eager"]


def test_kernel_completes(kernel):
    for code, cursor, expected in (
        ("%backend c", 10, ["cpu", "cupy"]),
        ("%%backend c\nx", 11, ["cpu", "cupy"]),
        ("%backend -", 10, ["-l", "--list"]),
        ("%summary ", 9, ["model"]),
    ):
        start = time.perf_counter()
        content = kernel.client.complete(code, cursor, reply=True, timeout=60)["content"]
        assert content["matches"] == expected
        assert time.perf_counter() - start < 0.2


def test_kernel_leaves_no_message(kernel):
    with pytest.raises(queue.Empty):
        kernel.client.get_shell_msg(timeout=0.05)
