"""Callbacks, driven by a small model that only pretends to train."""

import csv
import io
import math
import sys
import types

import numpy as np
import pytest

from kerasnb.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ProgressBar,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from kerasnb.callbacks import progress as progress_module
from kerasnb.errors import ArgumentError


def raises(error, text):
    """`pytest.raises` that compares the whole text."""
    return pytest.raises(error, match=rf"\A{_escape(text)}\Z")


def warns(text):
    return pytest.warns(UserWarning, match=rf"\A{_escape(text)}\Z")


def _escape(text):
    return "".join("\\" + c if c in r"\.^$*+?{}[]|()" else c for c in text)


class Rate:
    """Stands in for a variable."""

    def __init__(self, value):
        self.value = np.float32(value)

    def assign(self, value):
        self.value = np.float32(value)

    def __float__(self):
        return float(self.value)


class Optimizer:
    def __init__(self, rate=0.1):
        self.learning_rate = Rate(rate)


class Metric:
    def __init__(self, name, direction=None):
        self.name = name
        if direction:
            self._direction = direction


class Model:
    """Its only weight is the number of epochs that it was trained for."""

    def __init__(self, metrics=()):
        self.optimizer = Optimizer()
        self.metrics = metrics
        self.stop_training = False
        self.weight = 0
        self.saved = []

    def get_weights(self):
        return [np.array(self.weight)]

    def set_weights(self, weights):
        self.weight = int(weights[0])

    def save_weights(self, path, overwrite):
        self.saved.append(("weights", path))

    def save(self, path, overwrite):
        self.saved.append(("model", path))


def fit(callbacks, epochs, model=None, steps=1, verbose=0, stop=None):
    """What a trainer does: `epochs` is a list of logs, one dictionary per epoch."""
    model = model or Model()
    calls = CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=len(epochs),
        steps=steps,
    )
    model.stop_training = False
    calls.on_train_begin()
    for epoch, logs in enumerate(epochs):
        calls.on_epoch_begin(epoch)
        for step in range(steps):
            calls.on_train_batch_begin(step)
            calls.on_train_batch_end(step, lambda logs=logs: logs)
        model.weight = epoch + 1
        if stop is not None and epoch == stop:
            calls.history.stop("interrupt", epoch=epoch, step=steps, logs=logs)
            break
        calls.on_epoch_end(epoch, logs)
        if model.stop_training:
            calls.history.stop("callback")
            break
    calls.on_train_end()
    return model


def losses(*values, name="val_loss"):
    return [{name: value} for value in values]


# --- CallbackList -------------------------------------------------------------------------------


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.events = []

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(("epoch", epoch, logs))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(("batch", batch, logs))


def test_hooks_reach_each_callback_with_numbers():
    first, second = Recorder(), Recorder()
    logs = {"loss": np.float32(0.5), "matrix": np.eye(2), "text": "a", "none": None}
    calls = CallbackList([first, [second]], model=Model(), epochs=3)
    calls.on_epoch_end(2, logs)
    calls.on_train_batch_end(7, {"loss": np.array(0.25)})
    assert first.events[0][2] is second.events[0][2]
    kind, epoch, got = first.events[0]
    assert (kind, epoch, type(got["loss"]), got["loss"]) == ("epoch", 2, float, 0.5)
    assert got["matrix"] is logs["matrix"]
    assert (got["text"], got["none"]) == ("a", None)
    assert first.events[1] == ("batch", 7, {"loss": 0.25})
    assert second.params == {"epochs": 3}
    assert second.model is calls.model


