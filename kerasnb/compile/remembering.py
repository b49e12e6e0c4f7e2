"""The kernels of walks by their form, so that those of equal layers are written once, and so are
those of a model's further plans. Imports config and walk.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from kerasnb import config
from kerasnb.compile.views import Call, Workspace
from kerasnb.compile.walk import Walk

__all__ = ["remembered"]

# By form, with the number of each operand that is a view. The 220 groups of a step of resnet20 have
# 55 forms: they take 45 ms instead of 100.
_written: dict[tuple, list[Call]] = {}
_KEPT = 1024  # forms


def remembered(walk: Walk, marked: Container[int], write: Callable[[], list[Call]]) -> list[Call]:
    """The calls of a walk: what `write` gives, or what it gave for another walk of the same form,
    on the arrays of this one.

    Args:
        walk: its views are the first operands of the first call.
        marked: ids of tensors that are written in another way.
        write: gives the calls.
    """
    form = (config.floatx(), walk.form(marked))
    known = _written.get(form)
    if known is not None:
        return _on(walk, known)
    calls = write()
    if len(_written) >= _KEPT:
        _written.clear()
    _written[form] = _numbered(calls, walk)
    return calls


def _numbered(calls: list[Call], walk: Walk) -> list[Call]:
    (kernel, operands), *others = calls
    count = len(walk.views)  # one may be there twice, with other steps
    first = Call(kernel, [*range(count), *operands[count:]])
    numbers = {id(view): i for i, view in enumerate(walk.views)}
    return [first, *(Call(k, [numbers.get(id(o), o) for o in held]) for k, held in others)]


def _on(walk: Walk, calls: list[Call]) -> list[Call]:
    """The same kernels on the views of a walk, and on workspaces of their own."""
    spaces = {o for call in calls for o in call.operands if isinstance(o, Workspace)}
    own = {space: Workspace(space.dtype, space.size) for space in spaces}
    return [
        Call(kernel, [own[o] if isinstance(o, Workspace) else walk.views[o] for o in operands])
        for kernel, operands in calls
    ]
