"""What ``status`` shows of the document: all of it, one map, or only what has a fault."""

from __future__ import annotations

from mpathd_watch.core.model.vocabulary import Health, MapHealth, SessionStatus
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry, SessionEntry


@immutable
class Choice:
    """``map`` is a name or WWID, empty for all maps; with ``problems`` only maps with a fault are chosen."""

    map: str = ""
    problems: bool = False

    def takes(self, entry: MapEntry) -> bool:
        """Whether the map is chosen."""
        if self.map and self.map not in (entry["map"], entry["wwid"]):
            return False
        return not self.problems or has_fault(entry)


ALL = Choice()


def is_there(document: Document, name: str) -> bool:
    """Whether the document has a map of this name or WWID."""
    return any(Choice(name).takes(entry) for entry in document["maps"])


def has_fault(entry: MapEntry) -> bool:
    """Whether something of the map needs attention: it is not healthy, or a path of it works and not well."""
    return entry["health"] != MapHealth.HEALTHY or bool(entry["suspended"]) or any(map(_has_fault, entry["paths"]))


def chosen(document: Document, choice: Choice) -> Document:
    """The document with the chosen maps only, and of the sessions those that their paths use.

    With ``problems`` a session that is not logged in or suspect stays, too. Everything else stays as it is.
    """
    maps = [entry for entry in document["maps"] if choice.takes(entry)]
    used = {path["session"] for entry in maps for path in entry["paths"]}
    sessions = [
        session
        for session in document["sessions"]
        if session["session"] in used or (choice.problems and not choice.map and _is_in_trouble(session))
    ]
    return document if choice == ALL else {**document, "maps": maps, "sessions": sessions}


def _has_fault(path: PathEntry) -> bool:
    return path["health"] != Health.UP or any(path.get(fault) for fault in ("flapping", "slow", "marginal", "overdue"))


def _is_in_trouble(session: SessionEntry) -> bool:
    return session["state"] != SessionStatus.LOGGED_IN or bool(session.get("suspicion"))
