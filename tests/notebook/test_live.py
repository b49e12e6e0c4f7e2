"""The kernel's side of the live view: what it sends, what it takes, what stays."""

import base64
import gc
import json
import math
import time
import types
import weakref
from html.parser import HTMLParser
from typing import ClassVar

import comm
import numpy as np
import pytest
import zmq
from IPython.core.events import EventManager
from matplotlib import rc_context

from kerasnb import Input, Sequential, layers, screen
from kerasnb.callbacks import Callback, LambdaCallback, ProgressBar
from kerasnb.callbacks.progress import progress_display
from kerasnb.errors import ArgumentError
from kerasnb.metrics import MeanAbsoluteError
from kerasnb.notebook import kernel, live, stays
from kerasnb.notebook.curves import Curves, Run
from kerasnb.notebook.live import LiveView
from kerasnb.optimizers import SGD
from kerasnb.optimizers.schedules import ExponentialDecay

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def small_model(**compiled) -> Sequential:
    model = Sequential([Input((3,)), layers.Dense(1)], name="small")
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def sendable(data) -> None:
    """Fails unless a browser can be told: it knows neither NaN, infinity, nor half characters."""
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()


class Wire(comm.base_comm.BaseComm):
    """A comm that keeps what is sent, as the JSON that a page gets."""

    sent: ClassVar[list] = []  # of all comms; the fixture empties it

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        sendable([data, keys])
        self.sent.append((msg_type, time.perf_counter(), data))


class Output:
    """A displayed output that keeps its updates."""

    def __init__(self, shown):
        self.updates = [shown]

    def update(self, bundle, raw=False, metadata=None):
        assert raw
        sendable(bundle)
        self.updates.append(bundle)


@pytest.fixture
def page(monkeypatch):
    """Where the view is shown: its outputs, and what was sent."""
    outputs = []
    Wire.sent.clear()
    monkeypatch.setattr(comm, "create_comm", Wire)

    def display(thing, **_):
        outputs.append(Output(thing))
        return outputs[-1]

    monkeypatch.setattr(live, "display", display)
    monkeypatch.setattr(live, "_runs", type(live._runs)(maxlen=live.EARLIER + 1))
    monkeypatch.setitem(live._counted, "runs", 0)
    return types.SimpleNamespace(outputs=outputs, sent=Wire.sent)


def messages(page, kind="points"):
    found = [d["content"] for _, _, d in page.sent if d and d.get("method") == "custom"]
    return [m for m in found if m["kind"] == kind]


class Slow(Callback):
    """Makes a batch take some time, and may act on one."""

    def __init__(self, seconds=0.002, at=None, do=None):
        super().__init__()
        self.seconds, self.at, self.do, self.batches = seconds, at, do, 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        time.sleep(self.seconds)
        if self.batches == self.at:
            self.do()


# Curves


def test_curves_stay_small_and_keep_the_mean():
    curves = Curves(limit=100)
    for i in range(1_000_000):
        if i % 1000 == 0 or i > 999_000:  # a million, thinned for the test's time
            curves.add(float(i), {"loss": 2.0 if i % 2 else 4.0})
    assert len(curves.x) <= 100
    assert curves.version > 3
    assert all(2.0 <= v <= 4.0 for v in curves.values["loss"])
    assert curves.x == sorted(curves.x)


@pytest.mark.parametrize("count", range(1, 60))
def test_merged_points_are_means_of_neighbours(count):
    curves = Curves(limit=7)
    for i in range(count):
        curves.add(float(i), {"v": float(i)}, number=i)
    stride, shown = curves._stride, len(curves.x) * curves._stride
    assert shown + len(curves._waiting) == count
    for i, (x, value) in enumerate(zip(curves.x, curves.values["v"], strict=True)):
        group = range(i * stride, (i + 1) * stride)
        assert x == group[-1]
        assert value == pytest.approx(sum(group) / stride)
        assert curves.number[i] == group[-1]


@pytest.mark.parametrize("count", [7, 8, 9, 15, 16, 17, 100, 101])
def test_curves_without_means_keep_values_as_they_were(count):
    """Of many epochs some are left out, but each that stands there is right, and so is the last."""
    curves = Curves(limit=7, means=False)
    for i in range(count):
        curves.add(float(i), {"loss": float(i)}, number=i)
    curves.finish()
    assert curves.number == curves.x == curves.values["loss"]
    assert curves.number[-1] == count - 1
    assert 3 <= len(curves.x) <= 8
    curves.finish()
    assert curves.number.count(count - 1) == 1


