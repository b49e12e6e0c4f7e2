"""Policies: in which type layers compute, keep their weights, and what `compile` makes of it."""

import logging

import numpy as np
import pytest

import kerasnb
from kerasnb import config, layers, ops, optimizers
from kerasnb.errors import ArgumentError, DTypeError


@pytest.fixture(autouse=True)
def _policy_as_before():
    yield
    config.set_dtype_policy(None)


@pytest.fixture
def mixed():
    config.set_dtype_policy("mixed_float16")


def test_a_policy_has_two_types_and_one_name():
    policy = kerasnb.DTypePolicy("mixed_float16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("float16", "float32")
    assert policy == kerasnb.mixed_precision.Policy("mixed_float16") != "mixed_float16"
    assert len({policy, kerasnb.DTypePolicy("mixed_float16")}) == 1
    assert repr(policy) == '<DTypePolicy "mixed_float16">'


def test_the_policy_in_force_is_that_of_floatx_until_one_is_set():
    assert config.dtype_policy().name == "float32"
    config.set_floatx("float64")
    try:
        assert config.dtype_policy().name == layers.Dense(1).dtype == "float64"
    finally:
        config.set_floatx("float32")
    kerasnb.mixed_precision.set_global_policy("mixed_float16")
    assert kerasnb.mixed_precision.global_policy().name == "mixed_float16"
    assert kerasnb.DTypePolicy().name == "mixed_float16"


@pytest.mark.parametrize("name", ["mixed_bfloat16", "bfloat16"])
def test_bfloat16_is_refused(name):
    with pytest.raises(DTypeError) as error:
        layers.Dense(2, dtype=name)
    assert str(error.value) == (
        f"dtype policy {name!r}: NumPy has no bfloat16. Use 'mixed_float16' (which scales the loss "
        "by itself) or 'float32', which is faster on a CPU."
    )


def test_what_is_no_policy_is_refused():
    with pytest.raises(DTypeError, match=r"^dtype policy 'int8_from_float32': quantised layers"):
        layers.Dense(2, dtype="int8_from_float32")
    with pytest.raises(DTypeError) as error:
        kerasnb.DTypePolicy("mixed_float")
    assert str(error.value) == (
        "Unknown dtype policy 'mixed_float'. Known: mixed_float16, bool, int8, int16, int32, "
        "int64, uint8, uint16, uint32, uint64, float16, float32, float64."
    )
    with pytest.raises(ArgumentError) as error:
        config.set_dtype_policy(16)
    assert str(error.value) == (
        "set_dtype_policy: expected the name of a policy, such as 'mixed_float16', or a "
        "DTypePolicy, got 16."
    )
    with pytest.raises(ArgumentError, match=r"^dtype: expected the configuration of a DTypePolicy"):
        layers.Dense(2, dtype={"class_name": "QuantizedDTypePolicy", "config": {}})


@pytest.mark.usefixtures("mixed")
def test_layers_compute_in_float16_and_keep_float32():
    dense = layers.Dense(3)
    y = dense(np.ones((2, 4), "float32"))
    assert (y.dtype, dense.kernel.dtype, dense.dtype) == ("float16", "float32", "float32")
    assert dense.variable_dtype == "float32"
    assert dense.compute_dtype == dense.input_dtype == "float16"
    assert dense.kernel.value.dtype == "float32"  # outside of the layer it is as it is
    assert dense.compute_output_shape((None, 4)) == (None, 3)
    assert dense.compute_output_spec(y[:, :1] * ops.ones((2, 4), "float16")).dtype == "float16"


@pytest.mark.usefixtures("mixed")
def test_a_layer_sees_its_variables_in_the_type_of_the_computation():
    seen = {}

    class Probe(layers.Layer):
        def build(self, input_shape):
            self.cast = self.add_weight(shape=(2,), initializer="ones", name="cast")
            self.kept = self.add_weight(shape=(2,), autocast=False, name="kept")
            self.whole = self.add_weight(shape=(2,), dtype="int32", name="whole")
            self.inner = layers.Dense(2, dtype="float32")

        def call(self, x):
            seen.update({v.name: v.value.dtype for v in (self.cast, self.kept, self.whole)})
            seen["input"], seen["inner"] = x.dtype, self.inner(x).dtype
            seen["after"] = self.cast.value.dtype
            self.cast.assign_add(np.full(2, 2.0**-12))  # float16 has no 1 + 2⁻¹²
            return x

    probe = Probe()
    probe(np.ones((1, 2), "float32"))
    assert seen == {
        "cast": "float16", "kept": "float32", "whole": "int32", "input": "float16",
        "inner": "float32", "after": "float16",
    }  # fmt: skip
    assert probe.cast.numpy().tolist() == [1 + 2.0**-12] * 2


def test_autocast_false_leaves_inputs_alone():
    dense = layers.Dense(2, dtype="mixed_float16", autocast=False)
    assert dense(np.ones((1, 3), "float32")).dtype == "float32"
    assert layers.Embedding(3000, 1, dtype="mixed_float16")(np.array([[2049.0]])).shape == (1, 1, 1)


def test_indices_given_as_floats_keep_their_digits():
    table = np.arange(3000.0).reshape(3000, 1) % 100
    embedding = layers.Embedding(3000, 1, weights=table, dtype="mixed_float16")
    assert embedding(np.array([[2049.0]], "float32")).numpy().item() == 49.0


def test_sums_of_squares_do_not_overflow():
    x = np.full((4, 8), 300.0, "float32") * np.linspace(0.5, 1, 8, dtype="float32")
    for layer in (layers.LayerNormalization, layers.BatchNormalization, layers.RMSNormalization):
        y = layer(dtype="mixed_float16")(x, training=True).numpy()
        assert y.dtype == "float16"
        assert np.isfinite(y).all()


def test_configurations_name_the_policy():
    dense = layers.Dense(2, dtype="mixed_float16")
    written = dense.get_config()["dtype"]
    assert written == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "mixed_float16"},
        "registered_name": None,
    }
    assert layers.Dense.from_config(dense.get_config()).dtype_policy == dense.dtype_policy
    assert kerasnb.dtype_policies.deserialize(written) == dense.dtype_policy
    assert kerasnb.dtype_policies.serialize(dense.dtype_policy) == written
    assert kerasnb.dtype_policies.get("float16").compute_dtype == "float16"


