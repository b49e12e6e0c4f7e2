"""`Builder`: canvas, code and live model as one thing, in the output of a cell.

Imports the other modules of this folder. The kernel holds the document; the page draws it and sends
what a person does. That may come on the control channel while a cell runs, so all that is done here
is done under a lock.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.display import display

from kerasnb.errors import ArgumentError, KerasnbError
from kerasnb.models.trainer import Trainer
from kerasnb.models.training import Training
from kerasnb.notebook.builder.building import Built, build
from kerasnb.notebook.builder.code import to_code
from kerasnb.notebook.builder.data import Data
from kerasnb.notebook.builder.document import Document
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.exercise import Exercise, Result
from kerasnb.notebook.builder.keeping import Kept
from kerasnb.notebook.builder.looking import EXAMPLES, badges, set_weight, weights_of
from kerasnb.notebook.builder.page import BuilderWidget, TrainingWidget, listed
from kerasnb.notebook.builder.parsing import from_code
from kerasnb.notebook.builder.picture import picture
from kerasnb.notebook.builder.reading import built_from
from kerasnb.notebook.builder.session import Answer, Effect, Session
from kerasnb.notebook.builder.sight import plane_of, sight
from kerasnb.notebook.builder.training import TrainingPanel
from kerasnb.notebook.builder.view import state_of
from kerasnb.notebook.figures import to_png, to_svg

__all__ = ["Builder"]

# seconds until the next look inside, and how many times as long as one took
PAUSE, RARELY = 0.3, 8
STEERING = ("stop", "pause", "resume", "step")


class _FromCode:
    """`Builder.from_code(source)` makes a builder, `builder.from_code(source)` changes one."""

    def __get__(self, builder: Builder | None, kind: type) -> Callable:
        return kind._made_from_code if builder is None else builder._take_code


class Builder:
    """Builds models by hand: a canvas with palette and inspector, in step with code and model.

    Args:
        model: what to begin with: a sequential or functional model. Empty if not given.
        exercise: a task to be done, whose start the canvas begins with.
        namespace: where layers and data of one's own are looked for; the notebook's variables if
            not given.

    Attributes:
        widget: what the page shows.
        trainer: the part of it that trains.
        training: the newest `Training` that was started on the page; None before.
        history: its `History`.

    Raises:
        ArgumentError: `model` is no model, or its `call` is Python.

    Example:
        >>> import kerasnb
        >>> from kerasnb.notebook.builder.widget import Builder
        >>> model = kerasnb.Sequential([kerasnb.Input((4,)), kerasnb.layers.Dense(3)])
        >>> builder = Builder(model)
        >>> builder.model.output_shape
        (None, 3)
        >>> builder.undo()
    """

    from_code = _FromCode()

    def __init__(
        self,
        model: Any = None,
        *,
        exercise: Exercise | None = None,
        namespace: Mapping[str, Any] | None = None,
        _document: Document | None = None,
    ):
        self._lock = threading.RLock()
        self._namespace = _namespace() if namespace is None else namespace
        self._exercise = exercise
        document = Document() if _document is None else _document
        if exercise is not None and _document is None:
            document = exercise.start
        self._built: Built | None = None
        if model is not None:
            self._built = _read(model)
            document = self._built.document
        refusal = None if exercise is None else exercise.refusal
        self._session = Session(document, entries(self._namespace), refusal)
        self._panel = TrainingPanel(self._namespace)
        self._trained: Document | None = None  # the graph of the newest training
        self._badges: dict[str, dict] = {}
        self._badges_due = 0.0
        self._hints, self._begun = 0, time.time()
        self._number = 0
        self._kept: Kept | None = None
        self.trainer = TrainingWidget(self)
        self.widget = BuilderWidget(self)
        if exercise is not None and (data := exercise.load()) is not None:
            self.give(data, fixed=True)
        _follow_cells(self)

    @classmethod
    def _made_from_code(cls, source: str, **options: Any) -> Builder:
        """A builder of the graph that Keras code makes; the code is read, never run.

        Args:
            source: Python.
            options: those of `Builder`.

        Raises:
            LoadError: it makes none, with the line.
        """
        return cls(_document=from_code(source, _custom(_namespace())), **options)

    def _take_code(self, source: str) -> None:
        """Take the graph that Keras code makes; the code is read, never run.

        Raises:
            LoadError: it makes none, with the line.
        """
        self._change(lambda: self._session.read_code(source))

    # For Python

    @property
    def model(self) -> Any:
        """The live model of the canvas. Its weights stay where a change allows it.

        Raises:
            ArgumentError: it is not complete; the first problem is named.
        """
        with self._lock:
            return self._build().model

    @model.setter
    def model(self, model: Any) -> None:
        built = _read(model)

        def take() -> None:
            self._session.change(built.document, "take a model")
            self._built = built

        self._change(take)

    @property
    def document(self) -> dict[str, Any]:
        """The canvas as plain data for JSON."""
        return self._session.document.data()

    @property
    def training(self) -> Any:
        """The newest `Training` that was started on the page; None before."""
        return self._panel.training

    @property
    def history(self) -> Any:
        """The `History` of that training."""
        return self._panel.history

    @property
    def result(self) -> dict[str, Any]:
        """How far the exercise is done, as plain data for JSON: goals, counts, metrics and code.

        Raises:
            ArgumentError: there is no exercise.
        """
        if self._exercise is None:
            raise ArgumentError("This builder has no exercise: Builder(exercise=Exercise(...)).")
        with self._lock:
            return self._result().data()

    def to_code(self, library: str = "kerasnb") -> str:
        """The canvas as Keras code that runs as it stands.

        Args:
            library: ``"kerasnb"`` or ``"keras"``: what it imports.

        Raises:
            ArgumentError: `library` is neither.
        """
        custom = {e.type: e.cls for e in self._session.palette.values() if e.custom}
        return to_code(self._session.document, library, custom)

    def train(self, **values: Any) -> Training:
        """Train in the background, as the page's Train does.

        Args:
            values: what is not to be as it makes sense: ``data`` (a variable's name, or a set's:
                ``"set: digits"``), ``y``, for further inputs and outputs ``data_2``, ``y_2`` and
                so on, ``loss``, ``optimizer``, ``metrics``, ``epochs``, ``batch_size``,
                ``learning_rate``, ``validation_split``.

        Returns:
            A `Training`, with which to pause, stop and wait.

        Raises:
            ArgumentError: the model is not complete, or there is no such choice.
        """
        answer = self.obey({"op": "train", "values": {**self._panel.values(), **values}})
        if answer.refused is not None:
            raise ArgumentError(answer.refused)
        return self._panel.training

    def give(self, data: Data, fixed: bool = False, **values: Any) -> None:
        """Train on this.

        Args:
            data: inputs and targets.
            fixed: whether the page may not choose other data.
            values: how, where it is not to be as usual: ``epochs``, ``batch_size``,
                ``learning_rate``, ``validation_split``, ``pace`` (epochs a second at most).
        """
        with self._lock:
            self._panel.give(data, fixed, **values)
            self._panel.suggest(self._session.document, self._session.report)
            self._take_up_data()
            self._show()

    def undo(self) -> None:
        """Take the last action back, if there was one."""
        self._change(self._session.undo)

    def redo(self) -> None:
        """Do again what was undone last, if anything was."""
        self._change(self._session.redo)

    def __repr__(self) -> str:
        return f"# A model builder. It needs a kernel: run this cell.\n{self.to_code()}"

    def _ipython_display_(self) -> None:
        bundle = self.widget._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        display({**bundle, "text/plain": repr(self)}, raw=True)
        self._kept = Kept(self.widget.model_id)
        self._kept.show(self._session)

    # The live model

    def _build(self) -> Built:
        session = self._session
        if self._built is None or self._built.document is not session.document:
            before = self._built
            self._built = build(session.document, session.palette, before, session.report)
            if before is not None:  # what is new stays so until it is trained
                self._built.new.update(before.new & self._built.layers.keys())
        return self._built

    def _current(self) -> Built | None:
        """The live model, if it is one of what is on the canvas now."""
        built = self._built
        return built if built is not None and built.document is self._session.document else None

    def _look_inside(self) -> None:
        """Measure badges, in the thread that trains, if it is time."""
        now = time.monotonic()
        built, examples = self._current(), self._panel.examples(EXAMPLES)
        if built is None or examples is None or now < self._badges_due:
            return
        self._badges = badges(built, *examples)
        self.trainer.sight = sight(built.model, self._panel.data)
        self._badges_due = time.monotonic() + max(PAUSE, RARELY * (time.monotonic() - now))
        with self._lock:
            self._show()

    # Changes

    def _change(self, work: Callable[[], Any]) -> Any:
        """Do something with the session, and show what came of it."""
        with self._lock:
            before, action = self._session.document, self._session.undoable
            made = work()
            if self._session.document is before and self._session.undoable != action:
                self._show()
            if self._session.document is not before:
                self._badges = {}
                if (
                    self._panel.trainings
                    and not self._panel.running
                    and self._session.report.complete
                ):
                    self._build()  # says which weights are new
                self._panel.suggest(self._session.document, self._session.report)
                self._show()
            return made

    def _show(self) -> None:
        self._number += 1
        self.widget.state = self._state()
        self.trainer.training = self._panel.state()
        self.widget.exercise = self._exercise_state()
        if self._kept is not None:
            self._kept.soon(self._session)

    def _state(self) -> dict[str, Any]:
        locked: frozenset[str] = frozenset()
        if self._exercise is not None:
            locked = frozenset(self._exercise.locked_in(self._session.document))
        built = self._current()
        if built is not None and not self._panel.trainings:
            built = None  # then all weights are new, and nobody wonders
        return state_of(self._session, self.to_code(), self._number, built, self._badges, locked)

    def _result(self) -> Result:
        session = self._session
        history = self._panel.history if self._trained is session.document else None
        return self._exercise.check(
            session.report, session.document, history, code=self.to_code(), edits=session.edits,
            trainings=self._panel.trainings, hints=self._hints,
            times={"begun": self._begun, "asked": time.time()},
        )  # fmt: skip

    def _exercise_state(self) -> dict[str, Any]:
        if self._exercise is None:
            return {}
        result = self._result()
        goals = [{"text": g.text, "met": g.met, "missed": g.missed} for g in result.goals]
        hints = list(self._exercise.hints[: self._hints])
        return {
            **self._exercise.description(), "goals": goals, "shown": hints,
            "passed": result.passed, "text": result.text,
        }  # fmt: skip

    def _refresh_palette(self) -> None:
        """Take up layers that a cell has defined."""
        with self._lock:
            found = entries(self._namespace)
            if [e.cls for e in found.values()] != [e.cls for e in self._session.palette.values()]:
                self._session.take_palette(found)
                self.widget.palette = listed(found)
                self._show()

    # For the page

    def obey(self, message: Mapping[str, Any]) -> Answer:
        """Do what a message asks for."""
        op = message["op"]
        if op in STEERING:  # not under the lock, which training waits for between two steps
            return self._steer(op)
        own = getattr(self, f"_on_{op}", None)
        if own is None:
            return self._change(lambda: self._session.obey(message))
        with self._lock:
            try:
                return own(message) or Answer()
            except KerasnbError as reason:
                return Answer(refused=str(reason))

    def _on_choose(self, message: Mapping[str, Any]) -> None:
        session = self._session
        before = self._panel.data
        self._panel.choose(message["values"], session.document, session.report)
        if self._panel.data is not before:
            self._take_up_data()
        self._show()

    def _take_up_data(self) -> None:
        """Show the data that was chosen, and let a first layer's input fit it."""
        data = self._panel.data
        self.trainer.sight = plane_of(data)
        shape = np.shape(data.x)[1:] if isinstance(getattr(data, "x", None), np.ndarray) else None
        self._session.first_input = None if shape is None else {"shape": list(shape)}

    def _on_train(self, message: Mapping[str, Any]) -> None:
        self._on_choose(message)
        model = self._build().model
        self._trained = self._session.document
        self._badges_due = 0.0
        self._panel.start(model, self._follow)
        self._built.new.clear()  # they are being trained
        self.trainer.live = self._panel.view.widget.model_id
        self._show()

    def _follow(self) -> None:
        """Called between two steps of training, in its thread."""
        if not self._panel.running:
            self._badges_due = 0.0  # the last look is at the trained model
        self._look_inside()
        panel = self._panel.state()
        with self._lock:
            self.trainer.training = panel
            if not self._panel.running:
                self._show()

    def _on_mend(self, message: Mapping[str, Any]) -> None:
        document, action = self._panel.mend(message["number"], self._session.document)
        self._change(lambda: self._session.change(document, action))

    def _steer(self, op: str) -> Answer:
        if not self._panel.running:
            return Answer(refused="Nothing is being trained.")
        getattr(self._panel.training, op)()
        return Answer()

    def _on_look(self, message: Mapping[str, Any]) -> Answer:
        return Answer(data=weights_of(self._build(), message["node"]))

    def _on_weight(self, message: Mapping[str, Any]) -> None:
        place = [message[name] for name in ("node", "number", "place")]
        value = message["value"]
        before = self._set_weight(*place, value)
        self._session.did(
            f"a weight of {self._session.name(place[0])}",
            Effect(
                lambda: self._set_weight(*place, before), lambda: self._set_weight(*place, value)
            ),
        )
        self._show()

    def _set_weight(self, key: str, number: int, place: int, value: float) -> float:
        if self._panel.running and self._panel.training.state != "paused":
            raise ArgumentError("Pause the training first.")
        built = self._build()
        before = set_weight(built, key, number, place, value)
        if self._panel.data is not None and built.model.compiled:
            self.trainer.sight = sight(built.model, self._panel.data)
        return before

    def _on_point(self, message: Mapping[str, Any]) -> None:
        before = self._panel.data
        self._panel.add_point(message["x"], message["y"], message["label"])
        after = self._panel.data
        effect = Effect(lambda: self._take_points(before), lambda: self._take_points(after))
        self._session.did("a point", effect)
        self._take_points(after)
        self._show()

    def _take_points(self, data: Data) -> None:
        self._panel.take(data)
        self._panel.suggest(self._session.document, self._session.report)
        plane = self.trainer.sight.get("plane", [])
        self.trainer.sight = plane_of(data) | {"plane": plane}

    def _on_hint(self, message: Mapping[str, Any]) -> None:
        if self._exercise is None or self._exercise.hint(self._hints) is None:
            raise ArgumentError("There are no more hints.")
        self._hints += 1
        self._show()

    def _on_reset(self, message: Mapping[str, Any]) -> None:
        if self._exercise is None:
            raise ArgumentError("There is no exercise.")
        self._change(lambda: self._session.change(self._exercise.start, "begin again"))

    def _on_share(self, message: Mapping[str, Any]) -> Answer:
        kind = message["format"]
        name = self._session.document.name or "model"
        if kind in ("code", "keras"):
            text = self.to_code("kerasnb" if kind == "code" else "keras")
            return Answer(data={"name": f"{name}.py", "type": "text/x-python", "text": text})
        if kind == "json":
            text = json.dumps(json.loads(self._build().model.to_json()), indent=2)
            return Answer(data={"name": f"{name}.json", "type": "application/json", "text": text})
        figure = picture(self._session)
        if kind == "svg":
            return Answer(
                data={"name": f"{name}.svg", "type": "image/svg+xml", "text": to_svg(figure)}
            )
        png = base64.b64encode(to_png(figure)).decode("ascii")
        return Answer(data={"name": f"{name}.png", "type": "image/png", "base64": png})


def _read(model: Any) -> Built:
    if not isinstance(model, Trainer):
        raise ArgumentError(f"Builder: expected a model, got {type(model).__name__}.")
    return built_from(model)


def _namespace() -> Mapping[str, Any]:
    shell = get_ipython()
    return {} if shell is None else shell.user_ns


def _custom(namespace: Mapping[str, Any]) -> dict[str, type]:
    return {e.type: e.cls for e in entries(namespace).values() if e.custom}


def _follow_cells(builder: Builder) -> None:
    """Look after each cell whether it defined a layer, for as long as the builder lives."""
    shell, known = get_ipython(), weakref.ref(builder)
    if shell is None:
        return

    def after(result: Any = None) -> None:
        builder = known()
        if builder is None:
            shell.events.unregister("post_run_cell", after)
        else:
            builder._refresh_palette()

    shell.events.register("post_run_cell", after)
