"""`ConfusionMatrix`: a confusion matrix in a page, whose cells show their examples when chosen.

Imports outcome, pictures and widgets. The page gets names, counts and, when it asks for a cell, the
examples in it; everything is worked out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from kerasnb.notebook.insight.checks import feature_names_for, shown_names
from kerasnb.notebook.insight.confusion import headline
from kerasnb.notebook.insight.outcome import Outcome
from kerasnb.notebook.insight.pictures import Pictures, table_of
from kerasnb.notebook.widgets import Widget, script, style

__all__ = ["ConfusionMatrix"]

CLASSES = 100  # shown at most; of more, those with the most mistakes
EXAMPLES = 64  # sent at once
SIDE = 48  # pixels of a thumbnail along its longer side
COLUMNS = 30  # of a table


class ConfusionMatrix(Widget):
    """A confusion matrix for a notebook page.

    Args:
        outcome: of a model that chooses among classes.
        pictures: the examples as pictures; None to show rows of numbers.
        feature_names: a text for each column of such rows.
        choose: called with the place of an example that the reader chooses; None if there is
            nothing to choose examples for.
    """

    _esm = script("confusion.js")
    _css = style("confusion.css")
    data = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        outcome: Outcome,
        pictures: Pictures | None = None,
        feature_names: Any = None,
        choose: Callable[[int], None] | None = None,
    ):
        self._outcome, self._pictures, self._choose = outcome, pictures, choose
        self._columns: list[str] = []
        if pictures is None:
            width = table_of(outcome.x, np.arange(1)).shape[1]
            names = feature_names_for(feature_names, width, "ConfusionMatrix")
            self._columns = shown_names(names[:COLUMNS], 40)
        super().__init__(data={**_described(outcome), "choosable": choose is not None})

    @property
    def operations(self) -> dict[str, Callable[[dict], bool]]:
        """What the page may do: ask for a cell that there is, and choose an example."""
        return {"cell": self._is_cell, "example": self._is_example}

    def _is_cell(self, message: dict) -> bool:
        classes = self._outcome.classes
        bounds = {"true": classes, "predicted": classes, "page": 10**6}
        return all(
            type(message.get(key)) is int and 0 <= message[key] < bound
            for key, bound in bounds.items()
        )

    def _is_example(self, message: dict) -> bool:
        place = message.get("place")
        return self._choose is not None and type(place) is int and place in self._outcome.places

    def handle(self, message: dict) -> None:
        """Send the examples of a cell, or pass on which example is chosen."""
        if message["op"] == "example":
            self._choose(message["place"])
        else:
            self._send_examples(message)

    def _send_examples(self, message: dict) -> None:
        index = self._outcome.where(message["true"], message["predicted"])
        start = message["page"] * EXAMPLES
        shown = index[start : start + EXAMPLES]
        chances = self._outcome.probability[shown, message["predicted"]]
        examples = [
            {"place": int(place), "probability": round(float(p), 4)}
            for place, p in zip(self._outcome.places[shown], chances, strict=True)
        ]
        answer = {
            "op": "examples", "id": message.get("id"), "true": message["true"],
            "predicted": message["predicted"], "page": message["page"], "most": EXAMPLES,
            "count": len(index), "examples": examples,
        }  # fmt: skip
        if self._pictures is None:
            self.send({**answer, **self._rows(shown, examples)})
            return
        pixels = self._pictures.thumbnails(shown, SIDE)
        height, width, *channels = pixels.shape[1:]
        answer["shape"] = [height, width, channels[0] if channels else 1]
        self.send(answer, buffers=[pixels.tobytes()])

    def _rows(self, shown: np.ndarray, examples: list[dict]) -> dict:
        values = table_of(self._outcome.x, shown)[:, : len(self._columns)]
        rows = [
            {**example, "values": [f"{v:.4g}" for v in row]}
            for example, row in zip(examples, values, strict=True)
        ]
        return {"columns": self._columns, "examples": rows}


def _described(outcome: Outcome) -> dict:
    """What the page shows at first, as plain data."""
    counts = outcome.matrix()
    numbers = np.arange(len(counts))
    if len(counts) > CLASSES:
        mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
        numbers = np.sort(np.argsort(-mistakes, kind="stable")[:CLASSES])
    names = shown_names(outcome.class_names, 60)
    return {
        "headline": headline(outcome),
        "classes": [names[i] for i in numbers],
        "numbers": numbers.tolist(),
        "counts": counts[np.ix_(numbers, numbers)].tolist(),
        "totals": counts.sum(axis=1)[numbers].tolist(),
        "left_out": len(counts) - len(numbers),
    }
