"""Tests of the core that read like a story: a made-up SAN, and what the daemon sees and says of it second by second.

``San`` is the truth. ``Story`` changes it, feeds the event a source would make of the change, and keeps what follows::

    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    story.at(15).session(2, SessionStatus.FAILED)
    assert story.path("192.168.2.1:3260").health is Health.STALLED
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest

from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.fields import FIELDS
from mpathd_watch.core.effects import Alert, Effect, Kept, OutageEnded, Refresh, Remember, Scope
from mpathd_watch.core.events import (
    BlockEvent,
    ConnectionFailed,
    DevicesRead,
    DmPathEvent,
    Event,
    MapsListed,
    NetworkRead,
    PathsListed,
    Remembered,
    SessionsRead,
    SettingsChanged,
    SourceDown,
    SourceUp,
    SystemRead,
    Tick,
    UnitAttention,
    UnitAttentions,
)
from mpathd_watch.core.formats.multipath_conf import Document, resolver
from mpathd_watch.core.model.facts import (
    AccessFacts,
    DeviceFacts,
    IoFacts,
    LinkFacts,
    MapFacts,
    MapListing,
    PathListing,
    SessionFacts,
    TcpFacts,
)
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import ExpectedMap, Memory
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    CheckerState,
    DeviceState,
    DmAction,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
    Transport,
)
from mpathd_watch.core.state import MapState, NexusState, PathState, State, Wait
from mpathd_watch.core.step import next_deadline, step

TARGET = "iqn.2009-02.com.example:storage.disk1"
START = Instant(1000.0, 1_700_000_000.0)


MOST_TICKS = 20
"""How many ticks may come within a millisecond. Each takes up all that is due, so there is hardly ever a second one."""


def moment(seconds: float) -> Instant:
    """The instant ``seconds`` after the beginning of the story."""
    return Instant(START.monotonic + seconds, START.wall + seconds)


def _overdue(state: State, seconds: float) -> str:
    """What the core wants to be woken for, and when."""
    overdue = (
        f"{' '.join(filter(None, due))} at {moment - START.monotonic:g} s"
        for due, moment in state.deadlines.items()
        if moment <= START.monotonic + seconds + 0.001
    )
    return ", ".join(overdue) or "nothing"


@dataclass
class San:
    """What is really there: maps by WWID, disks and what dm and the checkers hold of them by name, sessions by number.

    Sessions are numbered from 1, disks named ``sda``, ``sdb``, ... with the sessions of the first map first.
    ``answering`` are the sessions whose target answers pings, each time that they are looked at.
    """

    sessions: dict[int, SessionFacts] = field(default_factory=dict)
    devices: dict[str, DeviceFacts] = field(default_factory=dict)
    maps: dict[str, MapFacts] = field(default_factory=dict)
    dm: dict[str, DmState] = field(default_factory=dict)
    checkers: dict[str, CheckerState] = field(default_factory=dict)
    nics: dict[str, LinkFacts] = field(default_factory=dict)
    answering: set[int] = field(default_factory=set)
    queueing: str = "off"
    queues: bool | None = False
    seqnums: dict[str, int] = field(default_factory=dict)
    disks_ever: int = 0

    @classmethod
    def of(cls, maps: Sequence[str], portals: Sequence[str]) -> Self:
        """Every map with one path through a session to each portal (``ADDRESS`` or ``ADDRESS@IFACE``)."""
        san = cls()
        for portal in portals:
            address, _, iface = portal.partition("@")
            san.login(address, iface=iface or "default")
        for name in maps:
            san.add_map(name)
        return san

    def wired(self) -> Self:
        """Every session to 192.168.N.x through a NIC ethN that has 192.168.N.10; all NICs have carrier."""
        for sid, session in self.sessions.items():
            network, _, _ = session.address.rpartition(".")
            netdev, address = f"eth{network.rpartition('.')[2]}", f"{network}.10"
            self.sessions[sid] = replace(session, local_address=address, netdev=netdev, local_network=f"{network}.0/24")
            self.nics[netdev] = LinkFacts(netdev, up=True, carrier=True, addresses=(address,))
        return self

    def grouped(self, **states: AccessState) -> Self:
        """An array with ALUA: each session leads to the port group of its number; ``g2=...`` is a state of one."""
        for name, device in self.devices.items():
            group = device.sid or 0
            state = states.get(f"g{group}", AccessState.OPTIMIZED)
            access = AccessFacts(grouped=True, handler="alua", state=state, preferred=False, group=group)
            self.devices[name] = replace(device, access=access)
        return self

    def login(self, address: str, **facts: Any) -> int:
        """A new session, without any disk yet; returns its number."""
        sid = max(self.sessions, default=0) + 1
        session = SessionFacts(
            sid=sid,
            state=SessionStatus.LOGGED_IN,
            target=TARGET,
            tpgt=1,
            iface="default",
            initiator="iqn.2026-01.example:host",
            address=address,
            port=3260,
            recv_tmo=5,
            ping_tmo=10,
            recovery_tmo=5,
        )
        self.sessions[sid] = replace(session, **facts)
        return sid

    def add_map(self, name: str, sids: Iterable[int] | None = None) -> str:
        """A new map with a disk through each session, or each of ``sids``; returns its WWID."""
        wwid = f"36000{name}"
        self.maps[wwid] = MapFacts(wwid, name, f"dm-{len(self.maps)}", suspended=False, slaves=())
        for sid in list(self.sessions if sids is None else sids):
            self.add_disk(wwid, sid)
        return wwid

    def add_disk(self, wwid: str, sid: int | None) -> str:
        """A new running, ready disk of a map; returns its name."""
        number, self.disks_ever = self.disks_ever, self.disks_ever + 1
        name = f"sd{chr(ord('a') + number)}"
        lun = list(self.maps).index(wwid)
        self.devices[name] = DeviceFacts(
            name=name,
            dev_t=f"8:{16 * number}",
            hctl=f"{sid or number}:0:0:{lun}",
            state=DeviceState.RUNNING,
            transport=Transport.ISCSI if sid else Transport.SCSI,
            sid=sid,
            vendor="IET",
            product="VIRTUAL-DISK",
            io_errors=0,
            io_timeouts=0,
        )
        self.dm[name] = DmState.ACTIVE
        self.checkers[name] = CheckerState.READY
        known = self.maps[wwid]
        self.maps[wwid] = replace(known, slaves=(*known.slaves, name))
        return name

    def remove_disk(self, name: str) -> None:
        """The disk leaves the host and its map."""
        del self.devices[name]
        for wwid, known in self.maps.items():
            self.maps[wwid] = replace(known, slaves=tuple(slave for slave in known.slaves if slave != name))

    def logout(self, sid: int) -> None:
        """The session goes with its disks."""
        for name in [device.name for device in self.devices.values() if device.sid == sid]:
            self.remove_disk(name)
        del self.sessions[sid]

    def map_of(self, name: str) -> MapFacts:
        """The map that has the disk."""
        return next(known for known in self.maps.values() if name in known.slaves)

    def wwid(self, name: str) -> str:
        """The WWID of the map called ``name``."""
        return next(known.wwid for known in self.maps.values() if known.name == name)

    # --- what the sources make of it ----------------------------------------------------------------------------------

    def system_read(self) -> SystemRead:
        """A full scan of sysfs."""
        return SystemRead(tuple(self.maps.values()), tuple(self.devices.values()), tuple(self.sessions.values()), 0.0)

    def sessions_read(self, requested: float = 0.0) -> SessionsRead:
        """A poll of the sessions."""
        return SessionsRead(tuple(self.sessions.values()), requested)

    def network_read(self) -> NetworkRead:
        """All network interfaces."""
        return NetworkRead(tuple(self.nics.values()))

    def path_listing(self, name: str, wwid: str, map_name: str) -> PathListing:
        """One line of multipathd's."""
        return PathListing(
            wwid, map_name, name, self.devices[name].dev_t, self.dm[name], self.checkers[name], checker="tur"
        )

    def paths_listed(self, requested: float) -> PathsListed:
        """``show paths raw format``."""
        listings = (
            self.path_listing(name, known.wwid, known.name) for known in self.maps.values() for name in known.slaves
        )
        return PathsListed(tuple(listings), requested)

    def maps_listed(self, requested: float) -> MapsListed:
        """``show maps json``."""
        listings = (
            MapListing(
                known.wwid,
                known.name,
                known.sysfs_name,
                self.queueing,
                self.queues,
                "IET",
                "VIRTUAL-DISK",
                tuple(self.path_listing(name, known.wwid, known.name) for name in known.slaves),
            )
            for known in self.maps.values()
        )
        return MapsListed(tuple(listings), requested)

    def dm_event(self, name: str) -> DmPathEvent:
        """The uevent dm sends with the disk's present state, numbered as the next of its map."""
        known = self.map_of(name)
        self.seqnums[known.wwid] = seqnum = self.seqnums.get(known.wwid, 0) + 1
        action = DmAction.PATH_FAILED if self.dm[name] is DmState.FAILED else DmAction.PATH_REINSTATED
        return DmPathEvent(action, known.wwid, known.name, known.sysfs_name, self.devices[name].dev_t, seqnum)


