"""``binder/``: what makes the notebooks run on mybinder.org, checked without docker.

`pytest -m binder` does what the image's build does, in a fresh virtual environment, and then works
with it. It needs Linux, the package registry, as nothing else in the tests does, a minute or two,
and 1 GB on the disk; with playwright and chromium it looks at the page in a browser, too. It takes
the Python of ``runtime.txt`` if there is one, or else the one that runs the tests.
"""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# what the image of mybinder.org holds before our files come: the versions it is built with
IMAGE = ["jupyterlab==4.4.9", "ipykernel==7.0.1"]
# names on the registry of modules that are called otherwise
PACKAGES = {"sklearn": "scikit-learn"}

PAGE = "lab/tree/notebooks/01_quickstart.ipynb"
PANEL = "window.jupyterapp?.shell.currentWidget"
SURE_MEMORY = 450  # MB: what mybinder.org promises; it ends a kernel at 2 GB

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are for bash")


def requirements() -> dict[str, str]:
    """Package -> range, of the lines that are no comment."""
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line[:1] not in ("", "#")]
    return dict(re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups() for line in lines)


def declared() -> set[str]:
    """The packages that the project needs, and those of its extra for notebooks."""
    core = PYPROJECT.split("\ndependencies = [")[1].split("\n]")[0]
    extra = re.search(r"^notebook = \[(.*?)\]", PYPROJECT, re.MULTILINE | re.DOTALL)[1]
    return set(re.findall(r'"([a-z0-9-]+)[><=~\[]', core + extra))


def imported(notebook: Path) -> set[str]:
    """The top-level names of what a notebook imports."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    code = re.sub(r"^\s*[%!].*$", "pass", code, flags=re.MULTILINE)  # magics are no Python
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def test_python_is_one_that_binder_and_the_package_take():
    runtime = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"python-3\.\d+", runtime), "a third number is refused by the image"
    least = re.search(r'requires-python = ">=3\.(\d+)"', PYPROJECT)[1]
    assert int(runtime.rpartition(".")[2]) >= int(least)


def test_requirements_are_third_party_with_both_bounds():
    for name, bounds in requirements().items():
        assert name != "kerasnb", "postBuild installs it, so that the layer before is kept"
        assert re.fullmatch(r">=[\d.]+,<[\d.]+", bounds), name


def test_requirements_hold_all_that_is_needed():
    needed = declared() - {"jupyterlab"}  # the image has it
    for notebook in NOTEBOOKS:
        modules = imported(notebook) - set(sys.stdlib_module_names) - {"kerasnb"}
        needed |= {PACKAGES.get(name, name) for name in modules}
    assert needed - requirements().keys() == set()


@needs_bash
@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_stop_at_the_first_mistake(name):
    script = BINDER / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    lines = script.read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line[:1] not in ("", "#")) == "set -euo pipefail"


def test_start_hands_over_to_what_it_was_given():
    assert (BINDER / "start").read_text(encoding="utf-8").splitlines()[-1] == 'exec "$@"'


@needs_bash
@pytest.mark.parametrize(
    ("limit", "files", "threads"),
    [
        ("1.0", {}, "1"),
        ("0.25", {}, "1"),
        ("2.5", {}, "3"),
        ("1.0", {"cpu.max": "400000 100000"}, "1"),
        (None, {"cpu.max": "200000 100000"}, "2"),
        (None, {"cpu.max": "50000 100000"}, "1"),
        (None, {"cpu.max": "max 100000"}, None),
        (None, {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, "3"),
        (None, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        (None, {}, None),
    ],
)
def test_start_takes_as_many_threads_as_the_container_has(tmp_path, limit, files, threads):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    ask = [f"os.environ.get({f'{name}_NUM_THREADS'!r})" for name in ("OMP", "OPENBLAS", "MKL")]
    program = f"import os; print({', '.join(ask)})"
    environment = {"PATH": os.environ["PATH"], "CGROUP": str(tmp_path)}
    if limit is not None:
        environment["CPU_LIMIT"] = limit
    command = [BINDER / "start", sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(threads)] * 3
    assert done.stderr == ""


def test_readme_has_the_badge_of_the_address_that_the_package_names():
    """Until the package names one, the badge has a name that no account can have."""
    named = re.search(r'^Source = "https://github\.com/([\w-]+/[\w.-]+)"$', PYPROJECT, re.MULTILINE)
    badges = re.findall(r"\(https://mybinder\.org/v2/([^)]+)\)", README)
    account = named[1] if named else "{owner}/kerasnb"
    assert badges == [f"gh/{account}/HEAD?urlpath={PAGE}"]


# What the image's build does

# runs a command, and prints the largest memory of its processes in KiB
ON_ONE_PROCESSOR = """
import os, resource, subprocess, sys
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
subprocess.run(sys.argv[1:], check=True)
print("largest:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Image:
    """A folder and an environment such as the image has, and what making them took."""

    def __init__(self, place: Path):
        self.home, self.repository = place / "home", place / "repository"
        self.environment = place / "environment"
        self.seconds: dict[str, float] = {}
        self.home.mkdir()
        own = {"kerasnb", "notebooks", "binder", "pyproject.toml", "README.md", "LICENSE"}
        left_out = {p.name for p in ROOT.iterdir()} - own
        junk = shutil.ignore_patterns(
            "__pycache__", ".*_cache", ".ipynb_checkpoints", "*.egg-info", *left_out
        )
        shutil.copytree(ROOT, self.repository, ignore=junk)

    def run(self, step: str, *command, timeout=600, **more) -> str:
        """What a command in the repository prints; noted is how long it took."""
        start = time.perf_counter()
        done = subprocess.run(
            list(map(str, command)), cwd=self.repository, env=self.variables(**more),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
        )  # fmt: skip
        self.seconds[step] = time.perf_counter() - start
        assert done.returncode == 0, f"{step}:\n{done.stdout}"
        return done.stdout

    def variables(self, **more) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if k.startswith(("PIP_", "HTTP", "SSL", "LANG"))
        }
        path = f"{self.environment / 'bin'}:/usr/bin:/bin"
        return kept | {"PATH": path, "HOME": str(self.home)} | more

    def size(self) -> float:
        """Of all files of the environment, in MB."""
        files = (p for p in self.environment.rglob("*") if p.is_file() and not p.is_symlink())
        return sum(p.stat().st_size for p in files) / 1e6