def test_curves_that_begin_late_and_values_that_are_not_finite():
    curves = Curves()
    curves.add(1.0, {"loss": 1.0})
    curves.add(2.0, {"loss": math.nan, "val_loss": math.inf})
    curves.add(3.0, {"val_loss": 2.0})
    assert curves.since(1) == {
        "x": [2.0, 3.0],
        "number": [None, None],
        "values": {"loss": [None, None], "val_loss": [None, 2.0]},
    }


# What is sent


def test_the_numbers_of_a_run_arrive(page):
    model = small_model(metrics=["mae"])
    view = LiveView()
    history = model.fit(
        X, Y, epochs=6, batch_size=16, validation_split=0.25, callbacks=[view, Slow(0.07)]
    )
    snapshot = view.describe()
    assert snapshot["run"] == {
        "id": view.identity, "title": "small, run 1", "number": 1,
        "epochs": 6, "steps": 3, "unit": "epoch", "blocking": True,
    }  # fmt: skip
    assert snapshot["metrics"] == sorted(snapshot["metrics"], key=["loss", "mae"].index)
    assert snapshot["epoch"]["values"] == history.history
    assert snapshot["epoch"]["number"] == [1, 2, 3, 4, 5, 6]
    assert snapshot["epoch"]["x"] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    status = snapshot["status"]
    assert (status["state"], status["epoch"], status["step"], status["batches"]) == (
        "done",
        5,
        3,
        18,
    )
    assert status["learning_rate"] == pytest.approx(0.01)
    assert status["memory"] > 10_000_000
    # what came piece by piece is what is there as a whole
    pieces = [x for m in messages(page) for x in m["batch"]["x"]]
    assert pieces == snapshot["batch"]["x"][: len(pieces)]
    assert len(snapshot["batch"]["x"]) >= 2


def test_at_most_ten_messages_a_second(page):
    model = small_model()
    model.fit(X, Y, epochs=150, batch_size=4, callbacks=[LiveView()], verbose=0)
    times = [t for kind, t, data in page.sent if kind == "comm_msg"]
    assert len(times) >= 2
    for i, start in enumerate(times):
        within = [t for t in times[i:] if t - start < 1.0]
        assert len(within) <= 10


def test_single_steps_in_a_row_send_no_more(page):
    model = small_model()
    training = model.fit(X, Y, epochs=99, batch_size=16, callbacks=[LiveView()], background=True)
    training.pause()
    begin = time.perf_counter()
    while time.perf_counter() - begin < 2:
        training.step()
        time.sleep(0.01)
    sent = [t - begin for kind, t, _ in page.sent if kind == "comm_msg" and t > begin]
    training.stop()
    assert training.wait(10)
    for start in np.arange(0, 1, 0.1):
        assert sum(start <= t < start + 1 for t in sent) <= 10


def test_batch_points_are_means_since_the_last_point(page):
    """The logs are means since the epoch began; the curve shows what happens now."""
    model = small_model()
    means = live._Means(model)
    seen = []
    own = []

    def look(batch, logs):
        logs = logs() if callable(logs) else logs
        if batch in (1, 3):
            seen.append(means.since(logs)["loss"])
        own.append(logs["loss"] * (batch + 1))

    model.fit(
        X, Y, batch_size=16, shuffle=False, verbose=0,
        callbacks=[LambdaCallback(on_train_batch_end=look)],
    )  # fmt: skip
    assert seen[0] == pytest.approx(own[1] / 2, rel=1e-5)
    assert seen[1] == pytest.approx((own[3] - own[1]) / 2, rel=1e-4)


def test_without_a_known_length_batches_are_counted(page):
    def batches():
        for i in range(4):
            yield X[i * 16 : i * 16 + 16], Y[i * 16 : i * 16 + 16]

    view = LiveView()
    small_model().fit(batches(), callbacks=[view, Slow(0.07)])
    snapshot = view.describe()
    assert snapshot["run"]["unit"] == "batch"
    assert snapshot["epoch"]["x"] == [4.0]
    assert snapshot["status"]["eta"] is None