def test_hooks_that_nobody_overrides_are_known():
    calls = CallbackList([History(), EarlyStopping()])
    assert calls.active == {"on_train_begin", "on_train_end", "on_epoch_end"}
    assert not calls.wants_batch_logs
    assert calls.on_train_batch_end is calls.on_train_batch_begin  # both do nothing
    assert CallbackList([Recorder()]).wants_batch_logs
    assert CallbackList([TerminateOnNaN()]).wants_batch_logs
    assert not CallbackList([ProgressBar()]).wants_batch_logs
    assert "on_train_batch_end" not in CallbackList([ModelCheckpoint("a.keras")]).active
    by_step = CallbackList([ModelCheckpoint("a.keras", save_freq=2)])
    assert "on_train_batch_end" in by_step.active
    assert not by_step.wants_batch_logs
    assert not hasattr(calls, "on_nothing")


def test_a_hook_that_nobody_overrides_reads_no_logs():
    def fail():
        raise AssertionError("logs were read")

    CallbackList([History()]).on_train_batch_end(0, fail)
    CallbackList([ModelCheckpoint("a.keras", save_freq=2)]).on_train_batch_end(0, fail)


def test_logs_are_read_once_a_batch():
    reads = []
    calls = CallbackList([Recorder(), Recorder(), TerminateOnNaN()])
    calls.on_train_batch_end(0, lambda: reads.append(0) or {"loss": 1.0})
    assert len(reads) == 1


def test_short_batch_names_and_instance_attributes():
    events = []

    class Short(Callback):
        def on_batch_begin(self, batch, logs=None):
            events.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            events.append(("end", batch, logs))

    calls = CallbackList(
        [Short(), LambdaCallback(on_batch_end=lambda batch, logs: events.append(batch))]
    )
    calls.on_train_batch_begin(3)
    calls.on_train_batch_end(3, {"loss": 1})
    assert events == [("begin", 3), ("end", 3, {"loss": 1.0}), 3]


def test_calling_the_base_method_calls_the_short_one():
    events = []

    class Both(Callback):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

        def on_batch_end(self, batch, logs=None):
            events.append((batch, logs))

    CallbackList(Both()).on_train_batch_end(1, {"loss": 2})
    assert events == [(1, {"loss": 2.0})]


def test_defaults_come_after_the_users_callbacks():
    mine = Recorder()
    model = Model()
    calls = CallbackList([mine], add_history=True, add_progbar=True, model=model)
    assert [type(c) for c in calls] == [Recorder, History, ProgressBar]
    assert model.history is calls.history
    history, bar = History(), ProgbarLogger()
    calls = CallbackList([bar, history], add_history=True, add_progbar=True)
    assert list(calls) == [bar, history]
    assert calls.history is history


def test_append():
    calls = CallbackList()
    assert (len(calls), calls.active) == (0, frozenset())
    recorder = Recorder()
    calls.append(recorder)
    calls.on_epoch_end(0, {"loss": 1})
    assert recorder.events == [("epoch", 0, {"loss": 1.0})]


def test_what_is_no_callback():
    with raises(
        ArgumentError,
        "callbacks[0] is the class EarlyStopping. Pass an instance: EarlyStopping(...).",
    ):
        CallbackList([EarlyStopping])
    with raises(
        ArgumentError,
        "callbacks[1]: expected a Callback, got function. "
        "Wrap a function as LambdaCallback(on_epoch_end=function).",
    ):
        CallbackList([History(), lambda epoch, logs: None])


# --- History ------------------------------------------------------------------------------------


