"""Records as rows, and rows as records.

Anybody with root's rights may have edited the rows: one that makes no sense is skipped and counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from math import inf, isfinite
from typing import Any, TypeVar

from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import ExpectedMap, KeptMap, OpenOutage
from mpathd_watch.core.model.outage import Outage, PathStates, Span
from mpathd_watch.core.recording.codec import decode, encode
from mpathd_watch.core.verdicts.outage import spans
from mpathd_watch.immutable import immutable
from mpathd_watch.store.schema import MICRO, STAGES

Record = TypeVar("Record")
Row = tuple[Any, ...]
MOST_STATES = 200
"""Changes that are kept of one outage: of a flapping path, the first and the latest."""
_LARGEST = 2**62


@immutable
class StatesAt:
    """What a path was like from this moment on."""

    at: Instant
    states: PathStates


@immutable
class KeptOutage:
    """An outage as it is kept, with the ``evidence`` for its cause. ``open``: what a restart needs, if it goes on."""

    wwid: str
    map: str
    path: str
    outage: Outage
    states: tuple[StatesAt, ...] = ()
    open: OpenOutage | None = None
    evidence: str = ""
    incident: str = ""

    def with_states(self, states: PathStates, at: Instant) -> tuple[StatesAt, ...]:
        """Its changes, and this one if it is one."""
        if self.states and self.states[-1].states == states:
            return self.states
        every = (*self.states, StatesAt(at, states))
        return every if len(every) <= MOST_STATES else (*every[: MOST_STATES // 2], *every[MOST_STATES // 2 + 1 :])


@immutable
class KeptIncident:
    """An incident as it is kept. ``ended`` is ``None`` while it goes on."""

    incident: Incident
    ended: Instant | None = None


OUTAGE_COLUMNS = (
    *("id", "wwid", "map", "path", "began", "began_earliest", "inherited"),
    *(f"{stage}_{end}" for stage in STAGES for end in ("least", "most")),
    *("cause", "evidence", "timeouts", "bounds", "phases", "verdict", "broken", "incident", "states", "resume"),
)
INCIDENT_COLUMNS = ("id", "began", "ended", "what", "worst", "causes", "paths", "maps", "over_budget", "resume")


def microseconds(seconds: float) -> int:
    """Whole microseconds."""
    return round(max(-_LARGEST, min(_LARGEST, seconds * MICRO)))


def plain(text: str) -> str:
    """The text as UTF-8 can spell it: half of a surrogate pair stands for a byte that is none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def outage_row(kept: KeptOutage) -> Row:
    """The row of ``OUTAGE_COLUMNS``."""
    outage = kept.outage
    judgement, earliest = outage.judgement, outage.earliest(outage.began)
    ranges: list[int | None] = []
    for stage in STAGES:
        instant = getattr(outage, stage)
        ranges += (None, None) if instant is None else _range(outage.between(outage.began, instant))
    return (
        *(outage.id, plain(kept.wwid), plain(kept.map), plain(kept.path), microseconds(outage.began.wall)),
        None if earliest == outage.began else microseconds(earliest.wall),
        int(outage.inherited),
        *ranges,
        outage.cause.value,
        plain(kept.evidence),
        None if outage.timeouts is None else _text({name: _limit(each) for name, each in outage.timeouts.items()}),
        None if outage.bounds is None else _text({name: _finite(each) for name, each in _named(outage.bounds)}),
        _text({phase.value: [span.least, _finite(span.most)] for phase, span in spans(outage).items()}),
        None if judgement is None else judgement.verdict.value,
        None if judgement is None or judgement.broken is None else judgement.broken.value,
        kept.incident or None,
        _text([[_since(outage, each.at), *_words(each.states)] for each in kept.states]),
        None if kept.open is None else _text(encode(kept.open)),
    )


