"""Write ``kerasnb/parity_counts.json``: how many cases of the tables examine each name of Keras.

``python -m tests.parity.make_counts`` in the repository's top folder; it needs NumPy only.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from .cases import CASES

__all__ = ["FILE", "counts", "examined"]

FILE = Path(__file__).parents[2] / "kerasnb" / "parity_counts.json"

# families of cases that are not called as the namespace
NAMESPACES = {
    "functions": "layers",
    "masks": "layers",
    "ops dtypes": "ops",
    "preprocessing": "layers",
    "schedules": "optimizers.schedules",
}
# cases that are called by other words than the name
NAMES = {
    "layers.Input": ["keras.Input", "layers.InputLayer"],
    "layers.FeatureSpace": ["utils.FeatureSpace"],
    "layers.Layer": ["keras.Layer"],
    "layers.chain": ["layers.Masking"],
    "regularizers.Orthogonal": ["regularizers.OrthogonalRegularizer"],
}


def examined(case: str) -> list[str]:
    """The names that a case examines, as in ``["layers.Dense"]``, read off its own name."""
    family, what, *rest = f"{case}/".split("/")
    if family in ("models", "fit"):
        return ["keras.Model"]
    if family == "policies":
        return ["keras.DTypePolicy"]
    if family == "lookups":
        return [f"{what}.get"]
    if what == "scheduled":
        return [f"optimizers.schedules.{rest[0]}"]
    if what.split()[0] in ("float16", "mixed_float16", "policy"):
        return [f"layers.{rest[0]}"]
    if what == "RNN":
        cell = "StackedRNNCells" if rest[0].startswith("stack") else rest[0]
        return ["layers.RNN", f"layers.{cell}"]
    name = f"{NAMESPACES.get(family, family)}.{what.partition(' ')[0]}"
    return NAMES.get(name, [name])


def counts() -> dict[str, int]:
    """The number of cases for each name."""
    found = Counter(name for case in CASES for name in examined(case))
    return dict(sorted(found.items()))


def main() -> None:
    FILE.write_text(json.dumps(counts(), indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
