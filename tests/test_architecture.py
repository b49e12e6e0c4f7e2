"""What may import what, how long things may be, and what an import loads; read off the source."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import kerasnb

PACKAGE = Path(kerasnb.__file__).parent

# A module imports lower ranks, or its own without a cycle. A folder's modules have its rank unless
# they are named.
RANKS = {
    "absence": 0, "errors": 0, "screen": 0, "boundary": 0, "config": 0, "tree": 0, "naming": 0,
    "version": 0, "spec": 0, "tracebacks": 0, "text": 1, "backends": 1,
    "op": 2, "graph": 2, "tensor": 2, "variable": 2, "autodiff": 2, "interpret": 2, "backend": 2,
    "ops": 3,
    "compile": 4,
    "registry": 5, "random": 5, "initializers": 5, "regularizers": 5, "constraints": 5,
    "dtype_policies": 5, "mixed_precision": 5,
    "activations": 5, "layers": 5, "losses": 5, "metrics": 5, "optimizers": 5,
    "callbacks": 6,
    "feature_space": 6, "models": 7, "utils": 7,
    "files": 6,  # below the models, which save their own weights
    "saving": 8, "datasets": 8, "export": 8, "legacy": 8,
    "notebook": 9,
    "coverage": 10, "demo": 10, "lab": 10, "profiling": 10, "": 10, "__main__": 11,
}  # fmt: skip

SCREEN = {"IPython", "anywidget", "ipywidgets", "matplotlib"}
# may be missing, or are slow to import and rarely needed: the only imports inside functions
LATE = SCREEN | {"PIL", "cupy", "h5py", "llvmlite", "sklearn", "tensorboardX", "tqdm"}
LATE |= {
    "bz2",
    "concurrent",
    "gzip",
    "http",
    "importlib",
    "lzma",
    "pkgutil",
    "psutil",
    "tarfile",
    "urllib",
    "zipfile",
}
# what `import kerasnb` leaves alone
UNLOADED = SCREEN | {"PIL", "cupy", "h5py", "importlib.metadata", "llvmlite", "pandas", "scipy"}
UNLOADED |= {"sklearn", "tarfile", "tensorboardX", "urllib.request", "zipfile"}
UNLOADED |= {"kerasnb.compile.kernel", "kerasnb.compile.native"}

# loaded by name when it is first needed, so that `import kerasnb` need not wait for the engine
DEFERRED = {"compile.step": ["compile.native"]}

MODULE_LINES, FUNCTION_LINES = 600, 60


def name_of(path: Path) -> str:
    """A module's dotted name within the package; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    return {
        name_of(path): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def rank(module: str) -> int:
    return RANKS[module if module in RANKS else module.partition(".")[0]]


def imported(tree: ast.AST) -> list[tuple[str, int]]:
    """The full names of what is imported anywhere in `tree`, with lines."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports within the package are written in full"
            for alias in node.names:
                found.append((f"{node.module}.{alias.name}", node.lineno))
    return found


def own_imports(module: str) -> list[tuple[str, int]]:
    """The package's modules that `module` imports, by their names within the package."""
    found = []
    for full, line in imported(modules()[module]):
        root, _, rest = full.partition(".")
        if root == "kerasnb":
            while rest and rest not in modules():
                rest = rest.rpartition(".")[0]
            found.append((rest, line))
    return found + deferred_imports(module)


def deferred_imports(module: str) -> list[tuple[str, int]]:
    """Those of the package's modules that `module` names in a call of `import_module`."""
    return [
        (node.args[0].value.removeprefix("kerasnb."), node.lineno)
        for node in ast.walk(modules()[module])
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("import_module")
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value.startswith("kerasnb.")
    ]


def test_every_module_has_a_rank():
    assert [m for m in modules() if m.partition(".")[0] not in RANKS] == []


def test_imports_go_down_the_ranks():
    upward = [
        f"{module or '__init__'}:{line} (rank {rank(module)}) imports {other} (rank {rank(other)})"
        for module in modules()
        for other, line in own_imports(module)
        if rank(other) > rank(module)
    ]
    assert upward == []


