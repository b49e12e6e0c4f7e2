"""What a case reports, how reports are kept in one file, and how two of them are compared.

Imports NumPy only, so that it works in an environment with Keras and in one without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Record", "fact_differences", "load", "plain", "save", "value_differences"]


@dataclass
class Record:
    """The report of one case: arrays compared within a tolerance, and facts compared exactly."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def plain(value: Any) -> Any:
    """Return `value` as JSON would give it back, without the counters in automatic names."""
    if isinstance(value, dict):
        return {str(key): _name_or_plain(key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    # what JSON cannot hold is a fact too, and never the one that is expected
    return f"<{type(value).__name__}>"


def _name_or_plain(key: Any, value: Any) -> Any:
    # "dense_7" depends on what ran before; "dense" does not
    if key == "name" and isinstance(value, str):
        return re.sub(r"_\d+$", "", value)
    return plain(value)


def save(path: Path, records: dict[str, Record]) -> None:
    """Write `records` to `path`: one flat float32 vector and an index in JSON."""
    flat, index = [np.zeros(0, "float32")], {}
    for name, record in records.items():
        shapes = {key: list(np.shape(value)) for key, value in record.values.items()}
        index[name] = {"shapes": shapes, "facts": record.facts}
        flat += [np.asarray(value, "float32").ravel() for value in record.values.values()]
    text = json.dumps(index, separators=(",", ":")).encode()
    np.savez_compressed(path, floats=np.concatenate(flat), index=np.frombuffer(text, "uint8"))


def load(path: Path) -> dict[str, Record]:
    """Return the records that `save` wrote to `path`."""
    with np.load(path) as archive:
        floats, index = archive["floats"], json.loads(archive["index"].tobytes())
    records, at = {}, 0
    for name, entry in index.items():
        record = Record(facts=entry["facts"])
        for key, shape in entry["shapes"].items():
            size = int(np.prod(shape))
            record.values[key] = floats[at : at + size].reshape(shape)
            at += size
        records[name] = record
    return records


def value_differences(got: Record, expected: Record, tolerance: float) -> list[str]:
    """Return one line for each array of `got` that is further than `tolerance` from `expected`.

    The distance of two numbers is |a - b| / max(1, |b|): relative above 1, absolute below. In an
    array that has nothing as large as 1, its largest number stands in for the 1, so that small
    gradients and second moments are held to the same number of digits.
    """
    lines = _key_differences(got.values, expected.values, "value")
    for key in expected.values.keys() & got.values.keys():
        a, b = np.asarray(got.values[key], "float32"), expected.values[key]
        if a.shape != b.shape:
            lines.append(f"{key}: expected shape {b.shape}, got {a.shape}")
            continue
        with np.errstate(invalid="ignore"):
            distance = np.abs(a - b) / np.maximum(_scale(b), np.abs(b))
        # NaN is the distance of equal infinities, of two NaN, and of a NaN and a number
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        distance = np.where(same, 0, np.nan_to_num(distance, nan=np.inf, posinf=np.inf))
        if distance.size and distance.max() > tolerance:
            at = np.unravel_index(distance.argmax(), distance.shape)
            wrong = int((distance > tolerance).sum())
            lines.append(
                f"{key}: {wrong} of {distance.size} differ, worst at {tuple(map(int, at))}: "
                f"expected {b[at]:.8g}, got {a[at]:.8g}"
            )
    return sorted(lines)


def fact_differences(got: Record, expected: Record) -> list[str]:
    """Return one line for each fact of `got` that is not the one in `expected`."""
    lines = _key_differences(got.facts, expected.facts, "fact")
    for key in expected.facts.keys() & got.facts.keys():
        a, b = dict(_leaves(got.facts[key], key)), dict(_leaves(expected.facts[key], key))
        for path in sorted(a.keys() | b.keys()):
            left, right = a.get(path, "(absent)"), b.get(path, "(absent)")
            if not _same(left, right):
                lines.append(f"{path}: expected {right!r}, got {left!r}")
    return lines


def _same(a: Any, b: Any) -> bool:
    # Keras rounds some settings to float32 (0.1 comes back as 0.10000000149)
    if type(a) in (int, float) and type(b) in (int, float):
        return np.float32(a) == np.float32(b)
    # 1 and True are equal in Python, but not in JSON
    return type(a) is type(b) and a == b


def _scale(expected: np.ndarray) -> float:
    finite = np.abs(expected[np.isfinite(expected)])
    # not below 1e-3: an array of nothing but rounding has no digits to hold to
    return float(np.clip(finite.max(initial=0), 1e-3, 1))


def _key_differences(got: dict, expected: dict, what: str) -> list[str]:
    missing = [f"{key}: {what} missing" for key in expected.keys() - got.keys()]
    return missing + [f"{key}: {what} not expected" for key in got.keys() - expected.keys()]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    else:
        yield path, value
