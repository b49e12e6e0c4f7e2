"""The page object: what a person does with a notebook, and what that person then sees.

It drives the front-end's own commands (those of its menus) through `window.jupyterapp`, looks at
cells' outputs in the page, and at the notebook's file on the server.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbformat import NotebookNode, v4

from .places import Place
from .server import Server
from .watch import Watch

__all__ = ["Notebook", "Run"]

OPEN_SECONDS = 90  # two slow cores: the page, the kernel and its imports
SECONDS = 30  # for what takes one second on a machine of one's own

# the panel of the notebook, whichever side bar or dialogue has the focus
PANEL = """(path) => [...(window.jupyterapp?.shell.widgets('main') ?? [])]
    .find(widget => widget.context?.path === path && widget.content?.widgets)"""


class Run:
    """A cell, or all of them, that the front-end is running."""

    def __init__(self, notebook: Notebook, number: int):
        self.notebook, self.number = notebook, number

    @property
    def done(self) -> bool:
        """Whether it has come to an end."""
        return self._look()["done"]

    def wait(self, seconds: float = SECONDS) -> bool:
        """Whether it ended without an error, as soon as it has ended."""
        self.notebook.until(lambda: self.done, "the cells have run", seconds)
        return self._look()["ok"]

    def _look(self) -> dict:
        return self.notebook.page.evaluate(f"() => window.kerasnbRuns[{self.number}]")


class Notebook:
    """A notebook in a page of a fresh browser profile."""

    def __init__(self, browser: Any, server: Server, place: Place, name: str):
        self.browser, self.server, self.place = browser, server, place
        self.name = "".join(c if c.isalnum() else "-" for c in name)
        self.folder = server.files / self.name  # the kernel's working directory
        self.path = f"{self.name}/notebook.ipynb"
        self.page: Any = None
        self.on_frame: Callable[[bytes], None] | None = None  # told of what the server sends
        self._contexts: list[Any] = []
        self.findings: list[str] = []

    # Opening and leaving

    def new(self, cells: Iterable[str | NotebookNode]) -> Notebook:
        """Make a notebook of cells (text: code), open it, and wait for its kernel."""
        cells = [v4.new_code_cell(c) if isinstance(c, str) else c for c in cells]
        return self.open(v4.new_notebook(cells=cells))

    def open(self, content: NotebookNode) -> Notebook:
        """Store a notebook under this test's name, open it, and wait for its kernel."""
        spec = {"name": self.place.kernel, "display_name": self.place.kernel, "language": "python"}
        content.metadata["kernelspec"] = spec
        self.folder.mkdir()
        self.server.write(self.path, content)
        self._visit()
        self._wait_until_open("kernel?.status === 'idle'")
        self._wait_until_kernel_reads()
        return self

    def reload(self) -> None:
        """Reload the page, and wait until the notebook is there again; its kernel may be busy."""
        self.page.reload(wait_until="commit")
        self._wait_until_open("kernel?.connectionStatus === 'connected'")

    def reopen_without_kernel(self) -> None:
        """Open what is saved as on a machine without this kernel: untrusted, nothing runs."""
        content = self.server.read(self.path)
        content.metadata = {"kernelspec": {"name": "absent", "display_name": "absent"}}
        self.path = f"{self.name}/elsewhere.ipynb"  # the changed content is unsigned: no trust
        self.server.write(self.path, content)
        self._visit()
        self._choose_no_kernel()
        self._wait_until_open("!kernel")

    def close(self, evidence: Path | None = None) -> list[str]:
        """Close all pages; what they did that a page must not do.

        If asked, it keeps a picture of the page, and the notebook as it is there.
        """
        if evidence is not None and self.page is not None:
            self.page.screenshot(path=evidence / "page.png")
            content = self._panel("panel?.content.model?.toJSON()")
            (evidence / "page.ipynb").write_text(json.dumps(content, indent=1), encoding="utf-8")
        for context in self._contexts:
            context.close()
        return self.findings

    # Running

    def run(self, index: int) -> Run:
        """Start a cell and come back at once."""
        return self._start("notebook:run-cell", index)

    def run_all(self) -> Run:
        """Start all cells and come back at once."""
        return self._start("notebook:run-all-cells", 0)

    def wait_idle(self, seconds: float = SECONDS) -> None:
        """Wait until no cell of this page is waiting or running, and the kernel is idle."""

        def idle() -> bool:
            waiting = self.page.locator(".jp-InputPrompt", has_text="[*]").count()
            return not waiting and self.kernel_status() == "idle"

        self.until(idle, "the kernel is idle", seconds)

    def kernel_status(self) -> str:
        """What the front-end says of the kernel: "idle", "busy", "dead", ... or "none"."""
        return self._panel("panel.sessionContext.session?.kernel?.status ?? 'none'")

    def interrupt(self) -> None:
        """What the stop button of the tool bar does."""
        self._command("notebook:interrupt-kernel")

    def kill_kernel(self) -> None:
        """Kill the kernel, as a lack of memory would; the page takes up to 10 s to notice."""
        self.server.end_kernels(self.path)

    # Looking

    def cell(self, index: int) -> Any:
        """The cell, as a locator."""
        return self.page.locator(f'.jp-Notebook [data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Any:
        """What the cell has put out, as a locator: one element an output."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def outputs(self, index: int) -> list[dict]:
        """What the cell has put out, as the notebook would be saved now."""
        return self._panel(f"panel.content.widgets[{index}].model.toJSON().outputs")

    def text(self, index: int) -> str:
        """All text that the cell has put out, errors included, joined."""
        return "".join(_text(output) for output in self.outputs(index))

    def saved(self) -> NotebookNode:
        """The notebook's file."""
        return self.server.read(self.path)

    def source(self, index: int) -> str:
        """What is written in the cell."""
        return self._panel(f"panel.content.widgets[{index}].model.sharedModel.getSource()")

    @contextlib.contextmanager
    def lateness(self) -> Iterator[list[float]]:
        """How late the page comes to its work: milliseconds, one number a time it was due.

        They are in the list, sorted, when the block ends.
        """
        late: list[float] = []
        self.page.evaluate("""() => {
            const late = [], every = 20;
            let due = performance.now() + every;
            const timer = setInterval(() => {
                late.push(performance.now() - due);
                due = performance.now() + every;
            }, every);
            window.kerasnbLateness = async () => {
                await new Promise(done => setTimeout(done, 2 * every)); // what is due is counted
                clearInterval(timer);
                return late;
            };
        }""")
        yield late
        late += sorted(self.page.evaluate("() => window.kerasnbLateness()"))

    # Changing

    def set_theme(self, name: str) -> None:
        """Change the theme, as in the settings menu, and wait for it."""
        self._command("apputils:change-theme", f"{{theme: {name!r}}}")
        self._wait_for_theme(name)

    def complete(self, index: int, text: str) -> list[str]:
        """What is offered when a person types `text` into a cell and presses Tab."""
        editor = self.cell(index).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)
        self.cell(index).locator(".jp-mod-completer-enabled").wait_for()  # else Tab indents
        self.page.keyboard.press("Tab")
        matches = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
        matches.first.wait_for(timeout=SECONDS * 1000)
        return matches.all_inner_texts()

    def save(self) -> None:
        """Save, and wait until the file is written."""
        self._command("docmanager:save")
        self.until(lambda: not self._panel("panel.context.model.dirty"), "the notebook is saved")

    # Waiting

    def until(self, condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> float:
        """Wait until the condition holds; how many seconds that took.

        Raises:
            AssertionError: it does not hold within `seconds`.
        """
        start = time.monotonic()
        while not condition():
            waited = time.monotonic() - start
            assert waited < seconds, f"not within {seconds} s: {what}"
            self.page.wait_for_timeout(50)  # lets the page's events in, unlike time.sleep
        return time.monotonic() - start

    # How

    def _frame(self, frame: str | bytes) -> None:
        if self.on_frame is not None:
            self.on_frame(frame if isinstance(frame, bytes) else frame.encode())

    def _visit(self) -> None:
        """Go to the notebook's address in a new browser profile."""
        self.server.set("apputils-extension", "themes", theme=self.place.theme)
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        self._contexts.append(context)
        Watch(context, self.findings)
        self.page = context.new_page()
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        self.page.set_default_timeout(SECONDS * 1000)
        start = "notebooks"
        if self.place.frontend == "lab":  # a new workspace: others would open what they had open
            start = f"lab/workspaces/{self.name}-{len(self._contexts)}/tree"
        address = f"{self.server.url}{start}/{quote(self.path)}?token={self.server.token}"
        self.page.goto(address, wait_until="commit")

    def _wait_until_open(self, wanted: str) -> None:
        """Wait until the notebook is on the screen, and `wanted` is true of its `kernel`."""
        self.page.wait_for_function(
            f"""(path) => {{
                const panel = ({PANEL})(path), kernel = panel?.sessionContext.session?.kernel;
                return panel?.context.isReady && panel.isVisible && {wanted};
            }}""",
            arg=self.path,
            timeout=OPEN_SECONDS * 1000,
        )
        self._wait_for_theme(self.place.theme)

    def _wait_until_kernel_reads(self) -> None:
        """Have a request answered before there are others.

        Kernels with ipykernel 7.0 to 7.3 can leave requests unread that arrive while they answer
        the server's first one, until there is a new connection (ipykernel issue 1554). Nothing of
        what is tested is imported then.
        """
        read = self._panel(f"""(async () => {{
            const kernel = panel.sessionContext.session.kernel;
            for (let tries = 0; tries < 3; tries++) {{
                const late = new Promise(done => setTimeout(done, {1000 * SECONDS / 3}, false));
                const answer = kernel.requestExecute({{ code: "", silent: true }}).done;
                if (await Promise.race([answer.then(() => true), late])) return true;
                await kernel.reconnect();
            }}
            return false;
        }})()""")
        assert read, f"the kernel has answered nothing for {SECONDS} s"

    def _wait_for_theme(self, name: str) -> None:
        # "attached": the body has no height of its own, so it never counts as visible
        body = f'body[data-jp-theme-name="{name}"]'
        self.page.wait_for_selector(body, state="attached")

    def _choose_no_kernel(self) -> None:
        dialog = self.page.locator(".jp-Dialog")
        dialog.wait_for(timeout=OPEN_SECONDS * 1000)
        dialog.locator("select").select_option(label="No Kernel")
        dialog.locator(".jp-mod-accept").click()
        dialog.wait_for(state="detached")

    def _start(self, command: str, index: int) -> Run:
        number = self._panel(f"""(() => {{
            const runs = window.kerasnbRuns ??= [], run = {{ done: false, ok: false }};
            panel.content.deselectAll();
            panel.content.activeCellIndex = {index};
            jupyterapp.commands.execute('{command}')
                .then(ok => Object.assign(run, {{ done: true, ok }}));
            return runs.push(run) - 1;
        }})()""")
        return Run(self, number)

    def _command(self, name: str, arguments: str = "{}") -> None:
        self.page.evaluate(f"() => {{ jupyterapp.commands.execute('{name}', {arguments}) }}")

    def _panel(self, expression: str) -> Any:
        """What an expression of the notebook's `panel` gives."""
        return self.page.evaluate(
            f"(path) => {{ const panel = ({PANEL})(path); return {expression}; }}", self.path
        )


def _text(output: dict) -> str:
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    text = output.get("text", output.get("data", {}).get("text/plain", ""))
    return text if isinstance(text, str) else "".join(text)
