"""The host as the rooms of the audit see it: the state, the configuration, and what links the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mpathd_watch.core.audit.effective_settings import Rules, rules
from mpathd_watch.core.audit.node_records import NodeRecords, node_records
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.formats.multipath_conf import Document, Resolved, separated
from mpathd_watch.core.formats.open_iscsi import Record
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.vocabulary import NOT_RUNNING, SourceName
from mpathd_watch.core.state import MapState, NexusState, PathState, State
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import immutable


@immutable
class Host:
    """The state and the configuration, and what of them the rooms need again and again.

    ``maps`` are those that exist, in the order of their labels, ``settings`` by WWID, ``users`` the maps of each
    session by its label. ``nexuses`` are those that exist, by label: the facts about a missing one are out of date.
    ``sessions``: those that open-iscsi configures. ``existing``: the ``nexuses`` by their labels.
    """

    state: State
    maps: tuple[MapState, ...]
    configuration: Configuration
    running: Document | None
    rules: Rules
    settings: Mapping[str, Resolved]
    users: Mapping[str, tuple[MapState, ...]]
    records: NodeRecords
    nexuses: Sequence[NexusState]
    sessions: Sequence[NexusState]
    existing: Mapping[str, NexusState]

    @property
    def multipathd_dead(self) -> bool:
        """Whether it is certain that multipathd does not run; it may also be slow to answer."""
        multipathd = self.state.source(SourceName.MULTIPATHD)
        return multipathd.up is False and multipathd.reason == NOT_RUNNING

    @property
    def without_multipath(self) -> bool:
        """Whether nothing shows that there should be maps: none, no multipathd, and nothing that configures one."""
        configuration = self.configuration
        return (
            not self.state.maps
            and self.multipathd_dead
            and configuration.version is None
            and not configuration.multipath.sections
        )

    def session(self, path: PathState) -> NexusState | None:
        """The path's session, if it exists."""
        return self.existing.get(path.nexus)

    def portal(self, path: PathState) -> str:
        """The portal that the path leads to: a target may redirect logins at one portal to others of its group."""
        session = self.session(path)
        return path.place.portal if session is None else session.facts.leads_to

    def record(self, session: NexusState) -> Record | None:
        """The session's node record, if it exists and can be read."""
        return self.records.of(session)


def host(state: State) -> Host:
    """Link what the state has of the host with its configuration."""
    configuration = state.auditing.configuration or Configuration()
    running = state.auditing.running
    if running is not None:
        running = separated(running, configuration.multipath)
    prepared = rules(configuration, running)
    users: dict[str, dict[str, MapState]] = {}
    maps = {wwid: map_ for wwid, map_ in state.maps.items() if map_.exists}
    for map_ in maps.values():
        for path in map_.paths.values():
            if path.nexus:
                users.setdefault(path.nexus, {})[map_.wwid] = map_
    nexuses = present(state)
    sessions = of_open_iscsi(nexuses)
    return Host(
        state,
        tuple(sorted(maps.values(), key=identity.by_label)),
        configuration,
        running,
        prepared,
        {wwid: prepared.of(map_).in_force for wwid, map_ in maps.items()},
        {label: tuple(maps.values()) for label, maps in users.items()},
        node_records(configuration.records, sessions),
        nexuses,
        sessions,
        {nexus.label: nexus for nexus in nexuses},
    )


def present(state: State) -> list[NexusState]:
    """The nexuses that exist, by label."""
    return sorted((nexus for nexus in state.nexuses.values() if nexus.present), key=identity.by_label)


def of_open_iscsi(nexuses: Iterable[NexusState]) -> list[NexusState]:
    """Those of ``nexuses`` that open-iscsi configures."""
    return [nexus for nexus in nexuses if table.of(nexus.transport).node_records]