def test_history():
    model = fit([], [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": 2.0}], steps=4)
    history = model.history
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 4}
    assert (history.stopped_by, history.partial) == (None, None)
    assert repr(history) == "<History: 2 epochs, loss 1, val_loss 2>"


def test_history_that_was_stopped():
    model = fit([], [{"loss": 2.0}, {"loss": 1.5}], stop=1)
    history = model.history
    assert history.history == {"loss": [2.0]}
    assert history.stopped_by == "interrupt"
    assert history.partial == {"epoch": 1, "step": 1, "logs": {"loss": 1.5}}
    assert repr(history) == "<History: 1 epoch, loss 2; stopped by interrupt>"
    fit([history], [{"loss": 1.0}], model=model)  # the next fit goes on, with a clean slate
    assert history.history == {"loss": [2.0, 1.0]}
    assert (history.stopped_by, history.partial) == (None, None)
    with raises(ArgumentError, "Unknown reason to stop 'interupt'. Did you mean 'interrupt'?"):
        history.stop("interupt")


# --- EarlyStopping ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, [3, 2, 2, 1], 3),
        ({"patience": 2}, [3, 2, 2.5, 2.5, 1], 4),
        ({"patience": 2}, [3, 2, 2.5, 1, 2, 2, 0], 6),
        ({"min_delta": 0.5}, [3, 2, 1.6, 0], 3),
        ({"min_delta": -0.5}, [3, 2, 1.6, 0], 3),
        ({"mode": "max"}, [1, 2, 1, 0], 3),
        ({"baseline": 1.0, "patience": 2}, [3, 2, 1.5, 1.4, 0], 5),
        ({"baseline": 1.0, "patience": 2}, [3, 2, 2, 2, 0], 3),
        ({"start_from_epoch": 2}, [1, 2, 3, 2, 2, 0], 5),
        ({"monitor": "val_accuracy"}, [0.1, 0.2, 0.1, 0.9], 3),
        ({}, [math.nan, math.nan, 1], 2),
        ({"patience": 1}, [math.nan, 1, 0.5], 3),
    ],
)
def test_early_stopping(options, values, epochs):
    name = options.get("monitor", "val_loss")
    model = fit(EarlyStopping(**options), losses(*values, name=name))
    assert model.weight == epochs
    stopped = epochs < len(values)
    assert model.history.stopped_by == ("callback" if stopped else None)


def test_early_stopping_restores_the_best_weights(capsys):
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    model = fit(stopping, losses(3, 1, 2, 2, 0))
    assert model.weight == 2
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (1, 1, 3)
    assert capsys.readouterr().out == (
        "EarlyStopping: stopped after epoch 4.\nEarlyStopping: restoring the weights of epoch 2.\n"
    )
    fit(stopping, losses(9, 8), model)  # a second fit starts afresh
    assert (stopping.best, model.weight) == (8, 2)


def test_an_interrupt_keeps_the_last_weights():
    stopping = EarlyStopping(patience=9, restore_best_weights=True)
    model = fit(stopping, losses(1, 2, 3, 4), stop=2)
    assert model.weight == 3
    assert stopping.best_weights == [np.array(1)]


def test_direction_comes_from_the_metric():
    for direction, epochs in (("up", 3), ("down", 2)):
        inner = Metric("churn", direction)
        group = Metric("compile_metrics")
        group.metrics = [inner]
        logs = losses(1, 2, 1, name="val_churn")
        model = fit(EarlyStopping("val_churn"), logs, Model([group]))
        assert model.weight == epochs


def test_unknown_direction():
    text = (
        "EarlyStopping: nothing tells whether more or less of 'val_churn' is better. "
        'Pass mode="max" or mode="min".'
    )
    model = Model([Metric("churn")])
    with raises(ArgumentError, text):  # before any work
        fit(EarlyStopping("val_churn"), losses(1, 2, name="val_churn"), model)
    assert model.weight == 0
    with raises(ArgumentError, text):  # no metric tells of it: at the first epoch
        fit(EarlyStopping("val_churn"), losses(1, 2, name="val_churn"), model := Model())
    assert model.weight == 1
    with raises(ArgumentError, "Unknown mode in EarlyStopping 'maximum'. Did you mean 'max'?"):
        EarlyStopping(mode="maximum")


def test_false_positives_are_bad_and_true_positives_good():
    for name, epochs in (("false_positives", 2), ("true_positives", 3)):
        assert fit(EarlyStopping(name), losses(1, 2, 1, name=name)).weight == epochs