def test_a_layer_of_ones_own_is_written_with_its_policy():
    class Doubled(layers.Layer):
        def __init__(self, times=2, **kwargs):
            super().__init__(**kwargs)
            self.times = times

        def call(self, x):
            return x * self.times

    written = Doubled(3, dtype=kerasnb.DTypePolicy("mixed_float16")).get_config()
    assert written["times"] == 3
    assert written["dtype"]["config"] == {"name": "mixed_float16"}


@pytest.mark.usefixtures("mixed")
def test_inputs_of_models_keep_their_type():
    model = kerasnb.Sequential([kerasnb.Input((3,)), layers.LayerNormalization(), layers.Dense(2)])
    assert model.inputs[0].dtype == "float32"
    seen = []
    model.layers[0].call = lambda x: seen.append(x.dtype) or ops.cast(x, "float16")
    model(np.ones((1, 3), "float32"))
    assert seen == ["float32"]


def data(count=48):
    x = np.random.default_rng(0).standard_normal((count, 6)).astype("float32")
    return x, (x[:, 0] * x[:, 1] > 0).astype("int32")


def model(run_eagerly=False, optimizer=None, dropout=0.2, **options):
    kerasnb.utils.set_random_seed(5)
    made = kerasnb.Sequential(
        [
            kerasnb.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(2, activation="softmax"),
        ]
    )
    made.compile(
        optimizer or optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"],
        run_eagerly=run_eagerly, **options,
    )  # fmt: skip
    return made


@pytest.mark.usefixtures("mixed")
def test_compiled_is_eager_and_both_learn():
    x, y = data()
    histories = []
    for eager in (False, True):
        made = model(eager)
        histories.append(made.fit(x, y, epochs=4, batch_size=16, verbose=0).history["loss"])
        assert made.predict(x, verbose=0).dtype == "float16"
        assert {w.dtype for w in made.weights} == {"float32"}
    assert histories[0][-1] < histories[0][0]
    # both round to float16 at the same places; what runs in float32 is summed in another order,
    # and a last digit of float32 that tips a rounding of float16 (5e-4) is left
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-3)


