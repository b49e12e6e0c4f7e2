"""A script as short as it can be without changing what it does: for `widgets.script`.

Imports nothing of the package. Comments go, and spaces and line ends that mean nothing. Texts,
templates and regular expressions stay as they are; so does a line end that may end a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["squeezed"]

_TEXT = r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'"
_GAP = re.compile(r"(?:\s+|//[^\n]*|/\*(?:.|\n)*?\*/)+")
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^]\\\n])*\]|[^/\\\n[])+/\w*")  # a regular expression
_TOKEN = re.compile(rf"{_TEXT}|/|[^\s\"'`/]+")
# behind one of these a slash begins a regular expression; behind anything else it divides
_AWAITS = re.compile(r"(?:[^\w$)\]}\"'`]|(?:^|[^\w$.])(?:return|typeof|case|in|of|void|else))$|^$")
_OF_TEMPLATE = re.compile(r"(?:\\(?:.|\n)|[^`\\$]|\$(?!\{))*(`|\$\{)")
_OF_CODE = re.compile(rf"(?:{_TEXT}|[^`{{}}\"'])*([`{{}}])")
_ENDS = {"`": "`", "{": "}"}
_GOES_ON = "{([,;=:?&|<>!"  # no statement ends behind one of these at the end of a line
_BELONGS = "})],.;=:?&|<>"  # nor before one of these at the beginning of the next
_APART = ("++", "--", "//")  # what two signs must not become


def squeezed(text: str) -> str:
    """A script without comments, and without the spaces and line ends that mean nothing.

    Args:
        text: a valid script. A regular expression right behind ``)`` or ``}`` is taken for a
            division, and must not hold spaces or quotes. No statement is empty, so that none need
            have a semicolon at the end of a block.
    """
    parts: list[str] = []
    gap, before = "", ""
    for token in _tokens(text):
        if token[0].isspace() or token.startswith(("//", "/*")):
            gap = token
            continue
        if "\n" in gap and token[0] == "}" and before[-1:] == ";":
            parts[-1] = before[:-1]
        elif gap and before:
            parts.append(_left_of(gap, before[-1], token[0]))
        parts.append(token)
        gap, before = "", token
    return "".join(parts)


def _tokens(text: str) -> Iterator[str]:
    """Texts, templates, regular expressions, gaps with comments, and all between them."""
    place, before = 0, ""
    while place < len(text):
        first, gap = text[place], _GAP.match(text, place)
        if gap:
            end = gap.end()
        elif first == "`":
            end = _end_of_template(text, place)
        elif first == "/" and _AWAITS.search(before):
            end = _PATTERN.match(text, place).end()
        else:
            end = _TOKEN.match(text, place).end()
        yield text[place:end]
        if not gap:
            before = text[place:end]
        place = end


def _end_of_template(text: str, place: int) -> int:
    """The place behind a template, in which there may be code, in which there may be templates."""
    opened = ["`"]
    place += 1
    while opened:
        match = (_OF_TEMPLATE if opened[-1] == "`" else _OF_CODE).match(text, place)
        if match[1] == _ENDS[opened[-1]]:
            opened.pop()
        else:
            opened.append(match[1][-1])
        place = match.end()
    return place


def _left_of(gap: str, before: str, after: str) -> str:
    """What has to stay of a gap between two characters."""
    if "\n" in gap:
        return "" if before in _GOES_ON or after in _BELONGS else "\n"
    words = _is_word(before) and (_is_word(after) or (before.isdigit() and after == "."))
    return " " if words or before + after in _APART else ""


def _is_word(character: str) -> bool:
    return character.isalnum() or character in "_$#"