def test_missing_log_warns_once():
    with warns(
        "EarlyStopping: there is no log 'val_los', so EarlyStopping does nothing. "
        "Logs, closest first: val_loss, loss, accuracy."
    ) as caught:
        fit(EarlyStopping("val_los"), [{"accuracy": 0, "loss": 1, "val_loss": 1}] * 3)
    assert len(caught) == 1
    with warns(
        "EarlyStopping: there is no log 'val_loss', so EarlyStopping does nothing. "
        "Logs, closest first: loss. "
        "There is no validation: pass validation_data or validation_split to fit."
    ):
        fit(EarlyStopping(), [{"loss": 1}])
    with warns(
        "EarlyStopping: the log 'val_loss' is a ndarray, not a single number, "
        "so EarlyStopping does nothing."
    ):
        fit(EarlyStopping(), [{"val_loss": np.ones(2)}])


# --- ModelCheckpoint ----------------------------------------------------------------------------


def test_checkpoint_every_epoch(tmp_path, capsys):
    path = tmp_path / "deep" / "{epoch:02d}-{val_loss:.1f}.weights.h5"
    model = fit(ModelCheckpoint(path, save_weights_only=True, verbose=1), losses(0.5, 0.25))
    names = [f"{tmp_path}/deep/01-0.5.weights.h5", f"{tmp_path}/deep/02-0.2.weights.h5"]
    assert model.saved == [("weights", name) for name in names]
    assert (tmp_path / "deep").is_dir()
    assert capsys.readouterr().out == (
        f"Epoch 1: saving to {names[0]}.\nEpoch 2: saving to {names[1]}.\n"
    )


def test_checkpoint_of_the_best(tmp_path, capsys):
    path = str(tmp_path / "best.keras")
    checkpoint = ModelCheckpoint(path, save_best_only=True, verbose=1)
    model = fit(checkpoint, losses(0.5, 0.75, 0.25))
    assert model.saved == [("model", path)] * 2
    assert checkpoint.best == 0.25
    assert capsys.readouterr().out == (
        f"Epoch 1: val_loss improved from none to 0.50000; saving to {path}.\n"
        "Epoch 2: val_loss did not improve from 0.50000.\n"
        f"Epoch 3: val_loss improved from 0.50000 to 0.25000; saving to {path}.\n"
    )
    fit(checkpoint, losses(0.3), model)  # the best of all fits counts
    assert len(model.saved) == 2


def test_checkpoint_with_a_threshold(tmp_path):
    checkpoint = ModelCheckpoint(
        tmp_path / "a.keras",
        "val_accuracy",
        save_best_only=True,
        initial_value_threshold=0.5,
    )
    model = fit(checkpoint, losses(0.4, 0.6, 0.5, name="val_accuracy"))
    assert len(model.saved) == 1


def test_checkpoint_by_steps(tmp_path):
    path = tmp_path / "{epoch}-{batch}-{loss:.0f}.keras"
    model = fit(ModelCheckpoint(path, save_freq=4), losses(1, 2, name="loss"), steps=6)
    assert [p.rsplit("/", 1)[1] for _, p in model.saved] == [
        "1-4-1.keras",
        "2-2-2.keras",
        "2-6-2.keras",
    ]


def test_checkpoint_by_steps_when_many_run_in_one_call(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4)
    calls = CallbackList(checkpoint, model=(model := Model()))
    for epoch in range(2):
        calls.on_epoch_begin(epoch)
        for batch in (4, 5, 11):
            calls.on_train_batch_end(batch, {})
    assert [p.rsplit("/", 1)[1] for _, p in model.saved] == [
        "1-5.keras",
        "1-12.keras",
        "2-5.keras",
        "2-12.keras",
    ]