@pytest.mark.usefixtures("mixed")
def test_explain_says_what_float16_is_computed_by():
    made = model()
    made.train_on_batch(*data(16))
    text = str(made.explain())
    assert "NumPy   dot_general: a product of float16 and float16 in float16" in text
    assert "native" in text  # what is float32 still is a kernel


def test_float16_is_near_float32():
    x, y = data()
    weights = []
    for policy in ("float32", "mixed_float16"):
        config.set_dtype_policy(policy)
        made = model(optimizer=optimizers.SGD(0.1), dropout=0.0)
        made.fit(x, y, epochs=2, batch_size=16, verbose=0, shuffle=False)
        weights.append(made.get_weights())
    for a, b in zip(*weights, strict=True):
        # six updates by a tenth of gradients of about 1, each known to 5e-4 or so
        np.testing.assert_allclose(a, b, atol=2e-3)
        assert not np.array_equal(a, b)


@pytest.mark.usefixtures("mixed")
def test_compile_scales_the_loss_by_itself():
    assert isinstance(model().optimizer, optimizers.LossScaleOptimizer)
    assert isinstance(model().optimizer.inner_optimizer, optimizers.Adam)
    assert isinstance(model(auto_scale_loss=False).optimizer, optimizers.Adam)
    mine = optimizers.LossScaleOptimizer(optimizers.SGD())
    made = kerasnb.Sequential([layers.Dense(1)])
    made.compile(mine, "mse")
    assert made.optimizer is mine


def test_without_a_mixed_policy_nothing_is_wrapped():
    assert isinstance(model().optimizer, optimizers.Adam)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("eager", [False, True])
def test_a_scale_that_is_too_large_is_halved_and_changes_nothing(eager):
    made = kerasnb.Sequential([kerasnb.Input((6,)), layers.Dense(2, name="a")])
    scaled = optimizers.LossScaleOptimizer(
        optimizers.SGD(0.1), initial_scale=2.0**20, dynamic_growth_steps=2
    )
    made.compile(scaled, "mse", run_eagerly=eager)
    before, x = made.get_weights(), data(8)[0]
    scales = []
    while int(scaled.iterations) == 0:
        assert all(map(np.array_equal, before, made.get_weights()))
        made.train_on_batch(x, np.ones((8, 2)))
        scales.append(scaled.dynamic_scale.item())
    assert len(scales) > 2  # the first steps were left out, without a word
    assert scales[0] == 2.0**19
    assert not any(map(np.array_equal, before, made.get_weights()))
    made.train_on_batch(x, np.ones((8, 2)))
    assert scaled.dynamic_scale.item() == 2 * scales[-1]


@pytest.mark.usefixtures("mixed")
def test_the_learning_rate_is_that_of_the_inner_optimizer():
    x, y = data(16)
    made = model()
    halve = kerasnb.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    made.fit(x, y, epochs=3, verbose=0, callbacks=[halve])
    assert float(made.optimizer.learning_rate) == pytest.approx(0.01 / 8)
    made.optimizer.learning_rate = 0.5
    assert float(made.optimizer.inner_optimizer.learning_rate) == 0.5


def test_small_gradients_vanish_without_a_scale_and_live_with_one():
    config.set_dtype_policy("mixed_float16")
    changed = {}
    for wanted in (False, True):
        made = kerasnb.Sequential([kerasnb.Input((1,)), layers.Dense(1, kernel_initializer="ones")])
        made.compile(optimizers.SGD(1e4), lambda t, p: p * 1e-9, auto_scale_loss=wanted)
        made.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
        changed[wanted] = 1 - made.layers[0].kernel.numpy().item()
    assert changed[False] == 0  # 1e-9 is 0 in float16
    assert changed[True] == pytest.approx(1e-5, rel=2e-2)  # of 32768e-9 float16 keeps three digits


