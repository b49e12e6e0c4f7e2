"""What would mend shapes that do not fit: for each reason the edits to try. Imports mending."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kerasnb.layers.merging import Merge
from kerasnb.notebook.builder import edits
from kerasnb.notebook.builder.document import Document, Node
from kerasnb.notebook.builder.mending import Case, Fix, inserted, left_out, removed, set_to
from kerasnb.spec import TensorSpec, is_float

__all__ = ["adapted", "fewer_groups", "flatten", "ranks", "smaller_window", "target_shapes"]


def smaller_window(case: Case) -> Iterator[Fix]:
    """A window that fits into the input, or padding that lets it."""
    entry, spec = case.entry, case.given()
    if entry is None or spec is None:
        return
    if entry.argument("padding") is not None and entry.argument("padding").kind == "choice":
        yield set_to(case, case.owner, "padding", "same")
    first = case.owner.settings.get("data_format") == "channels_first"
    spatial = spec.shape[2:] if first else spec.shape[1:-1]
    known = [n for n in spatial if n is not None]
    for name in ("kernel_size", "pool_size"):
        if entry.argument(name) is not None and known:
            yield set_to(case, case.owner, name, min(known))
    if "dilation_rate" in case.owner.settings:
        yield left_out(case.owner, "dilation_rate")


def fewer_groups(case: Case) -> Iterator[Fix]:
    """The largest number of groups into which the channels divide."""
    spec, groups = case.given(), case.owner.settings.get("groups", 32)
    entry = case.entry
    if entry is None or entry.argument("groups") is None or spec is None or not spec.shape[-1]:
        return
    channels = spec.shape[-1]
    if type(groups) is int and groups > 0:
        yield set_to(case, case.owner, "groups", math.gcd(channels, groups))


def target_shapes(case: Case) -> Iterator[Fix]:
    """Shapes and orders of axes that fit the input, for a Reshape or a Permute."""
    target = case.owner.settings.get("target_shape")
    if case.owner.type == "Reshape" and isinstance(target, list):
        for axis in range(len(target)):
            yield set_to(
                case, case.owner, "target_shape", [*target[:axis], -1, *target[axis + 1 :]]
            )
        yield set_to(case, case.owner, "target_shape", [-1])
    spec = case.given()
    if case.owner.type == "Permute" and spec is not None and spec.ndim > 2:
        dims = list(range(2, spec.ndim))
        yield set_to(case, case.owner, "dims", [*dims, 1])


# Ranks


_STEPS = ("LSTM", "GRU", "SimpleRNN", "RNN")


def ranks(case: Case) -> Iterator[Fix]:
    """A layer that needs another number of axes than one of its inputs has."""
    if case.entry is None or case.entry.rank is None:
        return
    for place in range(len(case.node.reads)):
        spec, source = case.given(place), case.source(place)
        if spec is not None and source is not None and spec.ndim != case.entry.rank:
            yield from _before(case, place, spec, source, case.entry.rank)
            return


def _before(case: Case, place: int, spec: TensorSpec, source: Node, rank: int) -> Iterator[Fix]:
    if source.type in _STEPS and rank == 3:
        yield set_to(case, source, "return_sequences", True)
    indices = case.owner.type not in ("Flatten",) and _are_indices(source, spec)
    if rank == 3 and spec.ndim == 2 and indices:
        yield from _embedded(case, place, source)
    if source.type == "Flatten" or source.type.startswith("Global"):
        yield removed(case, source)
    for target in _targets(spec, rank):
        yield inserted(case, ("Reshape", {"target_shape": target}), place=place)
    if rank == 2:
        yield from _flattened(case, spec, place)
    if rank == 3 and spec.ndim == 2 and source.kind == "input" and not indices:
        yield from _embedded(case, place, source)


def _are_indices(source: Node, spec: TensorSpec) -> bool:
    return source.kind == "input" and not is_float(spec.dtype)


def _embedded(case: Case, place: int, source: Node) -> Iterator[Fix]:
    """An Embedding before, and whole numbers where they come in."""
    presets = case.palette["Embedding"].presets
    fix = inserted(case, ("Embedding", presets), place=place)

    def apply(document: Document) -> Document:
        return edits.set_setting(fix.apply(document), source.id, "dtype", "int32")

    yield fix if _are_indices(source, case.given(place)) else Fix(fix.text, apply)


def _targets(spec: TensorSpec, rank: int) -> Iterator[list[int]]:
    """Shapes of samples of which the same numbers can make up a tensor of another rank."""
    sample = spec.shape[1:]
    if None in sample:
        return
    if rank == spec.ndim + 1 and rank > 3:
        yield [*sample, 1]
    if rank == 4 and len(sample) == 1:
        for channels in (1, 3):
            side = math.isqrt(sample[0] // channels)
            if side > 1 and side * side * channels == sample[0]:
                yield [side, side, channels]
    if rank == 3 and len(sample) == 3:
        yield [sample[0] * sample[1], sample[2]]
    if rank == 3 and len(sample) == 1:
        yield [sample[0], 1]


def _flattened(case: Case, spec: TensorSpec, place: int = 0) -> Iterator[Fix]:
    yield inserted(case, ("Flatten", {}), place=place)
    picture = case.source(place).kind == "input" and spec.ndim == 3
    if 3 <= spec.ndim <= 5 and not picture:
        name = f"GlobalAveragePooling{spec.ndim - 2}D"
        yield inserted(case, (name, {}), place=place)


def flatten(case: Case) -> Iterator[Fix]:
    """One axis of features for a Dense."""
    spec = case.given()
    if spec is None or case.owner.type != "Dense":
        return
    if spec.ndim > 2:
        yield from _flattened(case, spec)
    source = case.source()
    before = case.specs.get(source.reads[0].source) if source.type == "Flatten" else None
    if before and 3 <= before[0].ndim <= 5:
        name = f"GlobalAveragePooling{before[0].ndim - 2}D"
        yield Fix(
            f"Use {name} in place of {case.names[source.id]}",
            lambda document: document.change(source.id, type=name, settings={}),
        )


# Tensors that do not fit together


_FAR = 6  # layers back to the window that made a picture smaller
_WIDEST = 7  # a window that only cuts a picture


def adapted(case: Case) -> Iterator[Fix]:
    """A layer on one of several paths that gives it the shape of another one."""
    entry = case.entry
    if entry is None or entry.takes != "several" or len(case.node.reads) < 2:
        return
    yield from _axis(case)
    specs = [case.given(place) for place in range(len(case.node.reads))]
    if None in specs:
        return
    if len({s.shape[1:-1] for s in specs}) > 1:
        yield from _as_large(case)
    order = case.document.ordered(case.node.parent)
    places = {node.id: i for i, node in enumerate(order)}
    last = max(range(len(specs)), key=lambda i: places.get(case.node.reads[i].source, 0))
    for model in (last, *(i for i in range(len(specs)) if i != last)):
        odd = [i for i, s in enumerate(specs) if s.shape != specs[model].shape]
        if len(odd) != 1:
            continue
        for type_, settings in _projections(specs[odd[0]], specs[model]):
            yield inserted(case, (type_, settings), place=odd[0])
    merges = issubclass(entry.cls, Merge) and len({s.ndim for s in specs}) == 1
    if merges:
        yield Fix(
            "Use Concatenate instead",
            lambda document: document.change(case.owner.id, type="Concatenate", settings={}),
        )
    for place, spec in enumerate(specs):
        if spec.ndim > min(s.ndim for s in specs):
            yield from _flattened(case, spec, place)


def _as_large(case: Case) -> Iterator[Fix]:
    """Padding where a window made a picture smaller than the others."""
    for edge in case.node.reads:
        for _ in range(_FAR):
            if edge is None or not case.document[edge.source].reads:
                break
            node = case.document.owner(edge.source)
            if _has_padding(case, node):
                if node.settings.get("padding") != "same":
                    yield set_to(case, node, "padding", "same")
                break
            edge = case.document[edge.source].reads[0]


def _has_padding(case: Case, node: Node) -> bool:
    """Whether a layer slides a window, the padding of which can be chosen."""
    entry = case.palette.get(node.type)
    padding = entry.argument("padding") if entry is not None else None
    return padding is not None and padding.kind == "choice"


def _axis(case: Case) -> Iterator[Fix]:
    """The axis in which alone the tensors differ, for a Concatenate."""
    specs = [case.given(place) for place in range(len(case.node.reads))]
    if case.owner.type != "Concatenate" or None in specs or len({s.ndim for s in specs}) > 1:
        return
    axes = [i for i, dims in enumerate(zip(*(s.shape for s in specs), strict=True)) if i]
    odd = [i for i in axes if len({s.shape[i] for s in specs}) > 1]
    if len(odd) == 1:
        yield set_to(case, case.owner, "axis", odd[0])


def _projections(spec: TensorSpec, model: TensorSpec) -> Iterator[tuple[str, dict]]:
    """Layers that give a tensor the shape of another one of its rank."""
    if spec.ndim != model.ndim or None in (*spec.shape[1:], *model.shape[1:]):
        return
    features = model.shape[-1]
    if spec.shape[1:-1] == model.shape[1:-1]:
        if spec.ndim == 2:
            yield "Dense", {"units": features}
        elif spec.ndim <= 5:
            yield f"Conv{spec.ndim - 2}D", {"filters": features, "kernel_size": 1}
        return
    pairs = list(zip(spec.shape[1:-1], model.shape[1:-1], strict=True))
    strides = [max(1, round(a / b)) for a, b in pairs]
    if spec.ndim <= 5:
        size = strides[0] if len(set(strides)) == 1 else strides
        settings = {"filters": features, "kernel_size": 1}
        yield f"Conv{spec.ndim - 2}D", {**settings, "strides": size}
        if spec.shape[-1] == features:
            yield f"MaxPooling{spec.ndim - 2}D", {"pool_size": size, "padding": "same"}
        cut = pairs[0][0] - pairs[0][1] + 1
        if 1 < cut <= _WIDEST:
            yield f"Conv{spec.ndim - 2}D", {"filters": features, "kernel_size": cut}
