"""What else there is to say of a path beside its health: why it is suspect, that it flaps, that it is slow."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Health, Suspicion
from mpathd_watch.sinks import words
from mpathd_watch.sinks.status.document import Document, PathEntry, SessionEntry


def remarks(document: Document, path: PathEntry) -> Iterator[str]:
    """In the order of their weight; nothing of a path that is simply up."""
    if path["health"] == Health.SUSPECT:
        session = next((each for each in document["sessions"] if each["session"] == path["session"]), None)
        yield _suspect(session) if session is not None else "its session is suspect"
    elif path["outage"] is not None:
        yield words.cause(path["outage"]["cause"])
    if path.get("flapping"):
        yield "flapping"
    if path.get("slow"):
        yield "slower than its siblings"
    if path.get("marginal"):
        yield "multipathd calls it marginal"


def _suspect(session: SessionEntry) -> str:
    if session.get("suspicion") == Suspicion.CARRIER:
        return f"{session.get('netdev') or 'its NIC'} carries nothing"
    silence = session.get("silence")
    return "silent" if silence is None else f"silent for {duration(silence)}"
