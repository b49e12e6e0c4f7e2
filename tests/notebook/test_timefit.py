"""`timefit`: what it compares, that every run is equal work, and that nothing is left changed."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
from second_backend import REASON, alone, gpu, no_gpu  # noqa: F401

import kerasnb
from kerasnb import backends, layers
from kerasnb.callbacks import Callback, CallbackList, EarlyStopping, History, LambdaCallback
from kerasnb.errors import ArgumentError, BackendError, GraphError
from kerasnb.models.trainer import Trainer
from kerasnb.notebook.fit_times import FitTimes
from kerasnb.notebook.timing import ENGINES, backend_name, timefit
from kerasnb.random import SeedGenerator

X = np.random.default_rng(1).normal(size=(40, 4)).astype("float32")
Y = np.random.default_rng(2).integers(0, 3, 40)


def make_model(compiled=True, **kwargs):
    """A model whose steps draw random numbers, and keep moving averages."""
    model = kerasnb.Sequential(
        [
            kerasnb.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **kwargs)
    return model


def fitting(model, **kwargs):
    return lambda: model.fit(X, Y, batch_size=10, **kwargs)


def labels(table):
    return [(row["backend"], row["engine"]) for row in table.rows]


# What is compared

CHOICES = {
    "all that works": (None, None, [("numpy", None), ("cupy", None)]),
    "words for backends": (["gpu", "cpu"], None, [("cupy", None), ("numpy", None)]),
    "one backend": ("numpy", None, [("numpy", None)]),
    "each once": (["cpu", "numpy", "auto"], None, [("numpy", None), ("cupy", None)]),
    "engines on the present backend": (
        None,
        ["eager", "compiled"],
        [("numpy", "eager"), ("numpy", "compiled")],
    ),
    "both": (
        ["numpy", "cupy"],
        ["reference", "eager"],
        [("numpy", "reference"), ("numpy", "eager"), ("cupy", "reference"), ("cupy", "eager")],
    ),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", CHOICES)
def test_configurations(name):
    chosen, engines, expected = CHOICES[name]
    table = timefit(fitting(make_model()), chosen, engines)
    assert labels(table) == expected
    assert table.unusable == {}


@pytest.mark.usefixtures("gpu")
def test_the_present_backend_comes_first():
    backends.use("cupy")
    assert labels(timefit(fitting(make_model()))) == [("cupy", None), ("numpy", None)]
    assert backends.current().name == "cupy"


@pytest.mark.usefixtures("no_gpu")
def test_one_backend_alone_compares_engines():
    table = timefit(fitting(make_model()))
    assert labels(table) == [("numpy", engine) for engine in ENGINES]
    assert table.unusable == {"cupy": REASON}


@pytest.mark.usefixtures("no_gpu")
def test_what_is_asked_for_and_does_not_work_is_listed():
    table = timefit(fitting(make_model()), ["gpu", "cpu"])
    assert labels(table) == [("numpy", None)]
    assert repr(table).splitlines()[-1] == f"Left out: cupy. {REASON}"


@pytest.mark.usefixtures("no_gpu")
def test_words_without_a_gpu():
    assert [backend_name(w) for w in ("auto", "cpu", "gpu", "x")] == ["numpy", "numpy", "cupy", "x"]


@pytest.mark.usefixtures("gpu")
def test_words_with_a_gpu():
    assert backend_name("auto") == "cupy"


# Equal work


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("prepared", ["new", "trained", "not built"])
def test_every_run_does_the_same(prepared):
    model = make_model()
    if prepared == "not built":
        model = kerasnb.Sequential([layers.Dense(8), layers.Dropout(0.5), layers.Dense(3)])
        model.compile("adam", "sparse_categorical_crossentropy")
    if prepared == "trained":
        fitting(model)()
    seen = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    timefit(fitting(model, callbacks=[watch]), engines=["reference", "eager"], repeat=2)
    assert len(seen) == 4
    # eager and traced add up in the same order here: equal to the last bit
    assert len(set(seen)) == 1
    across = timefit(fitting(model), ["numpy", "cupy"])
    # the GPU's route adds up in other pieces: a few units in the last place of float32
    assert across.rows[1]["loss"] == pytest.approx(across.rows[0]["loss"], rel=1e-5)
    assert across.rows[0]["loss"] == seen[0]


def test_a_model_made_by_the_function_is_the_same_each_time():
    losses = []

    def function():
        losses.append(fitting(make_model(), epochs=2)().history["loss"])

    timefit(function, engines=["reference", "eager"], repeat=2)
    assert losses == [losses[0]] * 4


def state_of(model):
    """All that training changes, as plain data; and who is who."""
    variables = [*model.variables, *(v for m in model.metrics for v in m.variables)]
    if model.optimizer is not None:
        variables += model.optimizer.variables
    return (
        [(id(v), v.path, v.trainable, v.numpy().tolist()) for v in variables],
        [(id(layer), layer.built) for layer in model._flatten_layers()],
        model.optimizer is not None and (id(model.optimizer), model.optimizer.built),
        (model.run_eagerly, model.jit_compile, model.stop_training, model.compiled),
        (id(model.history), model.history and dict(model.history.history)),
        (id(model._steps), list(model._steps), set(model._rehearsed)),
        (random.getstate(), np.random.get_state()[1].tolist(), backends.current().name),
    )


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("prepared", ["not compiled", "compiled", "trained", "not built"])
@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_as_before(prepared, fails):
    model = make_model(compiled=prepared != "not compiled", jit_compile=False)
    if prepared == "not built":
        model = kerasnb.Sequential([layers.Dense(8), layers.Dropout(0.5), layers.Dense(3)])
        model.compile("adam", "sparse_categorical_crossentropy")
    if prepared == "trained":
        fitting(model)()
    generator, notes = SeedGenerator(3), History()
    model.notes = notes  # an attribute of the user's, with a list in it
    before = state_of(model), generator.state.numpy().tolist()
    fit = Trainer.fit

    def function():
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
        generator.next()
        model.layers[0].trainable = False
        model.fit(X, Y, callbacks=[notes])
        np.random.normal()
        if fails:
            raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            timefit(function, ["numpy", "cupy"])
    else:
        timefit(function, ["numpy", "cupy"])
    assert (state_of(model), generator.state.numpy().tolist()) == before
    assert notes.history == {}
    assert Trainer.fit is fit
    assert {type(v.value.data) for v in model.variables} <= {np.ndarray}


def test_each_run_traces_anew():
    traces = []

    class Mine(kerasnb.Sequential):
        def train_step(self, data):
            traces.append(1)
            return super().train_step(data)

    model = Mine([kerasnb.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    fitting(model, epochs=2)()
    assert len(traces) == 1
    timefit(fitting(model, epochs=2), "numpy", repeat=2)
    assert len(traces) == 3
    fitting(model)()
    assert len(traces) == 3  # what was traced before is there again


def test_training_goes_on_after_it():
    model, other = make_model(), make_model()
    other.set_weights(model.get_weights())
    histories = []
    for each in (model, other):
        kerasnb.utils.set_random_seed(3)
        each.layers[2].seed_generator = SeedGenerator(5)
        each._forget_programs()
        fitting(each)()
        if each is model:
            timefit(fitting(each, epochs=2), engines=["eager", "compiled"])
        histories.append(fitting(each)().history)
    assert histories[0] == histories[1]


# What is timed


class Batches(kerasnb.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[: 5 + index], Y[: 5 + index]


def endless():
    while True:
        yield X[:7], Y[:7]


COUNTS = {
    "arrays": (lambda m: m.fit(X, Y, batch_size=16, epochs=2), 6, 80),
    "validation": (lambda m: m.fit(X, Y, batch_size=8, epochs=2, validation_split=0.25), 8, 60),
    "a data set": (lambda m: m.fit(Batches(), epochs=2), 6, 36),
    "a generator": (lambda m: m.fit(endless(), steps_per_epoch=4), 4, 28),
    "two fits": (lambda m: (m.fit(X, Y), m.fit(Batches())), 5, 58),
    "in the background": (lambda m: m.fit(X, Y, background=True), 2, 40),
    "in the background, waited for": (lambda m: m.fit(X, Y, background=True).result(), 2, 40),
    "one step": (lambda m: m.fit(X, Y, batch_size=40), 1, 40),
    "no step": (lambda m: m.fit(X, Y, epochs=0), 0, 0),
    "stopped by a callback": (
        lambda m: m.fit(X, Y, epochs=5, callbacks=EarlyStopping("loss", min_delta=100)),
        4,
        80,
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_steps_and_samples(name):
    function, steps, samples = COUNTS[name]
    model = make_model()
    (row,) = timefit(lambda: function(model), "numpy").rows
    assert (row["steps"], row["samples"]) == (steps, samples)
    more = steps > 1
    assert (row["first_step"] is None) is (steps == 0)
    assert (row["ms_per_step"] is None, row["speed"] is None) == (not more, not more)
    if more:
        first = row["first_step"]
        assert 0 < first < row["seconds"]
        fits = 2 if name == "two fits" else 1
        expected = (row["seconds"] - first) / (steps - fits)
        assert row["ms_per_step"] == pytest.approx(1e3 * expected)
        assert row["samples_per_second"] == pytest.approx(samples / steps / expected)


def test_several_steps_an_execution():
    model = make_model(steps_per_execution=3)
    (row,) = timefit(fitting(model), "numpy").rows
    assert (row["steps"], row["samples"]) == (4, 40)
    assert row["ms_per_step"] == pytest.approx(1e3 * (row["seconds"] - row["first_step"]))


def test_only_fit_is_timed(monkeypatch):
    clock = iter(range(1000))
    watch = SimpleNamespace(perf_counter=lambda: float(next(clock)))
    monkeypatch.setattr("kerasnb.notebook.timing.time", watch)
    model = make_model()

    def function():
        for _ in range(100):
            next(clock)
        model.fit(X, Y)
        for _ in range(100):
            next(clock)

    (row,) = timefit(function, "numpy").rows
    assert (row["seconds"], row["first_step"], row["ms_per_step"]) == (2.0, 1.0, 1000.0)


def test_a_fit_within_a_fit_is_part_of_it():
    model, inner = make_model(), make_model()

    class Nested(Callback):
        def on_epoch_end(self, epoch, logs=None):
            inner.fit(X, Y, verbose=0)

    (row,) = timefit(fitting(model, callbacks=[Nested()]), "numpy").rows
    assert row["steps"] == 4


def test_a_fit_of_ones_own_that_calls_the_package():
    class Mine(kerasnb.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def fit(self, x, y):
            return super().fit(x, y, verbose=1)

    model = Mine()
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert timefit(lambda: model.fit(X, Y), "numpy").rows[0]["steps"] == 2


def test_a_training_step_of_ones_own_without_a_loss():
    class Mine(kerasnb.Sequential):
        def train_step(self, data):
            return {"size": kerasnb.ops.sum(data[0] * 0 + 1)}

    model = Mine([kerasnb.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    table = timefit(fitting(model), "numpy")
    assert (table.rows[0]["loss"], table.rows[0]["samples"]) == (None, 0)
    assert table.rows[0]["samples_per_second"] is None
    assert table.cells()[0][4:6] == ["–", "–"]


def test_repeat_shows_the_median_and_warmup_is_not_timed():
    turns = []
    model = make_model()

    def function():
        turns.append((backends.current().name, model.run_eagerly))
        model.fit(X, Y)

    # one run an engine would not be interleaved
    flags = []
    watch = LambdaCallback(on_train_begin=lambda logs: flags.append(model.run_eagerly))
    timefit(fitting(model, callbacks=[watch]), engines=["compiled", "eager"], repeat=2, warmup=1)
    assert flags == [False, True] * 3
    timefit(function, "numpy", repeat=3, warmup=2)
    assert turns == [("numpy", False)] * 5


def test_fits_are_silent(capsys):
    model = make_model()
    shown = CallbackList([History()], add_progbar=True, model=model, verbose=1, epochs=1, steps=4)
    for verbose in (1, 2, "auto"):
        timefit(fitting(model, verbose=verbose), "numpy")
    timefit(lambda: model.fit(X, Y, callbacks=shown), "numpy")
    assert capsys.readouterr() == ("", "")


def test_engine_is_set_while_fit_runs_only():
    model, flags = make_model(jit_compile=False), []

    def note(*_):
        flags.append((model.run_eagerly, model.jit_compile))

    def function():
        note()
        model.fit(X, Y, callbacks=[LambdaCallback(on_train_begin=note)])
        note()

    timefit(function, "numpy", ["compiled", "eager", "reference"])
    own = (False, False)
    assert flags == [
        *(own, (False, "auto"), own),
        *(own, (True, False), own),
        *(own, (False, False), own),
    ]


# Errors


def test_errors():
    model = make_model()
    run = fitting(model)
    cases = {
        "timefit: repeat must be a whole number from 1, got 0.": {"repeat": 0},
        "timefit: warmup must be a whole number from 0, got -1.": {"warmup": -1},
        "timefit: repeat must be a whole number from 1, got 1.5.": {"repeat": 1.5},
        "Unknown engine 'eagerly'. Did you mean 'eager'?": {"engines": "eagerly"},
        "Unknown backend 'cuppy'. Did you mean 'cupy' or 'numpy'?": {"backends": ["cuppy"]},
    }
    for text, kwargs in cases.items():
        with pytest.raises(ArgumentError) as error:
            timefit(run, **kwargs)
        assert str(error.value) == text


def test_no_fit():
    with pytest.raises(ArgumentError) as error:
        timefit(lambda: None, "numpy")
    assert str(error.value) == "timefit: fit was not called, so there is nothing to compare."


@pytest.mark.usefixtures("no_gpu")
def test_no_backend():
    with pytest.raises(BackendError) as error:
        timefit(lambda: None, "gpu")
    assert str(error.value) == REASON


@pytest.mark.usefixtures("alone")
def test_not_while_a_model_is_trained():
    model = make_model()
    training = model.fit(X, Y, epochs=10**6, verbose=0, background=True)
    try:
        with pytest.raises(GraphError) as error:
            timefit(fitting(make_model()), "numpy")
    finally:
        training.stop()
        training.wait()
    assert str(error.value) == (
        f"timefit: model {model.name!r} is being trained. Wait until it has ended, or end it with "
        "model.current_training.stop()."
    )


@pytest.mark.parametrize("absorbed", [False, True])
def test_an_interrupt_ends_everything(monkeypatch, absorbed):
    monkeypatch.setattr("kerasnb.models.trainer.absorbs_interrupt", lambda: absorbed)
    model, runs = make_model(), []
    before = state_of(model)

    def interrupt(*_):
        runs.append(1)
        raise KeyboardInterrupt

    watch = LambdaCallback(on_train_batch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        timefit(fitting(model, callbacks=[watch]), engines=["compiled", "eager"], repeat=3)
    assert runs == [1]
    assert state_of(model) == before


def test_an_interrupt_while_training_in_the_background_ends_it(monkeypatch):
    model, seen = make_model(), []

    def interrupted(self, timeout=None):
        seen.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr("kerasnb.models.training.Training.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        timefit(lambda: model.fit(X, Y, epochs=20_000, background=True), "numpy")
    assert not seen[0].running
    assert seen[0].history.stopped_by == "user"
    assert model.current_training is None


# The table

ROW = {
    "backend": "numpy", "engine": None, "steps": 8, "samples": 80, "seconds": 1.5,
    "first_step": 0.25, "ms_per_step": 12.25, "samples_per_second": 12345.6, "loss": 0.123456,
    "speed": 1.0,
}  # fmt: skip
OTHER = {**ROW, "backend": "cupy", "engine": "eager", "seconds": 0.0125, "speed": 104.4}
UNKNOWN = {**ROW, **dict.fromkeys(("first_step", "ms_per_step", "loss", "speed"))}


def test_text():
    assert repr(FitTimes([ROW, OTHER, UNKNOWN], {"tpu": "There is none."})) == (
        "configuration      fit  first step  ms/step  samples/s    loss  speed\n"
        "numpy           1.50 s      250 ms     12.2     12,346  0.1235  1.00×\n"
        "cupy, eager    12.5 ms      250 ms     12.2     12,346  0.1235   104×\n"
        "numpy           1.50 s           –        –     12,346       –      –\n"
        "Speed: steps per second after the first step, which holds the tracing.\n"
        "Left out: tpu. There is none."
    )


def test_rows_are_plain_data():
    table = timefit(fitting(make_model()), "numpy", ["compiled", "eager"])
    assert json.loads(json.dumps(table.rows)) == table.rows
    assert list(table.rows[0]) == list(ROW)
    assert table.rows[0]["speed"] == 1.0


def test_html_is_escaped():
    evil = "<img src=x onerror=alert(1)>&\"'"
    page = FitTimes([{**ROW, "backend": evil, "engine": evil}], {evil: evil})._repr_html_()
    assert "<img" not in page
    safe = "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;"
    assert f'<th scope="row">{safe}, {safe}</th><td>1.50 s</td><td>250 ms</td>' in page
    assert page.endswith(f"<p>Left out: {safe}. {safe}</p>")
    assert page.startswith('<table><thead><tr><th scope="col">configuration</th>')