def wanted_python() -> str:
    """The Python of runtime.txt where it is installed, or else the one that runs this."""
    name = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().replace("-", "")
    try:
        command = [name, "-c", "import sys; print(sys.executable)"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return sys.executable


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    built = Image(tmp_path_factory.mktemp("binder"))
    pip = ["pip", "install", "--quiet", "--no-cache-dir"]
    built.run("environment", wanted_python(), "-m", "venv", built.environment)
    built.run("JupyterLab", *pip, *IMAGE)
    before = built.size()
    built.run("requirements", *pip, "-r", "binder/requirements.txt")
    built.run("postBuild", "binder/postBuild")
    print(f"\n{built.size():.0f} MB, of which {before:.0f} MB JupyterLab;", end=" ")
    print(", ".join(f"{step} {seconds:.0f} s" for step, seconds in built.seconds.items()))
    return built


@pytest.mark.binder
def test_environment_is_small_and_complete(image):
    assert image.size() < 800  # LLVM is 173 of it
    assert "No broken requirements" in image.run("check", "pip", "check")
    assert sorted(p.name for p in image.repository.iterdir()) == [
        "LICENSE", "README.md", "binder", "kerasnb", "notebooks", "pyproject.toml",
    ]  # fmt: skip
    assert list(image.home.rglob("fontlist*.json")), "matplotlib's list of fonts is there"


@pytest.mark.binder
def test_wheel_brings_the_lessons(image):
    code = "from kerasnb import lab; print(*(f.resolve() for f in lab.lessons()), sep='\\n')"
    found = image.run("lessons", "python", "-P", "-c", code).split()
    share = image.environment / "share" / "kerasnb" / "notebooks"
    assert found == [str(share / n.name) for n in NOTEBOOKS]


@pytest.mark.binder
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_runs_on_one_processor_and_in_the_memory_that_is_sure(image, notebook):
    printed = image.run(
        notebook.stem, "python", "-c", ON_ONE_PROCESSOR, "binder/start", "jupyter", "execute",
        f"notebooks/{notebook.name}", CPU_LIMIT="1.0",
    )  # fmt: skip
    megabytes = int(printed.rpartition("largest:")[2]) * 1024 / 1e6
    print(f"{notebook.stem}: {image.seconds[notebook.stem]:.0f} s, {megabytes:.0f} MB")
    assert image.seconds[notebook.stem] < 60
    assert megabytes < SURE_MEMORY


@pytest.fixture
def server(image):
    """The address of a JupyterLab that the image runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        image.repository / "binder" / "start", "jupyter", "lab", "--ip=127.0.0.1", f"--port={port}",
        "--no-browser", "--allow-root", "--IdentityProvider.token=secret",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with (
        (image.home / "server.log").open("w") as log,
        subprocess.Popen(
            command, cwd=image.repository, env=image.variables(CPU_LIMIT="1.0"), stderr=log
        ) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token=secret", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.mark.binder
def test_badge_opens_the_quickstart(server):
    with urllib.request.urlopen(f"{server}/{PAGE}?token=secret", timeout=10) as answer:
        assert "<title>JupyterLab</title>" in answer.read().decode()
    contents = PAGE.replace("lab/tree/", "api/contents/")
    with urllib.request.urlopen(f"{server}/{contents}?token=secret", timeout=10) as answer:
        assert json.loads(answer.read())["type"] == "notebook"


@pytest.mark.binder
def test_quickstart_runs_in_a_browser(server):
    api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{server}/{PAGE}?token=secret")
        page.wait_for_function(f"{PANEL}?.sessionContext.session?.kernel?.status === 'idle'")
        done = page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        cells = page.evaluate(f"() => {PANEL}.content.model.toJSON().cells")
        browser.close()
    assert done
    outputs = [o for cell in cells for o in cell.get("outputs", ())]
    assert {o["output_type"] for o in outputs} <= {"stream", "display_data", "execute_result"}
    errors = ["".join(o["text"]) for o in outputs if o.get("name") == "stderr"]
    assert errors == ["Using NumPy backend.\n"]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) >= 3, "what stays of fit, the history, and the digits"


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Wait until the server answers, for a minute at most."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except urllib.error.URLError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "no answer within a minute"
            time.sleep(0.2)