def test_checkpoint_saves_when_the_monitored_log_is_missing(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "a.keras", "val_acc", save_best_only=True)
    with warns(
        "ModelCheckpoint: there is no log 'val_acc', so each checkpoint is saved. "
        "Logs, closest first: val_accuracy, loss."
    ):
        model = fit(checkpoint, [{"loss": 1, "val_accuracy": 1}] * 2)
    assert len(model.saved) == 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"filepath": "a.h5", "save_weights_only": True},
            "ModelCheckpoint: with save_weights_only=True, expected filepath to end in "
            "'.weights.h5' or '.safetensors', got 'a.h5'.",
        ),
        (
            {"filepath": "a"},
            "ModelCheckpoint: with save_weights_only=False, expected filepath to end in "
            "'.keras', got 'a'.",
        ),
        (
            {"filepath": "{epoch:02d.keras"},
            "ModelCheckpoint: filepath '{epoch:02d.keras' is no format string; "
            "close its braces, or write {{ and }} for braces in the name.",
        ),
        (
            {"filepath": "a.keras", "save_freq": "batch"},
            'ModelCheckpoint: expected save_freq="epoch" or a positive number of steps, '
            "got 'batch'.",
        ),
        (
            {"filepath": "a.keras", "save_freq": 0},
            'ModelCheckpoint: expected save_freq="epoch" or a positive number of steps, got 0.',
        ),
        (
            {"filepath": "a.keras", "mode": "mix"},
            "Unknown mode in ModelCheckpoint 'mix'. Did you mean 'min' or 'max'?",
        ),
    ],
)
def test_checkpoint_arguments(options, text):
    with raises(ArgumentError, text):
        ModelCheckpoint(**options)


def test_checkpoint_path_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with raises(
        ArgumentError,
        "ModelCheckpoint: filepath '{val_acc}.keras' names 'val_acc', which is no log. "
        "Known, closest first: val_accuracy, loss, epoch.",
    ):
        fit(ModelCheckpoint("{val_acc}.keras"), [{"loss": 1, "val_accuracy": 1}])
    (tmp_path / "a.keras").mkdir()
    with raises(
        ArgumentError,
        "ModelCheckpoint: filepath 'a.keras' is a directory; name a file in it.",
    ):
        fit(ModelCheckpoint("a.keras"), [{"loss": 1}])


# --- learning rate ------------------------------------------------------------------------------


def test_scheduler(capsys):
    model = fit(LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), losses(1, 1))
    np.testing.assert_allclose(model.history.history["learning_rate"], [0.05, 0.025], rtol=1e-6)
    assert capsys.readouterr().out == (
        "Epoch 1: LearningRateScheduler sets the learning rate to 0.05.\n"
        "Epoch 2: LearningRateScheduler sets the learning rate to 0.025.\n"
    )


def constant(epoch):
    return 1


def variadic(*arguments):
    return 0.1 * len(arguments)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        (constant, 1.0),
        (variadic, 0.2),
        (lambda epoch: np.float32(0.5), 0.5),
        (lambda epoch: np.array(0.5), 0.5),
        (max, 0.1),  # no signature: gets (epoch, learning_rate)
    ],
)
def test_schedules(schedule, rate):
    model = fit(LearningRateScheduler(schedule), losses(1))
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)


def test_a_type_error_inside_a_schedule_is_not_hidden():
    with pytest.raises(TypeError, match="unsupported operand"):
        fit(LearningRateScheduler(lambda epoch, rate: rate + "a"), losses(1))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "NoneType"), (math.nan, "nan"), ("0.1", "str"), (np.ones(2), "ndarray")],
)
def test_schedule_must_return_a_number(value, shown):
    with raises(
        ArgumentError,
        "LearningRateScheduler: expected schedule to return a finite number, "
        f"got {shown} for epoch 0.",
    ):
        fit(LearningRateScheduler(lambda epoch: value), losses(1))


def test_schedule_must_be_a_function():
    with raises(
        ArgumentError,
        "LearningRateScheduler: expected a function of (epoch, learning_rate) as schedule, "
        "got float.",
    ):
        LearningRateScheduler(0.1)


class ExponentialDecay:
    pass


