"""A Jupyter server of the tests' own: nothing of the user's, nothing from outside this machine.

Kernels find the package under test through a folder on PYTHONPATH that holds a link to it and
nothing else, so that it need not be installed beside them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import psutil

import kerasnb

__all__ = ["DEFAULT_KERNEL", "Server", "pythons", "start"]

DEFAULT_KERNEL = "python3"
START_SECONDS, STOP_SECONDS = 90, 10


def pythons(variable: str) -> dict[str, str]:
    """What an environment variable of the form ``name=/path/to/python;name=...`` holds."""
    entries = [part.partition("=") for part in os.environ.get(variable, "").split(";") if part]
    return {name.strip(): python.strip() for name, _, python in entries}


class Server:
    """A running server: its files, and its kernels over the REST interface."""

    def __init__(self, url: str, token: str, folder: Path):
        self.url, self.token = url, token
        self.pid = 0
        self.files, self.settings = folder / "files", folder / "settings"

    def write(self, path: str, notebook: Any) -> None:
        """Store a notebook under a name within the server's folder."""
        nbformat.write(notebook, self.files / path)

    def read(self, path: str) -> Any:
        """The notebook that is stored under that name."""
        return nbformat.read(self.files / path, as_version=4)

    def size(self, path: str) -> int:
        """How many bytes the stored notebook has."""
        return (self.files / path).stat().st_size

    def set(self, extension: str, plugin: str, **values: Any) -> None:
        """Change settings of the front-end, from the next page on."""
        file = self.settings / "@jupyterlab" / extension / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")

    def request(self, method: str, path: str) -> Any:
        """What the REST interface answers."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def sessions(self) -> list[dict]:
        """The notebooks that have a kernel now."""
        return self.request("GET", "api/sessions")

    def end_kernels(self, path: str | None = None) -> None:
        """Kill the kernel of a notebook, or every kernel, as a lack of memory would.

        Nothing takes its place: the server is told before it notices.
        """
        for session in self.sessions():
            if path in (None, session["path"]):
                self._kill(session["kernel"]["id"])
                with contextlib.suppress(urllib.error.HTTPError):  # it has ended by itself
                    self.request("DELETE", f"api/sessions/{session['id']}")

    def _kill(self, kernel: str) -> None:
        for process in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(kernel in word for word in process.cmdline()):  # its connection file
                    process.kill()


@contextlib.contextmanager
def start(python: str, folder: Path, kernels: Mapping[str, str]) -> Iterator[Server]:
    """A server run by `python`, with `kernels` (name -> Python) beside the default one."""
    port, token = _free_port(), secrets.token_hex(16)
    environment = _environment(folder)
    _write_config(folder, port, token)
    for name, interpreter in {DEFAULT_KERNEL: sys.executable, **kernels}.items():
        _write_kernel(folder, name, interpreter)
    server = Server(f"http://127.0.0.1:{port}/", token, folder)
    server.set("apputils-extension", "notification", fetchNews="false", checkForUpdates=False)
    server.set("docmanager-extension", "plugin", autosave=False)
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            [python, "-m", "jupyterlab"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        server.pid = process.pid
        try:
            _wait_until_up(server, process, folder / "server.log")
            yield server
            server.end_kernels()
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _environment(folder: Path) -> dict[str, str]:
    """Own folders for all that Jupyter reads and writes, and one thread a kernel."""
    (folder / "path").mkdir(parents=True)
    (folder / "path" / "kerasnb").symlink_to(Path(kerasnb.__file__).parent)
    for name in ("files", "config", "settings"):
        (folder / name).mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PYTEST"))}
    return kept | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _write_config(folder: Path, port: int, token: str) -> None:
    config = {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "root_dir": str(folder / "files"),
            "open_browser": False,
            "allow_root": True,  # as in a container; harmless elsewhere
        },
        "IdentityProvider": {"token": token},
        "LabApp": {
            "expose_app_in_browser": True,  # the page object drives `window.jupyterapp`
            "news_url": None,
            "extension_manager": "readonly",
        },
        "JupyterNotebookApp": {"expose_app_in_browser": True},
    }
    file = folder / "config" / "jupyter_server_config.json"
    file.write_text(json.dumps(config), encoding="utf-8")


def _write_kernel(folder: Path, name: str, python: str) -> None:
    spec = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": False},
        "env": {"PYTHONPATH": str(folder / "path")},
    }
    place = folder / "data" / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _wait_until_up(server: Server, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            server.request("GET", "api/status")
            return
        time.sleep(0.1)
    raise RuntimeError(f"Jupyter did not start:\n{log.read_text()[-4000:]}")