def test_earlier_runs_can_be_compared(page):
    model, views = small_model(), []
    for _ in range(8):
        views.append(LiveView())
        model.fit(X, Y, epochs=2, callbacks=[views[-1]])
    earlier = views[-1].describe()["earlier"]
    assert [e["title"] for e in earlier] == [f"small, run {i}" for i in (7, 6, 5, 4, 3)]
    assert earlier[0]["values"] == views[-2].describe()["epoch"]["values"]


def test_not_a_number_is_said(page):
    view = LiveView()
    with np.errstate(all="ignore"):
        small_model(optimizer=SGD(1e18)).fit(X, Y, epochs=3, callbacks=[view])
    message = view.describe()["status"]["message"]
    assert message in [f"loss is {what} in epoch 1." for what in ("infinite", "not a number")]
    assert message in page.outputs[0].updates[-1]["text/plain"]


# What is taken


def command(view, op, **more):
    command.count = getattr(command, "count", 0) + 1
    message = {"op": op, "id": f"c{command.count}", **more}
    view.widget.receive(message)
    return message["id"]


def test_stop_ends_a_blocking_fit_and_is_acknowledged(page):
    model, view, ids = small_model(), LiveView(), []
    slow = Slow(at=5, do=lambda: ids.append(command(view, "stop")))
    history = model.fit(X, Y, epochs=50, batch_size=16, callbacks=[view, slow])
    assert slow.batches == 5
    assert history.stopped_by == "user"
    assert [m["id"] for m in messages(page, "ack")] == ids
    assert view.describe()["status"]["state"] == "stopped"


def test_a_command_that_comes_on_two_ways_counts_once(page):
    model, view = small_model(), LiveView()
    slow = Slow()
    training = model.fit(X, Y, epochs=10**6, batch_size=16, callbacks=[view, slow], background=True)
    training.pause()
    while not training.paused:
        time.sleep(0.01)
    before = slow.batches
    for _ in range(2):
        view.widget.receive({"op": "step", "id": "same"})
    kernel._serve(None, None, {"content": {"model_id": view.identity, "message": {}}})
    while slow.batches == before or not training.paused:
        time.sleep(0.01)
    time.sleep(0.1)
    assert slow.batches == before + 1
    command(view, "learning_rate", value=0.5)
    while training.learning_rate != 0.5:
        time.sleep(0.01)
    command(view, "stop")
    training.result(20)


@pytest.mark.parametrize(
    "message",
    [
        None, 7, "stop", [], {}, {"op": "stop"}, {"op": "quit", "id": "a"}, {"op": 3, "id": "a"},
        {"op": "stop", "id": 3}, {"op": "stop", "id": "x" * 65}, {"op": ["stop"], "id": "a"},
        {"op": "learning_rate", "id": "a"}, {"op": "learning_rate", "id": "a", "value": "1"},
        {"op": "learning_rate", "id": "a", "value": True},
        {"op": "learning_rate", "id": "a", "value": math.nan},
        {"op": "learning_rate", "id": "a", "value": math.inf},
        {"op": "learning_rate", "id": "a", "value": 10**400},
        {"op": "stop", "id": "a", "more": "x" * 200_000},
        {"op": "__class__", "id": "a"}, {"op": "handle", "id": "a"},
    ],
)  # fmt: skip
def test_other_messages_are_dropped_and_counted(page, message):
    view = LiveView()
    history = small_model().fit(
        X, Y, epochs=2, callbacks=[view, Slow(0, 1, lambda: view.widget.receive(message))]
    )
    assert view.widget.dropped == 1
    assert history.stopped_by is None
    assert messages(page, "ack") == []


@pytest.mark.parametrize(
    ("value", "schedule", "refused"),
    [
        (2000, False, None),
        (0, False, "learning_rate: expected a number above 0, got 0.0."),
        (
            0.1,
            True,
            "The learning rate follows a schedule; compile with a number to set it by hand.",
        ),
    ],
)
def test_a_learning_rate_is_taken_or_refused_in_a_sentence(page, value, schedule, refused):
    view, model = LiveView(), small_model()
    if schedule:
        model.compile(SGD(ExponentialDecay(0.1, 10, 0.9)), "mse")
    change = Slow(0, 1, lambda: command(view, "learning_rate", value=value))
    model.fit(X, Y, batch_size=16, callbacks=[view, change])
    (ack,) = messages(page, "ack")
    assert ack.get("refused") == refused
    assert (float(model.optimizer.learning_rate) == value) == (refused is None)


