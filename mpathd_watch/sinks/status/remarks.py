"""What screen and page show of a path besides its health: why it is suspect, why it failed, and what else is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Health, Suspicion
from mpathd_watch.sinks import words
from mpathd_watch.sinks.status.document import Document, PathEntry, SessionEntry


def remarks(document: Document, path: PathEntry) -> Iterator[str]:
    """The most important one first; none for a path that is up and has no fault."""
    if path["health"] == Health.SUSPECT:
        session = next((each for each in document["sessions"] if each["session"] == path["session"]), None)
        yield _suspicion(session) if session is not None else "its session is suspect"
    elif path["outage"] is not None:
        yield words.cause(path["outage"]["cause"])
    elif path["health"] == Health.MISSING:
        yield "not there since the start"
    if path.get("flapping"):
        yield "flapping"
    if path.get("slow"):
        yield "slower than its siblings"
    if path.get("marginal"):
        yield "marginal for multipathd"


def _suspicion(session: SessionEntry) -> str:
    if session.get("suspicion") == Suspicion.CARRIER:
        return f"{session.get('netdev') or 'its NIC'} has lost its carrier or its address"
    silence = session.get("silence")
    return "silent" if silence is None else f"silent for {duration(silence)}"
