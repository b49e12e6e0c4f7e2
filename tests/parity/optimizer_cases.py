"""The optimizers and the learning-rate schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case, config_facts
from .draw import real
from .record import Record
from .sides import Side

__all__ = ["OPTIMIZERS", "SCHEDULES"]

SHAPES = {"kernel": (3, 4), "bias": (4,)}


def _optimizer(
    name: str,
    make: Callable[[Any], Any],
    steps: int = 3,
    after: Callable[[Any, list[Any]], None] | None = None,
    before: Callable[[Any, list[Any]], None] | None = None,
    pairs: bool = False,
) -> Case:
    """The case of an optimizer: the variables after `steps` updates with fixed gradients.

    `before` and `after` are called with the optimizer and the variables around the updates; `pairs`
    updates through ``apply_gradients``.
    """

    def run(side: Side, rng: Any, record: Record) -> None:
        optimizer = make(side.keras)
        variables = [
            side.keras.Variable(real(*shape)(rng), name=key) for key, shape in SHAPES.items()
        ]
        if before is not None:
            before(optimizer, variables)
        for _ in range(steps):
            grads = [side.tensor(real(*shape)(rng)) for shape in SHAPES.values()]
            if pairs:
                optimizer.apply_gradients(zip(grads, variables, strict=True))
            else:
                optimizer.apply(grads, variables)
        if after is not None:
            after(optimizer, variables)
        for variable in variables:
            record.values[variable.name] = side.array(variable)
        record.values["learning rate"] = side.array(optimizer.learning_rate)
        record.facts["iterations"] = int(side.array(optimizer.iterations))
        record.facts["name"] = {"name": optimizer.name}
        slots = optimizer.variables
        record.values |= {f"state {at}": side.array(slot) for at, slot in enumerate(slots)}
        # Keras 3.15 does not name the running product of Nadam
        named = [slot.name for slot in slots if "Nadam" not in name or slot.shape]
        record.facts["state"] = [named, [str(slot.dtype) for slot in slots]]
        config_facts(record, optimizer)

    # on jax, Nadam takes 1 - 0.999 in float32, which leaves five digits
    return Case(f"optimizers/{name}", run, needs="torch" if name.startswith("Nadam") else None)


KINDS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}],
    "RMSprop": [
        {},
        {"momentum": 0.7},
        {"centered": True},
        {"rho": 0.6, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
    ],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 1e-2}],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}],
    "Adadelta": [{}, {"rho": 0.7, "epsilon": 1e-2}],
    "Adamax": [{}, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}],
    "Nadam": [{}, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-2}],
    "AdamW": [{}, {"weight_decay": 0.1}, {"amsgrad": True, "weight_decay": 0.05}],
}
COMMON: list[dict[str, Any]] = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"weight_decay": 0.2},
    {"weight_decay": 0.1, "clipnorm": 0.9},
    {"gradient_accumulation_steps": 2},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2},
    {"loss_scale_factor": 8.0},
    {"name": "descent"},
]


def _title(options: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.items()) or "plain"


def _exclude(optimizer: Any, variables: list[Any]) -> None:
    optimizer.exclude_from_weight_decay(var_names=["bias"])


def _exclude_list(optimizer: Any, variables: list[Any]) -> None:
    optimizer.exclude_from_weight_decay(var_list=[variables[0]])


def _finalize(optimizer: Any, variables: list[Any]) -> None:
    optimizer.finalize_variable_values(variables)


def _faster(optimizer: Any, variables: list[Any]) -> None:
    optimizer.learning_rate = 0.7


def _constrain(optimizer: Any, variables: list[Any]) -> None:
    # the smallest constraint there is, so that both libraries are given the same one
    variables[0].constraint = abs


OPTIMIZERS = [
    _optimizer(
        f"{kind}/{_title(options)}",
        # large steps, so that a wrong term shows beside the start values
        lambda k, kind=kind, o=options: getattr(k.optimizers, kind)(learning_rate=0.3, **o),
    )
    for kind, own in KINDS.items()
    for options in (*own, *COMMON)
]
OPTIMIZERS += [
    _optimizer(f"{kind}/defaults", lambda k, kind=kind: getattr(k.optimizers, kind)())
    for kind in KINDS
]
OPTIMIZERS += [
    _optimizer("Adam/pairs", lambda k: k.optimizers.Adam(0.3), pairs=True),
    _optimizer("Adam/ten steps", lambda k: k.optimizers.Adam(0.1), steps=10),
    _optimizer("SGD/faster", lambda k: k.optimizers.SGD(0.1), before=_faster),
    _optimizer(
        "AdamW/not for the bias",
        lambda k: k.optimizers.AdamW(0.3, weight_decay=0.2),
        before=_exclude,
    ),
    _optimizer(
        "SGD/not for the kernel",
        lambda k: k.optimizers.SGD(0.3, weight_decay=0.2),
        before=_exclude_list,
    ),
    _optimizer(
        "SGD/averaged at the end", lambda k: k.optimizers.SGD(0.3, use_ema=True), after=_finalize
    ),
    _optimizer("SGD/constraint", lambda k: k.optimizers.SGD(0.3), before=_constrain),
    _optimizer(
        "Adam/accumulated steps",
        lambda k: k.optimizers.Adam(0.3, gradient_accumulation_steps=3),
        steps=7,
    ),
]

SCHEDULE_TABLE: dict[str, Callable[[Any], Any]] = {
    "ExponentialDecay/plain": lambda s: s.ExponentialDecay(0.5, 4, 0.7),
    "ExponentialDecay/staircase": lambda s: s.ExponentialDecay(0.5, 2, 0.5, staircase=True),
    "PiecewiseConstantDecay/plain": lambda s: s.PiecewiseConstantDecay([1, 5], [0.5, 0.2, 0.1]),
    "PiecewiseConstantDecay/whole": lambda s: s.PiecewiseConstantDecay([2], [1, 0]),
    "PolynomialDecay/plain": lambda s: s.PolynomialDecay(0.5, 10),
    "PolynomialDecay/power": lambda s: s.PolynomialDecay(0.5, 4, 0.05, power=2.0),
    "PolynomialDecay/cycle": lambda s: s.PolynomialDecay(0.5, 4, 0.05, power=0.5, cycle=True),
    "InverseTimeDecay/plain": lambda s: s.InverseTimeDecay(0.5, 4, 0.7),
    "InverseTimeDecay/staircase": lambda s: s.InverseTimeDecay(0.5, 2, 0.7, staircase=True),
    "CosineDecay/plain": lambda s: s.CosineDecay(0.5, 10),
    "CosineDecay/alpha": lambda s: s.CosineDecay(0.5, 10, alpha=0.1),
    "CosineDecay/warmup": lambda s: s.CosineDecay(
        0.0, 10, alpha=0.1, warmup_target=0.5, warmup_steps=4
    ),
    "CosineDecay/warmup from above": lambda s: s.CosineDecay(
        0.1, 6, warmup_target=0.4, warmup_steps=2, name="cosine"
    ),
    "CosineDecayRestarts/plain": lambda s: s.CosineDecayRestarts(0.5, 5),
    "CosineDecayRestarts/shrinking": lambda s: s.CosineDecayRestarts(0.5, 3, 1.5, 0.8, 0.05),
}


def _schedule(name: str, make: Callable[[Any], Any]) -> Case:
    def run(side: Side, rng: Any, record: Record) -> None:
        schedule = make(side.keras.optimizers.schedules)
        steps = [*range(8), 10, 11, 17, 100]
        record.values["plain steps"] = np.array([side.array(schedule(step)) for step in steps])
        tensors = [side.tensor(np.int32(step)) for step in steps]
        values = [schedule(step) for step in tensors]
        record.values["tensor steps"] = np.array([side.array(value) for value in values])
        record.facts["dtype"] = side.dtype(values[0])
        config_facts(record, schedule)

    return Case(f"schedules/{name}", run)


SCHEDULES = [_schedule(name, make) for name, make in SCHEDULE_TABLE.items()]
SCHEDULES += [
    _optimizer(
        f"scheduled/{name}",
        lambda k, make=make: k.optimizers.SGD(make(k.optimizers.schedules), momentum=0.5),
    )
    for name, make in SCHEDULE_TABLE.items()
]