def test_a_flood_of_messages_is_dropped(page):
    view = LiveView()

    def flood():
        for _ in range(500):
            command(view, "resume")

    small_model().fit(X, Y, callbacks=[view, Slow(0, 1, flood)])
    assert len(messages(page, "ack")) <= view.widget.FASTEST * 2
    assert view.widget.dropped >= 500 - view.widget.FASTEST * 2


# What stays


def test_what_stays_is_a_picture_and_a_text(page):
    model = small_model()
    history = model.fit(X, Y, epochs=3, validation_split=0.25, callbacks=[LiveView()])
    (output,) = page.outputs
    bundle = output.updates[-1]
    assert set(bundle) == {"text/plain", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(SIGNATURE)
    head, columns, *rows = bundle["text/plain"].splitlines()
    assert head.startswith("small, run 1: done at epoch 3 of 3, ")
    assert columns.split() == ["epoch", "loss", "val_loss"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert rows[-1].split()[1] == f"{history.history['loss'][-1]:.4g}"


def test_ten_fits_with_four_metrics_stay_under_a_megabyte(page):
    model = small_model(metrics=["mae", "mape", "msle"])
    for _ in range(10):
        model.fit(X, Y, epochs=20, batch_size=4, validation_split=0.5, callbacks=[LiveView()])
    size = sum(len(json.dumps(output.updates[-1])) for output in page.outputs)
    assert len(page.outputs) == 10
    assert size < 1_000_000


def test_a_page_that_was_reloaded_gets_what_stays_by_the_widget(page):
    view = LiveView()
    small_model().fit(X, Y, epochs=2, callbacks=[view])
    (message,) = messages(page, "kept")
    assert message["model"] == view.widget.model_id
    assert message["bundle"] == page.outputs[0].updates[-1]


def test_a_running_training_shows_its_view_once_more(page, monkeypatch):
    monkeypatch.setattr(live, "present_cell", lambda: "the first")
    model, view = small_model(), LiveView()
    training = model.fit(X, Y, epochs=10**6, callbacks=[view, Slow()], background=True)
    assert set(training._repr_mimebundle_()) == {"text/plain"}  # it is in this cell already
    monkeypatch.setattr(live, "present_cell", lambda: "the second")
    bundle = training._repr_mimebundle_()
    shown = bundle["application/vnd.jupyter.widget-view+json"]
    assert shown["model_id"] == view.widget.model_id
    assert bundle["text/plain"].startswith("<Training of 'small': running")
    training.stop()
    training.result(10)
    bundle = training._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert bundle["text/plain"].startswith("<Training of 'small': stopped")


def test_a_training_without_a_view_is_text(page):
    training = small_model().fit(X, Y, epochs=10**6, background=True, verbose=0)
    assert set(training._repr_mimebundle_()) == {"text/plain"}
    training.stop()
    training.result(10)


def test_a_failure_leaves_a_picture_too(page):
    def fail():
        raise RuntimeError("no more data")

    with pytest.raises(RuntimeError, match="no more data"):
        small_model().fit(X, Y, epochs=9, batch_size=16, callbacks=[LiveView(), Slow(0, 6, fail)])
    text = page.outputs[0].updates[-1]["text/plain"]
    assert text.startswith("small, run 1: failed at epoch 2 of 9, step ")
    assert "image/png" in page.outputs[0].updates[-1]


def test_a_picture_that_cannot_be_drawn_ends_no_training(page):
    view = LiveView(keep=0.1)
    broken = {"text.usetex": True, "text.latex.preamble": r"\stop"}  # with and without LaTeX
    with rc_context(broken):
        history = small_model().fit(X, Y, epochs=4, batch_size=16, callbacks=[view, Slow(0.04)])
    assert len(history.epoch) == 4
    widget, fallen = page.outputs
    (bundle,) = widget.updates[1:]
    assert set(bundle) == {"text/plain"}
    assert "No picture of the curves: RuntimeError: " in bundle["text/plain"]
    assert "No picture of the curves: RuntimeError: " in fallen.updates[0]["text/html"]


def test_logs_that_are_no_dictionary_leave_everything_closed(page):
    class Wrong(Sequential):
        def train_step(self, data):
            return [1.0]

    ends = []
    model, view = Wrong([Input((3,)), layers.Dense(1)]), LiveView()
    model.compile("sgd", "mse")
    heard = LambdaCallback(on_train_end=lambda logs: ends.append(1))
    with pytest.raises(ArgumentError, match="must give a dictionary of logs, got list"):
        model.fit(X, Y, callbacks=[view, heard])
    assert ends == [1]
    assert "failed at epoch 1" in page.outputs[0].updates[-1]["text/plain"]


def test_a_model_is_forgotten_after_its_views(page):
    models = []
    for _ in range(3):
        model = small_model()
        model.fit(X, Y, callbacks=[LiveView()])
        models.append(weakref.ref(model))
    del model
    page.outputs.clear()
    gc.collect()
    assert [ref() for ref in models] == [None] * 3


def test_the_kernel_is_made_to_read_while_training_runs(page, monkeypatch):
    """ipykernel 7 reads in a thread of its own, and can forget to."""
    asked = []
    loop = types.SimpleNamespace(add_callback=lambda *call: asked.append(call))
    apart = types.SimpleNamespace(
        shell_channel_thread=types.SimpleNamespace(io_loop=loop),
        shell_stream=types.SimpleNamespace(flush="flush"),
    )
    monkeypatch.setattr(kernel, "get_ipython", lambda: types.SimpleNamespace(kernel=apart))
    training = small_model().fit(
        X, Y, epochs=40, batch_size=16, callbacks=[LiveView(), Slow(0.01)], background=True
    )
    assert training.wait(20)
    assert 3 <= len(asked) <= 40
    assert set(asked) == {("flush", zmq.POLLIN)}


def test_work_at_the_end_of_a_cell_is_done_after_one_that_fails(monkeypatch):
    shell = types.SimpleNamespace(showtraceback=lambda: done.append("shown"))
    shell.events = EventManager(shell, {"post_run_cell": lambda result: None})
    monkeypatch.setattr(kernel, "get_ipython", lambda: shell)
    monkeypatch.setattr(kernel, "present_cell", lambda: "cell")
    done = []

    def fail():
        raise KeyboardInterrupt

    for _ in range(2):
        for work in (lambda: done.append("first"), fail, lambda: done.append("last")):
            kernel.at_end_of_cell(work)
        shell.events.trigger("post_run_cell", None)
        assert done == ["first", "last", "shown"]
        done.clear()


@pytest.mark.parametrize("where", ["on_train_batch_end", "on_test_batch_end"])
def test_training_that_ends_soon_leaves_a_picture(page, where):
    """Points are fewer than steps, yet one stands for the steps until the end."""
    model, view = small_model(metrics=["mae"]), LiveView()
    stop = LambdaCallback(**{where: lambda batch, logs: model.current_training.stop()})
    model.fit(X, Y, epochs=9, validation_data=(X, Y), callbacks=[view, stop])
    assert set(page.outputs[0].updates[-1]) == {"text/plain", "image/png"}
    batch = view.describe()["batch"]
    assert batch["x"] == [0.5 if where == "on_train_batch_end" else 1.0]
    assert set(batch["values"]) == {"loss", "mae"}


def test_each_single_step_is_a_point(page):
    model, view = small_model(), LiveView()
    pause = Slow(0, at=1, do=lambda: model.current_training.pause())
    training = model.fit(X, Y, epochs=9, batch_size=16, callbacks=[view, pause], background=True)
    for place in (0.25, 0.5, 0.75):
        end = time.monotonic() + 10
        while not (training.paused and view.run.batch.x[-1:] == [place]):
            assert time.monotonic() < end, f"no point for the step that ends at {place}"
            time.sleep(0.01)
        training.step()
    training.stop()
    assert training.wait(10)


def test_a_single_step_leaves_the_view_paused(page):
    """Resume stays where it is: the button does not become Pause for the time of a step."""
    model, view = small_model(), LiveView()
    pause = Slow(0.12, at=1, do=lambda: model.current_training.pause())
    training = model.fit(X, Y, epochs=9, batch_size=16, callbacks=[view, pause], background=True)
    while not training.paused:
        time.sleep(0.01)
    time.sleep(0.3)
    page.sent.clear()
    for _ in range(3):
        before = training.position.step
        training.step()
        while training.position.step == before or not training.paused:
            time.sleep(0.01)
    time.sleep(0.3)
    assert {message["status"]["state"] for message in messages(page)} == {"paused"}
    assert messages(page)[-1]["status"]["step"] == training.position.step
    training.stop()
    assert training.wait(10)


def test_long_training_leaves_snapshots_that_go_at_the_end(page):
    view = LiveView(keep=0.15)
    small_model().fit(X, Y, epochs=30, batch_size=16, callbacks=[view, Slow(0.01)])
    widget, fallen = page.outputs
    assert len(fallen.updates) >= 3
    for bundle in fallen.updates[:-1]:
        assert set(bundle) == {"text/plain", "text/html"}
        assert bundle["text/html"].startswith("<details><summary>Kept at ")
    assert fallen.updates[-1] == {}
    assert set(widget.updates[-1]) == {"text/plain", "image/png"}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, sorted(name for name, _ in attrs)))


