"""What reads sysfs, the sockets' states and the files of the configuration: it looks at the world instead."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts, SessionFacts, TcpFacts
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, SessionStatus
from mpathd_watch.sources.configuration.root_only import RootOnly
from mpathd_watch.sources.configuration.survey import Survey
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs.disks import Depth, Disks
from mpathd_watch.sources.sysfs.usage import UsageReader
from tests.sim.product import ROOT_STEP, configuration, dm_status
from tests.sim.sources.sysfs import Sysfs
from tests.sim.world.changes import What
from tests.sim.world.host import World
from tests.sim.world.links import PORT
from tests.sim.world.sessions import Session

NOWHERE = Path("/nowhere")
FIRST_PORT = 40000


def unreadable() -> OSError:
    """The error where sysfs is not mounted."""
    return FileNotFoundError(errno.ENOENT, "No such file or directory", "/sys/class")


class WorldSessions(Sessions):
    """Reads sessions. ``refused`` returns whether nothing can be read."""

    def __init__(self, world: World, model: Sysfs, refused: Callable[[], bool]) -> None:
        super().__init__(NOWHERE, lambda: world.clock.now)
        self._world = world
        self._model = model
        self._refused = refused
        self._seen: dict[int, tuple[SessionFacts, float | None]] = {}
        """The facts and, while it is logged in, what stands for exp_statsn: it changes with each answer."""

    def read(
        self,
        attributes: Attributes,  # noqa: ARG002  # nothing is wrong with what can be read
        *,
        everything: bool = False,  # noqa: ARG002  # nothing else changes here
        timeouts: bool = False,  # noqa: ARG002
        ends: Mapping[int, LocalEnd] | None = None,
        tcp: Mapping[int, TcpFacts] | None = None,
    ) -> tuple[SessionFacts, ...]:
        if self._refused():
            raise unreadable()
        self._signs.begin(self._world.clock.now)
        seen = {session.sid: self._read(session, ends or {}, tcp) for session in self._world.sessions}
        self._seen = seen
        self._signs.end(self._world.clock.now, asked=tcp is not None)
        return tuple(facts for facts, _ in seen.values())

    def _read(
        self, session: Session, ends: Mapping[int, LocalEnd], tcp: Mapping[int, TcpFacts] | None
    ) -> tuple[SessionFacts, float | None]:
        known, before = self._seen.get(session.sid, (None, None))
        facts = self._model.session_facts(session)
        end = ends.get(session.sid)
        if end is not None:
            local = end.address, end.netdev, end.network, end.routed
        elif known is not None:
            local = known.local_address, known.netdev, known.local_network, known.routed
        else:
            local = "", "", "", ""
        alive, connection, heard = known.alive if known else None, None, None
        if facts.state is SessionStatus.LOGGED_IN:
            heard = session.heard
            login = known is not None and known.state in DOWN_SESSION
            if login:
                before = 0.0
            if before is not None and before != heard:
                moment = self._signs.moment(self._world.clock.now, session.sid, tcp)
                if moment is None:
                    alive, heard = (self._signs.before_gap if login else alive), before
                else:
                    alive = moment
            connection = (known.tcp if known else None) if tcp is None else tcp.get(session.sid)
        elif before is not None and before != session.heard:
            alive = self._signs.moment(self._world.clock.now, session.sid, None) or alive
        facts = replace(
            facts,
            local_address=local[0],
            netdev=local[1],
            local_network=local[2],
            routed=local[3],
            alive=alive,
            tcp=connection,
        )
        return facts, heard


class WorldEnds(LocalEnds):
    """Reads the local ends, and knows the TCP connections: each login makes a new one."""

    def __init__(self, world: World) -> None:
        super().__init__(NOWHERE, dict, lambda _target, _source: "", lambda _connections: {})
        self._world = world
        self._ports: dict[int, int] = {}
        self._next = FIRST_PORT
        world.changes.listen(self._changed)

    def close(self) -> None:
        """The daemon ends."""
        self._world.changes.silence(self._changed)

    def read(self, attributes: Attributes) -> Mapping[int, LocalEnd]:  # noqa: ARG002
        return {session.sid: self._local_end(session) for session in self._world.sessions}

    def ask(self, connections: Mapping[int, Connection], clock: Callable[[], float]) -> Mapping[int, Answer]:  # noqa: ARG002
        """As ``tcp.ask``."""
        found = {}
        for session in self._world.sessions:
            wanted = connections.get(session.sid)
            if wanted is not None and wanted == self._connection(session):
                found[session.sid] = Answer(TcpFacts(0.0005, session.retransmits, 0, session.heard), "")
        return found

    def _local_end(self, session: Session) -> LocalEnd:
        link, portal = session.portal.link, session.portal
        return LocalEnd(
            link.address, link.name, link.network, self._connection(session), (portal.address, PORT), link.name
        )

    def _connection(self, session: Session) -> Connection | None:
        if not session.connected:
            return None
        if session.sid not in self._ports:
            self._ports[session.sid] = self._next
            self._next += 1
        return Connection(session.portal.link.address, self._ports[session.sid], session.portal.address, PORT)

    def _changed(self, what: What, thing: object) -> None:
        if what is What.SESSION and isinstance(thing, Session) and thing.state is not SessionStatus.LOGGED_IN:
            self._ports.pop(thing.sid, None)


class WorldDisks(Disks):
    """Reads maps and disks. ``look`` comes before a full scan: the maps are as they were then, the disks are later."""

    def __init__(self, world: World, model: Sysfs, refused: Callable[[], bool]) -> None:
        super().__init__(NOWHERE, NOWHERE)
        self._world = world
        self._model = model
        self._refused = refused
        self._as_maps: tuple[MapFacts, ...] = ()
        self._found: dict[str, DeviceFacts] = {}

    def look(self) -> None:
        """A reading begins."""
        disks = {disk.name: disk for disk in self._world.disks()}
        self._as_maps = tuple(self._model.map_facts(map_, disks) for map_ in self._world.maps)

    def maps(self, attributes: Attributes) -> tuple[MapFacts, ...]:  # noqa: ARG002
        if self._refused():
            raise unreadable()
        return self._as_maps

    def devices(self, attributes: Attributes, names: Iterable[str]) -> tuple[DeviceFacts, ...]:
        found, disks = {}, {disk.name: disk for disk in self._world.disks()}
        for name in names:
            if name in disks:
                found[name] = self._model.disk_facts(disks[name], None, counters=True, in_flight=False)
            else:
                attributes.problems["vanished"] += 1
        self._found = found
        return tuple(found.values())

    def unmapped(self, attributes: Attributes, members: Iterable[DeviceFacts]) -> tuple[DeviceFacts, ...]:  # noqa: ARG002
        mapped = {facts.hctl for facts in members}
        return tuple(
            self._model.disk_facts(disk, None, counters=True, in_flight=False)
            for disk in self._world.disks()
            if disk.hctl not in mapped
        )

    def again(
        self,
        attributes: Attributes,  # noqa: ARG002
        known: Iterable[DeviceFacts],
        depth: Depth,
    ) -> tuple[tuple[DeviceFacts, ...], tuple[str, ...]]:
        if self._refused():
            raise unreadable()
        disks = {disk.name: disk for disk in self._world.disks()}
        found, vanished = [], []
        for facts in known:
            disk = disks.get(facts.name)
            if disk is None:
                vanished.append(facts.name)
                continue
            closely = depth is Depth.CLOSELY
            fresh = self._model.disk_facts(disk, facts, counters=depth is not Depth.STATE, in_flight=closely)
            if depth is Depth.STATE:
                fresh = facts if fresh.state is facts.state else replace(facts, state=fresh.state, in_flight=None)
            elif not closely:
                fresh = replace(fresh, access=facts.access)
            found.append(fresh)
        return tuple(found), tuple(vanished)


class NoUsage(UsageReader):
    """Nothing is mounted."""

    def __init__(self) -> None:
        super().__init__(NOWHERE, NOWHERE, lambda _attributes, _name: "")

    def read(self, attributes: Attributes, maps: Iterable[MapFacts]) -> Usage:  # noqa: ARG002
        return Usage()


class WorldSurvey(Survey):
    """Reads the configuration. The privileged step after the start passes dm's states on (``ExecStartPost``)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started = world.clock.now
        super().__init__(NOWHERE, None, _never, lambda: world.clock.now)

    def read(self) -> Configuration:
        if self.dm is None and self._world.clock.now >= self._started + ROOT_STEP:
            self.dm = DmStatusRead(dm_status(self._world), self._started + ROOT_STEP)
        return configuration(self._world.shape)

    def read_changes(self) -> Configuration:
        return self.read()


def _never(root: Path) -> RootOnly:
    raise NotImplementedError(root)
