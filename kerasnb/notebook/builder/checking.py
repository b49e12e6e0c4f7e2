"""What is known of a document without making its model: shapes, sizes, and what is wrong where.

`Checker` walks the graph as a call of the model would, but with shapes alone. Imports walking,
advice and fixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.advice import advice
from kerasnb.notebook.builder.calls import Calls
from kerasnb.notebook.builder.document import ROOT, Document
from kerasnb.notebook.builder.fixes import candidates, last_resort
from kerasnb.notebook.builder.mending import Case, Fix
from kerasnb.notebook.builder.palette import Entry
from kerasnb.notebook.builder.troubles import Trouble, structural
from kerasnb.notebook.builder.walking import Walk
from kerasnb.spec import TensorSpec

__all__ = ["Checked", "Checker", "Fix", "Problem", "Report", "check"]

_MENDED = 8  # problems for which fixes are looked for: those below are seen when these are gone
_OFFERED = 3  # fixes of one problem
_TRIED = 12


class Problem:
    """What is wrong with a node.

    Attributes:
        level: ``"error"``: no model can be made; ``"advice"``: one can, but hardly the one meant.
        text: in words.
        fixes: what would mend it; each was tried out. They are found when first asked for.
    """

    def __init__(self, trouble: Trouble, checker: Checker | None, case: Case, before: _Before):
        self.level, self.text = trouble.level, trouble.text
        self._trouble, self._checker, self._case, self._before = trouble, checker, case, before

    @cached_property
    def fixes(self) -> tuple[Fix, ...]:
        """What would mend it."""
        found: dict[str, Fix] = {}
        kind, case = self._trouble.kind, self._case
        if self._checker is None:
            return ()
        for number, fix in enumerate(candidates(kind, case)):
            if len(found) == _OFFERED or number == _TRIED:
                break
            if fix.text not in found and self._mends(fix):
                found[fix.text] = fix
        last = last_resort(kind, case)
        return tuple(found.values()) or ((last,) if last is not None and self._mends(last) else ())

    def _mends(self, fix: Fix) -> bool:
        return self._checker.mends(fix, self._case.node.id, self._trouble, self._before)

    def __repr__(self) -> str:
        return f"<Problem {self.level}: {self.text}>"


class Checked(NamedTuple):
    """What is known of a node. Of what is repeated, the first repetition's.

    Attributes:
        specs: of its outputs; none if they are not known.
        parameters: of its own layer, or of all that is in a container, repetitions included;
            0 where a layer is called once more. None if they are not known.
        trainable: how many of them learn.
        cost: operations for one sample; None if that is not known.
        memory: bytes of its outputs for one sample; None if that is not known.
        problem: what is wrong; None if nothing is.
    """

    specs: tuple[TensorSpec, ...] = ()
    parameters: int | None = None
    trainable: int | None = None
    cost: int | None = None
    memory: int | None = None
    problem: Problem | None = None


class Report(NamedTuple):
    """What is known of a document.

    Attributes:
        nodes: by id.
        parameters: of all layers that belong to the model, or, without an output, of all.
        trainable: how many of them learn.
        cost: operations for one sample; None if an axis has an open length.
        memory: bytes of all layers' outputs for one sample; None likewise.
        complete: whether a model can be made.
        live: the ids of the nodes on which an output depends.
    """

    nodes: Mapping[str, Checked]
    parameters: int
    trainable: int
    cost: int | None
    memory: int | None
    complete: bool
    live: frozenset[str]

    @property
    def errors(self) -> list[tuple[str, Problem]]:
        """The ids of nodes with errors, and these."""
        found = [(key, c.problem) for key, c in self.nodes.items()]
        return [(key, p) for key, p in found if p is not None and p.level == "error"]


class _Before(NamedTuple):
    """What a fix must not make worse.

    Attributes:
        document: before it.
        known: the nodes that were without an error, and whose outputs were known.
    """

    document: Document
    known: frozenset[str]


class Checker:
    """Checks one document after another, and remembers what it tried.

    Args:
        palette: the layers there are.
    """

    def __init__(self, palette: Mapping[str, Entry]):
        self.palette = palette
        self._calls = Calls()

    def check(self, document: Document) -> Report:
        """What is known of a document. No error is raised, whatever is in it."""
        walk, troubles = self._walked(document)
        known = frozenset(k for k in walk.specs if k not in troubles or not _is_error(troubles[k]))
        before = _Before(document, known)
        nodes = {}
        asked = 0
        for node in document:
            problem = None
            if node.id in troubles:
                case = Case(
                    document, node, document.owner(node.id), self.palette, walk.names, walk.specs,
                    troubles[node.id].about,
                )  # fmt: skip
                asked += 1
                checker = self if asked <= _MENDED else None
                problem = Problem(troubles[node.id], checker, case, before)
            nodes[node.id] = _checked(walk, node.id, problem)
        sums = walk.sums
        return Report(
            nodes, sums.parameters, sums.trainable, sums.cost, sums.memory,
            _is_complete(document, walk, troubles), walk.live,
        )  # fmt: skip

    def _walked(self, document: Document) -> tuple[Walk, dict[str, Trouble]]:
        """The walk through a document, and all that is wrong with it, in the nodes' order."""
        troubles = structural(document)
        walk = Walk(document, self.palette, self._calls, troubles)
        walk.run()
        said = {**advice(walk), **troubles}  # an error before advice
        return walk, said

    def mends(self, fix: Fix, key: str, trouble: Trouble, before: _Before) -> bool:
        """Whether a fix takes a trouble away and brings no other one."""
        try:
            after = fix.apply(before.document)
        except ArgumentError:
            return False
        walk, troubles = self._walked(after)
        now = troubles.get(key)
        if now is not None and (_is_error(now) or now.text == trouble.text):
            # another trouble may have been hidden
            hidden = now.kind == "end" or trouble.kind in ("missing", "argument")
            return hidden and now.kind != trouble.kind
        for other, found in troubles.items():
            new = other not in before.document
            if _is_error(found) and (new or other in before.known):
                return False
        gives = key in walk.specs or key not in after or after[key].kind == "output"
        return gives or trouble.level == "advice"


def check(document: Document, palette: Mapping[str, Entry]) -> Report:
    """What is known of a document: `Checker` for one time."""
    return Checker(palette).check(document)


def _is_error(trouble: Trouble) -> bool:
    return trouble.level == "error"


def _checked(walk: Walk, key: str, problem: Problem | None) -> Checked:
    specs = walk.specs.get(key, ())
    sums = walk.own.get(key)
    if sums is None:
        return Checked(specs, problem=problem)
    return Checked(specs, sums.parameters, sums.trainable, sums.cost, sums.memory, problem)


def _is_complete(document: Document, walk: Walk, troubles: Mapping[str, Trouble]) -> bool:
    outputs = document.outputs(ROOT)
    ends = bool(outputs) and bool(document.inputs(ROOT))
    known = all(node.id in walk.specs for node in outputs)
    return ends and known and not any(map(_is_error, troubles.values()))
