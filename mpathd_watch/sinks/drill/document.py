"""The result of a drill as JSON (docs/drill.md describes it)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from math import isinf
from typing import Any

from mpathd_watch import __version__
from mpathd_watch.core.drill.plan import Plan
from mpathd_watch.core.drill.promise import Promise
from mpathd_watch.core.drill.result import DrillRecord, PathResult, PhaseResult
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.dates import date

VERSION = 1


def document(record: DrillRecord) -> dict[str, Any]:
    """A drill that was made."""
    return {
        **_head(record.target.kind, record.target.name, record.outcome, record.reasons),
        "id": record.id,
        "ending": record.ending.value,
        "began": _moment(record.began),
        "ended": _moment(record.ended),
        "seconds": round(record.ended.since(record.began), 3),
        "promised": _promise(record.promise),
        "slowest_io": None
        if record.slowest is None
        else {
            "map": clean(record.slowest.map),
            "path": clean(record.slowest.path),
            "at_least_seconds": round(record.slowest.seconds, 3),
            "ios": record.slowest.ios,
        },
        "paths": [_path(path) for path in record.paths],
    }


def shortened(found: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what was measured of each path."""
    names = ("map", "wwid", "path", "expected", "health", "back", "proven")
    return {**found, "paths": [{name: path[name] for name in names} for path in found["paths"]]}


def refusal(plan: Plan) -> dict[str, Any]:
    """A drill that was refused."""
    return _head(plan.target.kind, plan.target.name, "refused", plan.reasons)


def _head(kind: str, name: str, outcome: str, reasons: tuple[str, ...]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "daemon": {"name": "mpathd-watch", "version": __version__},
        "target": {"kind": str(kind), "name": clean(name)},
        "outcome": str(outcome),
        "reasons": list(reasons),
    }


def _path(path: PathResult) -> dict[str, Any]:
    return {
        "map": clean(path.map),
        "wwid": clean(path.wwid),
        "path": clean(path.path),
        "dev": clean(path.dev) or None,
        "expected": path.expected,
        "health": path.health.value,
        "back": path.back,
        "proven": path.proven,
        "phases": {phase.phase.value: _phase(phase) for phase in path.phases},
        "outages": [_outage(outage) for outage in path.outages],
    }


def _phase(phase: PhaseResult) -> Mapping[str, Any]:
    return {"promised": _finite(phase.promised), "measured": _finite(phase.measured), "kept": phase.kept}


def _outage(outage: Outage) -> dict[str, Any]:
    instants = ("began", "last_alive", "suspected", "stalled", "failed", "transport_up", "reinstated")
    found = {name: getattr(outage, name) for name in instants}
    moments = {name: None if at is None else _moment(at) for name, at in found.items()}
    return {"id": outage.id, "cause": outage.cause.value, **moments}


def _promise(promise: Promise) -> dict[str, float | None]:
    return {
        "noticed_best": _finite(promise.noticed_best),
        "noticed_worst": _finite(promise.noticed_worst),
        "moved_best": _finite(promise.moved_best),
        "moved_worst": _finite(promise.moved_worst),
        "back": _finite(promise.back),
    }


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or isinf(seconds) else round(seconds, 3)


def _moment(instant: Instant) -> str:
    return date(instant.wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
