"""The text of samples and of what comes before them, byte for byte as prometheus_client writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from prometheus_client.utils import floatToGoString

from mpathd_watch.sinks.metrics.row import Kind, Labels, Point, Row


class Flavour(Enum):
    """The formats, which differ only in what comes before the samples, and at the end."""

    PROMETHEUS = ""
    OPENMETRICS = "# EOF\n"


_LIMIT: Final = 1e6
"""From here on floatToGoString() writes an exponent. Below, and of negative numbers, it writes what Python does."""
_TWO_DIGITS: Final = 10**10
"""From here on the exponent has two digits, which releases of prometheus_client write differently."""


def number(value: float) -> str:
    """A value as text."""
    if -_LIMIT < value < _LIMIT:
        return repr(float(value))
    return _large_integer(value) if isinstance(value, int) and _LIMIT <= value < _TWO_DIGITS else _large(value)


_large: Final[Callable[[float], str]] = floatToGoString


def _large_integer(value: int) -> str:
    """What floatToGoString() makes of it, in half the time: the counters of a busy disk soon have seven digits."""
    text = str(value)
    digits = text.rstrip("0")
    return f"{digits[0]}.{digits[1:]}e+0{len(text) - 1}" if digits[1:] else f"{digits}e+0{len(text) - 1}"


def header(row: Row[Any], flavour: Flavour) -> bytes:
    """The lines before the samples of a row."""
    name, text = row.metric, _escaped_lines(row.help)
    if flavour is Flavour.OPENMETRICS:
        text = text.replace('"', r"\"")
        if row.kind is Kind.COUNTER:
            name = name.removesuffix("_total")
    return f"# HELP {name} {text}\n# TYPE {name} {row.kind.value}\n".encode()


def lines(metric: str, points: Iterable[Point]) -> str:
    """A line for each sample."""
    return "".join(_lines(metric, points))


def _lines(metric: str, points: Iterable[Point]) -> Iterator[str]:
    last: Labels | None = None
    text = ""
    for suffix, labels, value in points:
        if labels is not last:
            last, text = labels, labelled(labels)
        yield f"{metric}{suffix}{text} {number(value)}\n"


def labelled(labels: Labels) -> str:
    """The labels behind a metric's name."""
    if not labels:
        return ""
    return "{" + ",".join([_label(name, labels[name]) for name in sorted(labels)]) + "}"


@lru_cache(maxsize=16384)
def _label(name: str, value: str) -> str:
    escaped = _escaped_lines(value).replace('"', r"\"")
    return f'{name}="{escaped}"'


def _escaped_lines(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
