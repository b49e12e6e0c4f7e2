"""What is said of models and their layers, in pictures and tables; `escape` and `showable`. Imports
nothing of the package: what is described is what `models.description.describe` gives.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

__all__ = ["escape", "flop", "heading", "parameters", "settings", "shape_text", "showable"]

_FORBIDDEN = re.compile(
    # not allowed in XML; and what would turn the direction of the text around it
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


def escape(text: str) -> str:
    """`text` for use in SVG and HTML, between tags or in a quoted attribute."""
    return html.escape(showable(text), quote=True)


def showable(text: str) -> str:
    """`text` for use where it is not markup: in JSON, and on figures."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def heading(description: dict) -> list[str]:
    """What stands above the picture of a model: its name, its size, and what is not known."""
    layers = [n for n in description["nodes"] if n["kind"] in ("layer", "model")]
    count = len([n for n in layers if n["call"][0] == 1])
    said = [f"{count:,} layer{'s' * (count != 1)}", parameters(description)]
    if description["cost"] is not None:
        said.append(f"{flop(description['cost'])} a sample")
    elif description["parameters"] is not None:
        said.append("operations not known")
    lines = [f"{description['type']} {description['name']!r}", ", ".join(filter(None, said))]
    if not description["connected"] and count:
        lines.append("How they are connected is not known, as call is Python")
    return lines


def parameters(node: dict) -> str:
    """How many parameters there are, and whether they learn; empty if there are none."""
    count, learning = node["parameters"], node["trainable"]
    if count is None:
        return "not built yet"
    if node.get("call", (1, 1))[0] > 1:
        return f"call {node['call'][0]} of {node['call'][1]}, shared"
    if not count:
        return "" if "call" in node else "no params"
    frozen = "" if learning == count else ", frozen" if not learning else f", {learning:,} learn"
    return f"{count:,} param{'s' * (count != 1)}{frozen}"


def flop(count: int | None) -> str:
    """A number of arithmetic operations: ``1.25 MFLOP``."""
    if count is None:
        return "? FLOP"
    for power, letter in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {letter}FLOP"
    return f"{count} FLOP"


# settings that are clear without their names, beside that of the layer's class
_SHORT = {
    "units": "{} unit{s}", "filters": "{} filter{s}", "kernel_size": "{}", "padding": "{}",
    "activation": "{}",
}  # fmt: skip


def settings(node: dict, short: bool = False) -> str:
    """The arguments of a layer as they would be written, or shorter."""
    forms = _SHORT if short else {}
    return ", ".join(
        forms[key].format(value, s="s" * (value != "1")) if key in forms else f"{key}={value}"
        for key, value in node["settings"].items()
    )


def shape_text(shape: Sequence | None) -> str:
    """A shape as it is written in Python."""
    return "?" if shape is None else str(tuple(shape))