@pytest.mark.parametrize(
    "make", [lambda: LearningRateScheduler(constant), lambda: ReduceLROnPlateau()]
)
def test_a_schedule_of_the_optimizer_cannot_be_set(make):
    callback, model = make(), Model()
    model.optimizer.learning_rate = ExponentialDecay()
    kind = type(callback).__name__
    with raises(
        ArgumentError,
        f"{kind}: the learning rate of Optimizer is the schedule ExponentialDecay and cannot "
        f"be set. Compile with a number as learning_rate, or leave {kind} out.",
    ):
        fit(callback, losses(1), model)
    model.optimizer.learning_rate = Rate(0.1)  # what a property may return for a schedule
    model.optimizer._learning_rate = ExponentialDecay()
    with pytest.raises(ArgumentError, match="is the schedule ExponentialDecay"):
        fit(callback, losses(1), model)
    assert model.weight == 0
    model.optimizer = None
    with raises(
        ArgumentError,
        f"{kind}: expected a model compiled with an optimizer that has a learning_rate, "
        "got NoneType.",
    ):
        fit(callback, losses(1), model)


def test_a_plain_number_as_rate():
    model = Model()
    model.optimizer.learning_rate = 0.1
    fit(LearningRateScheduler(lambda epoch: 0.5), losses(1), model)
    assert model.optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 1}, [3, 3, 3, 3], [0.1, 0.1, 0.01, 0.001]),
        ({"patience": 2, "factor": 0.5}, [3, 3, 3, 3, 3, 3], [0.1] * 3 + [0.05] * 2 + [0.025]),
        ({"patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3], [0.1, 0.1, 0.01, 0.01, 0.001]),
        ({"patience": 1, "min_lr": 0.05}, [3, 3, 3, 3], [0.1, 0.1, 0.05, 0.05]),
        ({"patience": 1, "min_delta": 1}, [3, 2.5, 1.0, 0], [0.1, 0.1, 0.01, 0.01]),
        ({"patience": 1, "mode": "max"}, [1, 2, 1, 3], [0.1, 0.1, 0.1, 0.01]),
    ],
)
def test_reduce_on_plateau(options, values, rates):
    # learning_rate is the rate that the epoch was trained with
    model = fit(ReduceLROnPlateau(**options), losses(*values))
    np.testing.assert_allclose(model.history.history["learning_rate"], rates, rtol=1e-6)


def test_reduce_on_plateau_tells(capsys):
    fit(ReduceLROnPlateau(patience=1, verbose=1, min_lr=0.01), losses(1, 1, 1))
    assert capsys.readouterr().out == (
        "Epoch 2: ReduceLROnPlateau reduces the learning rate to 0.01.\n"
    )


@pytest.mark.parametrize("factor", [1.0, 2, 0, -0.5])
def test_factor(factor):
    with raises(
        ArgumentError,
        f"ReduceLROnPlateau: expected a factor between 0 and 1, got {factor!r}.",
    ):
        ReduceLROnPlateau(factor=factor)


# --- LambdaCallback, TerminateOnNaN -------------------------------------------------------------


def test_lambda_callback():
    events = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: events.append("begin"),
        on_epoch_end=lambda epoch, logs: events.append((epoch, logs["loss"])),
        on_test_end=lambda logs: events.append("test"),
        on_epoch_begin=None,
    )
    fit(callback, losses(1, 2, name="loss"))
    CallbackList(callback).on_test_end({})
    assert events == ["begin", (0, 1.0), (1, 2.0), "test"]
    assert CallbackList(callback).active == {"on_train_begin", "on_epoch_end", "on_test_end"}


def test_lambda_callback_errors():
    with raises(
        ArgumentError,
        "Unknown argument of LambdaCallback 'on_epoch_finish'. "
        "Did you mean 'on_epoch_begin' or 'on_epoch_end'?",
    ):
        LambdaCallback(on_epoch_finish=print)
    with raises(ArgumentError, "LambdaCallback: expected a function as on_epoch_end, got int."):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_terminate_on_nan(value, capsys):
    model = fit(TerminateOnNaN(), losses(1, value, 1, name="loss"))
    assert model.weight == 2
    text = f"TerminateOnNaN: the loss is {value} after batch 0, counted from 0."
    assert capsys.readouterr().out == f"{text} Training stops.\n"
    with raises(RuntimeError, text):
        fit(TerminateOnNaN(raise_error=True), losses(value, name="loss"))


