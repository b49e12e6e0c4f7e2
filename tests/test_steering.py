"""`Training`: stop, pause, step and the learning rate, from any thread, at step boundaries."""

import io
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest

from kerasnb import Input, Sequential, backends, layers, screen
from kerasnb.boundary import Boundary, boundary
from kerasnb.callbacks import Callback, LambdaCallback, ProgressBar
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.models import training as training_module
from kerasnb.optimizers import SGD
from kerasnb.optimizers.schedules import ExponentialDecay

PATIENCE = 20.0  # seconds for what takes milliseconds on a quiet machine

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5]], "float32")


def small_model(learning_rate=0.05) -> Sequential:
    model = Sequential([Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile(SGD(learning_rate), "mse")
    return model


class Counter(Callback):
    """Counts training batches; a slow one leaves time to steer."""

    def __init__(self, seconds: float = 0.0):
        super().__init__()
        self.batches, self.tests, self.seconds = 0, 0, seconds

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        time.sleep(self.seconds)

    def on_test_batch_end(self, batch, logs=None):
        self.tests += 1


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.002)


def in_background(model, counter=None, **arguments):
    options = {"epochs": 10_000, "batch_size": 16, "verbose": 0, **arguments}
    return model.fit(X, Y, callbacks=[counter or Counter()], background=True, **options)


def test_background_gives_the_same_as_the_foreground():
    apart, here = small_model(), small_model()
    here.set_weights(apart.get_weights())
    options = {"epochs": 3, "batch_size": 16, "verbose": 0, "shuffle": False}
    training = apart.fit(X, Y, background=True, **options)
    history = training.result(PATIENCE)
    assert history.history == here.fit(X, Y, **options).history
    assert all(map(np.array_equal, apart.get_weights(), here.get_weights()))
    assert (training.state, training.running, history.stopped_by) == ("done", False, None)
    assert apart.current_training is None
    assert apart.history is history


def test_stop_ends_at_a_step_boundary_with_the_partial_history():
    model, counter = small_model(), Counter(0.001)
    training = in_background(model, counter)
    until(lambda: counter.batches > 6)
    training.stop()
    history = training.result(PATIENCE)
    assert training.state == "stopped"
    assert history.stopped_by == "user"
    whole = 4 * len(history.epoch)
    assert whole + history.partial["step"] == counter.batches
    assert history.partial["epoch"] == len(history.epoch)
    assert history.partial["logs"]["loss"] > 0
    assert int(model.optimizer.iterations) == counter.batches
    assert len(model.fit(X, Y, epochs=1, verbose=0).epoch) == 1, "the model can be trained again"


def test_pause_waits_and_step_is_exactly_one_batch():
    model, counter = small_model(), Counter()
    training = in_background(model, counter)
    training.pause()
    until(lambda: training.paused)
    for _ in range(6):  # over the end of an epoch of four batches
        before = counter.batches
        training.step()
        until(lambda before=before: counter.batches == before + 1 and training.paused)
        time.sleep(0.01)
        assert counter.batches == before + 1
    before = counter.batches
    training.step(3)
    until(lambda: counter.batches == before + 3 and training.paused)
    training.resume()
    until(lambda: counter.batches > before + 10)
    assert training.state == "running"
    training.stop()
    assert training.wait(PATIENCE)


def test_a_pause_within_an_execution_takes_no_step_away(monkeypatch):
    repeat, model = Step.repeat, small_model()

    def then_pause(step, args, rows):
        logs = repeat(step, args, rows)
        if logs is not None and len(rows) == 6:  # a short one is to come in the same execution
            model.current_training.pause()
        return logs

    monkeypatch.setattr(Step, "repeat", then_pause)
    training = model.fit(X, Y, batch_size=10, epochs=10_000, verbose=0, background=True)
    until(lambda: training.paused)
    for _ in range(9):  # over the end of an epoch of seven batches
        before = int(model.optimizer.iterations)
        training.step()
        until(lambda b=before: int(model.optimizer.iterations) == b + 1 and training.paused)
    training.stop()
    assert training.wait(PATIENCE)


def test_a_step_runs_validation_at_the_end_of_an_epoch():
    model, counter = small_model(), Counter()
    training = in_background(model, counter, validation_data=(X, Y), validation_batch_size=8)
    training.pause()
    until(lambda: training.paused)
    while counter.batches % 4:  # to the last batch of an epoch
        before = counter.batches
        training.step()
        until(lambda before=before: counter.batches == before + 1 and training.paused)
    tests, before = counter.tests, counter.batches
    training.step()
    until(lambda: counter.batches == before + 1 and training.paused)
    assert counter.tests == tests + 8
    training.stop()
    assert training.wait(PATIENCE)


def test_stop_ends_a_validation_too():
    model, seen = small_model(), threading.Event()
    slow = LambdaCallback(on_test_batch_end=lambda *_: (seen.set(), time.sleep(0.05)))
    training = model.fit(
        X, Y, validation_data=(np.tile(X, (40, 1)), np.tile(Y, (40, 1))), epochs=3, batch_size=8,
        callbacks=[slow], verbose=0, background=True,
    )  # fmt: skip
    assert seen.wait(PATIENCE)
    start = time.monotonic()
    training.stop()
    history = training.result(PATIENCE)
    assert time.monotonic() - start < 2, "320 batches of validation would take 16 s"
    assert history.stopped_by == "user"
    assert history.epoch == []
    assert history.partial["step"] == 8


def test_learning_rate_holds_from_the_next_step():
    model, counter = small_model(), Counter()
    training = in_background(model, counter)
    training.pause()
    until(lambda: training.paused)
    training.learning_rate = 0.0123
    until(lambda: training.learning_rate == pytest.approx(0.0123))
    before = model.get_weights()[0]
    training.learning_rate = 1e-30
    training.step()
    until(lambda: training.learning_rate == pytest.approx(1e-30) and training.paused)
    assert np.array_equal(model.get_weights()[0], before), "a step of next to nothing"
    training.stop()
    assert training.wait(PATIENCE)


def test_a_schedule_keeps_its_learning_rate():
    model, counter = small_model(ExponentialDecay(0.1, 10, 0.5)), Counter(0.001)
    training = in_background(model, counter)
    assert not training.adjustable
    with pytest.raises(ArgumentError) as error:
        training.learning_rate = 0.1
    assert str(error.value) == (
        "The learning rate follows a schedule; compile with a number to set it by hand."
    )
    training.stop()
    assert training.wait(PATIENCE)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_learning_rates_are_checked(value):
    training = in_background(small_model())
    with pytest.raises(ArgumentError) as error:
        training.learning_rate = value
    assert str(error.value) == f"learning_rate: expected a number above 0, got {value!r}."
    training.stop()
    assert training.wait(PATIENCE)


def test_step_counts_are_checked():
    training = in_background(small_model())
    with pytest.raises(ArgumentError) as error:
        training.step(0)
    assert str(error.value) == "step: count must be a whole number from 1, got 0."
    training.stop()
    assert training.wait(PATIENCE)


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("fit", lambda m: m.fit(X, Y, verbose=0)),
        ("evaluate", lambda m: m.evaluate(X, Y, verbose=0)),
        ("train_on_batch", lambda m: m.train_on_batch(X, Y)),
        ("test_on_batch", lambda m: m.test_on_batch(X, Y)),
        ("compile", lambda m: m.compile("sgd", "mse")),
    ],
)
def test_a_model_in_training_does_nothing_else_that_changes_it(method, call):
    model = small_model()
    model.name = "busy"
    training = in_background(model)
    with pytest.raises(GraphError) as error:
        call(model)
    assert str(error.value) == (
        f"Model 'busy' is being trained: {method} must wait until it has ended "
        "(model.current_training.stop() ends it)."
    )
    assert model.predict(X, verbose=0).shape == (64, 1), "but it may be used"
    training.stop()
    assert training.wait(PATIENCE)
    call(model)


