"""The history documents, version 1: JSON-ready and stable. docs/history-json.md describes every key.

What is not known is ``None``. Moments are RFC 3339 in UTC, durations are seconds; of what nobody watched, ``least`` and
``most`` differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from math import isinf
from typing import Any, Final

from mpathd_watch.core.model.outage import Span
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.history.summary import Summary
from mpathd_watch.sinks.history.table import Gap
from mpathd_watch.sinks.history.text import utc
from mpathd_watch.sinks.history.timeline import Entry
from mpathd_watch.store.past import PastDrill, PastOutage, ProvenPath, RawChange

VERSION: Final = 1


def head(now: float) -> dict[str, Any]:
    """The keys that every document begins with."""
    return {"version": VERSION, "generated": utc(now)}


def summary_entry(summary: Summary) -> dict[str, Any]:
    """The summary of all outages that the filters have left, also of those that are not listed."""
    return {
        "outages": summary.outages,
        "verdicts": {clean(word) or "open": count for word, count in sorted(summary.verdicts.items())},
        "maps": [
            {"map": clean(risk.map), "at_risk": _rounded(risk.at_risk), "lost": _rounded(risk.lost)}
            for risk in summary.risks
        ],
        "longest_failover": None if summary.worst is None else outage_entry(summary.worst),
        "unproven": [proven_entry(path) for path in summary.unproven],
    }


def proven_entry(path: ProvenPath) -> dict[str, Any]:
    """An expected path, and when it last kept its failover budget."""
    return {
        "map": clean(path.map),
        "path": clean(path.path),
        "proven": None if path.proven is None else utc(path.proven),
    }


def drill_entry(drill: PastDrill) -> dict[str, Any]:
    """A drill that was made."""
    return {
        "id": clean(drill.id),
        "target": {"kind": clean(drill.kind), "name": clean(drill.target)},
        "outcome": clean(drill.outcome),
        "reasons": [clean(reason) for reason in drill.reasons],
        "began": utc(drill.began),
        "ended": utc(drill.ended),
        "paths": [
            {"map": clean(path.map), "wwid": clean(path.wwid), "path": clean(path.path), "proven": path.proven}
            for path in drill.paths
        ],
    }


def gap_entries(missed: Iterable[Gap]) -> list[dict[str, Any]]:
    """The times at which no daemon ran."""
    return [{"begin": utc(gap.begin), "end": utc(gap.end), "crashed": gap.crashed} for gap in missed]


def outage_entry(outage: PastOutage) -> dict[str, Any]:
    """One outage."""
    lasted = outage.lasted
    return {
        "id": clean(outage.id),
        "incident": clean(outage.incident) or None,
        "map": clean(outage.map),
        "wwid": clean(outage.wwid),
        "path": clean(outage.path),
        "cause": clean(outage.cause),
        "evidence": clean(outage.evidence) or None,
        "began": utc(outage.began),
        "earliest": None if outage.earliest is None else utc(outage.earliest),
        "inherited": outage.inherited,
        "lasted": None if lasted is None else _span(lasted),
        "verdict": clean(outage.verdict) or None,
        "broken": clean(outage.broken) or None,
        "drill": clean(outage.drill) or None,
        "instants": {clean(name): _span(at) for name, at in outage.instants.items()},
        "phases": {clean(name): _phase(outage, name) for name in dict.fromkeys((*outage.bounds, *outage.phases))},
        "timeouts": None if outage.timeouts is None else dict(_timeouts(outage.timeouts)),
    }


def shown_outage(outage: PastOutage) -> dict[str, Any]:
    """One outage with the raw states that were stored of it."""
    return {**outage_entry(outage), "states": [_state(change) for change in outage.states]}


def journal_entries(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The journal's entries."""
    return [
        {
            "at": utc(entry.at),
            "priority": clean(entry.priority),
            "event": clean(entry.event),
            "message": clean(entry.message),
        }
        for entry in entries
    ]


def _span(seconds: Span) -> dict[str, float | None]:
    return {"least": _rounded(seconds.least), "most": None if isinf(seconds.most) else _rounded(seconds.most)}


def _phase(outage: PastOutage, name: str) -> dict[str, float | None]:
    took, allowed = outage.phases.get(name), outage.bounds.get(name)
    return {**({"least": None, "most": None} if took is None else _span(took)), "allowed": allowed}


def _timeouts(live: Mapping[str, float | None]) -> Iterable[tuple[str, float | str]]:
    return ((clean(name), "off" if value is None else value) for name, value in live.items())


def _state(change: RawChange) -> dict[str, Any]:
    words = {each.name: getattr(change.states, each.name) for each in fields(change.states)}
    return {"at": _rounded(change.at), **{name: clean(word) or None for name, word in words.items()}}


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
