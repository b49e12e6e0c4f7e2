"""What `compile` was given as plain data, in Keras 3's layout, and back.

Imports losses, metrics, optimizers and registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kerasnb import losses, metrics, optimizers
from kerasnb.errors import LoadError
from kerasnb.optimizers.base import Optimizer

__all__ = ["ARGUMENTS", "arguments_of", "config_of"]

ARGUMENTS = (
    "optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
    "steps_per_execution", "jit_compile",
)  # fmt: skip


def config_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` as data that JSON can hold.

    Args:
        given: them, by name.
    """
    config = dict(given)
    config["optimizer"] = optimizers.serialize(given["optimizer"])
    config["loss"] = _map(losses.serialize, given["loss"])
    for name in ("metrics", "weighted_metrics"):
        config[name] = _map(metrics.serialize, given[name])
    # Keras knows no "auto" here; one step at a time gives the same
    if given["steps_per_execution"] == "auto":
        config["steps_per_execution"] = 1
    return config


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` that `config_of` described.

    Each is made only from what may stand in its place: a loss is chosen among losses.

    Raises:
        LoadError: the data is not laid out as it should be.
        ArgumentError: it names what is not there.
    """
    unknown = sorted(set(config) - {*ARGUMENTS, "auto_scale_loss"})
    if unknown or not isinstance(config.get("optimizer"), (dict, str)):
        what = f"has no argument {unknown[0]!r:.60}" if unknown else "needs an optimizer"
        raise LoadError(f"compile_config: compile {what}.")
    given = {name: value for name, value in config.items() if name in ARGUMENTS}
    given["optimizer"] = optimizers.deserialize(given["optimizer"])
    if not isinstance(given["optimizer"], Optimizer):
        given["optimizer"] = optimizers.get(given["optimizer"])
    given["loss"] = _map(losses.deserialize, given.get("loss"), texts=False)
    for name in ("metrics", "weighted_metrics"):
        given[name] = _map(metrics.deserialize, given.get(name), texts=False)
    _check_weights(given.get("loss_weights"))
    for name in ("run_eagerly", "jit_compile"):
        if given.get(name, "auto") not in (True, False, "auto", None):
            raise LoadError(f"compile_config: {name} must be true, false or 'auto'.")
    given["run_eagerly"] = bool(given.get("run_eagerly"))
    if given.get("jit_compile") is not False:
        given["jit_compile"] = "auto"
    if given.get("steps_per_execution", 1) == 1:
        given["steps_per_execution"] = "auto"
    return given


def _check_weights(weights: Any) -> None:
    """Weights of losses are numbers, alone or by output."""
    found = weights if isinstance(weights, list) else [weights]
    found = [*weights.values()] if isinstance(weights, dict) else found
    if not all(w is None or type(w) in (int, float) for w in found):
        raise LoadError("compile_config: loss_weights must be numbers.")


def _map(change: Callable[[Any], Any], given: Any, texts: bool = True) -> Any:
    """`change` of each loss or metric within what may be a list, or a dictionary by output.

    Args:
        change: the function.
        given: what to go through; None stays.
        texts: whether names are changed, too.
    """
    if given is None or (isinstance(given, str) and not texts):
        return given
    if isinstance(given, (list, tuple)):
        return [_map(change, item, texts) for item in given]
    if isinstance(given, dict) and "class_name" not in given:
        return {key: _map(change, item, texts) for key, item in given.items()}
    return given if isinstance(given, str) else change(given)
