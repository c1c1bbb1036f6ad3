"""Past outages for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mpathd_watch.core.model.outage import PathStates, Span
from mpathd_watch.store.past import PastOutage, RawChange

BEGAN = datetime(2026, 11, 26, 23, 9, 55, tzinfo=UTC).timestamp()
NOW = BEGAN + 86400


def at(seconds: float, most: float | None = None) -> Span:
    """A moment, or a range up to ``most``."""
    return Span(seconds, seconds if most is None else most)


def past(**changes: Any) -> PastOutage:
    """The outage of the shipped recording: a link without carrier for 47 s, failover within its budget."""
    outage: dict[str, Any] = {
        "id": "1f0c9e2d3a4b5c6d",
        "wwid": "3600a0b8",
        "map": "mpio",
        "path": "192.168.2.1:3260",
        "began": BEGAN,
        "cause": "carrier_lost",
        "verdict": "within_budget",
        "incident": "77aa",
        "instants": {
            "last_alive": at(-0.1),
            "suspected": at(0.0),
            "stalled": at(15.2),
            "failed": at(20.3),
            "transport_up": at(47.4),
            "reinstated": at(55.4),
        },
        "phases": {
            "detection": at(15.3),
            "replacement": at(5.1),
            "failover": at(20.4),
            "reinstatement": at(8.0),
        },
        "bounds": {"detection": 16.0, "replacement": 5.0, "failover": 21.0, "transition": None, "reinstatement": 82.0},
        "timeouts": {"noop_out_interval": 5.0, "noop_out_timeout": 10.0, "replacement_timeout": None},
        "states": (
            RawChange(0.0, PathStates("suspect", "active", "ready", "running", "LOGGED_IN")),
            RawChange(15.2, PathStates("stalled", "active", "ready", "blocked", "FAILED")),
            RawChange(20.3, PathStates("failed", "failed", "ready", "transport-offline", "FREE")),
            RawChange(47.4, PathStates("recovering", "failed", "faulty", "running", "LOGGED_IN")),
            RawChange(55.4, PathStates("up", "active", "ready", "running", "LOGGED_IN")),
        ),
    }
    return PastOutage(**{**outage, **changes})


def restarted(**changes: Any) -> PastOutage:
    """The same, but no daemon ran from 18 to 30 s after its beginning: when it failed is a range."""
    outage = past()
    return past(
        **{
            "id": "2222222222222222",
            "instants": {**outage.instants, "failed": at(18.0, 30.0)},
            "phases": {**outage.phases, "replacement": at(2.8, 14.8), "failover": at(18.1, 30.1)},
            "verdict": "unobserved",
            "states": (),
            **changes,
        }
    )
