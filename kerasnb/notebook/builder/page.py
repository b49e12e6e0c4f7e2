"""The page's side of a `Builder`: what is sent to it, and what it may ask for. Imports session,
training, widgets and kernel.

`view` and `session` tell what is sent both ways; the rest is told beside `MORE` and `TRAINING`.
Training is a widget of its own, which the builder's shows in its page.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from kerasnb.notebook.builder.session import FIELDS, accepts
from kerasnb.notebook.builder.training import is_choice
from kerasnb.notebook.kernel import connect
from kerasnb.notebook.widgets import Widget, script, style

__all__ = ["MORE", "TRAINING", "BuilderWidget", "TrainingWidget", "listed"]

FORMATS = ("code", "keras", "json", "svg", "png")


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 20


def _is_index(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1_000_000


def _is_real(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e30


MORE: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    **{op: {} for op in ("hint", "reset")},
    "look": {"node": _is_key},
    "weight": {"node": _is_key, "number": _is_index, "place": _is_index, "value": _is_real},
    "share": {"format": lambda value: value in FORMATS},
}
TRAINING: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    **{op: {} for op in ("stop", "pause", "resume", "step")},
    "choose": {"values": is_choice},
    "mend": {"number": _is_index},
    "train": {"values": is_choice},
    "point": {"x": _is_real, "y": _is_real, "label": _is_index},
}


def _checks(table: Mapping[str, Mapping[str, Callable[[Any], bool]]]) -> dict[str, Callable]:
    return {
        op: (lambda message, fields=fields: accepts(message, fields))
        for op, fields in table.items()
    }


class _Page(Widget):
    """A part of the page of a builder.

    Args:
        builder: the `Builder`, which is asked to ``obey`` messages.
        values: of the traits, at the beginning.

    Attributes:
        identity: how the page names this on the control channel.
    """

    identity = traitlets.Unicode().tag(sync=True)

    def __init__(self, builder: Any, **values: Any):
        self._builder = builder
        identity = uuid.uuid4().hex
        super().__init__(identity=identity, **values)
        connect(identity, self)

    def handle(self, message: dict) -> None:
        """Do what a person asked for, and say what came of it."""
        answer = self._builder.obey(message)
        self.send({
            "op": "answer", "id": message.get("id"), "refused": answer.refused,
            "select": answer.select, "data": answer.data,
        })  # fmt: skip


class TrainingWidget(_Page):
    """The part of the page that trains.

    Args:
        builder: the `Builder`.

    Attributes:
        training: as `TrainingPanel.state` gives it.
        sight: what the model makes of the data, as `sight` gives it.
        live: the id of the view of a training; empty before the first.
    """

    _esm = script("builder_train.js")
    _css = style("builder_parts.css", "builder_train.css")
    training = traitlets.Dict().tag(sync=True)
    sight = traitlets.Dict().tag(sync=True)
    live = traitlets.Unicode().tag(sync=True)
    operations = _checks(TRAINING)

    def __init__(self, builder: Any):
        super().__init__(builder, training=builder._panel.state())


class BuilderWidget(_Page):
    """What a page shows.

    Args:
        builder: the `Builder`, whose `trainer` is there already.

    Attributes:
        palette: the layers there are.
        state: the canvas, as `view.state_of` gives it.
        exercise: the task and how far it is done; empty without one.
        trainer: the id of the `TrainingWidget`.
    """

    _esm = script("builder.js")
    _css = style("builder_parts.css", "builder.css")
    palette = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    exercise = traitlets.Dict().tag(sync=True)
    trainer = traitlets.Unicode().tag(sync=True)
    operations = _checks({**FIELDS, **MORE})

    def __init__(self, builder: Any):
        super().__init__(
            builder, palette=listed(builder._session.palette), state=builder._state(),
            exercise=builder._exercise_state(), trainer=builder.trainer.model_id,
        )  # fmt: skip


def listed(palette: Mapping[str, Any]) -> list[dict]:
    """The layers that are offered, as JSON for the page."""
    return [entry.data() for entry in palette.values() if entry.listed]
