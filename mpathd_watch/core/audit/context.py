"""What the rules look at, put together once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mpathd_watch.core.audit.effective_settings import Rules, rules
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import NOT_RUNNING
from mpathd_watch.core.formats.multipath_conf import Document, Resolved
from mpathd_watch.core.formats.open_iscsi import Place, Record
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState, NexusState, PathState, State
from mpathd_watch.core.transports.row import Nexus

Identity = tuple[str, str, str]
"""What a session and its record have in common: target, portal, iface."""


@dataclass(frozen=True, slots=True)
class Host:
    """The state and the configuration; ``settings`` by WWID, ``users`` of a session (by label) and ``records``."""

    state: State
    configuration: Configuration
    running: Document | None
    rules: Rules
    settings: Mapping[str, Resolved]
    users: Mapping[str, tuple[MapState, ...]]
    records: Mapping[Identity, Record]

    @property
    def maps(self) -> list[MapState]:
        """The maps by label."""
        return sorted(self.state.maps.values(), key=lambda known: known.label)

    @property
    def sessions(self) -> Iterator[NexusState]:
        """The sessions that are there, by label; what is known of a missing one is history."""
        return (session for _, session in sorted(self.state.nexuses.items()) if session.present)

    @property
    def multipathd_dead(self) -> bool:
        """Whether multipathd is known not to run; one that is slow to answer is not."""
        multipathd = self.state.source(SourceName.MULTIPATHD)
        return multipathd.up is False and multipathd.reason == NOT_RUNNING

    def session(self, path: PathState) -> NexusState | None:
        """The path's session, if there is one."""
        session = self.state.nexuses.get(path.nexus)
        return session if session is not None and session.present else None

    def record(self, session: NexusState) -> Record | None:
        """The session's record, if it is there and can be read."""
        return self.records.get(of_session(session.facts))


def host(state: State) -> Host:
    """Put it together."""
    configuration = state.auditing.configuration or Configuration()
    running = state.auditing.running
    prepared = rules(configuration, running)
    users: dict[str, dict[str, MapState]] = {}
    for known in state.maps.values():
        for path in known.paths.values():
            if path.nexus:
                users.setdefault(path.nexus, {})[known.wwid] = known
    return Host(
        state,
        configuration,
        running,
        prepared,
        {wwid: prepared.in_force(known) for wwid, known in state.maps.items()},
        {label: tuple(maps.values()) for label, maps in users.items()},
        {of_place(node.place): node.record for node in configuration.records},
    )


def of_session(facts: Nexus) -> Identity:
    """What the session's record would be called."""
    return facts.target, facts.portal, facts.iface or identity.DEFAULT_IFACE


def of_place(place: Place) -> Identity:
    """What a session of this record would be called."""
    return place.target, identity.portal(place.address, place.port), place.iface
