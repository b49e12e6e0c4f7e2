"""`LiveView`: training as it goes, with controls, in the output of the cell that called `fit`.

Imports curves, kernel, reload, stays, widgets, callbacks and errors. What is seen while training
runs is a widget; what stays is a picture and a text (`stays`). No step of `fit` calls anything
here: the training that is watched tells its listeners now and then, between two steps.
"""

from __future__ import annotations

import contextlib
import math
import time
import uuid
from collections import deque
from functools import partial
from typing import Any, ClassVar

import traitlets
from IPython.display import display

from kerasnb.callbacks.base import Callback
from kerasnb.errors import ArgumentError
from kerasnb.metrics.base import Mean
from kerasnb.notebook.curves import Run
from kerasnb.notebook.kernel import (
    at_end_of_cell,
    connect,
    present_cell,
    read_what_waits,
)
from kerasnb.notebook.reload import Answering
from kerasnb.notebook.stays import kept, snapshot
from kerasnb.notebook.widgets import Widget, script, style

__all__ = ["LiveView"]

EARLIER = 5  # runs of this kernel to compare with
FASTEST = 0.2  # seconds between two messages
SOONEST = 0.1  # the same if the state has changed: ten a second at most
OPEN = 5  # finished views that a reloaded page can still show

_runs: deque[Run] = deque(maxlen=EARLIER + 1)
_counted = {"runs": 0}
_finished: deque[LiveWidget] = deque()


