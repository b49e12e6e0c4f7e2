"""What TAB offers after the magics. Imports IPython's completer, and what the magics take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from kerasnb import config
from kerasnb.models.model import Model
from kerasnb.notebook.timing import ENGINES, WORDS

__all__ = ["OPTIONS", "matcher", "models_in"]

# what each magic takes: its options, each with the kind of words that follow it; those that follow
# no option come under ""
OPTIONS: dict[str, dict[str, str]] = {
    "backend": {"": "backend", "-l": "nothing", "--list": "nothing"},
    "builder": {"": "model"},
    "seed": {"": "number"},
    "summary": {
        "": "model", "-n": "model", "--nested": "model", "-t": "model", "--trainable": "model",
    },
    "timefit": {
        "": "option", "-b": "backends", "--backends": "backends", "-e": "engines",
        "--engines": "engines", "-r": "number", "--repeat": "number", "-w": "option",
        "--warmup": "option",
    },
}  # fmt: skip

LINE = re.compile(rf"\s*%%?({'|'.join(OPTIONS)})\s(.*)$")


def matcher(shell: Any) -> Any:
    """A matcher for ``shell.Completer.custom_matchers``; each call gives another one."""

    @context_matcher(identifier="kerasnb.magics")
    def match(context: CompletionContext) -> dict:
        fragment, words = "", []
        line = LINE.match(context.text_until_cursor)
        if line is not None and _is_magic(context):
            fragment, words = _choices(line[1], line[2], shell.user_ns)
        return {
            "completions": [SimpleCompletion(w, type="param") for w in words],
            "matched_fragment": fragment,
            "ordered": True,
            "suppress": True,  # takes hold only if there are completions
        }

    return match


def models_in(namespace: Mapping[str, Any]) -> dict[str, Model]:
    """The models that have a name there, in order; names with an underscore are IPython's own."""
    return {
        name: value
        for name, value in list(namespace.items())
        if isinstance(value, Model) and not name.startswith("_")
    }


def _is_magic(context: CompletionContext) -> bool:
    """Whether the cursor's line is where a magic can be: ``%%`` only at the top of a cell."""
    above = context.full_text.split("\n")[: context.cursor_line]
    return not context.text_until_cursor.lstrip().startswith("%%") or all(
        not line.strip() or line.startswith("%%") for line in above
    )


def _choices(magic: str, text: str, namespace: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The word at the end of `text`, and what it may become."""
    *before, last = re.split(r"\s+", text.lstrip())
    *listed, fragment = last.split(",")
    takes = OPTIONS[magic]
    option = next((i for i in reversed(range(len(before))) if before[i] in takes), -1)
    kind = takes[before[option] if option >= 0 else ""]
    after = before[option + 1 :]
    if fragment.startswith("-") or (kind == "number" and after):
        kind = "option"
    elif kind in ("backend", "model") and after:  # they take one
        kind = "nothing"
    given = {*before, *listed, *(name for word in after for name in word.split(","))}
    words = [w for w in _words(kind, takes, namespace) if w not in given]
    # where nothing fits, all are offered, or what is written: with nothing to offer, IPython would
    # look elsewhere, which took 4 s for an option, and offer names of Python
    return fragment, [w for w in words if w.startswith(fragment)] or words or [fragment]


def _words(kind: str, takes: Mapping[str, str], namespace: Mapping[str, Any]) -> list[str]:
    match kind:
        case "backend" | "backends":
            return ["auto", *WORDS, *config.backend_names()]
        case "engines":
            return list(ENGINES)
        case "model":
            return list(models_in(namespace))
        case "option":
            return [word for word in takes if word]
    return []