def test_nothing_imports_from_the_package_root():
    assert [(m, line) for m in modules() for other, line in own_imports(m) if other == ""] == []


def test_only_the_engine_is_imported_later():
    found = {m: [other for other, _ in deferred_imports(m)] for m in modules()}
    assert {m: others for m, others in found.items() if others} == DEFERRED


def test_imports_have_no_cycle():
    graph = {module: {other for other, _ in own_imports(module)} for module in modules()}
    for _ in graph:  # take away what imports nothing that is left, and what nothing left imports
        wanted = set().union(*graph.values())
        graph = {
            module: others & graph.keys()
            for module, others in graph.items()
            if others & graph.keys() and module in wanted
        }
    assert graph == {}


def test_only_the_notebook_imports_what_draws():
    found = [
        f"{module}:{line} {full}"
        for module, tree in modules().items()
        for full, line in imported(tree)
        if full.partition(".")[0] in SCREEN and module.partition(".")[0] != "notebook"
    ]
    assert found == []


def test_imports_inside_functions_are_of_what_may_be_missing():
    found = [
        f"{module}:{line} {full}"
        for module, tree in modules().items()
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.Lambda))
        for full, line in imported(function)
        if full.partition(".")[0] not in LATE
    ]
    assert found == []


def loaded_after(code: str) -> set[str]:
    """The modules in a new process that has run `code`; it may say nothing."""
    code = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_import_loads_no_optional_package():
    assert loaded_after("import kerasnb") & UNLOADED == set()


def test_a_model_that_is_not_trained_loads_none_either(monkeypatch):
    monkeypatch.setenv("KERASNB_ANNOUNCE", "0")
    code = "import kerasnb; m = kerasnb.Sequential([kerasnb.layers.Dense(2)]); "
    code += "m.build((None, 3)); m.compile('adam', 'mse'); m.summary(print_fn=str)"
    assert loaded_after(code) & UNLOADED == set()


def code_lines(function: ast.FunctionDef) -> int:
    """How long a function is without its docstring, which lists the arguments."""
    first = function.body[0]
    has = ast.get_docstring(function) is not None
    return function.end_lineno - function.lineno + 1 - has * (first.end_lineno - first.lineno + 1)


def test_modules_and_functions_are_short():
    long = [
        f"{name_of(path)}: {lines} lines"
        for path in sorted(PACKAGE.rglob("*.py"))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]
    long += [
        f"{module}.{node.name}: {lines} lines"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if (lines := code_lines(node)) > FUNCTION_LINES
    ]
    assert long == []


def silent(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes every error, or drops errors of any kind without a word."""
    names = (
        {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} if handler.type else set()
    )
    everything = handler.type is None or names & {"Exception", "BaseException"}
    return bool(everything) and not any(isinstance(n, ast.Raise) for n in ast.walk(handler))


def test_no_error_is_swallowed():
    found = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and silent(node)
    ]
    assert found == []


def test_users_meet_no_assert_and_no_bare_exception():
    found = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        or (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Call)
            and isinstance(node.exc.func, ast.Name)
            and node.exc.func.id in ("Exception", "BaseException")
        )
    ]
    assert found == []


def test_every_module_says_what_it_is_for():
    assert [m for m, tree in modules().items() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", True),
        ("try:\n    f()\nexcept:\n    g()", True),
        ("try:\n    f()\nexcept (OSError, BaseException) as e:\n    print(e)", True),
        ("try:\n    f()\nexcept BaseException:\n    g()\n    raise", False),
        ("try:\n    f()\nexcept OSError:\n    pass", False),
    ],
)
def test_the_search_for_swallowed_errors_finds_them(code, expected):
    (handler,) = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ExceptHandler))
    assert silent(handler) is expected


def test_the_way_through_the_compiler_names_each_of_its_files():
    way = ast.get_docstring(modules()["compile"])
    files = {m.partition(".")[2] for m in modules() if m.startswith("compile.")}
    assert files == set(re.findall(r"`(\w+)`", way))