# --- CSVLogger ----------------------------------------------------------------------------------


def rows(path, separator=","):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv(tmp_path):
    path = tmp_path / "deep" / "log.csv"
    fit(CSVLogger(path), [{"loss": 1, "acc": 0.5}, {"loss": 2, "val_loss": 3, "acc": 1}])
    assert rows(path) == [
        ["epoch", "acc", "loss", "val_acc", "val_loss"],
        ["0", "0.5", "1.0", "NA", "NA"],
        ["1", "1.0", "2.0", "NA", "3.0"],
    ]
    fit(CSVLogger(path, separator=";"), [{"val_loss": 1, "each": np.array([1, 2])}])
    assert rows(path, ";") == [["epoch", "each", "val_loss"], ["0", "[1, 2]", "1.0"]]


def test_csv_append(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path, append=True)
    fit(logger, [{"val_loss": 1}])
    fit(logger, [{"val_loss": 2}])
    assert rows(path) == [["epoch", "val_loss"], ["0", "1.0"], ["0", "2.0"]]
    with warns(
        f"CSVLogger: {path} has no column for acc, mae, so they are left out. "
        "Use another file to have them."
    ) as caught:
        fit(logger, [{"mae": 1, "acc": 2, "val_loss": 3}] * 2)
    assert len(caught) == 1
    assert rows(path)[-1] == ["1", "3.0"]


# --- ProgressBar --------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """Time that passes only when told."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def lines(file):
    return [part.rstrip() for part in file.getvalue().replace("\r", "\n").split("\n")]


def test_bar_in_a_log_file_is_one_line_per_epoch():
    file = io.StringIO()
    epochs = [{"loss": 0.5, "accuracy": 0.0}, {"loss": 1e-5, "accuracy": math.nan}]
    fit(ProgressBar(file=file), epochs, steps=3, verbose=1)
    shown = [line for line in lines(file) if line]
    assert len(shown) == 2
    assert shown[0].startswith("Epoch 1/2: 100%|")
    assert "| 3/3 [" in shown[0]
    assert shown[0].endswith("loss: 0.5000 - accuracy: 0.0000]")
    assert shown[1].startswith("Epoch 2/2: 100%|")
    assert shown[1].endswith("loss: 1.0000e-05 - accuracy: nan]")
    assert file.getvalue().endswith("]\n")


@pytest.mark.parametrize(
    ("shell", "live"),
    [
        (types.SimpleNamespace(kernel="running"), True),  # as in a notebook
        (types.SimpleNamespace(), False),  # IPython in a terminal
        (None, False),  # IPython imported by a script
    ],
)
def test_a_notebook_counts_as_a_person_watching(monkeypatch, shell, live):
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert progress_module._is_live(io.StringIO()) is live
    assert progress_module._is_live(Terminal())


def test_bar_updates_are_throttled_and_read_logs_only_then(monkeypatch):
    clock, file, reads = Clock(), Terminal(), []
    monkeypatch.setattr(progress_module, "time", clock)
    calls = CallbackList(ProgressBar(file=file), verbose=1, epochs=1, steps=100)
    calls.on_train_begin()
    calls.on_epoch_begin(0)
    for step in range(100):
        clock.now += 0.03
        calls.on_train_batch_end(step, lambda step=step: reads.append(step) or {"loss": step})
    # every 0.12 s, the first multiple of 0.03 s that is at least 0.1 s
    assert reads == list(range(3, 100, 4))
    calls.on_epoch_end(0, {"loss": 7.0, "val_loss": 8.0})
    calls.on_train_end()
    assert "4/100" in file.getvalue()
    assert "loss: 3.0000" in file.getvalue()
    assert lines(file)[-2].endswith("loss: 7.0000 - val_loss: 8.0000]")