@dataclass(frozen=True)
class Told:
    """An alert, and the second at which it came."""

    at: float
    alert: Alert

    @property
    def event(self) -> str:
        """What the journal calls it."""
        return self.alert.kind.event

    @property
    def who(self) -> str:
        """The path, session, map or source it is about."""
        fields = self.alert.fields
        about = ("PATH", "SESSION", "PORT_GROUP", "MAP", "ATTENTION", "SOURCE")
        return next((fields[key] for key in about if key in fields), "")


class Story:
    """Feeds the core, and remembers what came of it. The methods that change the SAN return the story itself."""

    def __init__(
        self,
        san: San,
        *,
        single_path_ok: Iterable[str] = (),
        multipathd: bool = True,
        memory: Memory | None = None,
        **settings: Any,
    ) -> None:
        self.san = san
        self.state = State()
        self.history: list[State] = []
        self.seconds = -60.0
        self.told: list[Told] = []
        self.wanted: list[Refresh] = []
        self.ended: list[OutageEnded] = []
        self.kept: list[Kept] = []
        self.healths: list[tuple[float, str, str, Health]] = []
        self.prompt = False
        self.polled: list[float] = []
        self.multipathd = multipathd
        self.remembered: dict[str, ExpectedMap | None] = {}
        self.settings = SettingsChanged(settle_seconds=5.0, single_path_ok=frozenset(single_path_ok), **settings)
        self.feed(self.settings)
        if memory is not None:
            self.feed(Remembered(memory))

    def begun(self) -> Self:
        """All sources up, the first look taken a minute before the story, and nothing to report but what is wrong."""
        self.feed(SourceUp(SourceName.UEVENT))
        self.feed(SourceUp(SourceName.SYSFS))
        self.look()
        if self.multipathd:
            self.feed(SourceUp(SourceName.MULTIPATHD))
            self.listing()
        else:
            self.multipathd_down()
        return self.at(-50)

    # --- time and events ----------------------------------------------------------------------------------------------

    def live(self, *sids: int) -> Self:
        """From now on these sessions, or all, answer pings, the NICs are known, and sysfs answers the core."""
        self.prompt = True
        self.san.answering = set(sids or self.san.sessions)
        if self.san.nics:
            self.network()
        return self.poll()

    def at(self, seconds: float) -> Self:
        """Go on to this second; the deadlines on the way are ticked when they come, as the daemon does."""
        assert seconds >= self.seconds, "a story does not go back in time"
        ticks, since = 0, self.seconds
        while (due := next_deadline(self.state)) is not None and due <= START.monotonic + seconds:
            self.seconds = max(self.seconds, due - START.monotonic)
            ticks += 1
            if self.seconds > since + 0.001:
                ticks, since = 0, self.seconds
            if ticks > MOST_TICKS:
                overdue = _overdue(self.state, self.seconds)
                pytest.fail(f"at {since:g} s the core wants ticks for ever, for {overdue}", pytrace=False)
            self.feed(Tick())
            self._answer()
        self.seconds = max(self.seconds, seconds)
        return self

    def _answer(self) -> None:
        """Poll the sessions if the core has asked for that, as sysfs does: no sooner than 50 ms after the last poll."""
        row = 0
        while self.prompt and self.wants(Scope.NEXUSES):
            row += 1
            assert row <= 3, "the core asks for the sessions in a loop"
            if self.polled and self.seconds < self.polled[-1] + 0.05:
                self.seconds = self.polled[-1] + 0.05
            self.poll()

    def feed(self, event: Event) -> tuple[Effect, ...]:
        """Fold one event in at the present second."""
        before = self.state
        self.state, effects = step(before, event, moment(self.seconds))
        alerts = [effect for effect in effects if isinstance(effect, Alert)]
        assert all(alert.fields.keys() <= FIELDS.keys() for alert in alerts)
        self.told += [Told(self.seconds, alert) for alert in alerts]
        self.history.append(self.state)
        self.ended += [effect for effect in effects if isinstance(effect, OutageEnded)]
        self.remembered |= {effect.wwid: effect.expected for effect in effects if isinstance(effect, Remember)}
        self.kept += [effect for effect in effects if isinstance(effect, Kept)]
        self.wanted = [effect for effect in effects if isinstance(effect, Refresh)]
        for wwid, known in self.state.maps.items():
            old = before.maps[wwid].paths if wwid in before.maps else {}
            for label, path in known.paths.items():
                if label not in old or old[label].health is not path.health:
                    self.healths.append((self.seconds, known.label, label, path.health))
        return effects

    # --- what happens -------------------------------------------------------------------------------------------------

    def expects(self, recheck_interval: int, name: str = "mpio") -> Self:
        """An audit has found how often multipathd checks a failed path of the map."""
        settings = resolver(Document()).resolve(wwid="", vendor=None, product=None)
        maps = {self.san.wwid(name): MapReport(settings, budget=None, recheck_interval=recheck_interval)}
        report = replace(self.state.auditing.report, maps={**self.state.auditing.report.maps, **maps})
        self.state = replace(self.state, auditing=replace(self.state.auditing, report=report))
        return self

    def session(self, sid: int, state: SessionStatus, *, alive: float | None = None) -> Self:
        """A session changes, and the next poll shows it; it was last ``alive`` at that second of the story."""
        proof = self.san.sessions[sid].alive if alive is None else START.monotonic + alive
        self.san.sessions[sid] = replace(self.san.sessions[sid], state=state, alive=proof)
        self.feed(self.san.sessions_read(START.monotonic + self.seconds if self.prompt else 0.0))
        return self

    def heard(self, sid: int, alive: float | None, *, tcp: float | None = None, rtt: float | None = None) -> Self:
        """The last proofs of life that there are of a session, at these seconds of the story; not read yet."""
        fares = (
            None if tcp is None and rtt is None else TcpFacts(rtt, 0, 0, None if tcp is None else START.monotonic + tcp)
        )
        self.san.sessions[sid] = replace(
            self.san.sessions[sid], alive=None if alive is None else START.monotonic + alive, tcp=fares
        )
        return self

    def poll(self, requested: float | None = None) -> Self:
        """The sessions are read, as asked for at this second of the story, by default now."""
        asked = self.seconds if requested is None else requested
        for sid in self.san.answering & self.san.sessions.keys():
            self.heard(sid, asked)
        self.polled.append(self.seconds)
        self.feed(self.san.sessions_read(START.monotonic + asked))
        return self

    def cut(self, *sids: int) -> Self:
        """Nothing comes through these sessions any more; each has answered just now."""
        for sid in sids:
            self.heard(sid, self.seconds)
            self.san.answering.discard(sid)
        return self.poll()

    def network(self, *links: LinkFacts) -> Self:
        """The network interfaces are read; ``links`` replace those of their name, or are new."""
        self.san.nics |= {link.name: link for link in links}
        self.feed(self.san.network_read())
        return self

    def carrier(self, name: str, *, carrier: bool) -> Self:
        """A NIC loses its carrier or has it back."""
        return self.network(replace(self.san.nics[name], carrier=carrier))

    def looked(
        self,
        name: str,
        *,
        errors: int | None = 0,
        timeouts: int | None = 0,
        in_flight: int | None = 0,
        io: IoFacts | None = None,
        requested: float | None = None,
    ) -> Self:
        """A disk is read closely, asked for at that second of the story, or now."""
        self.san.devices[name] = replace(
            self.san.devices[name], io_errors=errors, io_timeouts=timeouts, in_flight=in_flight, io=io
        )
        at = self.seconds if requested is None else requested
        self.feed(DevicesRead((self.san.devices[name],), requested=START.monotonic + at))
        return self

    def connection_error(self, sid: int, error: int) -> Self:
        """The kernel gives the session's connection up and says why; the session's state is another matter."""
        self.feed(ConnectionFailed(sid, error))
        return self

    def device(self, name: str, state: DeviceState) -> Self:
        """A disk changes, and is read again."""
        self.san.devices[name] = replace(self.san.devices[name], state=state)
        self.feed(DevicesRead((self.san.devices[name],)))
        return self

    def access(self, **states: AccessState | None) -> Self:
        """The array changes the states of port groups (``g2=...``), and their disks are read again."""
        read = []
        for name, device in self.san.devices.items():
            key = f"g{device.access.group}"
            if key in states:
                self.san.devices[name] = replace(device, access=replace(device.access, state=states[key]))
                read.append(self.san.devices[name])
        self.feed(DevicesRead(tuple(read)))
        return self

    def attention(self, kind: AttentionKind, *hctls: str, count: int = 1) -> Self:
        """A target reports a unit attention about the LUNs at these addresses."""
        self.feed(UnitAttentions(tuple(UnitAttention(kind, hctl, count) for hctl in hctls)))
        return self

    def dm(self, name: str, state: DmState) -> Self:
        """The kernel fails or reinstates a path and says so."""
        self.san.dm[name] = state
        self.feed(self.san.dm_event(name))
        return self

    def checker(self, name: str, state: CheckerState) -> Self:
        """A checker finds something, and the next listing of paths shows it."""
        self.san.checkers[name] = state
        self.feed(self.san.paths_listed(START.monotonic + self.seconds))
        return self

    def look(self) -> Self:
        """A full scan of sysfs."""
        self.feed(self.san.system_read())
        return self

    def listing(self) -> Self:
        """Both of multipathd's listings, asked for now."""
        self.feed(self.san.maps_listed(START.monotonic + self.seconds))
        self.feed(self.san.paths_listed(START.monotonic + self.seconds))
        return self

    def reloaded(self, name: str) -> Self:
        """A map's table is loaded again, all paths active."""
        known = self.san.maps[self.san.wwid(name)]
        self.san.dm.update(dict.fromkeys(known.slaves, DmState.ACTIVE))
        self.feed(BlockEvent("change", known.sysfs_name, reloaded=True))
        return self

    def multipathd_down(self, reason: str = "not_running") -> Self:
        """The listings are not answered any more."""
        self.feed(SourceDown(SourceName.MULTIPATHD, reason, "multipathd is not running; start it"))
        return self

    # --- what is known, and what was said -----------------------------------------------------------------------------

    @property
    def waits(self) -> set[Wait]:
        """What the core has deadlines for, but for the comparison of paths that goes on for ever, and for learning."""
        return {due.wait for due in self.state.deadlines} - {Wait.SLOW_PATHS, Wait.LEARN, Wait.INCIDENT}

    def map(self, name: str = "mpio") -> MapState:
        """The map called ``name``."""
        return next(known for known in self.state.maps.values() if known.label == name)

    def path(self, label: str, name: str = "mpio") -> PathState:
        """A path of the map called ``name``."""
        return self.map(name).paths[label]

    def last_outage(self, label: str, name: str = "mpio") -> Outage | None:
        """The path's outage that ended last."""
        ended = [each.outage for each in self.ended if (each.map, each.path) == (name, label)]
        return ended[-1] if ended else None

    def session_state(self, address: str) -> NexusState:
        """The one session to a portal with this address."""
        (found,) = (session for label, session in self.state.nexuses.items() if label.startswith(f"{address}:"))
        return found

    def health(self, label: str, name: str = "mpio") -> tuple[Health, MapHealth]:
        """The health of a path and of its map."""
        return self.path(label, name).health, self.map(name).health

    def healths_of(self, label: str, name: str = "mpio", since: float = -50) -> list[tuple[float, Health]]:
        """Every change of a path's health since this second."""
        return [
            (at, health) for at, label_, path, health in self.healths if (label_, path) == (name, label) and at > since
        ]

    def alerts(self, since: float = -50) -> list[tuple[float, str, str]]:
        """When, what and about whom, of every alert since this second, but for those about incidents."""
        return [(told.at, told.event, told.who) for told in self.parts if told.at > since]

    @property
    def parts(self) -> list[Told]:
        """All alerts but those about incidents."""
        return [told for told in self.told if not told.event.startswith("incident_")]

    def incidents(self, since: float = -50) -> list[tuple[float, Priority, str]]:
        """When, how urgent and what, of every alert that people are woken by, and of the ends of incidents."""
        return [
            (told.at, told.alert.priority, told.alert.message)
            for told in self.told
            if told.at > since and (told.alert.priority < Priority.INFO or told.event == "incident_ended")
        ]

    def told_of(self, event: str, who: str = "") -> Alert:
        """The one alert of this kind (about ``who``)."""
        found = [told.alert for told in self.told if told.event == event and who in ("", told.who)]
        assert len(found) == 1, f"{len(found)} alerts {event} of {who or 'anyone'}"
        return found[0]

    def wants(self, *scopes: Scope) -> bool:
        """Whether the last event asked for all of these to be read again."""
        return set(scopes) <= {refresh.scope for refresh in self.wanted}
