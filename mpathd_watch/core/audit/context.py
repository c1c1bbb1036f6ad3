"""The host as the rooms of the audit see it: the state, the configuration, and what links the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpathd_watch.core.audit.effective_settings import Rules, rules
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import NOT_RUNNING
from mpathd_watch.core.formats.multipath_conf import Document, Resolved, separated
from mpathd_watch.core.formats.open_iscsi import Place, Record
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState, NexusState, PathState, State
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus

Identity = tuple[str, str, str]
"""What a session and its record have in common: target, portal, iface."""


@dataclass(frozen=True, slots=True)
class Host:
    """The state and the configuration; ``settings`` by WWID, ``users`` are the maps of each session by its label."""

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
        return sorted(self.state.maps.values(), key=identity.by_label)

    @property
    def nexuses(self) -> list[NexusState]:
        """The nexuses that exist, by label; the facts about a missing one are out of date."""
        return sorted((nexus for nexus in self.state.nexuses.values() if nexus.present), key=identity.by_label)

    @property
    def sessions(self) -> list[NexusState]:
        """Those of them that open-iscsi configures, by label."""
        return [nexus for nexus in self.nexuses if table.of(nexus.transport).node_records]

    @property
    def multipathd_dead(self) -> bool:
        """Whether it is certain that multipathd does not run; it may also be slow to answer."""
        multipathd = self.state.source(SourceName.MULTIPATHD)
        return multipathd.up is False and multipathd.reason == NOT_RUNNING

    def session(self, path: PathState) -> NexusState | None:
        """The path's session, if it exists."""
        session = self.state.nexuses.get(path.nexus)
        return session if session is not None and session.present else None

    def record(self, session: NexusState) -> Record | None:
        """The session's node record, if it exists and can be read."""
        return self.records.get(of_session(session.facts))


def host(state: State) -> Host:
    """Link what the state has of the host with its configuration."""
    configuration = state.auditing.configuration or Configuration()
    running = state.auditing.running
    if running is not None:
        running = separated(running, configuration.multipath)
    prepared = rules(configuration, running)
    users: dict[str, dict[str, MapState]] = {}
    for map_ in state.maps.values():
        for path in map_.paths.values():
            if path.nexus:
                users.setdefault(path.nexus, {})[map_.wwid] = map_
    return Host(
        state,
        configuration,
        running,
        prepared,
        {wwid: prepared.in_force(map_) for wwid, map_ in state.maps.items()},
        {label: tuple(maps.values()) for label, maps in users.items()},
        {of_place(node.place): node.record for node in configuration.records},
    )


def of_session(facts: Nexus) -> Identity:
    """The identity that the session's record has, if there is one."""
    return facts.target, facts.portal, facts.iface or identity.DEFAULT_IFACE


def of_place(place: Place) -> Identity:
    """The identity that a session of this record has, if there is one."""
    return place.target, identity.portal(place.address, place.port), place.iface