@pytest.mark.parametrize(
    "name", ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "&lt;b>"]
)
def test_names_are_escaped_in_snapshots(name):
    run = Run(name, 1, 2, 3)
    run.begin_epoch(0)
    run.add_epoch(0, {name: 1.0})
    tags = Tags()
    tags.feed(stays.snapshot(run, "running")["text/html"])
    assert tags.found == [("details", []), ("summary", []), ("img", ["alt", "src"])]


def test_names_with_half_characters_can_be_sent(page):
    model = small_model(metrics=[MeanAbsoluteError(name="b\ud800")])
    model.name = "a\ud800"
    view = LiveView(keep=0)
    model.fit(X, Y, epochs=2, validation_split=0.5, verbose=0, callbacks=[view])
    assert view.run.metrics == ["loss", "b\ufffd"]
    assert list(view.run.epoch.values) == ["loss", "b\ufffd", "val_loss", "val_b\ufffd"]


def test_old_views_are_closed(page):
    model, views = small_model(), []
    for _ in range(live.OPEN + 3):
        views.append(LiveView())
        model.fit(X, Y, callbacks=[views[-1]])
    assert views[0].widget.comm is None
    assert views[-1].widget.comm is not None


# Who shows what


@pytest.mark.parametrize(
    ("notebook", "verbose", "expected"),
    [
        (True, "auto", LiveView), (True, 1, ProgressBar), (True, 2, ProgressBar),
        (False, "auto", ProgressBar), (False, 1, ProgressBar), (True, 0, None), (False, 0, None),
    ],
)  # fmt: skip
def test_verbose_chooses(page, monkeypatch, capsys, notebook, verbose, expected):
    monkeypatch.setattr(screen, "in_notebook", lambda: notebook)
    kinds = []
    look = LambdaCallback(on_train_begin=lambda logs: kinds.extend(map(type, calls.callbacks)))
    model = small_model()
    list_of = model._callback_list
    calls = None

    def made(*args, **options):
        nonlocal calls
        calls = list_of(*args, **options)
        return calls

    monkeypatch.setattr(model, "_callback_list", made)
    model.fit(X, Y, verbose=verbose, callbacks=[look])
    shown = [k for k in kinds if k.shows_progress]
    assert shown == ([] if expected is None else [expected])
    assert calls.params["verbose"] in (0, 1, 2)


