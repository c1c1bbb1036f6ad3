"""What is wrong with maps: too little redundancy, uneven timeouts, I/O that may hang for ever."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.facts import RECOVERY_OFF
from mpathd_watch.core.findings import Finding, FindingKind
from mpathd_watch.core.state import MapState, State
from mpathd_watch.core.text import plural
from mpathd_watch.core.vocabulary import SessionStatus, SourceName


def findings(state: State) -> Iterator[Finding]:
    """Every map by name."""
    multipathd = state.source(SourceName.MULTIPATHD)
    if state.maps and multipathd.up is False:
        told = multipathd.detail.rstrip(".") or "it does not answer"
        yield Finding(FindingKind.MULTIPATHD_NOT_RUNNING, "multipathd", told)
    for known in sorted(state.maps.values(), key=lambda known: known.label):
        yield from _redundancy(known, state)
        yield from _timeouts(known, state)
        if known.queueing == "on":
            yield Finding(
                FindingKind.QUEUES_FOR_EVER, known.label, "when all its paths are down, I/O hangs until one returns"
            )


def _redundancy(known: MapState, state: State) -> Iterator[Finding]:
    accepted = not state.settings.single_path_ok.isdisjoint((known.wwid, known.name))
    if len(known.paths) == 1 and not accepted:
        yield Finding(FindingKind.SINGLE_PATH, known.label, f"its only path is {next(iter(known.paths))}")
    portals = {path.portal for path in known.paths.values()}
    if len(known.paths) > 1 and len(portals) == 1 and "" not in portals:
        told = f"its {plural(len(known.paths), 'path')} all go through {portals.pop()}"
        yield Finding(FindingKind.SINGLE_PORTAL, known.label, told)


def _timeouts(known: MapState, state: State) -> Iterator[Finding]:
    told: dict[str, str] = {}
    for path in known.paths.values():
        session = state.sessions.get(path.session)
        if session is None or session.status is SessionStatus.MISSING:
            continue
        facts = session.facts
        if facts.recv_tmo is not None and facts.ping_tmo is not None and facts.recovery_tmo is not None:
            recovery = "off" if facts.recovery_tmo == RECOVERY_OFF else facts.recovery_tmo
            told[path.label] = f"{facts.recv_tmo}/{facts.ping_tmo}/{recovery}"
    if len(set(told.values())) > 1:
        listed = ", ".join(f"{told[label]} on {label}" for label in sorted(told))
        text = f"noop_out_interval/noop_out_timeout/recovery_tmo are {listed}"
        yield Finding(FindingKind.TIMEOUTS_DIFFER, known.label, text)