def read_open(row: Row) -> KeptOutage:
    """The outage of a row ``resume, states, evidence``. Raises ``ValueError``."""
    known = decode(OpenOutage, _parsed(row[0]))
    outage = known.outage
    states = []
    for at, *words in _parsed(row[1]):
        if type(at) is not int or len(words) != 6 or not all(isinstance(word, str) for word in words):
            raise ValueError("states")
        seconds = at / MICRO
        moment = Instant(outage.began.monotonic + seconds, outage.began.wall + seconds)
        states.append(StatesAt(moment, PathStates(*words)))
    evidence = row[2] if isinstance(row[2], str) else ""
    return KeptOutage(known.wwid, known.map, known.path, outage, tuple(states), known, evidence, known.incident)


def incident_row(kept: KeptIncident) -> Row:
    """The row of ``INCIDENT_COLUMNS``."""
    incident = kept.incident
    return (
        *(incident.id, microseconds(incident.began.wall)),
        None if kept.ended is None else microseconds(kept.ended.wall),
        plain(incident.what),
        None if incident.worst is None else incident.worst.value,
        _text(sorted(cause.value for cause in incident.causes)),
        *(incident.took, len(incident.maps), incident.over_budget),
        _text(encode(incident)) if kept.ended is None else None,
    )


def read_incident(row: Row) -> Incident:
    """The incident of a row ``resume``. Raises ``ValueError``."""
    return decode(Incident, _parsed(row[0]))


def map_text(kept: KeptMap) -> str:
    """A map as ``maps.resume`` has it."""
    return _text(encode(kept))


def read_map(text: object) -> KeptMap:
    """The map of ``maps.resume``. Raises ``ValueError``."""
    return decode(KeptMap, _parsed(text))


def findings_text(findings: frozenset[str]) -> str:
    """The findings that were announced, as ``meta`` has them."""
    return _text(sorted(map(plain, findings)))


def read_findings(row: Row) -> frozenset[str]:
    """The findings of a row of ``meta``. Raises ``ValueError``."""
    found = _parsed(row[0])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("findings")
    return frozenset(found)


def expected_text(expected: ExpectedMap) -> str:
    """What is expected of a map, as ``expected.map`` has it."""
    return _text(encode(expected))


def read_expected(text: object) -> ExpectedMap:
    """What is expected of a map. Raises ``ValueError``."""
    return decode(ExpectedMap, _parsed(text))


def readable(rows: Iterable[Row], read: Callable[[Row], Record], skipped: Callable[[], None]) -> Iterator[Record]:
    """What ``read`` makes of the rows; ``skipped`` is called for each that makes no sense."""
    for row in rows:
        try:
            record = read(row)
        except (ValueError, TypeError, RecursionError, OverflowError):
            skipped()
        else:
            yield record


def instant(monotonic: object, wall: object) -> Instant:
    """The moment of two columns of microseconds. Raises ``ValueError``."""
    if type(monotonic) is not int or type(wall) is not int:
        raise ValueError("a moment is two whole numbers")
    return Instant(monotonic / MICRO, wall / MICRO)


def _range(span: Span) -> tuple[int, int | None]:
    return microseconds(span.least), None if span.most == inf else microseconds(span.most)


def _since(outage: Outage, at: Instant) -> int:
    return microseconds(at.monotonic - outage.began.monotonic)


def _named(bounds: object) -> Iterator[tuple[str, float]]:
    names = ("detection", "replacement", "failover", "reinstatement", "transition")
    return ((name, getattr(bounds, name)) for name in names)


def _finite(seconds: float) -> float | None:
    return seconds if isfinite(seconds) else None


def _limit(seconds: float | None) -> float | None:
    """A timeout; ``None`` if it is switched off or not known."""
    return None if seconds is None else _finite(seconds)


def _words(states: PathStates) -> tuple[str, ...]:
    return (states.health, states.dm, states.checker, states.device, states.session, states.access)


_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _parsed(text: object) -> Any:
    if not isinstance(text, str):
        raise ValueError("JSON is text")  # noqa: TRY004  # one kind of error for whatever is wrong with a row
    return json.loads(text)
