"""Rows of the store as values of the past.

What the database holds is not trusted: a row may have been edited by hand. A value that can't be read counts as not
known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import inf, isfinite
from typing import Any, Final

from mpathd_watch.core.model.outage import PathStates, Span
from mpathd_watch.store.past import PastOutage, RawChange
from mpathd_watch.store.schema import MICRO, STAGES

_STAGE_COLUMNS: Final = ", ".join(f"{stage}_least, {stage}_most" for stage in STAGES)
_COLUMNS: Final = (
    *("id", "wwid", "map", "path", "began", "began_earliest", "inherited", "cause", "evidence", "timeouts"),
    *("bounds", "phases", "verdict", "broken", "incident", "drill"),
)
LISTED: Final = f"{', '.join(_COLUMNS)}, {_STAGE_COLUMNS}"
"""The columns that ``past_outage`` reads; ``states`` may follow."""


def past_outage(row: tuple[Any, ...]) -> PastOutage | None:
    """The outage of one row; ``None`` if it has no id or no beginning."""
    fields = dict(zip(_COLUMNS, row, strict=False))
    name, began = fields["id"], _number(fields["began"])
    if not isinstance(name, str | bytes) or began is None:
        return None
    rest = row[len(_COLUMNS) :]
    pairs = zip(rest[0 : 2 * len(STAGES) : 2], rest[1 : 2 * len(STAGES) : 2], strict=True)
    instants = {
        stage: found
        for stage, (least, most) in zip(STAGES, pairs, strict=True)
        if (found := _span(least, most, MICRO)) is not None
    }
    earliest, timeouts = _number(fields["began_earliest"]), _object(fields["timeouts"])
    return PastOutage(
        id=text_of(name),
        wwid=text_of(fields["wwid"]),
        map=text_of(fields["map"]),
        path=text_of(fields["path"]),
        began=began / MICRO,
        earliest=None if earliest is None else earliest / MICRO,
        inherited=bool(fields["inherited"]),
        cause=text_of(fields["cause"]),
        evidence=text_of(fields["evidence"]),
        verdict=text_of(fields["verdict"]),
        broken=text_of(fields["broken"]),
        incident=text_of(fields["incident"]),
        drill=text_of(fields["drill"]),
        instants=instants,
        phases={
            name: found
            for name, pair in (_object(fields["phases"]) or {}).items()
            if isinstance(pair, list) and len(pair) == 2 and (found := _span(pair[0], pair[1], 1.0)) is not None
        },
        bounds=_bounds(_object(fields["bounds"]) or {}),
        timeouts=None if timeouts is None else _bounds(timeouts),
        states=_states(rest[2 * len(STAGES)]) if len(rest) > 2 * len(STAGES) else (),
    )


def _bounds(found: Mapping[str, Any]) -> Mapping[str, float | None]:
    return {name: None if value is None else _number(value) for name, value in found.items()}


def _states(text: object) -> tuple[RawChange, ...]:
    rows = _json(text)
    if not isinstance(rows, list):
        return ()
    usable = [row for row in rows if isinstance(row, list) and len(row) == 7 and _number(row[0]) is not None]
    changes = (RawChange(row[0] / MICRO, PathStates(*map(text_of, row[1:]))) for row in usable)
    return tuple(sorted(changes, key=lambda change: change.at))


def _span(least: object, most: object, unit: float) -> Span | None:
    """From ``least`` to ``most``, which is infinite if it is not known; ``None`` without either."""
    begin, end = _number(least), _number(most)
    if begin is None:
        return None
    return Span(begin / unit, inf if end is None else max(begin, end) / unit)


def expected_paths(text: object) -> Iterator[tuple[str, float | None]]:
    """The labels of the paths that are expected of one map, and when each last kept its budget."""
    paths = (_object(text) or {}).get("paths")
    if isinstance(paths, list):
        yield from ((path, None) for path in paths if isinstance(path, str))
    elif isinstance(paths, dict):
        for path, known in paths.items():
            yield path, _number(known.get("proven")) if isinstance(known, dict) else None


def _object(text: object) -> dict[str, Any] | None:
    found = _json(text)
    return found if isinstance(found, dict) else None


def _json(text: object) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(text) if isinstance(text, str) else None
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:  # JSON may have whole numbers that no float can hold
        return None


def seconds_of(value: object) -> float:
    """The seconds of a moment in microseconds; 0 where it makes no sense."""
    return (_number(value) or 0.0) / MICRO


def bytes_of(text: str) -> bytes:
    """The bytes of a name as it was given on a command line."""
    return text.encode("utf-8", "surrogateescape")


def text_of(value: object) -> str:
    """The value as text, whatever bytes it holds."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else "" if value is None else str(value)
