"""JSON that a stranger wrote, as plain data. Imports errors.

The standard library's parser reads it; here is what it would let pass: keys that come twice,
numbers that are not finite or have hundreds of digits, nesting or lengths that cost far more than
the file is worth.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from kerasnb.errors import LoadError

__all__ = ["parse", "refusal", "shown"]

# a text takes up to four bytes a letter, and its strings as many again: 128 MB
MOST_BYTES = 16 << 20
# in one document; parser and checks take some 200 bytes and two microseconds for each
MOST_VALUES = 500_000
MOST_LEVELS = 128
MOST_DIGITS = 60  # of one number: those of a float64 are 25, those of an int64 are 20
MOST_LETTERS = 600  # of an error's text

# strings, and the brackets outside them, in a text without escaped quotes
_TOKENS = re.compile(r'"[^"]*"?|[\[\]{}]')
# a place within a document: the place around it, and the key or number there
Place = tuple["Place | None", "str | int"]


class _Refused:
    """Stands for what the parser found and must not pass, until its place is known."""

    def __init__(self, reason: str):
        self.reason = reason


def parse(data: Any, what: str) -> Any:
    """The value that a JSON document holds.

    Args:
        data: the document: a text, or bytes of any kind, which are UTF-8.
        what: its name, which begins every error.

    Raises:
        LoadError: it is no JSON, or says one thing twice, or holds what no configuration needs;
            with the place within the document.

    Example:
        >>> parse(b'{"units": 3}', "config.json")
        {'units': 3}
    """
    size = len(data)
    if size > MOST_BYTES:
        raise refusal(what, f"it has {size:,} bytes, the most are {MOST_BYTES:,}")
    try:
        text = data if isinstance(data, str) else str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise refusal(what, f"it is not UTF-8: {error.reason} at byte {error.start}") from None
    # an upper bound, as those within strings count, too
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise refusal(what, f"it has more than {MOST_VALUES:,} values")
    # before parsing: the parser calls itself for each level
    if _levels(text) > MOST_LEVELS:
        raise refusal(what, f"it is nested deeper than {MOST_LEVELS} levels")
    try:
        value = _decoder.decode(text)
    except ValueError as error:
        raise refusal(what, f"it is no JSON: {error}") from None
    _check(value, what)
    return value


def refusal(where: str, why: str) -> LoadError:
    """The error for something in a file: one line of limited length."""
    text = _printable(f"{where}: {why}.")
    return LoadError(text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 2] + "….")


def shown(value: Any) -> str:
    """A value from a file within an error: short, and on one line."""
    if isinstance(value, dict):
        return f"a dictionary of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value[:60] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= 64 else text[:60] + "…"


def _printable(text: str) -> str:
    """`text` without what would end the line or steer a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _levels(text: str) -> int:
    """How deep the brackets outside strings are nested, in one pass that ends if it is too deep."""
    if "\\" in text:
        # backslashes in pairs first: what escapes a quote then is single
        text = text.replace("\\\\", "").replace('\\"', "")
    level = deepest = 0
    for found in _TOKENS.finditer(text):
        sign = found.group()
        if sign[0] != '"':
            level += 1 if sign in "[{" else -1
            deepest = max(deepest, level)
            if not 0 <= level <= MOST_LEVELS:
                break  # below 0, it is no JSON, as the parser will say
    return deepest


def _check(value: Any, what: str) -> None:
    """Refuse what the parser marked, and text that cannot be written."""
    waiting: list[tuple[Place | None, Any]] = [(None, value)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, _Refused):
            raise refusal(_written(what, place), value.reason)
        if isinstance(value, str):
            _check_text(value, what, place)
        elif isinstance(value, (dict, list)):
            for key, inner in _inner(value):
                if isinstance(key, str):
                    _check_text(key, what, place)
                if isinstance(inner, (dict, list, _Refused, str)):
                    waiting.append(((place, key), inner))


def _inner(value: dict | list) -> Iterator[tuple[str | int, Any]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _written(what: str, place: Place | None) -> str:
    """A place as text, the innermost part of it if it is long."""
    parts: list[str] = []
    while place is not None and sum(map(len, parts)) < 300:
        place, key = place
        parts.append(f"[{key}]" if isinstance(key, int) else f".{key[:60]}")
    return what + ("…" if place is not None else "") + "".join(reversed(parts))


def _check_text(text: str, what: str, place: Place | None) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            reason = "a text has half of a surrogate pair"
            raise refusal(_written(what, place), reason) from None


def _whole(digits: str) -> Any:
    return _number(digits, int)


def _float(digits: str) -> Any:
    return _number(digits, float)


def _number(digits: str, make: type) -> Any:
    if len(digits) > MOST_DIGITS:
        return _Refused(f"a number of {len(digits)} digits")
    value = make(digits)
    if make is float and not math.isfinite(value):
        return _Refused(f"the number {digits} is not finite")
    return value


def _constant(name: str) -> Any:
    return _Refused(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            break
        keys.add(key)
    return _Refused(f"the key {shown(key)} comes twice")


_decoder = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_whole, parse_float=_float, parse_constant=_constant
)