def test_evaluate_and_predict_have_a_bar(page, monkeypatch, capsys):
    monkeypatch.setattr(screen, "in_notebook", lambda: True)
    small_model().evaluate(X, Y)
    assert "Evaluate: 100%" in capsys.readouterr().out
    assert page.outputs == []


def test_a_view_of_ones_own_replaces_the_one_by_default(page, monkeypatch):
    monkeypatch.setattr(screen, "in_notebook", lambda: True)
    small_model().fit(X, Y, callbacks=[LiveView(keep=5)])
    assert len(page.outputs) == 1


def test_without_the_widgets_there_is_a_bar_and_a_word(monkeypatch, capsys):
    monkeypatch.setattr(screen, "in_notebook", lambda: True)

    def missing(name):
        raise ModuleNotFoundError("No module named 'anywidget'", name="anywidget")

    monkeypatch.setattr(screen, "importlib", types.SimpleNamespace(import_module=missing))
    assert isinstance(progress_display(live=True), ProgressBar)
    assert capsys.readouterr().out == (
        'This view needs anywidget: pip install "kerasnb[notebook]". Until then, a progress bar.\n'
    )


def test_history_plots_itself():
    history = small_model().fit(X, Y, epochs=3, validation_split=0.25, verbose=0)
    figure = history.plot()
    (axes,) = figure.axes
    training, validation = axes.lines
    assert list(training.get_xdata()) == [1, 2, 3]
    assert list(validation.get_ydata()) == history.history["val_loss"]
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