class LiveView(Callback):
    """Shows training while it goes, and steers it. `fit` makes one by itself in a notebook.

    Args:
        interval: the shortest time between two messages to the page, in seconds, from 0.2.
        keep: seconds between two pictures that stay if the kernel is lost.

    Example: ``model.fit(x, y, callbacks=[kerasnb.notebook.LiveView(keep=5)])``
    """

    shows_progress = True

    def __init__(self, interval: float = FASTEST, keep: float = 30.0):
        super().__init__()
        self.interval, self.keep = max(interval, FASTEST), keep
        self.run: Run | None = None
        self.widget: LiveWidget | None = None
        self.training: Any = None
        self._answering: Answering | None = None
        self._picture_due = math.inf
        self._pointed = 0  # batches for which points stand
        self._output: Any = None
        self._snapshot: Any = None
        self._shown = ""  # the state on the page
        self._seen = ""  # that of the training at the last look
        self._sent = (0, 0, 0, 0)  # points of both curves, and how often they were merged
        self._sent_at = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        _counted["runs"] += 1
        params = self.params or {}
        self.run = Run(
            f"{self.model.name}, run {_counted['runs']}",
            _counted["runs"], params.get("epochs"), params.get("steps"),
        )  # fmt: skip
        self._means = _Means(self.model)
        self._sent = (0, 0, 0, 0)
        self._snapshot = None
        self._pointed = 0
        self.training = self.model.current_training
        if self.training is not None:
            self.training.listeners.append(self.look)
        self._earlier = [run for run in reversed(_runs) if run.unit == self.run.unit][:EARLIER]
        _runs.append(self.run)
        self.identity, self.cell = uuid.uuid4().hex, present_cell()
        self.widget = LiveWidget(self)
        self._seen = self._shown = self._state()
        self._output = self._display()
        if self.training is not None:
            self.training.view = self
            if not self.training.background:
                self._answering = Answering()
                self._answering.start()
        self._sent_at = time.perf_counter()
        self._picture_due = self._sent_at + self.keep

    def _display(self) -> Any:
        """Show the widget; gives the output that it has."""
        return display(self.widget, display_id=True)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.run.begin_epoch(epoch)
        self._means.restart()
        self._pointed = self.run.batches

    def on_test_begin(self, logs: dict | None = None) -> None:
        if self._output is None:
            return
        self._note_place()
        if not self.run.metrics:  # training may end in its first validation
            self._take_point()
        self._pointed = self.run.batches  # validation begins to count the metrics anew

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._note_place()
        self._pointed = self.run.batches  # the rest is in the logs of the epoch
        self.run.add_epoch(epoch, logs or {})

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._output is None:  # training failed before there was anything to see
            return
        if self._answering is not None:
            self._answering.stop()
            self._answering = None
        self.run.end()
        self.widget.finish()
        at_end_of_cell(partial(self._leave, self._output, self._snapshot))
        self._output = None
        _finished.append(self.widget)
        while len(_finished) > OPEN:
            _finished.popleft().close()

    def _leave(self, output: Any, snapshot: Any) -> None:
        """Put what stays in the place of the view."""
        bundle = kept(self.run, self._state())
        output.update(bundle, raw=True)
        # once more for the script: a page that was reloaded knows no display to update
        self.widget.send({"kind": "kept", "model": self.widget.model_id, "bundle": bundle})
        if snapshot is not None:
            snapshot.update({}, raw=True)

    def describe(self) -> dict:
        """Everything that a page needs to draw the view, for JSON."""
        run = self.run
        return {
            "run": {
                "id": self.identity, "title": run.title, "number": run.number,
                "epochs": run.epochs, "steps": run.steps, "unit": run.unit,
                "blocking": self.training is not None and not self.training.background,
            },
            "status": self.status(),
            "metrics": run.metrics,
            "batch": run.batch.since(0),
            "epoch": run.epoch.since(0),
            "earlier": [{"title": e.title, **e.epoch.since(0)} for e in self._earlier],
        }  # fmt: skip

    def status(self) -> dict:
        """Where training is, for JSON."""
        run, training = self.run, self.training
        rate = training.learning_rate if training is not None and training.adjustable else None
        return {
            "state": self._state(), "epoch": run.present, "step": run.step,
            "batches": run.batches, "rate": run.rate(), "elapsed": run.elapsed(),
            "eta": run.eta(), "memory": _memory(), "learning_rate": rate,
            "controls": training is not None, "message": run.message,
        }  # fmt: skip

    def obey(self, message: dict) -> None:
        """Do what a control asks for. Runs in any thread: only wishes are left here."""
        training, op = self.training, message["op"]
        answer = {"kind": "ack", "id": message["id"]}
        if training is None:
            return
        if op == "learning_rate":
            try:
                training.learning_rate = float(message["value"])
            except ArgumentError as reason:
                answer["refused"] = str(reason)
        else:
            {
                "stop": training.stop, "pause": training.pause,
                "resume": training.resume, "step": training.step,
            }[op]()  # fmt: skip
        self.widget.send(answer)

    def mimebundle(self, include: Any = None, exclude: Any = None) -> dict:
        """How the running `Training` shows itself in a further cell: by this view, once more."""
        text = {"text/plain": repr(self.training)}
        cell = present_cell()
        if not self.training.running or (cell is not None and cell == self.cell):
            return text
        return self.widget._repr_mimebundle_(include=include, exclude=exclude)[0] | text

    def _state(self) -> str:
        """What the page shows. A single step leaves it at "paused": its button would else change
        from Resume to Pause and back under the pointer."""
        if self.training is None:
            return "running"
        state = self.training.state
        return "paused" if state == "running" and self.training.stepping else state

    def look(self) -> None:
        """Send what is new, if it is time or the state has changed. Called between two steps."""
        if self._output is None:
            return
        state = self._state()
        self.run.pause(state == "paused")
        self._note_place()
        since = time.perf_counter() - self._sent_at
        changed = self.training is not None and self.training.state != self._seen
        if changed or since >= self.interval:  # each single step changes it, and has its point
            self._seen = self.training.state if self.training is not None else ""
            self._take_point()
        if since >= (self.interval if state == self._shown else SOONEST):
            self._send()
        elif self._answering is not None:
            self._answering.poll()

    def _note_place(self) -> None:
        position = None if self.training is None else self.training.position
        if position is not None and position.epoch is not None:
            self.run.batches += position.step - self.run.step
            self.run.step = position.step

    def _take_point(self) -> None:
        """Add a point that stands for the steps since the last one, if there were any."""
        if self.training is not None and self.run.batches > self._pointed:
            self.run.add_batch(self._means.since(self.training.logs()))
            self._pointed = self.run.batches

    def _send(self) -> None:
        """Send what is new, or everything if points were merged."""
        self._shown = self._state()
        run, (batches, epochs, *versions) = self.run, self._sent
        self._sent = (len(run.batch.x), len(run.epoch.x), run.batch.version, run.epoch.version)
        if versions != [run.batch.version, run.epoch.version]:
            self.widget.send_state("snapshot")
        else:
            self.widget.send({
                "kind": "points", "status": self.status(), "metrics": run.metrics,
                "batch": run.batch.since(batches), "epoch": run.epoch.since(epochs),
            })  # fmt: skip
        read_what_waits()
        if self._answering is not None:
            self._answering.poll()
        if time.perf_counter() >= self._picture_due:
            self._keep_picture()
            self._picture_due = time.perf_counter() + self.keep
        self._sent_at = time.perf_counter()

    def _keep_picture(self) -> None:
        bundle = snapshot(self.run, self._state())
        mark = {"kerasnb_view": self.widget.model_id}  # for the script, which clears it in the end
        if self._snapshot is None:
            self._snapshot = display(bundle, raw=True, metadata=mark, display_id=True)
        else:
            self._snapshot.update(bundle, raw=True, metadata=mark)


