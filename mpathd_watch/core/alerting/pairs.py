"""Which entries stand until another one ends them, and what both have in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable, replace

INCIDENT_ENDED: Final = "incident_ended"
"""The event that ends an incident."""
INCIDENT: Final = "INCIDENT"
"""The field that all entries of an incident share."""


@immutable
class Entry:
    """A journal entry as it is sent elsewhere: an alert, or a summary of several. ``fields`` are without the prefix."""

    event: str
    priority: Priority
    message: str
    fields: dict[str, str]


def entry_of(alert: Alert) -> Entry:
    """The entry of an alert. All of its text is printable."""
    fields = {name: clean(value) for name, value in alert.fields.items()}
    return Entry(alert.kind.event, alert.priority, clean(alert.message), fields)


@immutable
class Pair:
    """An entry of ``begins`` stands until one of ``ends`` has the same values in the fields ``names``.

    The field ``ENDED`` of what begins is its own event.
    """

    begins: frozenset[str]
    ends: frozenset[str]
    names: tuple[str, ...]


PAIRS: Final = (
    Pair(frozenset({"source_down"}), frozenset({"source_up"}), ("SOURCE",)),
    Pair(
        frozenset({"path_suspect", "path_stalled", "path_failed", "path_missing", "path_overdue"}),
        frozenset({"path_reinstated", "path_removed", "path_forgotten"}),
        ("WWID", "PATH"),
    ),
    Pair(frozenset({"path_flapping", "path_slow"}), frozenset({"path_steady"}), ("ENDED", "WWID", "PATH")),
    Pair(
        frozenset({"map_degraded", "map_at_risk", "map_lost"}), frozenset({"map_recovered", "map_forgotten"}), ("WWID",)
    ),
    Pair(frozenset({"session_lost"}), frozenset({"session_restored"}), ("SESSION", "NEXUS")),
    Pair(frozenset({"port_group_down"}), frozenset({"port_group_up"}), ("TARGET", "PORT_GROUP")),
)
"""The entries that belong to no incident. Whatever is in no pair happens once, and does not stand."""

_BEGINS: Final = {event: pair for pair in PAIRS for event in pair.begins}
_ENDS: Final = {event: pair for pair in PAIRS for event in pair.ends}
ENDING: Final = frozenset({INCIDENT_ENDED, "map_removed", *_ENDS})
"""The events that may end what stands."""


def topic(entry: Entry) -> str:
    """What the entry is about, as long as it stands: its incident or its object. Empty if it happens once."""
    if incident := entry.fields.get(INCIDENT):
        return f"incident {incident}"
    pair = _BEGINS.get(entry.event)
    return "" if pair is None else _object(pair, entry)


def ended_by(entry: Entry) -> str:
    """The topic that the entry ends, whether or not it stands; empty if it ends none.

    An entry of an incident may end what had begun outside of it. A map that is removed although none of its paths is
    usable goes on to be lost; the entry has priority notice then.
    """
    incident = entry.fields.get(INCIDENT)
    if entry.event == INCIDENT_ENDED:
        return f"incident {incident}" if incident else ""
    if entry.event == "map_removed" and entry.priority is Priority.INFO:
        return _object(_ENDS["map_recovered"], entry)
    pair = _ENDS.get(entry.event)
    return "" if pair is None else _object(pair, entry)


def ends_suspicion(entry: Entry, standing: Entry) -> bool:
    """Whether ``standing`` was only the warning about a path that is up again, by an entry of the same incident."""
    if standing.event != "path_suspect" or not entry.fields.get(INCIDENT):
        return False
    pair = _BEGINS[standing.event]
    return entry.event in pair.ends and _object(pair, entry) == _object(pair, standing)


def begins_again(entry: Entry, standing: Entry) -> bool:
    """Whether the entry reports once more, after a restart, what the last daemon had reported."""
    return entry.event == standing.event and entry.fields == standing.fields and after_restart(standing) is not None


def after_restart(standing: Entry) -> Entry | None:
    """What ends the entry unless it comes again after a restart; ``None`` if a restart changes nothing.

    The daemon's sources begin again with it, so one that is up again by then has no entry of its own.
    """
    if standing.event != "source_down":
        return None
    source = standing.fields.get("SOURCE", "")
    message = f"mpathd-watch was restarted, and its source {source} has not been down since then."
    return Entry("source_up", Priority.NOTICE, message, {"SOURCE": source})


def unknown(standing: Entry, incidents: Collection[str]) -> Entry | None:
    """What becomes of the entry if it is of none of these incidents, which are all that go on; ``None``: nothing.

    It may be over, or go on as another incident: nobody can know.
    """
    incident = standing.fields.get(INCIDENT)
    if not incident or incident in incidents:
        return None
    return replace(
        standing,
        message=f"mpathd-watch has lost what it knew of this, and will not report its end; run mpathd-watch status. "
        f"It was: {standing.message}",
    )


def _object(pair: Pair, entry: Entry) -> str:
    fields = {"ENDED": entry.event, **entry.fields}
    return " ".join((min(pair.begins), *(fields.get(name, "") for name in pair.names)))