def test_a_callback_may_evaluate_but_not_fit():
    model, problems = small_model(), []

    def again(*_):
        assert model.evaluate(X, Y, verbose=0) > 0
        with pytest.raises(GraphError) as error:
            model.fit(X, Y, verbose=0)
        problems.append(str(error.value))

    model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=again)])
    assert len(problems) == 1


def test_current_training_steers_a_blocking_fit():
    model, counter = small_model(), Counter()
    states = []

    def steer(batch, _):
        training = model.current_training
        if counter.batches == 5:
            training.listeners.append(lambda: states.append(training.state))
            training.stop()

    history = model.fit(
        X, Y, batch_size=16, epochs=9, verbose=0,
        callbacks=[counter, LambdaCallback(on_train_batch_end=steer)],
    )  # fmt: skip
    assert counter.batches == 5
    assert history.stopped_by == "user"
    assert history.partial["step"] == 1
    assert states == ["stopped"]


def test_listeners_hear_between_steps_and_now_and_then():
    """While it trains, while it is paused, and in a validation; and steps pay nothing for it."""
    model, heard = small_model(), []

    def listen(*_):
        training = model.current_training
        training.listeners.append(
            lambda: heard.append((time.monotonic(), training.position.step, training.logs()))
        )

    training = model.fit(
        X, Y, batch_size=1, epochs=10**6, verbose=0, background=True,
        callbacks=[LambdaCallback(on_train_begin=listen)],
    )  # fmt: skip
    time.sleep(0.5)
    training.pause()
    while not training.paused:
        time.sleep(0.01)
    trained = len(heard)
    time.sleep(0.5)
    waited = len(heard) - trained
    training.stop()
    assert training.wait(10)
    assert 2 <= trained <= 13
    assert 2 <= waited <= 13
    assert all(set(logs) == {"loss"} for _, step, logs in heard if step)


