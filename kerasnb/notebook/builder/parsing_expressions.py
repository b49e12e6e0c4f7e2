"""Expressions of code that is read: what each of them stands for. Imports parsing_layers.

An expression that stands for nothing known raises `Stuck`: that matters only where a model needs
it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from kerasnb.notebook.builder.operations import index_text
from kerasnb.notebook.builder.parsing_arithmetic import (
    BUILTINS,
    binary,
    call_builtin,
    call_text,
    compare,
    formatted,
    item_of,
    unary,
)
from kerasnb.notebook.builder.parsing_layers import LAYERS_AT_MOST, Tracer
from kerasnb.notebook.builder.parsing_names import member, no_layer
from kerasnb.notebook.builder.parsing_values import (
    LONGEST,
    ActivationValue,
    Builtin,
    Env,
    Flatten,
    Function,
    InputFunction,
    LayerClass,
    LayerValue,
    LoopIndex,
    MergeFunction,
    Method,
    ModelClass,
    ModelValue,
    Module,
    ObjectClass,
    OpFunction,
    SampleShape,
    Scope,
    Stuck,
    Suffixed,
    Tensor,
    TensorShape,
    Unknown,
    is_constant,
    tensors_in,
)
from kerasnb.notebook.builder.signatures import output_count
from kerasnb.ops.operation import FORMS

__all__ = ["Expressions"]

_DEEPEST = 64  # expressions and statements in each other
_FUNCTIONS = {
    "Add": "add", "Sub": "subtract", "Mult": "multiply", "Div": "divide", "MatMult": "matmul",
    "FloorDiv": "floor_divide", "Mod": "mod", "Pow": "power", "USub": "negative",
    "Invert": "logical_not", "BitAnd": "logical_and", "BitOr": "logical_or", "Gt": "greater",
    "GtE": "greater_equal", "Lt": "less", "LtE": "less_equal", "Eq": "equal", "NotEq": "not_equal",
}  # fmt: skip
_NO_LAYER = "is no layer, and only layers can be drawn. Put it into a layer of your own."


class Expressions(Tracer):
    """Says what expressions stand for.

    Args:
        known: classes of the user's own layers, by name.
        flat: the places of loops and calls that are no repeats and groups.
    """

    def __init__(self, known: Mapping[str, type], flat: set[tuple]):
        super().__init__(known)
        self.flat = flat
        self.module = self.env = Env()
        # as if they had been imported: people copy code without its first lines
        usual = {name: Module("keras") for name in ("keras", "kerasnb")}
        usual |= {name: Module(f"keras.{name}") for name in ("layers", "ops")}
        self.module.values = usual
        self.module.values |= {name: LayerClass(cls) for name, cls in known.items()}
        self.depth = 0
        self._births: dict[int, tuple[Any, Scope]] = {}  # of lists and dictionaries

    def evaluate(self, node: ast.expr) -> Any:
        """What an expression stands for.

        Raises:
            Stuck: that cannot be said.
            Flatten: it is another thing in each pass of a loop that was read as a repeat.
        """
        self.spend(node.lineno)
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise Stuck(node.lineno, "Such an expression is not read here.")
        if self.depth >= _DEEPEST:
            raise Stuck(node.lineno, "This is nested too deeply to be read.")
        self.depth += 1
        try:
            value = handler(self, node)
        finally:
            self.depth -= 1
        if isinstance(value, (list, dict)) and id(value) not in self._births:
            self._births[id(value)] = (value, self.scope)
        return value

    def attempt(self, node: ast.expr) -> Any:
        """What an expression stands for, or why that cannot be said."""
        try:
            return self.evaluate(node)
        except Stuck as stuck:
            return Unknown(stuck)

    def constant(self, value: Any, line: int) -> Any:
        """A value that can be computed with."""
        if isinstance(value, LoopIndex):
            raise Flatten([value.site])
        if isinstance(value, Suffixed):
            raise Flatten(value.sites)
        if isinstance(value, Unknown):
            raise self.reason(value)
        if not is_constant(value):
            raise Stuck(line, "Only numbers, texts and lists can be computed with here.")
        return value

    def reason(self, value: Unknown) -> Exception:
        """What to raise where a value is needed that is not known."""
        if value.site:
            return Flatten([value.site])
        return Stuck(value.reason.line, value.reason.text)

    def computed(self, line: int, function: Callable, *args: Any) -> Any:
        """What a function of constants gives."""
        try:
            return function(*args)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Stuck(line, f"This cannot be computed: {str(error)[:200]}.") from None

    def truth(self, value: Any, line: int) -> bool:
        """Whether a condition holds."""
        if isinstance(value, (LayerValue, ModelValue, Function)):
            return True
        return bool(self.constant(value, line))

    def passes(self, value: Any, line: int) -> list[Any]:
        """What a loop goes through."""
        value = self.constant(value, line)
        if isinstance(value, (int, float, type(None))):
            raise Stuck(line, "This is nothing to go through.")
        count = self.computed(line, len, value)
        if count > LAYERS_AT_MOST:
            raise Stuck(line, f"This loop has {count} passes; {LAYERS_AT_MOST} can be read.")
        return list(value)

    def guard(self, birth: Scope | None) -> None:
        """Refuse to change what was made outside the loop that is read as a repeat."""
        self.changes += 1
        for scope in self.scope.chain():
            if scope is birth:
                return
            if scope.kind == "repeat":
                raise Flatten([scope.site])

    def birth(self, value: Any) -> Scope | None:
        """The scope in which a list, a dictionary, a layer or a model was made."""
        if isinstance(value, (LayerValue, ModelValue)):
            return value.scope
        return self._births.get(id(value), (None, None))[1]

    # Simple ones

    def on_constant(self, node: ast.Constant) -> Any:
        if not isinstance(node.value, (str, int, float, type(None))):
            raise Stuck(node.lineno, "Such a value is not read here.")
        return node.value

    def on_name(self, node: ast.Name) -> Any:
        if self.env.has(node.id):
            value = self.env.find(node.id)
            if isinstance(value, Unknown):
                raise self.reason(value)
            return value
        if node.id in BUILTINS:
            return Builtin(node.id)
        if node.id == "__name__":
            return "__main__"
        raise Stuck(node.lineno, f"{node.id!r} has no value here: give it one before.")

    def on_list(self, node: ast.List | ast.Tuple) -> Any:
        items: list[Any] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                items += self.passes(self.evaluate(item.value), item.lineno)
            else:
                items.append(self.attempt(item))
            if len(items) > LONGEST:
                raise Stuck(node.lineno, f"This list is longer than {LONGEST}.")
        return tuple(items) if isinstance(node, ast.Tuple) else items

    def on_dict(self, node: ast.Dict) -> dict:
        found: dict = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                more = self.evaluate(value)
                if not isinstance(more, dict):
                    raise Stuck(value.lineno, "This is no dictionary.")
                found |= more
                continue
            key = self.constant(self.evaluate(key), node.lineno)
            if not isinstance(key, (str, int, float)):
                raise Stuck(node.lineno, "Only texts and numbers are keys here.")
            found[key] = self.attempt(value)
        return found

    def on_joined(self, node: ast.JoinedStr) -> Any:
        parts: list[Any] = []
        for piece in node.values:
            if isinstance(piece, ast.Constant):
                parts.append(str(piece.value))
                continue
            value = self.evaluate(piece.value)
            plain = piece.format_spec is None and piece.conversion == -1
            if isinstance(value, LoopIndex) and plain:
                parts.append(value)
                continue
            spec = self.evaluate(piece.format_spec) if piece.format_spec else ""
            value, spec = (self.constant(v, node.lineno) for v in (value, spec))
            parts.append(self.computed(node.lineno, formatted, value, piece.conversion, spec))
            if sum(len(p) for p in parts if isinstance(p, str)) > LONGEST:
                raise Stuck(node.lineno, f"This text is longer than {LONGEST} characters.")
        return _joined(parts)

    def on_operation(self, node: ast.BinOp) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        return self.operate(type(node.op).__name__, left, right, node.lineno)

    def operate(self, name: str, left: Any, right: Any, line: int) -> Any:
        """What an operator makes of two values."""
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self._arithmetic(name, [left, right], line)
        left, right = self.constant(left, line), self.constant(right, line)
        return self.computed(line, binary, name, left, right)

    def _arithmetic(self, name: str, values: list[Any], line: int) -> Tensor:
        """What an operator makes of tensors and numbers."""
        if name not in _FUNCTIONS:
            raise Stuck(line, f"This arithmetic with a tensor {_NO_LAYER}")
        return self.operation(FORMS[_FUNCTIONS[name]], values, {}, line)

    def on_unary(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return not self.truth(value, node.lineno)
        if isinstance(value, Tensor):
            return self._arithmetic(type(node.op).__name__, [value], node.lineno)
        value = self.constant(value, node.lineno)
        return self.computed(node.lineno, unary, type(node.op).__name__, value)

    def on_both(self, node: ast.BoolOp) -> Any:
        for operand in node.values:
            value = self.evaluate(operand)
            if self.truth(value, node.lineno) is isinstance(node.op, ast.Or):
                break
        return value

    def on_comparison(self, node: ast.Compare) -> Any:
        left = self.evaluate(node.left)
        if len(node.ops) == 1:
            right = self.evaluate(node.comparators[0])
            if isinstance(left, Tensor) or isinstance(right, Tensor):
                name = type(node.ops[0]).__name__
                return self._arithmetic(name, [left, right], node.lineno)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            if isinstance(op, (ast.Is, ast.IsNot)) and (left is None or right is None):
                holds = (left is right) is isinstance(op, ast.Is)
            else:
                left, right = (self.constant(v, node.lineno) for v in (left, right))
                holds = self.computed(node.lineno, compare, type(op).__name__, left, right)
            if not holds:
                return False
            left = right
        return True

    def on_choice(self, node: ast.IfExp) -> Any:
        holds = self.truth(self.evaluate(node.test), node.lineno)
        return self.evaluate(node.body if holds else node.orelse)

    def on_lambda(self, node: ast.Lambda) -> Function:
        return Function(node, self.env, "", self.defaults(node.args))

    def on_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        outer, found = self.env, []
        self.env = Env(outer)
        try:
            self._go_through(node.generators, lambda: found.append(self.attempt(node.elt)))
        finally:
            self.env = outer
        return found

    def _go_through(self, generators: list[ast.comprehension], each: Callable) -> None:
        if not generators:
            each()
            return
        first = generators[0]
        line = first.iter.lineno
        for item in self.passes(self.evaluate(first.iter), line):
            self.spend(line)
            self.assign(first.target, item)
            if all(self.truth(self.evaluate(test), line) for test in first.ifs):
                self._go_through(generators[1:], each)

    def assign(self, target: ast.expr, value: Any) -> None:
        """Give a value to what stands on the left of ``=``."""
        raise NotImplementedError("Expressions does not define assign(target, value).")

    # Parts of things

    def on_attribute(self, node: ast.Attribute) -> Any:
        owner = self.evaluate(node.value)
        if isinstance(owner, Module):
            return member(owner.path, node.attr)
        if isinstance(owner, Tensor):
            if node.attr == "shape":
                return TensorShape(owner)
            raise Stuck(node.lineno, f"{node.attr} of a tensor is not known while code is read.")
        if isinstance(owner, ModelValue) and not owner.sequential:
            ends = {"inputs": owner.inputs, "outputs": owner.outputs}.get(f"{node.attr}s")
            if ends is not None and len(ends) == 1:
                return ends[0]
            if node.attr in ("inputs", "outputs"):
                return list(getattr(owner, node.attr))
        if isinstance(owner, (LayerValue, ModelValue)) and node.attr == "name" and owner.name:
            return owner.name
        if isinstance(owner, (LayerValue, ModelValue, list, dict, str)):
            return Method(owner, node.attr)
        raise Stuck(node.lineno, f"{node.attr!r} is not known here.")

    def on_item(self, node: ast.Subscript) -> Any:
        owner = self.evaluate(node.value)
        line = node.lineno
        if isinstance(owner, (TensorShape, Tensor)):
            return self._item_of_tensor(owner, node)
        if isinstance(owner, Module):
            raise Stuck(line, f"What {owner.path} holds is not known while code is read.")
        owner = self.constant(owner, line)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            values = [None if e is None else self.constant(self.evaluate(e), line) for e in ends]
            index: Any = slice(*values)
        else:
            index = self.constant(self.evaluate(node.slice), line)
        value = self.computed(line, item_of, owner, index)
        if isinstance(value, Unknown):
            raise self.reason(value)
        return value

    def _item_of_tensor(self, owner: TensorShape | Tensor, node: ast.Subscript) -> Any:
        index = node.slice
        if isinstance(owner, TensorShape):
            lower = index.lower if isinstance(index, ast.Slice) else None
            from_one = isinstance(lower, ast.Constant) and lower.value == 1
            if from_one and index.upper is None and index.step is None:
                return SampleShape(owner.tensor)
            raise Stuck(
                node.lineno,
                "The shape of a tensor is not known while code is read: write the number itself.",
            )
        place = index.value if isinstance(index, ast.Constant) else None
        if self._count_of(owner) is None and type(place) is int and place >= 0:
            return self.outputs_of(owner, place + 1, node.lineno)[place]
        key = self._index(index)
        return self.operation(FORMS["get_item"], [owner, key], {}, node.lineno)

    def _index(self, node: ast.expr) -> str:
        """What stands between the brackets behind a tensor."""
        many = isinstance(node, ast.Tuple)
        parts = []
        for part in node.elts if many else [node]:
            if isinstance(part, ast.Slice):
                ends = (part.lower, part.upper, part.step)
                values = [e if e is None else self._whole(e) for e in ends]
                parts.append(slice(*values))
            elif isinstance(part, ast.Constant) and part.value in (None, Ellipsis):
                parts.append(part.value)
            else:
                parts.append(self._whole(part))
        return index_text(tuple(parts) if many else parts[0])

    def _whole(self, node: ast.expr) -> int:
        value = self.constant(self.evaluate(node), node.lineno)
        if type(value) is not int or abs(value) >= 2**31:
            raise Stuck(node.lineno, "A tensor is indexed by whole numbers and slices only here.")
        return value

    def _count_of(self, tensor: Tensor) -> int | None:
        """How many tensors the call gives; None if only the first has been looked at."""
        made, layer = tensor.made, tensor.made.what
        if made.kind != "layer" or tensor.output:
            return 1
        return output_count(layer.type, layer.settings, made.call, layer.cls)

    def outputs_of(self, tensor: Tensor, count: int, line: int) -> list[Tensor]:
        """The first outputs of a call of which only the first has been looked at."""
        made, known = tensor.made, self._count_of(tensor)
        if known is not None or count > 100:
            raise Stuck(line, "This is one tensor, not several.")
        return [Tensor(made, k) for k in range(count)]

    # Calls

    def on_call(self, node: ast.Call) -> Any:
        line = node.lineno
        called = self.evaluate(node.func)
        if isinstance(called, Module):
            raise self._not_run(called.path, node)
        if isinstance(called, Method):
            return self._method(called, node)
        if not isinstance(called, _CALLABLE):
            raise Stuck(line, "This cannot be called.")
        try:
            args, kwargs = self.arguments(node)
            return self._called(called, args, kwargs, node)
        except Stuck as stuck:
            stuck.makes_model = stuck.makes_model or isinstance(called, ModelClass)
            raise

    def _called(self, called: Any, args: list, kwargs: dict, node: ast.Call) -> Any:
        line = node.lineno
        if isinstance(called, LayerClass):
            return self.layer(called.cls, args, kwargs, line)
        if isinstance(called, (LayerValue, ModelValue)):
            return self.call(called, args, kwargs, line)
        if isinstance(called, ModelClass):
            return self.model(called.name, args, kwargs, line)
        if isinstance(called, InputFunction):
            return self.input(args, kwargs, line)
        if isinstance(called, ObjectClass):
            return self.object(called.cls, args, kwargs, line)
        if isinstance(called, Function):
            return self.call_function(called, args, kwargs, node)
        if isinstance(called, MergeFunction):
            if not args:
                raise Stuck(line, "Nothing is merged here.")
            return self.call(self.layer(called.cls, args[1:], kwargs, line), args[:1], {}, line)
        if isinstance(called, OpFunction):
            return self.operation(called.form, args, kwargs, line)
        if isinstance(called, ActivationValue):
            activation = member("keras.layers", "Activation").cls
            return self.call(self.layer(activation, [called.name], kwargs, line), args, {}, line)
        args = [self.constant(value, line) for value in args]
        if kwargs or called.name == "print":
            raise Stuck(line, f"This call of {called.name} is not read here.")
        return self.computed(line, call_builtin, called.name, args)

    def arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        """What a call is given."""
        args: list[Any] = []
        for item in node.args:
            if isinstance(item, ast.Starred):
                args += self.passes(self.evaluate(item.value), item.lineno)
            else:
                args.append(self.evaluate(item))
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict):
                kwargs |= {str(k): v for k, v in value.items()}
            else:
                raise Stuck(node.lineno, "What stands behind ** is no dictionary.")
        return args, kwargs

    def _not_run(self, path: str, node: ast.Call) -> Stuck:
        """Why a call of something that is not known here stands for nothing."""
        parent, _, name = path.rpartition(".")
        if parent == "keras.layers":
            return Stuck(node.lineno, no_layer(name))
        values = [self.attempt(a) for a in node.args if not isinstance(a, ast.Starred)]
        if any(tensors_in(value) for value in values):
            return Stuck(node.lineno, f"{path} {_NO_LAYER}")
        return Stuck(node.lineno, f"{path} is not run here, so what it gives is not known.")

    def _method(self, method: Method, node: ast.Call) -> Any:
        owner, name, line = method.owner, method.name, node.lineno
        if isinstance(owner, ModelValue) and name == "add":
            return self._add(owner, node)
        if isinstance(owner, ModelValue) and name == "build" and owner.sequential:
            args, kwargs = self.arguments(node)
            given = self.plain([*args, *kwargs.values()][:1], line, "the shape")
            self.guard(owner.scope)
            if given and isinstance(given[0], list) and given[0]:
                owner.shape = {"shape": given[0][1:]}
            return None
        if isinstance(owner, list) and name in ("append", "extend"):
            args = [self.attempt(a) for a in node.args if not isinstance(a, ast.Starred)]
            self.guard(self.birth(owner))
            more = args if name == "append" else self.passes(args[0] if args else None, line)
            if len(owner) + len(more) > LONGEST:
                raise Stuck(line, f"This list is longer than {LONGEST}.")
            owner += more
            return None
        if isinstance(owner, dict) and name in ("items", "keys", "values") and not node.args:
            return list(getattr(owner, name)())
        if isinstance(owner, str):
            args, _ = self.arguments(node)
            args = [self.constant(a, line) for a in args]
            return self.computed(line, call_text, owner, name, args)
        raise Stuck(line, f"{name} is not run here, so what it gives is not known.")

    def _add(self, model: ModelValue, node: ast.Call) -> None:
        try:
            args, kwargs = self.arguments(node)
            self.guard(model.scope)
            given = self.bound(["layer"], args, kwargs, "add", node.lineno)
            self.add(model, given.get("layer"), node.lineno)
        except Stuck as stuck:
            model.broken = model.broken or stuck
            raise

    def call_function(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], node: ast.Call
    ) -> Any:
        """What a function of the code gives."""
        raise NotImplementedError("Expressions does not define call_function.")

    def defaults(self, arguments: ast.arguments) -> dict[str, Any]:
        """The values that arguments of a function have unless they are given."""
        raise NotImplementedError("Expressions does not define defaults(arguments).")


def _joined(parts: list[Any]) -> Any:
    """A text, or one that ends with the numbers of passes."""
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    sites = tuple(part.site for part in parts if isinstance(part, LoopIndex))
    place = next(i for i, part in enumerate(parts) if isinstance(part, LoopIndex))
    text = "".join(parts[:place])
    rest = parts[place:]
    regular = rest[1::2] == ["_"] * (len(rest) // 2) and len(sites) == (len(rest) + 1) // 2
    if regular and text.endswith("_") and len(text) > 1:
        return Suffixed(text[:-1], sites)
    raise Flatten(sites)


_CALLABLE = (
    ActivationValue, Builtin, Function, InputFunction, LayerClass, LayerValue, MergeFunction,
    ModelClass, ModelValue, ObjectClass, OpFunction,
)  # fmt: skip
_HANDLERS: Mapping[type, Callable] = {
    ast.Attribute: Expressions.on_attribute,
    ast.BinOp: Expressions.on_operation,
    ast.BoolOp: Expressions.on_both,
    ast.Call: Expressions.on_call,
    ast.Compare: Expressions.on_comparison,
    ast.Constant: Expressions.on_constant,
    ast.Dict: Expressions.on_dict,
    ast.GeneratorExp: Expressions.on_comprehension,
    ast.IfExp: Expressions.on_choice,
    ast.JoinedStr: Expressions.on_joined,
    ast.Lambda: Expressions.on_lambda,
    ast.List: Expressions.on_list,
    ast.ListComp: Expressions.on_comprehension,
    ast.Name: Expressions.on_name,
    ast.Subscript: Expressions.on_item,
    ast.Tuple: Expressions.on_list,
    ast.UnaryOp: Expressions.on_unary,
}
