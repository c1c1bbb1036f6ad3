"""Drills in the store: what a report must have to be kept, the outages that belong to it, and what is read back.

A report is the JSON document of a drill (docs/drill.md). It comes from another process, or from a row that anybody with
root's rights may have edited, so only what makes sense is taken of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from math import inf
from typing import Any, Final

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.store.past import DrilledPath, PastDrill
from mpathd_watch.store.schema import MICRO

LONGEST: Final = 2 * 86_400.0
"""Seconds that a drill may have taken: twice the largest limit that the command accepts."""
AHEAD: Final = 3600.0
"""Seconds by which the end of a drill may be in the future: the clock may have been set back meanwhile."""
SHARE: Final = 0.1
"""The part of the store's largest size that reports may take; the oldest go."""
_PRECISION: Final = 0.001
"""Seconds of the last digit in the report's moments, which are rounded down."""
_DIGITS: Final = frozenset("0123456789abcdef")
_OUTCOMES: Final = frozenset({"passed", "failed", "interrupted"})
_KINDS: Final = frozenset({"map", "portal", "interface"})
_MEANWHILE: Final = """SELECT id, wwid, path FROM outages WHERE began <= ?1 AND drill IS NULL
  AND (began >= ?2 OR resume IS NOT NULL OR began + reinstated_most >= ?2)"""
_TOO_MUCH: Final = """DELETE FROM drills WHERE id IN (SELECT id FROM
  (SELECT id, sum(length(report)) OVER (ORDER BY began DESC, id) AS upto FROM drills) WHERE upto > ?)"""


@immutable
class KeptDrill:
    """A drill that is to be written: what is read of its report, and the report as JSON."""

    drill: PastDrill
    report: str


def kept_drill(report: object, now: float) -> KeptDrill:
    """What is written of a report at ``now`` (seconds since 1970). Raises ``ValueError`` with a sentence."""
    drill = _parsed(report)
    if drill.ended > now + AHEAD:
        raise ValueError("the drill ends in the future")
    return KeptDrill(drill, json.dumps(report, separators=(",", ":"), allow_nan=False))


def put_drill(connection: sqlite3.Connection, kept: KeptDrill, most: float = inf) -> None:
    """Write a drill, and that the outages of its paths during it belong to it. One that is there already stays.

    ``most``: the bytes that all reports may take. Raises ``sqlite3.Error``.
    """
    drill = kept.drill
    began, ended = round(drill.began * MICRO), round((drill.ended + _PRECISION) * MICRO)
    row = (drill.id, began, round(drill.ended * MICRO), int(drill.passed), kept.report)
    connection.execute("INSERT OR IGNORE INTO drills (id, began, ended, passed, report) VALUES (?, ?, ?, ?, ?)", row)
    paths = {(path.wwid, path.path) for path in drill.paths}
    # The report has names as they are printed.
    outages = connection.execute(_MEANWHILE, (ended, began)).fetchall()
    tagged = [(drill.id, key) for key, wwid, path in outages if (_shown(wwid), _shown(path)) in paths]
    connection.executemany("UPDATE outages SET drill = ? WHERE id = ?", tagged)
    if most < inf:
        connection.execute(_TOO_MUCH, (int(most),))


def read_drills(connection: sqlite3.Connection, where: str = "1", values: tuple[object, ...] = ()) -> list[PastDrill]:
    """The drills that meet a condition, the oldest first; what makes no sense is left out. Raises ``sqlite3.Error``."""
    text = f"SELECT report FROM drills WHERE {where} ORDER BY began, id"  # noqa: S608  # the callers' constants
    return list(_readable(connection.execute(text, values)))


def _readable(rows: Iterator[tuple[object]]) -> Iterator[PastDrill]:
    for (report,) in rows:
        try:
            yield _parsed(json.loads(report)) if isinstance(report, str) else _no_report()
        except (ValueError, RecursionError):
            continue


def _no_report() -> PastDrill:
    raise ValueError("it is not text")


def _parsed(report: object) -> PastDrill:
    """What is read of a report. Raises ``ValueError`` with a sentence."""
    found = _object(report, "the report")
    key, target = _text(found, "id"), _object(found.get("target"), "target")
    if len(key) != 16 or not _DIGITS.issuperset(key):
        raise ValueError("id must be 16 hexadecimal digits")
    began, ended = _moment(found, "began"), _moment(found, "ended")
    if not 0 <= ended - began <= LONGEST:
        raise ValueError("the drill must end after it began, and within two days")
    reasons = found.get("reasons")
    return PastDrill(
        id=key,
        kind=_word(target, "kind", _KINDS),
        target=_text(target, "name"),
        outcome=_word(found, "outcome", _OUTCOMES),
        began=began,
        ended=ended,
        reasons=tuple(clean(each) for each in reasons if isinstance(each, str)) if isinstance(reasons, list) else (),
        paths=tuple(_paths(found.get("paths"))),
    )


def _paths(paths: object) -> Iterator[DrilledPath]:
    if not isinstance(paths, list):
        raise ValueError("paths must be a list")  # noqa: TRY004  # one kind of error for whatever is wrong with a report
    for path in paths:
        each = _object(path, "a path")
        proven = each.get("proven")
        if not isinstance(proven, bool):
            raise ValueError("proven must be true or false")  # noqa: TRY004
        yield DrilledPath(_text(each, "wwid"), _text(each, "map"), _text(each, "path"), proven)


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004
    return value


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")  # noqa: TRY004
    return clean(value)


def _word(found: dict[str, Any], name: str, words: frozenset[str]) -> str:
    word = _text(found, name)
    if word not in words:
        raise ValueError(f"{name} must be one of {', '.join(sorted(words))}")
    return word


def _moment(found: dict[str, Any], name: str) -> float:
    try:
        moment = datetime.fromisoformat(_text(found, name))
    except ValueError:
        raise ValueError(f"{name} must be a date with time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{name} must have a time zone")
    return moment.timestamp()


def _shown(name: object) -> str:
    return clean(name) if isinstance(name, str | bytes) else ""