def test_a_callback_cannot_wait_for_its_own_training():
    model = small_model()
    waits = LambdaCallback(on_epoch_end=lambda *_: model.current_training.wait())
    with pytest.raises(GraphError, match=r"^wait: training cannot wait for its own end\.$"):
        model.fit(X, Y, verbose=0, callbacks=[waits])
    assert model.current_training is None


def test_a_failure_in_the_background_is_told_and_kept(capsys):
    model = small_model()
    model.name = "unlucky"

    def fail(*_):
        raise RuntimeError("the disk is full")

    training = model.fit(
        X, Y, verbose=0, background=True, callbacks=[LambdaCallback(on_train_batch_end=fail)]
    )
    assert training.wait(PATIENCE)
    assert capsys.readouterr().err == (
        "Training of 'unlucky' in the background failed: RuntimeError: the disk is full\n"
    )
    assert training.state == "failed"
    with pytest.raises(RuntimeError, match="the disk is full"):
        training.result()
    assert model.current_training is None


def test_mistakes_come_before_a_thread_starts():
    model, threads = small_model(), threading.active_count()
    with pytest.raises(ShapeError):
        model.fit(X, Y[:5], background=True)
    assert threading.active_count() == threads
    assert model.current_training is None


def test_repr_says_where_it_is():
    model, counter = small_model(), Counter()
    model.name = "seen"
    training = in_background(model, counter)
    training.pause()
    until(lambda: training.paused)
    epoch, step = divmod(counter.batches, 4)
    if step == 0:  # it waits after the last batch of an epoch
        epoch, step = epoch - 1, 4
    assert repr(training) == f"<Training of 'seen': paused, epoch {epoch + 1}, step {step}>"
    training.stop()
    assert training.wait(PATIENCE)
    assert repr(training).startswith("<Training of 'seen': stopped, <History: ")


def test_result_gives_up_after_a_while():
    training = in_background(small_model())
    training.pause()
    with pytest.raises(TimeoutError, match=r"has not ended after 0\.05 s\.$"):
        training.result(0.05)
    training.stop()
    assert training.wait(PATIENCE)


# Interrupts


class Interrupt(Callback):
    """A keyboard interrupt in the middle of the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.history.epoch and batch == 1:
            raise KeyboardInterrupt


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setattr(screen, "in_notebook", lambda: True)
    monkeypatch.setitem(training_module._last_interrupt, "time", float("-inf"))


@pytest.mark.usefixtures("notebook")
def test_in_a_notebook_an_interrupt_means_stop_and_a_second_one_ends_it(monkeypatch):
    model = small_model()
    history = model.fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[Interrupt()])
    assert history.stopped_by == "interrupt"
    assert (len(history.epoch), history.partial["step"]) == (1, 2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[Interrupt()])
    later = time.monotonic() + training_module.ABORT_WINDOW + 1
    monkeypatch.setattr(training_module, "time", types.SimpleNamespace(monotonic=lambda: later))
    history = model.fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[Interrupt()])
    assert history.stopped_by == "interrupt"


def test_elsewhere_an_interrupt_goes_on():
    model = small_model()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[Interrupt()])
    assert model.history.stopped_by == "interrupt"


def test_python_ends_background_training_at_a_step_boundary():
    code = """
import numpy as np, kerasnb
from kerasnb.callbacks import LambdaCallback
model = kerasnb.Sequential([kerasnb.Input((1,)), kerasnb.layers.Dense(1)])
model.compile("sgd", "mse")
says = LambdaCallback(on_train_end=lambda logs: print("closed", model.current_training.state))
model.fit(np.zeros((8, 1)), np.zeros((8, 1)), epochs=10**9, verbose=0, callbacks=[says],
          background=True)
print("end of the script")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "end of the script\nclosed stopped\n"


# Boundaries


