"""A case of the table: a name, a function of a side, and how close the two sides must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .draw import rng_of
from .record import Record, plain
from .sides import Side

__all__ = ["TOLERANCE", "Case", "config_facts", "weighted_sum"]

# float32 rounds at 6e-8. Keras on torch and Keras on jax are 2e-6 apart in the worst layer (sums of
# a hundred products of size 10 in another order) and 5e-6 in the worst model (Adam divides
# gradients near 0 by their own size); everything else stays below 1.3e-6.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        name: family, class and configuration, as in ``"layers/Dense/relu"``; seeds the arrays.
        run: ``(side, rng, record)``: does the work and fills the record.
        tolerance: largest difference; see `value_differences` for what it is relative to.
        needs: the backend of Keras this takes, where Keras fails or loses digits on others.
    """

    name: str
    run: Callable[[Side, Any, Record], None]
    tolerance: float = TOLERANCE
    needs: str | None = None

    def record(self, side: Side) -> Record:
        """Return what the case reports under `side`."""
        record = Record()
        self.run(side, rng_of(self.name), record)
        record.facts = plain(record.facts)
        return record


def config_facts(
    record: Record, thing: Any, skip: tuple[str, ...] = (), restore: bool = True
) -> None:
    """Note `get_config` of `thing`, without the entries in `skip`, and that it can be restored."""
    config = plain(thing.get_config())
    record.facts["config"] = {key: config[key] for key in config if key not in skip}
    if restore:
        again = type(thing).from_config(thing.get_config())
        record.facts["restored"] = plain(again.get_config()) == config


def weighted_sum(side: Side, outputs: list[Any], weights: list[Any]) -> Any:
    """Return the sum of the products of `outputs` and `weights`: one number to differentiate."""
    ops = side.keras.ops
    terms = [ops.sum(y * w) for y, w in zip(outputs, weights, strict=True)]
    return sum(terms[1:], terms[0])
