"""Layers, models and their calls as code names them, while it is read. Nothing is made or run.

Imports parsing_values and signatures.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from kerasnb.errors import LoadError, unknown
from kerasnb.layers import LAYERS
from kerasnb.notebook.builder.operations import (
    INDEX,
    SPLITS,
    is_list,
    signature_of,
    type_of,
    usual_of,
)
from kerasnb.notebook.builder.parsing_values import (
    ActivationValue,
    Flatten,
    Function,
    InputFunction,
    LayerClass,
    LayerValue,
    LoopIndex,
    Made,
    ModelClass,
    ModelValue,
    Module,
    ObjectClass,
    SampleShape,
    Scope,
    Stuck,
    Suffixed,
    Tensor,
    Unknown,
    tensors_in,
)
from kerasnb.notebook.builder.signatures import (
    call_names,
    handed_on,
    output_count,
    parameters,
    ports,
    takes,
    takes_more,
)
from kerasnb.ops.operation import Form
from kerasnb.spec import DTYPES

__all__ = ["Tracer"]

LAYERS_AT_MOST = 1000
_WORK = 200_000  # steps of reading; all examples on Keras's pages take fewer than 5,000
_LARGEST = 2**63
_DEEPEST = 14  # of lists in lists, as documents allow it
_WIDEST = 2000  # values in the arguments of one layer

# how older code says what the first layer is given
_OLD_SHAPES = ("input_shape", "batch_input_shape", "input_dim", "input_length")


class Tracer:
    """What has been read so far.

    Args:
        known: classes of the user's own layers, by name.
    """

    def __init__(self, known: Mapping[str, type]):
        self.known = known
        self.scope = Scope()
        self.count = self.changes = 0
        self.work = _WORK

    def spend(self, line: int, amount: int = 1) -> None:
        """Count work.

        Raises:
            LoadError: it is too much.
        """
        self.work -= amount
        if self.work < 0:
            raise LoadError(
                f"Line {line}: There is too much to do here for code that is only read."
            )

    def make(self, kind: str, line: int, **values: Any) -> Made:
        """Something that makes tensors.

        Raises:
            LoadError: there are too many.
        """
        self.count += 1
        self.changes += 1
        if self.count > 2 * LAYERS_AT_MOST:
            raise LoadError(f"Line {line}: A model here has {LAYERS_AT_MOST} layers at most.")
        return Made(kind, self.scope, line, self.count, **values)

    # Tensors in parts

    def seen(self, tensor: Tensor) -> Tensor:
        """A tensor as the present scope has it; a function is given what it takes from outside.

        Raises:
            Flatten: a loop would need a second tensor, or the tensor is within another part.
        """
        chain = self.scope.chain()
        if tensor.made.scope not in chain:
            inner = [s.site for s in tensor.made.scope.chain() if s not in chain]
            raise Flatten(inner)
        between = chain[: chain.index(tensor.made.scope)]
        for scope in reversed(between):
            if scope.kind == "repeat":
                raise Flatten([scope.site])
            if tensor not in scope.imports:
                made = Made("input", scope, tensor.made.line, self.count)
                scope.inputs.append(made)
                scope.imports[tensor] = Tensor(made)
                scope.imported.append(tensor)
            tensor = scope.imports[tensor]
        return tensor

    # Arguments

    def plain(self, value: Any, line: int, what: str) -> Any:
        """A value as a document holds it.

        Args:
            value: of an argument.
            line: where it is given.
            what: the argument, for the error.

        Raises:
            Stuck: a document cannot hold it.
            Flatten: it is another one in each pass of a loop.
        """
        return _Plain(self, line, what).of(value)

    def bound(
        self,
        names: Sequence[str],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        what: str,
        line: int,
        more: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Arguments by name.

        Args:
            names: those that can be given by position.
            args: what is given so.
            kwargs: what is given by name.
            what: is called, for errors.
            line: where.
            more: names of arguments that are only given by name.

        Raises:
            Stuck: there are too many, or one is unknown or given twice.
        """
        if len(args) > len(names):
            text = f"{what} is given {len(args)} arguments by position and takes {len(names)}."
            raise Stuck(line, text)
        found = dict(zip(names, args, strict=False))
        names = [*names, *(name for name in more if name not in names)]
        for name, value in kwargs.items():
            if name not in names:
                known = [n for n in names if n not in _OLD_SHAPES]
                raise Stuck(line, str(unknown(f"argument of {what}:", name, known)))
            if name in found:
                raise Stuck(line, f"{what} is given {name} twice.")
            found[name] = value
        return found

    def named(self, value: Any, line: int) -> str:
        """A name that was given to a layer; without the numbers of the repeats it lies in."""
        if isinstance(value, Suffixed):
            around = [s.site for s in self.scope.chain() if s.kind == "repeat"][::-1]
            if tuple(around[-len(value.sites) :]) != value.sites:
                raise Flatten(value.sites)
            return value.text
        if isinstance(value, Unknown):
            raise value.reason
        if isinstance(value, LoopIndex):
            raise Flatten([value.site])
        if value is not None and not isinstance(value, str):
            raise Stuck(line, "A name must be a text.")
        return value or ""

    # Layers and objects

    def layer(
        self, cls: type, args: Sequence[Any], kwargs: Mapping[str, Any], line: int
    ) -> LayerValue:
        """A layer of a class."""
        own = list(parameters(cls))
        more = ("name", *handed_on(cls), *_OLD_SHAPES) if takes_more(cls) else ("name",)
        found = self.bound(own, args, kwargs, cls.__name__, line, more)
        name = self.named(found.pop("name", None), line)
        old = {n: found.pop(n) for n in _OLD_SHAPES if n in found and n not in own}
        reader = _Plain(self, line, "")
        settings = {}
        for key, value in found.items():
            reader.what = f"{key} of {cls.__name__}"
            settings[key] = reader.of(value)
        shape = _shape_of({k: reader.of(v) for k, v in old.items()}, line)
        return LayerValue(cls.__name__, cls, settings, name, self.scope, line, reader.size, shape)

    def object(
        self, cls: type, args: Sequence[Any], kwargs: Mapping[str, Any], line: int
    ) -> dict[str, Any]:
        """An initializer, regularizer or constraint as a document holds it."""
        found = self.bound(list(parameters(cls)), args, kwargs, cls.__name__, line)
        config = {k: self.plain(v, line, f"{k} of {cls.__name__}") for k, v in found.items()}
        return {"class_name": cls.__name__, "config": config}

    def input(self, args: Sequence[Any], kwargs: Mapping[str, Any], line: int) -> Tensor:
        """What `keras.Input` gives."""
        names = list(inspect.signature(LAYERS["InputLayer"].__init__).parameters)[1:]
        found = self.bound([*names, "tensor"], args, kwargs, "Input", line)
        name = self.named(found.pop("name", None), line)
        if isinstance(found.get("shape"), SampleShape):
            del found["shape"]
        values = {k: self.plain(v, line, f"{k} of Input") for k, v in found.items()}
        for key in ("sparse", "ragged", "tensor", "optional"):
            if values.pop(key, None):
                raise Stuck(line, f"Input: {key} is not supported.")
        if values.get("batch_shape") is not None:
            values |= _shape_of({"batch_input_shape": values["batch_shape"]}, line)
        elif "shape" in values:
            values |= _shape_of({"input_shape": values["shape"]}, line)
        order = ("shape", "batch_size", "dtype")
        settings = {k: values[k] for k in order if values.get(k) is not None}
        return Tensor(self.make("input", line, settings=settings, name=name))

    # Models

    def model(
        self, kind: str, args: Sequence[Any], kwargs: Mapping[str, Any], line: int
    ) -> ModelValue:
        """What `keras.Sequential` or `keras.Model` gives."""
        ends = ["layers"] if kind == "Sequential" else ["inputs", "outputs"]
        found = self.bound([*ends, "trainable", "name"], args, kwargs, kind, line)
        model = ModelValue(self.scope, line, self.named(found.get("name"), line))
        if found.get("trainable", True) is not True:
            model.settings["trainable"] = self.plain(found["trainable"], line, "trainable")
        if kind == "Sequential":
            items = found.get("layers")
            if items is not None and not isinstance(items, (list, tuple)):
                raise Stuck(line, "Sequential takes its layers in a list.")
            model.items = [self._item(item, line) for item in items or ()]
            return model
        for end in ends:
            if end not in found:
                raise Stuck(line, "A model needs inputs and outputs: keras.Model(inputs, outputs).")
            given, keys = self._unkeyed(found[end], line, f"{end} of a model")
            setattr(model, end, tuple(self._tensors(given, line, f"{end} of a model")))
            setattr(model, f"{end[:-1]}_keys", keys)
        return model

    def _unkeyed(self, value: Any, line: int, what: str) -> tuple[Any, tuple[str, ...]]:
        """What is in a dictionary, in the order of its keys, and these."""
        if not isinstance(value, dict):
            return value, ()
        if not all(isinstance(key, str) and key for key in value):
            raise Stuck(line, f"The {what} must have texts as keys.")
        keys = tuple(sorted(value))
        return [value[key] for key in keys], keys

    def add(self, model: ModelValue, item: Any, line: int) -> None:
        """Put a layer on top of a `Sequential`."""
        if model.items is None:
            raise Stuck(line, "Only a Sequential has add.")
        if len(model.items) >= LAYERS_AT_MOST:
            raise LoadError(f"Line {line}: A model here has {LAYERS_AT_MOST} layers at most.")
        model.items.append(self._item(item, line))

    def _item(self, item: Any, line: int) -> Any:
        if isinstance(item, Unknown):
            raise item.reason
        if isinstance(item, LayerClass):
            name = item.cls.__name__
            raise Stuck(line, f"{name} is a class here: write {name}(...).")
        is_input = isinstance(item, Tensor) and item.made.kind == "input"
        if not (is_input or isinstance(item, (LayerValue, ModelValue))):
            raise Stuck(line, "Sequential takes layers only, and an Input as the first.")
        return item

    def _tensors(self, value: Any, line: int, what: str) -> list[Tensor]:
        """A tensor, or a list of them."""
        if isinstance(value, dict):
            raise Stuck(line, f"The {what} are a dictionary, which cannot be drawn: use a list.")
        values = value if isinstance(value, (list, tuple)) else [value]
        for item in values:
            if isinstance(item, Unknown):
                raise item.reason
            if not isinstance(item, Tensor):
                raise Stuck(line, f"The {what} must be tensors: what Input or a layer gives.")
        if not values:
            raise Stuck(line, f"There are no {what}.")
        return list(values)

    # Calls

    def call(
        self,
        what: LayerValue | ModelValue,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        line: int,
    ) -> Any:
        """What a layer or a model gives for tensors."""
        if isinstance(what, ModelValue):
            name, cls, form = "a model", None, "one"
            count: int | None = 1 if what.sequential else len(what.outputs)
        else:
            name, cls, form = what.type, what.cls, takes(what.cls)
        args, kwargs = self._by_position(list(args), dict(kwargs), cls, form)
        named = self._named(kwargs, cls, name, line)
        if isinstance(what, ModelValue) and what.input_keys and args:
            given, keys = self._unkeyed(args[0], line, "inputs of a model")
            if keys not in ((), what.input_keys):
                wanted = ", ".join(what.input_keys)
                raise Stuck(line, f"This model takes a dictionary with the keys {wanted}.")
            args = [given, *args[1:]]
        reads, call = self._read(args, kwargs, cls, form, name, line)
        if isinstance(what, LayerValue):
            count = output_count(what.type, what.settings, call, cls)
        kind = "model" if isinstance(what, ModelValue) else "layer"
        reads = tuple(map(self.seen, [*reads, *(tensor for _, tensor in named)]))
        keywords = tuple(key for key, _ in named)
        made = self.make(kind, line, what=what, reads=reads, keywords=keywords, call=call)
        if isinstance(what, ModelValue) and what.output_keys:
            return {key: Tensor(made, k) for k, key in enumerate(what.output_keys)}
        return Tensor(made) if count in (1, None) else tuple(Tensor(made, k) for k in range(count))

    def _by_position(
        self, args: list[Any], kwargs: dict[str, Any], cls: type | None, form: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        """Arguments of a call with the names of those behind the tensors that have none."""
        names = () if cls is None else call_names(cls)
        most = form if isinstance(form, int) else 1
        more = dict(zip(names[most:], args[most:], strict=False))
        if form == "several" or len(args) > len(names) or set(more) & set(kwargs):
            return args, kwargs
        return args[:most], {**more, **kwargs}

    def _named(
        self, kwargs: dict[str, Any], cls: type | None, name: str, line: int
    ) -> list[tuple[str, Tensor]]:
        """Take what a layer is given by name out of the arguments of a call."""
        found = []
        for key in sorted(kwargs) if cls is not None else ():
            if key in ports(cls) or not tensors_in(kwargs[key]):
                continue
            tensors = self._tensors(kwargs.pop(key), line, f"{key} of a call of {name}")
            found += [(key, tensor) for tensor in tensors]
        return found

    def _read(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        cls: type | None,
        form: Any,
        name: str,
        line: int,
    ) -> tuple[list[Tensor], dict[str, Any]]:
        """The tensors that a call reads, and its other arguments."""
        names = ("inputs",) if cls is None else call_names(cls)
        args = list(args)
        most = form if isinstance(form, int) else 1
        for place in range(len(args), most):
            if place < len(names) and names[place] in kwargs:
                args.append(kwargs.pop(names[place]))
            else:
                break
        if len(args) > most:
            wanted = "them in a list" if form == "several" else str(most)
            text = f"{name} is called on {len(args)} tensors and takes {wanted}."
            raise Stuck(line, text[0].upper() + text[1:])
        if not args:
            raise Stuck(line, f"{name[0].upper()}{name[1:]} is called on no tensor.")
        if form == "several" and not isinstance(args[0], (list, tuple)):
            raise Stuck(line, f"{name} takes its tensors in a list, such as {name}()([a, b]).")
        reads = [t for a in args for t in self._tensors(a, line, f"inputs of {name}")]
        plain = {}
        for key, value in kwargs.items():
            if tensors_in(value):
                raise Stuck(line, f"{key} of a call of {name} is a tensor, which cannot be drawn.")
            if value is not None:
                plain[key] = self.plain(value, line, f"{key} of a call of {name}")
        return reads, plain

    def operation(
        self, form: Form, args: Sequence[Any], kwargs: Mapping[str, Any], line: int
    ) -> Any:
        """What a function of ``keras.ops`` gives for tensors."""
        type_ = type_of(form)
        found = self.bound(list(signature_of(form)), args, kwargs, type_, line)
        reads, settings = [], {}
        for name, value in found.items():
            if isinstance(value, Tensor) and name in form.given:
                reads.append((form.given.index(name), value))
            elif is_list(form) and name in form.given:
                reads += [(0, t) for t in self._tensors(value, line, f"inputs of {type_}")]
            elif type_ == INDEX and name == "key":
                settings[name] = value
            elif not usual_of(form, name, value):
                settings[name] = self.plain(value, line, f"{name} of {type_}")
        if not reads:
            raise Stuck(line, f"{type_} is called on no tensor.")
        reads.sort(key=lambda read: read[0])
        what = LayerValue(type_, None, settings, "", self.scope, line)
        tensors = tuple(self.seen(tensor) for _, tensor in reads)
        made = self.make("layer", line, what=what, reads=tensors)
        count = output_count(type_, settings, {}, None)
        if count is None or not 0 < count <= 100 or type(count) is not int:
            raise Stuck(line, f"How many tensors {type_} gives is not known while code is read.")
        several = count > 1 or form.function in SPLITS
        return tuple(Tensor(made, k) for k in range(count)) if several else Tensor(made)


def _shape_of(given: Mapping[str, Any], line: int) -> dict[str, Any]:
    """Settings of an input from one of the ways to say its shape."""
    for key, value in given.items():
        if value is None:
            continue
        if key in ("input_dim", "input_length"):
            value = [value]
        sizes = isinstance(value, list) and all(v is None or type(v) is int for v in value)
        if not sizes or (key == "batch_input_shape" and not value):
            raise Stuck(line, "A shape must be a tuple of whole numbers, such as (28, 28, 1).")
        if key == "batch_input_shape":
            batch = {} if value[0] is None else {"batch_size": value[0]}
            return {"shape": value[1:], **batch}
        return {"shape": value}
    return {}


class _Plain:
    """Turns values into what a document holds, as long as they are not too many."""

    def __init__(self, tracer: Tracer, line: int, what: str):
        self.tracer, self.line, self.what = tracer, line, what
        self.size = 1

    def of(self, value: Any, depth: int = _DEEPEST) -> Any:
        """The value as plain data."""
        self._count(1 + (len(value) // 20 if isinstance(value, str) else 0))
        if depth == 0:
            raise Stuck(self.line, f"{self.what} is nested too deeply.")
        if value is None or isinstance(value, (bool, float, str)):
            return value
        if isinstance(value, int):
            if abs(value) >= _LARGEST:
                raise Stuck(self.line, f"{self.what} is too large.")
            return value
        if isinstance(value, (list, tuple, range)):
            self._count(len(value))
            return [self.of(v, depth - 1) for v in value]
        if isinstance(value, dict):
            return {str(k): self.of(v, depth - 1) for k, v in value.items()}
        return self._object(value)

    def _count(self, size: int) -> None:
        self.tracer.spend(self.line, size)
        self.size += size
        if self.size > _WIDEST:
            raise Stuck(self.line, f"{self.what} holds too much.")

    def _object(self, value: Any) -> Any:
        if isinstance(value, LayerValue):
            self._count(value.size)
            named = {"name": value.name} if value.name else {}
            return {"class_name": value.type, "config": {**value.settings, **named}}
        if isinstance(value, ObjectClass):
            return {"class_name": value.cls.__name__, "config": {}}
        if isinstance(value, ActivationValue):
            return value.name
        if isinstance(value, Unknown):
            raise value.reason
        if isinstance(value, LoopIndex):
            raise Flatten([value.site])
        if isinstance(value, Suffixed):
            raise Flatten(value.sites)
        if isinstance(value, Module) and value.path.split(".")[-1] in DTYPES:
            return value.path.split(".")[-1]
        raise Stuck(self.line, f"{self.what} is {_described(value)}, which cannot be drawn.")


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return "a tensor"
    if isinstance(value, Function):
        return "a function"
    if isinstance(value, Module):
        return value.path
    if isinstance(value, ModelValue):
        return "a model"
    if isinstance(value, (LayerClass, ModelClass, InputFunction)):
        return "a class"
    return "something"