def test_a_switch_waits_for_a_step_boundary_and_training_goes_on(monkeypatch):
    """While a step runs nothing moves: the mover gets in where the loop rests."""
    model, counter = small_model(), Counter()
    inside, moved = [], []
    step = type(model).train_step

    def slow_step(self, data):
        inside.append(True)
        time.sleep(0.005)
        result = step(self, data)
        inside.pop()
        return result

    model.compile(SGD(0.05), "mse", run_eagerly=True)
    monkeypatch.setattr(model, "train_step", types.MethodType(slow_step, model))
    move_all = backends._move_all
    monkeypatch.setattr(
        backends, "_move_all", lambda target: moved.append(bool(inside)) or move_all(target)
    )
    training = in_background(model, counter)
    for _ in range(20):
        backends.use("numpy")
        before = counter.batches
        until(lambda before=before: counter.batches > before)
    assert moved == [False] * 20
    training.stop()
    assert training.wait(PATIENCE)


def test_a_switch_gets_in_while_training_is_paused():
    training = in_background(small_model())
    training.pause()
    until(lambda: training.paused)
    assert backends.use("numpy").name == "numpy"
    training.stop()
    assert training.wait(PATIENCE)


def test_a_callback_may_switch():
    model = small_model()
    switches = []
    switch = LambdaCallback(on_epoch_end=lambda *_: switches.append(backends.use("numpy")))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[switch])
    assert [s.arrays for s in switches] == [0, 0]


def test_boundary_keeps_movers_and_loops_apart():
    gate = Boundary()
    state, wrong = {"moving": False, "loops": 0}, []
    stop = threading.Event()

    def loop():
        with gate.inside():
            while not stop.is_set():
                with gate.inside():  # nested, as a step within a loop
                    if state["moving"]:
                        wrong.append("a loop ran while state moved")
                state["loops"] += 1
                gate.rest()

    threads = [threading.Thread(target=loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        with gate.moving():
            state["moving"] = True
            before = state["loops"]
            time.sleep(1e-4)
            if state["loops"] != before:
                wrong.append("a loop went on while state moved")
            state["moving"] = False
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert wrong == []
    assert gate._inside == {}


def test_boundary_is_free_after_an_error():
    with pytest.raises(RuntimeError), boundary.inside():
        raise RuntimeError
    with boundary.moving():
        pass
    assert boundary._inside == {}


def test_using_restores_the_backend_after_an_error():
    before = backends.current().name
    with pytest.raises(RuntimeError), backends.using("numpy"):
        raise RuntimeError
    assert backends.current().name == before


def test_print_of_a_bar_in_the_background_goes_to_its_file():
    file = io.StringIO()
    training = small_model().fit(
        X, Y, epochs=1, background=True, callbacks=[ProgressBar(file=file)]
    )
    training.result(PATIENCE)
    assert "Epoch 1/1: 100%" in file.getvalue()


def test_a_learning_rate_that_comes_late_holds_for_the_next_fit():
    model = small_model()
    training = in_background(model, epochs=1)
    training.result(PATIENCE)
    training.learning_rate = 0.25
    assert training.learning_rate == float(model.optimizer.learning_rate) == 0.25


def test_a_learning_rate_assigned_at_the_last_step_is_not_lost():
    model = small_model()
    last = LambdaCallback(
        on_train_end=lambda logs: setattr(model.current_training, "learning_rate", 0.125)
    )
    model.fit(X, Y, verbose=0, callbacks=[last])
    assert float(model.optimizer.learning_rate) == 0.125


def test_where_no_thread_can_be_started_the_model_stays_free(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    model, ends = small_model(), []
    heard = LambdaCallback(on_train_end=lambda logs: ends.append(1))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            model.fit(X, Y, verbose=0, callbacks=[heard], background=True)
    assert ends == [1]
    assert model.current_training is None
    model.fit(X, Y, verbose=0)


def test_callbacks_end_although_a_listener_fails():
    def fail():
        if model.current_training.state == "done":
            raise RuntimeError("a listener")

    model, ends = small_model(), []
    heard = LambdaCallback(
        on_train_begin=lambda logs: model.current_training.listeners.append(fail),
        on_train_end=lambda logs: ends.append(1),
    )
    with pytest.raises(RuntimeError, match="a listener"):
        model.fit(X, Y, verbose=0, callbacks=[heard])
    assert ends == [1]


def test_training_without_a_view_shows_itself_as_text():
    training = in_background(small_model(), epochs=1)
    assert list(training._repr_mimebundle_()) == ["text/plain"]
    training.result(PATIENCE)