def test_bar_of_unknown_length():
    file = io.StringIO()
    fit(ProgressBar(file=file), [{"loss": 1.0}], steps=0, verbose=1)
    calls = CallbackList(ProgressBar(file=file), verbose=1, epochs=1, steps=None)
    calls.on_epoch_begin(0)
    for step in range(5):
        calls.on_train_batch_end(step, {})
    calls.on_epoch_end(0, {"loss": 2.0})
    assert "Epoch 1/1: 5step [" in file.getvalue()
    assert file.getvalue().endswith("loss: 2.0000]\n")


def test_bar_of_a_cut_epoch_shows_the_whole_steps():
    file = io.StringIO()
    calls = CallbackList(ProgressBar(file=file), verbose="auto", epochs=1, steps=10)
    calls.on_train_begin()
    calls.on_epoch_begin(0)
    calls.on_train_batch_end(2, {"loss": 1})
    calls.on_train_end()
    assert "3/10 [" in file.getvalue()
    assert file.getvalue().endswith("\n")


def test_validation_is_part_of_the_epoch_and_evaluate_has_a_bar():
    file = io.StringIO()
    calls = CallbackList(ProgressBar(file=file), verbose=1, epochs=1, steps=2)
    calls.on_train_begin()
    calls.on_epoch_begin(0)
    calls.on_train_batch_end(1, {})
    calls.on_test_begin()
    calls.on_test_batch_end(0, {})
    calls.on_test_end({"loss": 9})
    calls.on_epoch_end(0, {"loss": 1})
    calls.on_train_end()
    assert next(filter(None, lines(file))).startswith("Epoch 1/1: 100%")
    assert "Evaluate" not in file.getvalue()
    calls.on_test_begin()
    calls.on_test_batch_end(1, {})
    calls.on_test_end({"loss": 9})
    assert lines(file)[-2].startswith("Evaluate: 100%")
    assert lines(file)[-2].endswith("loss: 9.0000]")
    calls.on_predict_begin()
    calls.on_predict_batch_end(1, {"outputs": np.ones(3)})
    calls.on_predict_end()
    assert lines(file)[-2].startswith("Predict: 100%")
    assert lines(file)[-2].endswith("step/s]")


def test_verbose_2_is_a_line_per_epoch(monkeypatch, capsys):
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    calls = CallbackList(ProgressBar(), verbose=2, epochs=2, steps=4)
    calls.on_train_begin()
    for epoch in range(2):
        calls.on_epoch_begin(epoch)
        clock.now += 2.0
        calls.on_train_batch_end(3, {})
        calls.on_epoch_end(epoch, {"loss": 0.25})
    calls.on_train_end()
    calls.on_predict_begin()
    calls.on_predict_end()
    assert capsys.readouterr() == (
        "Epoch 1/2 - 4 steps - 2.0 s - 500 ms/step - loss: 0.2500\n"
        "Epoch 2/2 - 4 steps - 2.0 s - 500 ms/step - loss: 0.2500\n"
        "Predict - 0 steps - 0.0 s - 0 ms/step\n",
        "",
    )


def test_verbose_0_shows_nothing(capsys):
    fit(ProgressBar(), losses(1, 2), verbose=0)
    assert capsys.readouterr() == ("", "")
    calls = CallbackList(ProgressBar(), verbose=0, epochs=1, steps=1)
    calls.on_epoch_begin(0)
    calls.on_train_batch_end(0, lambda: 1 / 0)
    calls.on_epoch_end(0, {})
    assert capsys.readouterr() == ("", "")


def test_messages_go_around_the_bar(capsys):
    fit([TerminateOnNaN(), EarlyStopping(verbose=1)], losses(1, 2, 3), steps=2, verbose=1)
    out, err = capsys.readouterr()
    assert out == "EarlyStopping: stopped after epoch 2.\n"
    assert err.count("Epoch") == 2