class LiveWidget(Widget):
    """The page's side of a `LiveView`; ``static/live.js`` tells what is sent both ways."""

    _esm = script("live.js")
    _css = style("live.css")
    snapshot = traitlets.Dict().tag(sync=True, to_json=lambda _, widget: widget.describe())

    operations: ClassVar = {
        **dict.fromkeys(("stop", "pause", "resume", "step"), lambda message: "id" in message),
        "learning_rate": lambda message: "id" in message and _is_number(message.get("value")),
    }

    def __init__(self, view: LiveView):
        self.view: LiveView | None = view
        super().__init__()
        connect(view.identity, self)

    def describe(self) -> dict:
        """What the page needs to draw everything, for JSON."""
        return self._last if self.view is None else self.view.describe()

    def finish(self) -> None:
        """Send how training ended, and let go of it: pages can keep a widget alive for long."""
        self._last = self.view.describe()
        self.view = None
        self.send_state("snapshot")

    def handle(self, message: dict) -> None:
        if self.view is not None:
            self.view.obey(message)


class _Means:
    """Means over the batches since the last look, where a metric is a mean of batches.

    The logs hold means since the epoch began, whose curve hides what happens now.
    """

    def __init__(self, model: Any):
        self._metrics = {
            m.name: m
            for m in model.metrics
            if isinstance(m, Mean) and type(m).result is Mean.result
        }
        self._before: dict[str, tuple[float, float]] = {}

    def restart(self) -> None:
        """The metrics were reset: an epoch begins."""
        self._before = {}

    def since(self, logs: dict) -> dict[str, float]:
        """The logs, with those that are means as means since the last call."""
        row = {k: v for k, v in logs.items() if isinstance(v, (int, float))}
        for name in row.keys() & self._metrics.keys():
            metric = self._metrics[name]
            now = float(metric.total), float(metric.count)
            total, count = self._before.get(name, (0.0, 0.0))
            if now[1] > count:
                row[name] = (now[0] - total) / (now[1] - count)
            self._before[name] = now
        return row


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300


def _memory() -> int | None:
    """Bytes of memory that this process uses; None if that cannot be known."""
    with contextlib.suppress(ImportError):
        import psutil  # comes with ipykernel

        return psutil.Process().memory_info().rss
    return None