def test_loss_scale_optimizer_refuses_what_belongs_inside():
    inner = optimizers.SGD()
    for arguments, text in (
        ({"clipnorm": 1.0}, "LossScaleOptimizer: clipnorm belongs to the inner optimizer: give it "
         "there."),
        ({"dynamic": False}, "LossScaleOptimizer: dynamic=False is not supported. Give "
         "loss_scale_factor to the inner optimizer instead, without a LossScaleOptimizer."),
        ({"rate": 1}, "LossScaleOptimizer: unknown argument 'rate'."),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as error:
            optimizers.LossScaleOptimizer(inner, **arguments)
        assert str(error.value) == text
    with pytest.raises(ArgumentError) as error:
        optimizers.LossScaleOptimizer("sgd")
    assert str(error.value) == (
        "LossScaleOptimizer: inner_optimizer must be an Optimizer, such as Adam(), got 'sgd'."
    )
    assert optimizers.LossScaleOptimizer(inner, clipnorm=None, use_ema=False).name


def test_weights_of_a_mixed_model_come_back(tmp_path):
    config.set_dtype_policy("mixed_float16")
    x, y = data(16)
    made = model()
    made.fit(x, y, verbose=0)
    made.save_weights(tmp_path / "a.weights.h5")
    again = model()
    again.load_weights(tmp_path / "a.weights.h5")
    assert np.array_equal(made.predict(x, verbose=0), again.predict(x, verbose=0))


def test_losses_and_metrics_take_policies():
    assert kerasnb.losses.MeanSquaredError(dtype="mixed_float16").dtype == "float16"
    assert kerasnb.metrics.Mean(dtype=kerasnb.DTypePolicy("float64")).dtype == "float64"


@pytest.mark.usefixtures("mixed")
def test_losses_and_metrics_stay_in_float32():
    assert kerasnb.losses.MeanSquaredError().dtype == kerasnb.metrics.Mean().dtype == "float32"


# Limits and logging


def test_limits_cut_training_short():
    x, y = data()
    config.set_dtype_policy(None)
    made = model()
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    try:
        assert (config.max_epochs(), config.max_steps_per_epoch()) == (2, 3)
        with pytest.warns(UserWarning, match="Limiting") as found:
            history = made.fit(x, y, epochs=5, batch_size=4, verbose=0)
        assert [str(w.message) for w in found] == [
            "Limiting epochs to 2", "Limiting steps_per_epoch to 3",
        ]  # fmt: skip
        assert (history.epoch, history.params["steps"]) == ([0, 1], 3)
        with pytest.warns(UserWarning, match="^Limiting steps_per_epoch to 3$"):
            assert made.predict(x, batch_size=4, verbose=0).shape == (12, 2)
        with pytest.warns(UserWarning, match="^Limiting steps_per_epoch to 3$"):
            made.evaluate(x, y, batch_size=4, verbose=0)
        made.train_on_batch(x, y)  # no epoch, so no limit
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    assert made.fit(x, y, epochs=3, verbose=0).epoch == [0, 1, 2]


def test_limits_come_from_the_environment(monkeypatch):
    config.reload()
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "7")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "11")
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (7, 11)
    config.set_max_epochs(None)
    assert config.max_epochs() is None
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "few")
    with pytest.raises(ArgumentError) as error:
        config.max_steps_per_epoch()
    assert str(error.value) == (
        "KERAS_MAX_STEPS_PER_EPOCH: expected a whole number from 1, got 'few'."
    )
    with pytest.raises(ArgumentError) as error:
        config.set_max_epochs(0)
    assert str(error.value) == "max_epochs: expected a whole number from 1, or None, got 0."
    config.reload()


def test_without_interactive_logging_lines_go_to_the_log(capsys, caplog):
    x, y = data(16)
    config.disable_interactive_logging()
    try:
        assert not config.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, logger="kerasnb"):
            model().fit(x, y, epochs=2)
    finally:
        config.enable_interactive_logging()
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""
    assert [r.getMessage().split(" - ")[0] for r in caplog.records] == ["Epoch 1/2", "Epoch 2/2"]


def frames(error):
    found, traceback = [], error.__traceback__
    while traceback is not None:
        found.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    return found


def test_tracebacks_show_the_users_frames():
    class Mistaken(layers.Layer):
        def call(self, x):
            return self.helper(x)

        def helper(self, x):
            return x["nothing"]

    made = kerasnb.Sequential([layers.Dense(2), Mistaken()])
    made.compile("sgd", "mse")
    lengths = {}
    for wanted in (True, False):
        (config.enable_traceback_filtering if wanted else config.disable_traceback_filtering)()
        assert config.is_traceback_filtering_enabled() is wanted
        with pytest.raises(DTypeError) as error:
            made.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
        lengths[wanted] = frames(error.value)
    assert lengths[True] == ["test_tracebacks_show_the_users_frames", "call", "call", "helper"]
    assert len(lengths[False]) > 15
