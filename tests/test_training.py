"""compile, fit, evaluate, predict: on real data, in every form, and what happens when it goes
wrong."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris

import kerasnb
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.models.arrays import DataWarning

RNG = np.random.default_rng(0)


def small_model(units=3, features=4, loss="sparse_categorical_crossentropy", **compile_arguments):
    model = kerasnb.Sequential(
        [
            kerasnb.Input((features,), name="features"),
            layers.Dense(8, "tanh", name="hidden"),
            layers.Dense(units, "softmax", name="head"),
        ],
        name="net",
    )
    compile_arguments.setdefault("metrics", ["accuracy"])
    model.compile("adam", loss, **compile_arguments)
    return model


def iris():
    bunch = load_iris()
    x = bunch.data.astype("float32")
    return (x - x.mean(0)) / x.std(0), bunch.target.astype("int32")


def state_of(model):
    """Everything that training changes."""
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(v.numpy()) for v in variables]


def assert_same_state(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


# Real data


def test_iris_is_learned():
    x, y = iris()
    model = small_model()
    model.compile(
        kerasnb.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(x, y, epochs=30, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    assert history.history["loss"][-1] < history.history["loss"][0] / 3
    assert history.epoch == list(range(30))


def test_digits_with_a_convolutional_network():
    digits = load_digits()
    x = (digits.images / 16).astype("float32")[..., None]
    y = digits.target.astype("int32")
    order = RNG.permutation(len(x))
    x, y = x[order], y[order]
    model = kerasnb.Sequential(
        [
            kerasnb.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        kerasnb.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x[:1400], y[:1400], epochs=6, verbose=0)
    _, accuracy = model.evaluate(x[1400:], y[1400:], verbose=0)
    assert accuracy > 0.9
    predictions = model.predict(x[1400:], verbose=0)
    assert np.mean(predictions.argmax(1) == y[1400:]) == pytest.approx(accuracy, abs=1e-6)
    np.testing.assert_allclose(predictions.sum(1), 1.0, rtol=1e-5)


def test_binary_classification_with_auc():
    kerasnb.backend.clear_session()  # the logs' names count from what was made before
    bunch = load_breast_cancer()
    x = (bunch.data - bunch.data.mean(0)) / bunch.data.std(0)
    y = bunch.target.astype("float32")
    model = kerasnb.Sequential([kerasnb.Input((30,)), layers.Dense(1, "sigmoid")])
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy", "auc"])
    history = model.fit(x, y, epochs=20, validation_split=0.2, verbose=0)
    assert history.history["val_auc"][-1] > 0.97
    assert list(history.history) == [
        "loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc",
    ]  # fmt: skip


def test_regression():
    bunch = load_diabetes()
    x, y = bunch.data * 20, bunch.target / 100
    model = kerasnb.Sequential([kerasnb.Input((10,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(x, y, epochs=40, verbose=0)
    # a least-squares fit explains about half of the variance of these targets (0.595)
    assert model.evaluate(x, y, verbose=0)[0] < 0.36


def test_an_lstm_learns_to_count():
    x = RNG.integers(0, 2, (512, 10, 1)).astype("float32")
    y = x.sum((1, 2))
    model = kerasnb.Sequential([kerasnb.Input((10, 1)), layers.LSTM(12), layers.Dense(1)])
    model.compile(kerasnb.optimizers.Adam(0.02), "mse")
    history = model.fit(x, y, epochs=40, verbose=0)
    assert history.history["loss"][-1] < 0.2
    assert history.history["loss"][0] > 4


# Forms of data


def two_ended_model():
    a, b = kerasnb.Input((4,), name="a"), kerasnb.Input((2,), name="b")
    joined = layers.concatenate([a, b])
    outputs = [
        layers.Dense(1, name="size")(joined),
        layers.Dense(3, "softmax", name="kind")(joined),
    ]
    model = kerasnb.Model([a, b], outputs)
    model.compile(
        "sgd",
        {"size": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"size": 0.5, "kind": 2.0},
        metrics={"kind": ["accuracy"]},
    )
    return model


def two_ended_data(n=40):
    x = [RNG.normal(size=(n, 4)).astype("f4"), RNG.normal(size=(n, 2)).astype("f4")]
    return x, [RNG.normal(size=(n, 1)).astype("f4"), RNG.integers(0, 3, n).astype("i4")]


def test_several_inputs_and_outputs_as_lists_and_dictionaries():
    x, y = two_ended_data()
    model = two_ended_model()
    weights = model.get_weights()
    as_lists = model.fit(x, y, epochs=2, shuffle=False, verbose=0).history
    model.set_weights(weights)
    named = model.fit(
        dict(zip("ab", x, strict=True)),
        {"size": y[0], "kind": y[1]},
        epochs=2,
        shuffle=False,
        verbose=0,
    ).history
    assert as_lists == named
    assert list(named) == ["loss", "size_loss", "kind_loss", "kind_accuracy"]
    assert named["loss"][0] == pytest.approx(
        0.5 * named["size_loss"][0] + 2 * named["kind_loss"][0], rel=1e-5
    )


def test_generators_and_sequences_give_what_arrays_give():
    x, y = iris()

    class Batches(kerasnb.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return x[i * 30 : (i + 1) * 30], y[i * 30 : (i + 1) * 30]

    def generator():
        while True:
            for i in range(5):
                yield x[i * 30 : (i + 1) * 30], y[i * 30 : (i + 1) * 30]

    losses = []
    for given in ("arrays", "sequence", "generator"):
        kerasnb.utils.set_random_seed(1)
        model = small_model()
        if given == "arrays":
            history = model.fit(x, y, batch_size=30, epochs=2, shuffle=False, verbose=0)
        elif given == "sequence":
            history = model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
        else:
            history = model.fit(generator(), steps_per_epoch=5, epochs=2, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1] == losses[2]


def test_sample_weight_zero_is_as_if_the_sample_were_not_there():
    x, y = iris()
    weight = (y != 2).astype("float32")
    kerasnb.utils.set_random_seed(1)
    model = small_model(metrics=[])
    model.train_on_batch(x, y, sample_weight=weight)
    with_weights = model.get_weights()
    kerasnb.utils.set_random_seed(1)
    model = small_model(metrics=[])
    # the mean goes over all samples, those of weight 0 too: 100 of 150 are left
    model.compile("adam", lambda t, p: ops.sparse_categorical_crossentropy(t, p) * (100 / 150))
    model.train_on_batch(x[y != 2], y[y != 2])
    for a, b in zip(with_weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_class_weight_equals_sample_weight():
    x, y = iris()
    results = []
    for arguments in (
        {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
        {"sample_weight": np.array([1.0, 2.0, 0.5], "f4")[y]},
    ):
        kerasnb.utils.set_random_seed(1)
        results.append(small_model().fit(x, y, epochs=2, verbose=0, **arguments).history["loss"])
    assert results[0] == results[1]


def test_validation_split_takes_the_end_before_shuffling():
    x, y = iris()
    x, y = x[::3], y[::3]
    model = small_model()
    history = model.fit(x, y, validation_split=0.2, epochs=1, verbose=0)
    expected = model.evaluate(x[40:], y[40:], verbose=0, return_dict=True)
    assert history.history["val_loss"][0] == pytest.approx(expected["loss"], rel=1e-6)


def test_one_batch_methods():
    x, y = iris()
    model = small_model()
    logs = model.train_on_batch(x, y, return_dict=True)
    assert set(logs) == {"loss", "accuracy"}
    model.reset_metrics()
    loss, accuracy = model.test_on_batch(x, y)
    assert [loss, accuracy] == pytest.approx(model.evaluate(x, y, batch_size=150, verbose=0))
    np.testing.assert_allclose(
        model.predict_on_batch(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


class Growing(kerasnb.Model):
    """The sum of what its layers give."""

    def __init__(self):
        super().__init__()
        self.parts = [layers.Dense(2)]

    def call(self, x):
        return sum(part(x) for part in self.parts)


def test_predict_on_batch_notices_what_has_changed():
    model, x = Growing(), np.ones((3, 4), "float32")
    first = model.predict_on_batch(x)
    with pytest.raises(ShapeError):
        model.predict_on_batch(np.ones((3, 5), "float32"))
    model.parts.append(layers.Dense(2, bias_initializer="ones"))
    both = model.predict_on_batch(x)
    np.testing.assert_allclose(both, first + model.parts[1](x).numpy(), rtol=1e-5)
    step = model._steps["predict"]
    assert model.predict_on_batch(x[:2]).shape == (2, 2)
    assert model._steps["predict"] is step
    model.parts[0].trainable = False
    model.predict_on_batch(x)
    assert model._steps["predict"] is not step


def test_initial_epoch_and_steps_per_epoch():
    x, y = iris()
    history = small_model().fit(
        x, y, initial_epoch=3, epochs=5, steps_per_epoch=2, batch_size=10, verbose=0
    )
    assert history.epoch == [3, 4]


# Reproducible, whole steps only


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_seed_makes_two_runs_bitwise_equal(run_eagerly):
    x, y = iris()
    states = []
    for _ in range(2):
        kerasnb.utils.set_random_seed(7)
        model = kerasnb.Sequential(
            [
                kerasnb.Input((4,)),
                layers.Dense(8, "relu"),
                layers.Dropout(0.5),
                layers.Dense(3, "softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=run_eagerly)
        model.fit(x, y, epochs=2, verbose=0)
        states.append(state_of(model))
    assert_same_state(*states)


def test_eager_and_traced_training_agree():
    x, y = iris()
    weights = []
    for run_eagerly in (False, True):
        kerasnb.utils.set_random_seed(7)
        model = small_model(run_eagerly=run_eagerly)
        model.fit(x, y, epochs=1, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


class InterruptAt(kerasnb.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_an_interrupt_leaves_whole_steps_and_the_next_fit_works(run_eagerly):
    x, y = iris()
    kerasnb.utils.set_random_seed(7)
    model = small_model(run_eagerly=run_eagerly)
    with pytest.raises(KeyboardInterrupt):
        model.fit(
            x, y, epochs=3, batch_size=50, shuffle=False, verbose=0, callbacks=[InterruptAt(4)]
        )
    assert model.history.stopped_by == "interrupt"
    assert model.history.epoch == [0]
    assert model.history.partial["epoch"] == 1
    assert model.history.partial["step"] == 1
    assert int(model.optimizer.iterations) == 4
    interrupted = state_of(model)

    kerasnb.utils.set_random_seed(7)
    other = small_model(run_eagerly=run_eagerly)
    for i in (0, 1, 2, 0):
        other.train_on_batch(x[50 * i : 50 * i + 50], y[50 * i : 50 * i + 50])
    assert_same_state(interrupted, state_of(other))
    assert model.fit(x, y, epochs=1, verbose=0).epoch == [0]


def test_an_interrupt_inside_a_step_leaves_the_state_before_it(monkeypatch):
    x, y = iris()
    model = small_model()
    model.fit(x, y, epochs=1, verbose=0)
    before = state_of(model)
    program = next(iter(model._steps["train"]._programs.values()))

    def interrupted(arrays, kept):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "plan", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=1, verbose=0)
    assert_same_state(before, state_of(model))


def test_callbacks_can_stop():
    class Stop(kerasnb.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    x, y = iris()
    history = small_model().fit(x, y, epochs=9, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0, 1]
    assert history.stopped_by == "callback"


def test_frozen_weights_do_not_change():
    x, y = iris()
    model = small_model()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(x, y, epochs=1, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])


# Custom parts, each small


def test_custom_layer_with_add_loss():
    class Sparse(kerasnb.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * ops.sum(ops.abs(inputs)))
            return inputs

    inputs = kerasnb.Input((4,))
    model = kerasnb.Model(inputs, Sparse()(inputs))
    model.compile("sgd", "mse")
    x = np.ones((2, 4), "f4")
    assert model.evaluate(x, x, verbose=0) == pytest.approx(0.8)


def test_regularizers_are_part_of_the_loss():
    model = kerasnb.Sequential(
        [kerasnb.Input((1,)), layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones")]
    )
    model.compile("sgd", "mse")
    x = np.ones((2, 1), "f4")
    assert model.evaluate(x, x, verbose=0) == pytest.approx(0.01)


def test_custom_loss_metric_optimizer_and_initializer():
    def cubic(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)

    class Largest(kerasnb.Metric):
        def __init__(self, name="largest"):
            super().__init__(name=name)
            self.value = self.add_variable((), "zeros", name="value")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(ops.maximum(self.value, ops.max(ops.abs(y_pred))))

        def result(self):
            return self.value.value

    class Sign(kerasnb.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(learning_rate * ops.sign(gradient))

    def quarter(shape, dtype=None):
        return ops.full(shape, 0.25, dtype)

    model = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(1, kernel_initializer=quarter)])
    model.compile(Sign(learning_rate=0.01), cubic, metrics=[Largest()])
    logs = model.train_on_batch(np.ones((3, 2), "f4"), np.zeros((3, 1), "f4"), return_dict=True)
    assert logs["loss"] == pytest.approx(0.125)
    assert logs["largest"] == pytest.approx(0.5)
    np.testing.assert_allclose(model.get_weights()[0], np.full((2, 1), 0.24), rtol=1e-6)


class ByHand(kerasnb.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)
        self.tracker = kerasnb.metrics.Mean(name="my_loss")

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data

        def loss():
            return ops.mean(ops.sparse_categorical_crossentropy(y, self(x, training=True), True))

        value, gradients = kerasnb.value_and_grad(loss, variables=self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.tracker.update_state(value)
        return {"my_loss": self.tracker.result()}

    @property
    def metrics(self):
        return [self.tracker]


def test_train_step_can_be_overridden():
    x, y = iris()
    model = ByHand()
    model.compile(optimizer="adam")
    history = model.fit(x, y, epochs=5, verbose=0)
    assert list(history.history) == ["my_loss"]
    assert history.history["my_loss"][-1] < history.history["my_loss"][0]


# Errors: before any work, each text whole


def check_untouched(model, call, error, text):
    before = [np.array(w) for w in model.get_weights()]
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_not_compiled():
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(3)], name="net")
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        check_untouched(
            model,
            lambda method=method: getattr(model, method)(*iris()),
            GraphError,
            f"Model 'net' is not compiled: call compile(optimizer, loss) before {method}().",
        )


@pytest.mark.parametrize("labels", [[0, 1, 3], [-1, 0, 1]])
def test_label_out_of_range(labels):
    x = np.ones((3, 4), "f4")
    check_untouched(
        small_model(),
        lambda: small_model().fit(x, np.array(labels), verbose=0),
        ShapeError,
        "Loss 'sparse_categorical_crossentropy': labels must lie between 0 and 2, as the output "
        "has 3 "
        f"units, but they go from {min(labels)} to {max(labels)}. Give the last layer "
        f"{max(labels) + 1} units, or renumber the labels.",
    )


@pytest.mark.parametrize("form", ["arrays", "generator"])
def test_index_out_of_an_embedding(form):
    model = kerasnb.Sequential(
        [kerasnb.Input((3,), dtype="int32"), layers.Embedding(5, 2, name="words"), layers.Flatten()]
    )
    model.compile("sgd", "mse")
    good, bad = np.ones((2, 3), "i4"), np.full((2, 3), -1, "i4")
    y = np.zeros((2, 6), "f4")

    def fit():
        if form == "arrays":
            model.fit(np.concatenate([good, bad]), np.concatenate([y, y]), verbose=0)
        else:
            model.optimizer.learning_rate = 0.0  # the first batch is good, and a step is made
            model.fit(iter([(good, y), (bad, y)]), steps_per_epoch=2, verbose=0)

    low, high = (-1, 1) if form == "arrays" else (-1, -1)
    check_untouched(
        model,
        fit,
        ShapeError,
        f"Embedding 'words': expected indices from 0 to 4, got {low} to {high}. Raise input_dim, "
        "or "
        "change the data.",
    )


def test_wrong_number_of_features():
    model = small_model()
    check_untouched(
        model,
        lambda: model.fit(np.ones((3, 5), "f4"), np.zeros(3, "i4"), verbose=0),
        ShapeError,
        "Model 'net', input 'features': expected shape (None, 4), got (3, 5).",
    )


def test_unknown_names_list_close_ones():
    model = small_model()
    for arguments, text in (
        ({"optimizer": "adamm"}, "Unknown optimizer 'adamm'. Did you mean 'adam'"),
        (
            {"loss": "mean_square_error"},
            "Unknown loss 'mean_square_error'. Did you mean 'mean_squared_error'",
        ),
        ({"metrics": ["acuracy"]}, "Unknown metric 'acuracy'. Did you mean"),
    ):
        with pytest.raises(ArgumentError) as caught:
            model.compile(**{"optimizer": "adam", "loss": "mse", **arguments})
        assert str(caught.value).startswith(text)


def test_nan_in_the_data_is_named():
    x, y = iris()
    x[3, 1] = np.nan
    with pytest.warns(DataWarning, match="x"):
        small_model().fit(x, y, epochs=1, verbose=0)


def test_nothing_to_minimise():
    model = small_model()
    model.compile("adam")
    with pytest.raises(ArgumentError) as caught:
        model.fit(*iris(), verbose=0)
    assert str(caught.value) == (
        "Model 'net' has nothing to minimise: compile with a loss (and give y), or call add_loss "
        "in a "
        "layer."
    )


def test_loss_for_an_output_that_does_not_exist():
    model = two_ended_model()
    model.compile("sgd", {"size": "mse", "sort": "mse"})
    with pytest.raises(ArgumentError) as caught:
        model.fit(*two_ended_data(), verbose=0)
    assert str(caught.value) == (
        "compile: loss names the output 'sort'; the outputs are size, kind."
    )


class Watch(kerasnb.callbacks.Callback):
    started = False

    def on_train_begin(self, logs=None):
        self.started = True


@pytest.mark.parametrize(
    ("y", "error", "start"),
    [
        (None, ArgumentError, "Model 'net' was compiled with a loss, but no targets came: pass y."),
        (np.zeros((3, 7), "f4"), ShapeError, ""),
    ],
)
def test_targets_that_do_not_fit_are_found_before_training_begins(y, error, start):
    model, watch = small_model(), Watch()
    with pytest.raises(error) as caught:
        model.fit(np.ones((3, 4), "f4"), y, verbose=0, callbacks=[watch])
    assert str(caught.value).startswith(start)
    assert not watch.started


def test_the_best_model_is_kept_whole(tmp_path):
    path = tmp_path / "best.keras"
    checkpoint = kerasnb.callbacks.ModelCheckpoint(path, "loss", save_best_only=True)
    model, (x, y) = small_model(), iris()
    model.fit(x, y, verbose=0, callbacks=[checkpoint])
    best = kerasnb.models.load_model(path)
    np.testing.assert_array_equal(best.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_forgotten_super_init_is_named_by_compile():
    class Forgetful(kerasnb.Model):
        def __init__(self):
            self.units = 3

    with pytest.raises(GraphError) as caught:
        Forgetful().compile("sgd", "mse")
    assert str(caught.value) == (
        "Forgetful.__init__ must call super().__init__() before the layer is used."
    )


def test_epochs_must_be_whole():
    with pytest.raises(ArgumentError) as caught:
        small_model().fit(*iris(), epochs=1e1, verbose=0)
    assert str(caught.value) == "fit: epochs must be a whole number, got 10.0."


def test_freezing_a_normalization_without_weights_takes_effect():
    model = kerasnb.Sequential(
        [kerasnb.Input((3,)), layers.BatchNormalization(center=False, scale=False), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "f4"), np.ones((4, 1), "f4")
    model.train_on_batch(x, y)
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()
    model.train_on_batch(x, y)
    for a, b in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_per_execution_must_be_whole_and_positive():
    with pytest.raises(ArgumentError) as caught:
        small_model(steps_per_execution=0)
    assert str(caught.value) == (
        'compile: steps_per_execution must be "auto" or a whole number from 1, got 0.'
    )


def test_one_batch_of_lists_has_all_rows():
    model = kerasnb.Sequential([kerasnb.Input((2,)), kerasnb.layers.Dense(1)])
    model.compile("sgd", "mse")
    rows = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert model.predict_on_batch(rows).shape == (3, 1)
    of_lists = model.test_on_batch(rows, [[0.0], [1.0], [9.0]])
    assert of_lists == model.test_on_batch(np.array(rows), np.array([[0.0], [1.0], [9.0]]))


def test_a_model_without_trainable_weights_warns():
    model = kerasnb.Sequential([kerasnb.Input((2,)), kerasnb.layers.Rescaling(2.0)], name="fixed")
    model.compile("sgd", "mse")
    text = "Model 'fixed' has no trainable weights: training changes nothing."
    with pytest.warns(UserWarning, match=text):
        history = model.fit(np.ones((4, 2)), np.zeros((4, 2)), epochs=2, verbose=0)
    assert history.history["loss"] == [4.0, 4.0]
    assert int(model.optimizer.iterations) == 0
