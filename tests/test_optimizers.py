"""Optimizers against their formulas written out in NumPy, and everything around the update."""

import json
import math

import numpy as np
import pytest

from kerasnb import ops, optimizers, registry
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.optimizers import schedules
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable

SHAPES = [(3, 4), (4,)]
# float32 rounds at 6e-8; four steps of a dozen operations each stay far below this
TOLERANCE = 2e-6


def start(seed=0, dtype="float32"):
    """Variables, and the gradients of four steps."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=s).astype(dtype) for s in SHAPES]
    grads = [[rng.normal(size=s).astype(dtype) for s in SHAPES] for _ in range(4)]
    return weights, grads


def trained(optimizer, weights, grads, traced=False, constraint=None):
    variables = [Variable(w, name=n) for w, n in zip(weights, ("kernel", "bias"), strict=True)]
    variables[0].constraint = constraint
    optimizer.build(variables)
    apply = Step(lambda *g: optimizer.apply(g, variables)) if traced else None
    for step in grads:
        if traced:
            apply(*step)
        else:
            optimizer.apply(step, variables)
    return variables


# The formulas: each a function of one weight, its gradients and the arguments


def sgd(w, grads, lr, momentum=0.0, nesterov=False):
    v = 0.0
    for g in grads:
        v = momentum * v - lr * g
        w = w + (momentum * v - lr * g if nesterov else v)
    return w


def rmsprop(w, grads, lr, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v = m = step = 0.0
    for g in grads:
        v = rho * v + (1 - rho) * g**2
        m = rho * m + (1 - rho) * g
        root = np.sqrt(v - m**2 + epsilon) if centered else np.sqrt(v + epsilon)
        step = momentum * step + lr * g / root
        w = w - step
    return w


def adagrad(w, grads, lr, initial_accumulator_value=0.1, epsilon=1e-7):
    total = initial_accumulator_value
    for g in grads:
        total = total + g**2
        w = w - lr * g / np.sqrt(total + epsilon)
    return w


def adadelta(w, grads, lr, rho=0.95, epsilon=1e-7):
    v = d = 0.0
    for g in grads:
        v = rho * v + (1 - rho) * g**2
        step = np.sqrt(d + epsilon) / np.sqrt(v + epsilon) * g
        d = rho * d + (1 - rho) * step**2
        w = w - lr * step
    return w


def adam(w, grads, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=0.0):
    m = v = top = 0.0
    for t, g in enumerate(grads, 1):
        w = w - lr * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        top = np.maximum(top, v) if amsgrad else v
        rate = lr * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - rate * m / (np.sqrt(top) + epsilon)
    return w


def adamw(w, grads, lr, weight_decay=0.004, **options):
    return adam(w, grads, lr, weight_decay=weight_decay, **options)


def adamax(w, grads, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = u = 0.0
    for t, g in enumerate(grads, 1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        w = w - lr / (1 - beta_1**t) * m / (u + epsilon)
    return w


def nadam(w, grads, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(grads, 1):
        now, ahead = (beta_1 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
        product = product * now
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        mean = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        w = w - lr * mean / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w


CASES = [
    ("SGD", sgd, {}),
    ("SGD", sgd, {"momentum": 0.9}),
    ("SGD", sgd, {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", rmsprop, {}),
    ("RMSprop", rmsprop, {"rho": 0.7, "momentum": 0.5, "epsilon": 1e-3}),
    ("RMSprop", rmsprop, {"rho": 0.6, "momentum": 0.5, "centered": True, "epsilon": 1e-2}),
    ("Adagrad", adagrad, {}),
    ("Adagrad", adagrad, {"initial_accumulator_value": 0.5, "epsilon": 1e-2}),
    ("Adadelta", adadelta, {}),
    ("Adadelta", adadelta, {"rho": 0.8, "epsilon": 1e-3}),
    ("Adam", adam, {}),
    ("Adam", adam, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Adam", adam, {"amsgrad": True, "beta_2": 0.5}),
    ("AdamW", adamw, {}),
    ("AdamW", adamw, {"weight_decay": 0.1, "amsgrad": True}),
    ("Adamax", adamax, {}),
    ("Adamax", adamax, {"beta_1": 0.7, "beta_2": 0.5}),
    ("Nadam", nadam, {}),
    ("Nadam", nadam, {"beta_1": 0.7, "beta_2": 0.5}),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "formula", "options"), CASES, ids=IDS)
def test_updates_follow_the_formula(name, formula, options):
    weights, grads = start()
    optimizer = getattr(optimizers, name)(learning_rate=0.1, **options)
    eager = trained(optimizer, weights, grads)
    for i, variable in enumerate(eager):
        wide = [step[i].astype("float64") for step in grads]
        expected = formula(weights[i].astype("float64"), wide, 0.1, **options)
        # 1 - 0.999 in float32 is off by 1e-5 of itself, half of which is left by the root
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=TOLERANCE)
        assert variable.dtype == "float32"
    again = trained(getattr(optimizers, name)(learning_rate=0.1, **options), weights, grads, True)
    for a, b in zip(eager, again, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-7)
    assert int(optimizer.iterations) == 4


@pytest.mark.parametrize(("name", "formula", "options"), CASES, ids=IDS)
def test_dtypes_stay(name, formula, options):
    for dtype in ("float16", "float64"):
        weights, grads = start(dtype=dtype)
        optimizer = getattr(optimizers, name)(learning_rate=0.1, **options)
        for variable in trained(optimizer, weights, grads):
            assert variable.dtype == dtype
            assert np.isfinite(variable.numpy()).all()
        slots = [v for v in optimizer.variables if "_" in v.name and v.name != "learning_rate"]
        assert all(v.dtype == dtype for v in slots)


@pytest.mark.parametrize(("name", "formula", "options"), CASES, ids=IDS)
def test_a_configuration_goes_through_json_and_back(name, formula, options):
    optimizer = getattr(optimizers, name)(0.25, clipnorm=1.5, name="descent", **options)
    data = json.loads(json.dumps(optimizers.serialize(optimizer)))
    assert data["module"] == "keras.optimizers"
    assert data["class_name"] == name
    assert data["config"]["learning_rate"] == 0.25
    assert data["config"]["clipnorm"] == 1.5
    assert {key: data["config"][key] for key in options} == options
    again = optimizers.get(data)
    assert type(again) is type(optimizer)
    assert again.get_config() == data["config"]


# What comes before the update: clipping, scaling, decay


def plain_steps(**options):
    """How an SGD of rate 1 moves weights from 0."""
    grads = [np.array([3.0, 4.0], "float32"), np.array([0.0, 12.0], "float32")]
    variables = [Variable(np.zeros(2, "float32")) for _ in grads]
    optimizers.SGD(1.0, **options).apply(grads, variables)
    return [(-v.numpy()).tolist() for v in variables]


def test_clipping():
    assert plain_steps(clipvalue=3.5) == [[3, 3.5], [0, 3.5]]
    np.testing.assert_allclose(plain_steps(clipnorm=10.0), [[3, 4], [0, 10]], rtol=1e-6)
    # all together are 13 long
    np.testing.assert_allclose(plain_steps(global_clipnorm=6.5), [[1.5, 2], [0, 6]], rtol=1e-6)
    np.testing.assert_allclose(plain_steps(global_clipnorm=100.0), [[3, 4], [0, 12]], rtol=1e-6)
    zero = Variable([1.0])
    optimizers.SGD(1.0, clipnorm=1.0).apply([[0.0]], [zero])
    assert zero.numpy().tolist() == [1.0]


def test_loss_scale():
    assert plain_steps(loss_scale_factor=2.0) == [[1.5, 2], [0, 6]]
    assert optimizers.SGD(loss_scale_factor=2.0).scale_loss(3.0) == 6.0
    assert optimizers.SGD().scale_loss(3.0) == 3.0


def test_weight_decay_and_exceptions():
    def decayed(**excluded):
        kernel, bias = Variable([1.0], name="kernel"), Variable([1.0], name="bias")
        optimizer = optimizers.SGD(0.1, weight_decay=0.5)
        if excluded.pop("first", False):
            excluded["var_list"] = [kernel]
        optimizer.exclude_from_weight_decay(**excluded)
        optimizer.apply([[0.0], [0.0]], [kernel, bias])
        return [round(float(v.numpy()[0]), 6) for v in (kernel, bias)]

    assert decayed() == [0.95, 0.95]
    assert decayed(var_names=["bi.s"]) == [0.95, 1.0]
    assert decayed(first=True) == [1.0, 0.95]


# What comes after: constraints, averages, accumulation


@pytest.mark.parametrize("traced", [False, True])
def test_constraints_hold_after_the_update(traced):
    weights, grads = start()
    kernel, _ = trained(optimizers.SGD(0.1), weights, grads, traced, constraint=ops.relu)
    expected = weights[0]
    for g in grads:
        expected = np.maximum(expected - np.float32(0.1) * g[0], 0)
    np.testing.assert_allclose(kernel.numpy(), expected, atol=TOLERANCE)


@pytest.mark.parametrize("traced", [False, True])
def test_moving_averages(traced):
    weights, grads = start()
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    variables = trained(optimizer, weights, grads, traced)
    w = average = weights[1]
    for t, g in enumerate(grads):
        w = w - 0.1 * g[1]
        average = w if t == 0 else 0.5 * average + 0.5 * w
        w = average if t == 2 else w
    np.testing.assert_allclose(variables[1].numpy(), w, atol=TOLERANCE)
    assert [v.name for v in optimizer.variables[2:]] == ["kernel_average", "bias_average"]
    np.testing.assert_allclose(optimizer.variables[3].numpy(), average, atol=TOLERANCE)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_allclose(variables[1].numpy(), average, atol=TOLERANCE)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Nadam"])
def test_accumulated_gradients(name, traced):
    weights, grads = start()
    make = getattr(optimizers, name)
    optimizer = make(0.1, gradient_accumulation_steps=2, clipnorm=1.0, weight_decay=0.1)
    variables = trained(optimizer, weights, grads[:3], traced)
    halves = [[(a + b) / 2 for a, b in zip(*grads[:2], strict=True)]]
    expected = trained(make(0.1, clipnorm=1.0, weight_decay=0.1), weights, halves)
    for variable, other in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), other.numpy(), atol=TOLERANCE)
    assert int(optimizer.iterations) == 1
    left = [v for v in optimizer.variables if v.name.endswith("gradient_accumulator")]
    for accumulator, g in zip(left, grads[2], strict=True):
        np.testing.assert_array_equal(accumulator.numpy(), g)


# Variables and learning rate


SLOTS = [
    ("SGD", {}, []),
    ("SGD", {"momentum": 0.9}, ["momentum"]),
    ("RMSprop", {"momentum": 0.9, "centered": True}, ["velocity|momentum|average_gradient"]),
    ("Adagrad", {}, ["accumulator"]),
    ("Adadelta", {}, ["accumulated_grad", "accumulated_delta_var"]),
    ("Adam", {}, ["momentum", "velocity"]),
    ("Adamax", {}, ["momentum", "norm"]),
]


@pytest.mark.parametrize(("name", "options", "slots"), SLOTS)
def test_variables_are_keras_ones_in_its_order(name, options, slots):
    # the names of one entry go through all weights first, those of several change fastest
    optimizer = getattr(optimizers, name)(**options)
    optimizer.build([Variable([1.0], name="kernel"), Variable([1.0], name="bias")])
    weights = ("kernel", "bias")
    if slots and "|" in slots[0]:
        expected = [f"{w}_{s}" for s in slots[0].split("|") for w in weights]
    else:
        expected = [f"{w}_{s}" for w in weights for s in slots]
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate", *expected]
    assert all(v.path == f"{optimizer.name}/{v.name}" for v in optimizer.variables)
    assert not any(v.trainable for v in optimizer.variables)


def test_names_count_up():
    first, second = optimizers.RMSprop(), optimizers.RMSprop()
    assert first.name.startswith("rm_sprop")
    assert second.name.startswith("rm_sprop_")
    assert first.name != second.name
    assert optimizers.Adam(name="descent").name == "descent"


def test_the_learning_rate_can_be_set():
    optimizer = optimizers.SGD(0.5)
    w = Variable([0.0])
    step = Step(lambda g: optimizer.apply([g], [w]))
    step(np.ones(1, "float32"))
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    step(np.ones(1, "float32"))
    assert w.numpy().tolist() == [-0.75]
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    assert float(optimizer.learning_rate) == 0.25
    assert [v.name for v in optimizer.variables] == ["iteration"]
    assert float(optimizers.SGD(lambda: 0.125).learning_rate) == 0.125


def test_the_state_can_be_kept_and_put_back():
    weights, grads = start()
    optimizer = optimizers.Adam(0.1)
    variables = trained(optimizer, weights, grads)
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == [str(i) for i in range(6)]
    other = optimizers.Adam(0.5)
    copies = [Variable(v.numpy()) for v in variables]
    other.build(copies)
    other.load_own_variables(store)
    for o, vs in ((optimizer, variables), (other, copies)):
        o.apply(grads[0], vs)
    for a, b in zip(variables, copies, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(ArgumentError) as caught:
        other.set_weights([1.0])
    assert str(caught.value) == f"{other.name}: expected 6 values, got 1."


def test_gradients_that_do_not_exist():
    a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
    optimizer = optimizers.SGD(1.0)
    text = "The loss does not depend on these variables, which stay as they are: b."
    with pytest.warns(UserWarning, match=text):
        optimizer.apply([[1.0], None], [a, b])
    assert [float(v.numpy()[0]) for v in (a, b)] == [0, 1]
    count = optimizer.apply_gradients([([1.0], b)])
    assert int(count) == 2
    assert b.numpy().tolist() == [0]


def test_a_custom_optimizer_is_short():
    class Heavy(optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, friction=0.5, **kwargs):
            super().__init__(learning_rate, **kwargs)
            self.friction = friction

        def build(self, variables):
            super().build(variables)
            self.speeds = [self.add_variable_from_reference(v, "speed") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            speed = self.speeds[self._get_variable_index(variable)]
            self.assign(speed, self.friction * speed - gradient)
            self.assign_add(variable, learning_rate * speed)

    weights, grads = start()
    for traced in (False, True):
        _, bias = trained(Heavy(0.1), weights, grads, traced)
        speed, w = 0.0, weights[1]
        for g in grads:
            speed = 0.5 * speed - g[1]
            w = w + 0.1 * speed
        np.testing.assert_allclose(bias.numpy(), w, atol=TOLERANCE)


def test_names():
    for name in ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "adamax", "nadam"):
        optimizer = optimizers.get(name)
        assert type(optimizer).__name__.lower() == name
        assert optimizers.get(optimizer) is optimizer
        assert type(optimizers.get(type(optimizer))) is type(optimizer)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: optimizers.get("adamm"),
            ArgumentError,
            "Unknown optimizer 'adamm'. Did you mean 'adam' or 'nadam' or 'adamw'?",
        ),
        (
            lambda: optimizers.SGD(clipnorm=1, clipvalue=2, name="s"),
            ArgumentError,
            "s: give only one of clipnorm=1, clipvalue=2, global_clipnorm=None.",
        ),
        (
            lambda: optimizers.SGD(momentum=2, name="s"),
            ArgumentError,
            "s: momentum must be between 0 and 1, got 2.",
        ),
        (
            lambda: optimizers.SGD(use_ema=True, ema_momentum=2, name="s"),
            ArgumentError,
            "s: ema_momentum must be between 0 and 1, got 2.",
        ),
        (
            lambda: optimizers.SGD(gradient_accumulation_steps=1, name="s"),
            ArgumentError,
            "s: gradient_accumulation_steps must be a whole number from 2 on, got 1.",
        ),
        (
            lambda: optimizers.SGD(ema_overwrite_frequency=0, name="s"),
            ArgumentError,
            "s: ema_overwrite_frequency must be a whole number from 1 on, got 0.",
        ),
        (
            lambda: optimizers.SGD(name="s").apply([[1.0]]),
            GraphError,
            "s: apply(grads) needs to know the variables. Pass them, or call build(variables) "
            "first.",
        ),
        (
            lambda: optimizers.SGD(name="s").apply([[1.0]], []),
            ArgumentError,
            "s: expected one gradient a variable, got 1 gradients for 0 variables.",
        ),
        (
            lambda: optimizers.SGD(name="s").apply([None], [Variable([1.0])]),
            ArgumentError,
            "s: no variable has a gradient. The loss does not depend on any of them.",
        ),
        (
            lambda: setattr(
                optimizers.SGD(schedules.CosineDecay(0.1, 5), name="s"), "learning_rate", 0.1
            ),
            ArgumentError,
            "s: the learning rate follows a CosineDecay and cannot be set. Make the optimizer with "
            "a number to be able to set it.",
        ),
        (
            lambda: schedules.PiecewiseConstantDecay([3], [1.0]),
            ArgumentError,
            "PiecewiseConstant: expected one value more than boundaries, got 1 boundaries and 1 "
            "values.",
        ),
        (
            lambda: schedules.CosineDecay(0.1, 0),
            ArgumentError,
            "CosineDecay: decay_steps must be above 0, got 0.",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


def test_the_variables_cannot_change():
    optimizer = optimizers.Adam(name="a")
    optimizer.build([Variable([1.0])])
    with pytest.raises(GraphError) as caught:
        optimizer.apply([[1.0]], [Variable([1.0], name="other")])
    assert str(caught.value) == (
        "a: variable 'other' is not among those that the optimizer was built for. Make a new "
        "optimizer for a new set of variables."
    )
    with pytest.raises(GraphError) as caught:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    assert str(caught.value) == "a: call exclude_from_weight_decay before training starts."


# Schedules

STEPS = np.arange(14)


def cosine(x):
    return 0.5 * (1 + np.cos(np.pi * x))


SCHEDULES = [
    (schedules.ExponentialDecay(0.1, 4, 0.5), 0.1 * 0.5 ** (STEPS / 4)),
    (schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True), 0.1 * 0.5 ** (STEPS // 4)),
    (schedules.InverseTimeDecay(0.1, 3, 0.5), 0.1 / (1 + 0.5 * STEPS / 3)),
    (schedules.InverseTimeDecay(0.1, 3, 0.5, True), 0.1 / (1 + 0.5 * (STEPS // 3))),
    (
        schedules.PiecewiseConstantDecay([3, 6], [1.0, 0.5, 0.1]),
        [1.0] * 4 + [0.5] * 3 + [0.1] * 7,
    ),
    (
        schedules.PolynomialDecay(0.1, 5, 0.01, power=2.0),
        0.09 * (1 - np.minimum(STEPS, 5) / 5) ** 2 + 0.01,
    ),
    (
        schedules.PolynomialDecay(0.1, 5, 0.01, cycle=True),
        0.09 * (1 - STEPS / (5 * np.maximum(np.ceil(STEPS / 5), 1))) + 0.01,
    ),
    (schedules.CosineDecay(0.1, 8, 0.1), 0.1 * (0.9 * cosine(np.minimum(STEPS, 8) / 8) + 0.1)),
    (
        schedules.CosineDecay(0.1, 5, warmup_target=1.0, warmup_steps=3),
        np.where(STEPS < 3, 0.1 + 0.3 * STEPS, cosine(np.clip((STEPS - 3) / 5, 0, 1))),
    ),
    (
        schedules.CosineDecayRestarts(0.1, 4, 2.0, 0.5),
        0.1 * np.where(STEPS < 4, cosine(STEPS / 4), 0)
        + 0.05 * np.where((STEPS >= 4) & (STEPS < 12), cosine((STEPS - 4) / 8), 0)
        + 0.025 * np.where(STEPS >= 12, cosine((STEPS - 12) / 16), 0),
    ),
    (
        schedules.CosineDecayRestarts(0.1, 3, 1.0, 0.9, 0.2),
        0.1 * (0.8 * 0.9 ** (STEPS // 3) * cosine(STEPS % 3 / 3) + 0.2),
    ),
]


@pytest.mark.parametrize(
    ("schedule", "expected"), SCHEDULES, ids=[type(s).__name__ for s, _ in SCHEDULES]
)
def test_schedules(schedule, expected):
    values = [schedule(int(s)) for s in STEPS]
    assert all(isinstance(v, Tensor) and v.dtype == "float32" and v.shape == () for v in values)
    np.testing.assert_allclose([float(v) for v in values], expected, rtol=1e-5, atol=1e-7)
    traced = Step(schedule)
    for s in STEPS.astype("int32"):
        assert float(traced(s)) == pytest.approx(expected[s], rel=1e-5, abs=1e-7)
    data = json.loads(json.dumps(schedules.serialize(schedule)))
    assert data["module"] == "keras.optimizers.schedules"
    assert schedules.deserialize(data).get_config() == schedule.get_config()


def test_a_schedule_runs_inside_the_step():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(1.0, 1, 0.5))
    w = Variable([0.0])
    step = Step(lambda g: optimizer.apply([g], [w]))
    for _ in range(3):
        step(np.ones(1, "float32"))
    assert w.numpy().tolist() == [-1.75]
    again = optimizers.get(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert float(again.learning_rate) == 1.0


def test_a_custom_schedule():
    @registry.register_keras_serializable("tests")
    class Root(schedules.LearningRateSchedule):
        def __init__(self, first):
            self.first = first

        def __call__(self, step):
            return self.first / ops.sqrt(ops.cast(step, "float32") + 1.0)

        def get_config(self):
            return {"first": self.first}

    optimizer = optimizers.SGD(Root(3.0))
    again = optimizers.get(optimizers.serialize(optimizer))
    for _ in range(3):
        again.apply([[0.0]], [Variable([0.0])] if not again.built else None)
    assert float(again.learning_rate) == pytest.approx(1.5)
    with pytest.raises(NotImplementedError):
        schedules.LearningRateSchedule().get_config()
