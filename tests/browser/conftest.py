"""A browser, and Jupyter servers, for journeys through notebooks.

Needed: Debian's chromium (or Chrome), and the packages of the `test` extra. Where one is missing
the tests are skipped, unless KERASNB_TEST_BROWSER=1 says that they must run.

Further environment variables:
    KERASNB_TEST_CHROMIUM: the browser's executable, if it is not on the path.
    KERASNB_TEST_KERNELS: further kernels, ``ipykernel-6.31=/path/to/python;ipykernel-7.3=...``;
        they need ipykernel, ipywidgets, anywidget and what the package itself needs.
    KERASNB_TEST_LABS: further JupyterLabs, ``4.4=/path/to/python``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys

import pytest

from .accessibility import serious_findings
from .notebook import Notebook
from .places import Place
from .server import DEFAULT_KERNEL, Server, pythons, start

PACKAGES = ("playwright", "jupyterlab", "notebook", "anywidget", "axe_playwright_python")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def absent(what: str) -> None:
    """Skip the test for want of something, or fail it where browser tests must run."""
    if os.environ.get("KERASNB_TEST_BROWSER") == "1":
        pytest.fail(f"KERASNB_TEST_BROWSER=1, but there is no {what}", pytrace=False)
    pytest.skip(f"there is no {what}")


@pytest.fixture(scope="package")
def chromium():
    """One browser for all journeys."""
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            absent(f"{name} (pip install -e '.[test]')")
    executable = os.environ.get("KERASNB_TEST_CHROMIUM")
    executable = executable or next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        absent("chromium (apt-get install chromium fonts-dejavu-core)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def servers(tmp_path_factory):
    """A function: name of a JupyterLab -> its server, started when first asked for."""
    kernels = pythons("KERASNB_TEST_KERNELS")
    labs = {"newest": sys.executable, **pythons("KERASNB_TEST_LABS")}
    with contextlib.ExitStack() as stack:
        running: dict[str, Server] = {}

        def server(place: Place) -> Server:
            if place.lab not in labs:
                absent(f"JupyterLab {place.lab} (KERASNB_TEST_LABS)")
            if place.kernel not in (DEFAULT_KERNEL, *kernels):
                absent(f"kernel {place.kernel} (KERASNB_TEST_KERNELS)")
            if place.lab not in running:
                folder = tmp_path_factory.mktemp(f"jupyter-{place.lab}")
                running[place.lab] = stack.enter_context(start(labs[place.lab], folder, kernels))
            return running[place.lab]

        yield server


@pytest.fixture
def place(request) -> Place:
    """Where the test runs; see `places`."""
    return getattr(request, "param", Place())


@pytest.fixture
def notebook(chromium, servers, place, request, tmp_path):
    """The page object: `notebook.new([cell, ...])`, then click, run, look."""
    server = servers(place)
    notebook = Notebook(chromium, server, place, request.node.name)
    yield notebook
    findings = notebook.close(tmp_path if failed(request.node) else None)
    server.end_kernels()
    assert findings == []


@pytest.fixture
def axe():
    """A function: locator -> None. Fails on accessibility findings that are serious or critical."""

    def check(locator) -> None:
        assert serious_findings(locator) == []

    return check


def failed(item) -> bool:
    """Whether the test's own part has failed."""
    return getattr(item, "failed_in_browser", False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.failed_in_browser = report.failed
    return report
