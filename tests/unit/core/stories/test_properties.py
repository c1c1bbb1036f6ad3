"""What holds whatever comes: absurd facts, events in any order, events that were lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import (
    BlockEvent,
    ConnectionFailed,
    DevicesRead,
    DmPathEvent,
    DmStatusRead,
    Event,
    EventsLost,
    Forget,
    MapsListed,
    PathsListed,
    Remembered,
    SessionsRead,
    SettingsChanged,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
    Tick,
    UnitAttention,
    UnitAttentions,
)
from mpathd_watch.core.folding import sysfs
from mpathd_watch.core.judging.paths.evidence import STANDBY_EXPLAINS
from mpathd_watch.core.model.facts import (
    AccessFacts,
    DeviceFacts,
    DmStatus,
    MapFacts,
    MapListing,
    PathListing,
    SessionFacts,
)
from mpathd_watch.core.model.incident import MOST_ENTRIES
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath, Memory
from mpathd_watch.core.model.vocabulary import (
    USABLE,
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
    Standing,
    Transport,
)
from mpathd_watch.core.state import Due, MapState, PathState, State, Wait
from mpathd_watch.core.step import next_deadline, step
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.core.verdicts.health import CLOSED, CONDEMNED_BY_CHECKER, RawStates, map_health, path_health
from tests.story import START, San, Story, moment

Name = TypeVar("Name")
_OF_THE_WHOLE = frozenset(Wait) - {Wait.SETTLE, Wait.CAUSE, Wait.OVERDUE, Wait.LOOK, Wait.STEADY}
_OF_ARRAYS = ("port_group_down", "port_group_up", "array_moved", "lun_resized", "thin_pool_filling", "unit_attention")
_LOUD_PARTS = {
    *(AlertKind.PATH_SUSPECT, AlertKind.PATH_FLAPPING, AlertKind.PATH_OVERDUE, AlertKind.PATH_SLOW),
    *(AlertKind.PATH_STEADY, AlertKind.LUN_RESIZED, AlertKind.MAP_REMOVED),
}
"""Entries that are about a path or map of an incident, and may wake people nevertheless."""
_OUT = {Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED, Health.SUSPECT}


# --- what must hold after every event ---------------------------------------------------------------------------------


def closed(path: PathState) -> AccessState | None:
    """What the array says of a path, unless it is in standby for long before the outage, or lost its connection."""
    access, since = path.disk.access.state, path.disk.access_since
    reinstated = path.dm.changed if path.dm.state is DmState.ACTIVE else None
    if access not in CLOSED or (reinstated is not None and since is not None and reinstated > since):
        return None
    old = path.outage is not None and since is not None and path.outage.began.monotonic - since > STANDBY_EXPLAINS
    other = path.outage is not None and CAUSES[path.outage.cause].connection
    return None if access is AccessState.STANDBY and (old or other) else access


def facts_of(state: State, path: PathState) -> RawStates:
    """What is known of a path, read off the state by the rules of the design."""
    session = state.nexuses.get(path.nexus) if path.nexus else None
    standing = {DmState.ACTIVE: Standing.USABLE, DmState.FAILED: Standing.FAILED}.get(path.dm.state, Standing.UNKNOWN)
    return RawStates(
        member=path.member,
        standing=standing,
        checker=CheckerState.UNKNOWN if path.checker.overruled else path.checker.state,
        device=path.disk.state,
        nexus=session.liveness if session else None,
        unmanaged=state.source(SourceName.MULTIPATHD).up is False
        and state.source(SourceName.UEVENT).up is not False
        and not path.dm.missed
        and state.dm_stale is None
        and path.dm.changed is None
        and not (path.outage is not None and path.outage.inherited),
        unread=not state.source(SourceName.SYSFS).up,
        closed=closed(path),
    )


def waits_for_array(known: MapState) -> bool:
    """Whether the map's alert may be held back: the array is moving the LUN, or multipathd has yet to follow."""
    out = [path for path in known.paths.values() if path.health not in USABLE]
    opened = [path for path in out if path.health is Health.RECOVERING]
    return any(path.in_transition for path in out) or (known.queues is True and bool(opened))


def check_state(state: State) -> None:
    """The verdicts are those of the facts, the names are unique, and what is announced is what is."""
    assert len({known.label for known in state.maps.values()}) == len(state.maps)
    for label, session in state.nexuses.items():
        assert session.label == label
        assert session.lost is None or session.status not in (SessionStatus.LOGGED_IN, SessionStatus.MISSING)
    for wwid, known in state.maps.items():
        assert known.wwid == wwid
        if Due(Wait.REMOVED, wwid) in state.deadlines:
            continue  # nothing is concluded before it is known whether the map is still there
        settling = Due(Wait.SETTLE, wwid) in state.deadlines
        starting = Due(Wait.GRACE) in state.deadlines
        places = [(path.place.dev, path.place.dev_t, path.place.hctl) for path in known.paths.values() if path.member]
        assert len(set(places)) == len(places), "one disk is two paths"
        for label, path in known.paths.items():
            assert path.label == label
            assert label
            out = path.outage is not None
            lost = path.outage is not None and path.outage.transport_lost
            failed = path.outage is not None and path.outage.real
            raw = facts_of(state, path)
            assert path.health is path_health(raw, transport_was_lost=lost, out=out, failed=failed)
            assert not (path.checker.overruled and (path.dm.state is DmState.FAILED or not path.member))
            if path.health is not Health.UNKNOWN and not (path.awaited and (starting or settling)):
                assert (path.outage is not None) == (path.health in _OUT)
                assert path.verdict.announced is path.health
        enough = not state.settings.single_path_ok.isdisjoint((wwid, known.name))
        healths = [*(path.health for path in known.paths.values()), *(Health.UNKNOWN for _ in known.unplaced)]
        assert known.health is map_health(healths, single_path_ok=enough)
        waiting = settling or (starting and any(path.awaited for path in known.paths.values()))
        if known.health is not MapHealth.UNKNOWN and not waiting and state.multipathd_asked:
            assert known.announced is known.health or waits_for_array(known)
            assert (known.troubled is None) == (known.health is MapHealth.HEALTHY)
    for due in state.deadlines:
        if due.path:
            path = state.maps[due.wwid].paths[due.path]
            if due.wait is Wait.LEARN or Due(Wait.REMOVED, due.wwid) in state.deadlines:
                continue
            assert path.outage or (due.wait is Wait.STEADY and path.flaps.flapping)
            assert due.wait not in (Wait.CAUSE, Wait.LOOK) or (path.outage and not path.outage.counted)
        elif due.wait is Wait.INCIDENT:
            assert due.wwid in state.incidents
        else:
            assert due.wait in _OF_THE_WHOLE or due.wwid in state.maps
    check_incidents(state)


def check_incidents(state: State) -> None:
    """Each outage belongs to one incident, and none of these has other ones."""
    out: Counter[str] = Counter()
    for wwid, known in state.maps.items():
        for path in known.paths.values():
            assert (path.outage is not None) == (path.incident != "")
            if path.outage is not None:
                out[path.incident] += 1
                assert wwid in state.incidents[path.incident].maps
    for waiting in state.memory.outages.values():
        out.update(known.incident for known in waiting.values() if known.incident)
    assert {incident.id: incident.out for incident in state.incidents.values()} == out
    for incident in state.incidents.values():
        assert 0 < incident.out <= incident.took
        assert (incident.worst is None) == (incident.paths == 0)


def check_counters(before: State, after: State) -> None:
    """Nothing that is a counter goes back, and a failure is counted once."""
    for wwid, known in after.maps.items():
        if wwid not in before.maps:
            continue
        for label, old in before.maps[wwid].paths.items():
            if label not in known.paths:
                assert not old.member, "only what is missing can be forgotten"
                continue
            path = known.paths[label]
            assert no_less(old.failures, path.failures)
            assert sum(path.failures.values()) - sum(old.failures.values()) in (0, 1)
            assert path.reinstatements - old.reinstatements in (0, 1)
            assert path.disk_errors.errors.total >= old.disk_errors.errors.total
            assert path.disk_errors.timeouts.total >= old.disk_errors.timeouts.total
    assert no_less(before.counters.uevents, after.counters.uevents)
    assert no_less(before.counters.resyncs, after.counters.resyncs)
    assert before.counters.overflows <= after.counters.overflows
    for source, fares in before.sources.items():
        assert no_less(fares.errors, after.sources[source].errors)
    for label, session in before.nexuses.items():
        if label in after.nexuses:
            assert no_less(session.errors, after.nexuses[label].errors)


def no_less(old: Mapping[Name, int], new: Mapping[Name, int]) -> bool:
    """Whether no count in ``new`` is lower than in ``old``."""
    return all(new.get(key, 0) >= count for key, count in old.items())


@dataclass
class Journal:
    """What a reader of the journal alone would believe."""

    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    incidents: dict[str, list[AlertKind]] = field(default_factory=dict)

    def read(self, state: State, effects: Iterable[Effect]) -> None:
        """Take over the alerts; none may report something that was so already."""
        for effect in effects:
            if isinstance(effect, Alert):
                assert effect.message.isprintable()
                assert effect.message.endswith(".")
                self._take(state, effect.kind.event, effect.fields)
                self._take_incident(state, effect)
        self.paths = {key: event for key, event in self.paths.items() if key[0] in state.maps}
        self.maps = {wwid: event for wwid, event in self.maps.items() if wwid in state.maps}
        self.sessions &= set(state.nexuses)

    def _take_incident(self, state: State, alert: Alert) -> None:
        """It begins once, gets worse after that, ends once, and has few entries that wake people."""
        key = alert.fields.get("INCIDENT")
        if key is None:
            return
        before = self.incidents.setdefault(key, [])
        if AlertKind.INCIDENT_ENDED in before:
            # A path of the map was not known when the last outage ended (``State.settling``).
            assert alert.kind is AlertKind.MAP_RECOVERED
            return
        match alert.kind:
            case AlertKind.INCIDENT_BEGAN:
                assert AlertKind.INCIDENT_BEGAN not in before
            case AlertKind.INCIDENT_WORSE:
                assert AlertKind.INCIDENT_BEGAN in before
            case AlertKind.INCIDENT_ENDED:
                assert key not in state.incidents
                before.append(alert.kind)
            case _:
                assert alert.priority >= Priority.INFO or alert.kind in _LOUD_PARTS
        if alert.priority <= Priority.WARNING:
            assert len([kind for kind in before if kind is not AlertKind.INCIDENT_ENDED]) < MOST_ENTRIES or (
                alert.priority is Priority.CRIT
            )
            before.append(alert.kind)
        elif alert.kind is AlertKind.INCIDENT_BEGAN:
            before.append(alert.kind)

    def _take(self, state: State, event: str, fields: Mapping[str, str]) -> None:
        told = fields.get("HEALTH", "")
        if event in ("path_added", "path_removed", "map_removed", "map_forgotten", "events_lost", *_OF_ARRAYS):
            return
        if event.startswith("incident_"):
            return
        if event == "path_forgotten":
            self.paths.pop((fields["WWID"], fields["PATH"]), None)
            return
        if event.startswith("path_"):
            key = fields["WWID"], fields["PATH"]
            assert self.paths.get(key, "path_reinstated") != event
            assert told == state.maps[key[0]].paths[key[1]].health
            self.paths[key] = event
        elif event.startswith("map_"):
            wwid = fields["WWID"]
            assert self.maps.get(wwid, "map_recovered") != event
            assert told == state.maps[wwid].health != fields["PREVIOUS_HEALTH"]
            assert fields["PATHS_USABLE"] == str(state.maps[wwid].usable)
            self.maps[wwid] = event
        elif event.startswith("session_"):
            session = fields["SESSION"]
            assert (session in self.sessions) == (event == "session_restored")
            self.sessions ^= {session}
        else:
            source = fields["SOURCE"]
            assert event == "source_down" or source in self.sources
            (self.sources.add if event == "source_down" else self.sources.discard)(source)


class Witness:
    """Feeds events and checks everything after each."""

    def __init__(self, state: State | None = None, at: float = START.monotonic) -> None:
        self.state = state or State()
        self.at = at
        self.journal = Journal()
        if state:
            for wwid, known in state.maps.items():
                self.journal.maps[wwid] = "?"
                self.journal.paths.update({(wwid, label): "?" for label in known.paths})
            self.journal.sessions = {label for label, session in state.nexuses.items() if session.announced_lost}
            self.journal.sources = {name.value for name in SourceName if state.source(name).up is False}

    def feed(self, event: Event, after: float = 0.0) -> tuple[Effect, ...]:
        """One event, ``after`` seconds after the last and a little more, so that no two outages begin at one moment."""
        self.at += after + 1e-6
        now = Instant(self.at, self.at + 1e9)
        before, seen = self.state, repr(self.state)
        self.state, effects = step(before, event, now)
        assert repr(before) == seen, "the old state was changed"
        assert step(before, event, now) == (self.state, effects), "the same event made another state"
        check_state(self.state)
        check_counters(before, self.state)
        self.journal.read(self.state, effects)
        due = next_deadline(self.state)
        if isinstance(event, Tick) and self.state.scan is None:
            assert due is None or due > self.at
        return effects


# --- anything ---------------------------------------------------------------------------------------------------------

_WWIDS = st.sampled_from(["w1", "w2", "w3", ""])
_NAMES = st.sampled_from(["mpio", "data", "data#2", ""])
_DM = st.sampled_from(["dm-0", "dm-1", "dm-2", ""])
_DEVS = st.sampled_from(["sda", "sdb", "sdc", "sdd", ""])
_DEV_TS = st.sampled_from(["8:0", "8:16", "8:32", ""])
_SIDS = st.sampled_from([1, 2, 3, 0, -1])
_SECONDS = st.one_of(st.none(), st.integers(-1, 10))
_COUNTS = st.one_of(st.none(), st.integers(0, 3), st.integers(0xFFFFFFF0, 0xFFFFFFFF), st.just(0x80000000))
_REQUESTED = st.floats(START.monotonic - 5, START.monotonic + 60)

map_facts = st.builds(MapFacts, _WWIDS, _NAMES, _DM, st.one_of(st.none(), st.booleans()), st.lists(_DEVS).map(tuple))
access_facts = st.builds(
    AccessFacts,
    grouped=st.one_of(st.none(), st.booleans()),
    handler=st.sampled_from(["alua", ""]),
    state=st.one_of(st.none(), st.sampled_from(AccessState)),
    preferred=st.one_of(st.none(), st.booleans()),
    group=st.one_of(st.none(), st.sampled_from([0, 1, 2])),
)
device_facts = st.builds(
    DeviceFacts,
    name=_DEVS,
    dev_t=_DEV_TS,
    hctl=st.sampled_from(["1:0:0:0", "2:0:0:0", ""]),
    state=st.sampled_from(DeviceState),
    transport=st.sampled_from(Transport),
    sid=st.one_of(st.none(), _SIDS),
    vendor=st.just("IET"),
    product=st.just(""),
    io_errors=_COUNTS,
    io_timeouts=_COUNTS,
    access=access_facts,
)
unit_attention = st.builds(
    UnitAttention,
    st.sampled_from(AttentionKind),
    st.sampled_from(["1:0:0:0", "2:0:0:0", "9:0:0:0"]),
    st.integers(1, 1000),
)
session_facts = st.builds(
    SessionFacts,
    sid=_SIDS,
    state=st.sampled_from(SessionStatus),
    target=st.sampled_from(["iqn.a", ""]),
    tpgt=st.one_of(st.none(), st.just(1)),
    iface=st.sampled_from(["default", "", "if0"]),
    initiator=st.just("iqn.host"),
    address=st.sampled_from(["10.0.0.1", "10.0.0.2", "::1", "a/b", "x#2", ""]),
    port=st.sampled_from([3260, None, -1]),
    recv_tmo=_SECONDS,
    ping_tmo=_SECONDS,
    recovery_tmo=_SECONDS,
)
path_listing = st.builds(
    PathListing,
    wwid=_WWIDS,
    map_name=_NAMES,
    dev=_DEVS,
    dev_t=_DEV_TS,
    dm_state=st.sampled_from(DmState),
    checker_state=st.sampled_from(CheckerState),
    checker=st.just("tur"),
)
map_listing = st.builds(
    MapListing,
    wwid=_WWIDS,
    name=_NAMES,
    sysfs_name=_DM,
    queueing=st.sampled_from(["off", "on", "-", "4 chk", "12 sec", "", "?"]),
    queues=st.one_of(st.none(), st.booleans()),
    vendor=st.just("IET"),
    product=st.just(""),
    paths=st.lists(path_listing, max_size=4).map(tuple),
)
dm_status = st.builds(
    DmStatus,
    _NAMES,
    st.one_of(st.none(), st.booleans()),
    st.dictionaries(_DEV_TS, st.sampled_from(DmState), max_size=4),
)
sessions = st.lists(session_facts, max_size=4).map(tuple)
devices = st.lists(device_facts, max_size=5).map(tuple)
_SOURCES = st.sampled_from(SourceName)
_REASONS = st.sampled_from(["timeout", "not_running", "no_module"])
expected_map = st.builds(
    ExpectedMap,
    _NAMES,
    st.dictionaries(st.sampled_from(["192.168.1.1:3260", "192.168.9.1:3260"]), st.builds(ExpectedPath)).map(frozen),
)
anything: st.SearchStrategy[Event] = st.one_of(
    st.builds(SystemRead, st.lists(map_facts, max_size=4).map(tuple), devices, sessions, _REQUESTED),
    st.builds(SystemRead, st.lists(map_facts, max_size=4).map(tuple), devices, sessions, _REQUESTED),
    st.builds(SessionsRead, sessions),
    st.builds(DevicesRead, devices, st.lists(_DEVS, max_size=2).map(tuple)),
    st.builds(PathsListed, st.lists(path_listing, max_size=6).map(tuple), _REQUESTED),
    st.builds(MapsListed, st.lists(map_listing, max_size=3).map(tuple), _REQUESTED),
    st.builds(DmStatusRead, st.lists(dm_status, max_size=3).map(tuple), _REQUESTED),
    st.builds(
        DmPathEvent,
        st.sampled_from(DmAction),
        _WWIDS,
        _NAMES,
        _DM,
        _DEV_TS,
        st.one_of(st.none(), st.integers(0, 20)),
    ),
    st.builds(BlockEvent, st.sampled_from(["add", "remove", "change", "?"]), st.one_of(_DM, _DEVS), st.booleans()),
    st.builds(UnitAttentions, st.lists(unit_attention, max_size=3).map(tuple)),
    st.builds(SourceUp, _SOURCES),
    st.builds(SourceAnswered, _SOURCES),
    st.builds(ConnectionFailed, _SIDS, st.one_of(st.integers(1010, 1023), st.integers())),
    st.builds(SourceDown, _SOURCES, _REASONS, st.just("it does not answer.")),
    st.builds(SourceErrors, _SOURCES, st.just("bad_value"), st.integers(1, 3)),
    st.builds(EventsLost),
    st.builds(SettingsChanged, st.floats(0, 10), st.frozensets(_WWIDS, max_size=1)),
    st.builds(Forget, _WWIDS, st.sampled_from(["", "192.168.1.1:3260", "?"])),
    st.builds(Tick),
)
memories = st.builds(Remembered, st.builds(Memory, st.dictionaries(_WWIDS, expected_map, max_size=2).map(frozen)))
_PAUSES = st.sampled_from([0.0, 0.5, 3.0, -4.0])
"""An edited recording may even go back in time."""


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_PAUSES, st.one_of(anything, memories)), max_size=25))
def test_whatever_comes_nothing_breaks_and_every_verdict_holds(events: list[tuple[float, Event]]) -> None:
    witness = Witness()
    for pause, event in events:
        witness.feed(event, pause)


# --- a SAN that lives -------------------------------------------------------------------------------------------------

_OPS = (
    "session",
    "session",
    "error",
    "device",
    "fail",
    "reinstate",
    "checker",
    "logout",
    "login",
    "remove_disk",
    "add_map",
    "remove_map",
    "look",
    "paths",
    "maps",
    "reload",
    "overflow",
    "silence",
    "answer",
)


class Mess:
    """A SAN to which things happen, and the events of it that have not been delivered yet."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.san = San.of(["mpio", "data"], ["192.168.1.1", "192.168.2.1", "192.168.2.1"])
        self.waiting: list[Event] = []
        self.added = 0

    def happen(self, op: str, requested: float) -> None:
        """Let one thing happen; the events it makes wait."""
        san, pick = self.san, self.pick
        disk = pick.choice(list(san.devices)) if san.devices else None
        sid = pick.choice(list(san.sessions)) if san.sessions else None
        wwid = pick.choice(list(san.maps)) if san.maps else None
        if op == "session" and sid:
            state = pick.choice([SessionStatus.LOGGED_IN, SessionStatus.FAILED, SessionStatus.FREE])
            san.sessions[sid] = replace(san.sessions[sid], state=state)
            self.waiting.append(san.sessions_read())
        elif op == "error" and sid:
            self.waiting.append(ConnectionFailed(sid, pick.choice([1011, 1020, 1022])))
        elif op == "device" and disk:
            state_ = pick.choice([DeviceState.RUNNING, DeviceState.BLOCKED, DeviceState.TRANSPORT_OFFLINE])
            san.devices[disk] = replace(san.devices[disk], state=state_, io_errors=pick.randrange(100))
            self.waiting.append(DevicesRead((san.devices[disk],)))
        elif op in ("fail", "reinstate") and disk:
            san.dm[disk] = DmState.FAILED if op == "fail" else DmState.ACTIVE
            self.waiting.append(san.dm_event(disk))
        elif op == "checker" and disk:
            san.checkers[disk] = pick.choice([CheckerState.READY, CheckerState.FAULTY])
        elif op == "logout" and sid:
            san.logout(sid)
        elif op == "login" and san.disks_ever < 20:
            sid = san.login(pick.choice(["192.168.1.1", "192.168.2.1"]))
            for known in list(san.maps):
                san.add_disk(known, sid)
        elif op == "remove_disk" and disk:
            san.remove_disk(disk)
            self.waiting.append(DevicesRead((), (disk,)))
            self.waiting.append(BlockEvent("remove", disk))
        elif op == "add_map" and san.disks_ever < 20:
            self.added += 1
            san.add_map(f"new{self.added}")
        elif op == "remove_map" and wwid and len(san.maps) > 1:
            for name in san.maps[wwid].slaves:
                san.remove_disk(name)
            self.waiting.append(BlockEvent("remove", san.maps.pop(wwid).sysfs_name))
        elif op == "reload" and wwid:
            san.dm.update(dict.fromkeys(san.maps[wwid].slaves, DmState.ACTIVE))
            self.waiting.append(BlockEvent("change", san.maps[wwid].sysfs_name, reloaded=True))
        elif op == "look":
            self.waiting.append(san.system_read())
        elif op == "paths":
            self.waiting.append(san.paths_listed(requested))
        elif op == "maps":
            self.waiting.append(san.maps_listed(requested))
        elif op == "overflow":
            self.waiting.append(EventsLost())
        elif op == "silence":
            self.waiting.append(SourceDown(pick.choice(list(SourceName)), "timeout", "it does not answer"))
        elif op == "answer":
            self.waiting.append(SourceUp(pick.choice(list(SourceName))))

    def deliver(self, witness: Witness) -> None:
        """One of the waiting events arrives, or is lost."""
        if self.waiting:
            event = self.waiting.pop(self.pick.randrange(len(self.waiting)))
            if self.pick.random() < 0.8:
                witness.feed(event, self.pick.choice([0.0, 0.3, 3.0]))


def snapshot(san: San, requested: float) -> tuple[Event, ...]:
    """A full scan and both listings, asked for at ``requested``."""
    return san.system_read(), san.maps_listed(requested), san.paths_listed(requested)


def look_around(witness: Witness, san: San) -> None:
    """Feed a snapshot, asked for now, until all of its full scan has been folded."""
    scan, *listings = snapshot(san, witness.at)
    witness.feed(scan)
    while witness.state.scan is not None:
        witness.feed(Tick())
    for event in listings:
        witness.feed(event)


AT_ONCE = pytest.mark.parametrize("at_once", [1, sysfs.PATHS_AT_ONCE], ids=["scans in parts", "scans at once"])


def check_same_truth(state: State, san: San, requested: float) -> None:
    """After the same snapshot, the state says of everything there is what a daemon just started says."""
    fresh = Witness(at=requested)
    for event in snapshot(san, requested):
        fresh.feed(event)
    assert state.dm_stale is None
    assert present_sessions(state) == present_sessions(fresh.state)
    assert set(state.maps) == set(fresh.state.maps)
    for wwid, known in state.maps.items():
        other = fresh.state.maps[wwid]
        for trait in ("name", "sysfs_name", "suspended", "queues", "vendor", "product"):
            assert getattr(known, trait) == getattr(other, trait)
        # Since when I/O hangs or fails is seen when that begins, and not later.
        seen = [replace(each.queueing, hanging=None, failing=None) for each in (known, other)]
        assert seen[0] == seen[1]
        here = {path.place.dev: path for path in known.paths.values() if path.member}
        there = {path.place.dev: path for path in other.paths.values()}
        assert set(here) == set(there)
        for dev, path in here.items():
            # Whether dm took the path back after its checker had last looked is history, which no snapshot shows.
            heard = replace(path, checker=replace(path.checker, overruled=False))
            assert facts_of(state, heard) == facts_of(fresh.state, there[dev])
            assert path.disk_errors.errors.raw == there[dev].disk_errors.errors.raw
            assert path.disk_errors.timeouts.raw == there[dev].disk_errors.timeouts.raw
            if path.checker.overruled:
                assert (path.dm.state, path.checker.state in CONDEMNED_BY_CHECKER) == (DmState.ACTIVE, True)
            else:
                told = Health.FAILED if path.health is Health.RECOVERING else path.health
                assert told is there[dev].health
        assert all(path.health is Health.MISSING for path in known.paths.values() if not path.member)


def present_sessions(state: State) -> dict[Hashable, Nexus]:
    """The sessions there are, with the status the core holds of them."""
    return {
        session.facts.handle: replace(session.facts, status=session.status)
        for session in state.nexuses.values()
        if session.status is not SessionStatus.MISSING
    }


@AT_ONCE
@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(_OPS), max_size=40), st.floats(0.1, 1.0))
def test_a_snapshot_makes_up_for_events_that_came_late_in_disorder_or_never(
    at_once: int, pick: random.Random, ops: list[str], promptness: float
) -> None:
    witness, mess = Witness(), Mess(pick)
    look_around(witness, mess.san)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sysfs, "PATHS_AT_ONCE", at_once)
        for op in ops:
            mess.happen(op, witness.at)
            if pick.random() < promptness:
                mess.deliver(witness)
        while mess.waiting:
            mess.deliver(witness)
        witness.at += 1
        look_around(witness, mess.san)
        check_same_truth(witness.state, mess.san, witness.at)


@AT_ONCE
@settings(max_examples=100, deadline=None)
@given(st.lists(anything, max_size=15))
def test_a_snapshot_makes_up_for_nonsense(at_once: int, events: list[Event]) -> None:
    witness, san = Witness(), San.of(["mpio", "data"], ["192.168.1.1", "192.168.2.1"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sysfs, "PATHS_AT_ONCE", at_once)
        for event in events:
            witness.feed(event, 0.1)
        witness.at = START.monotonic + 100
        look_around(witness, san)
        check_same_truth(witness.state, san, witness.at)


# --- the article, entered anywhere ------------------------------------------------------------------------------------


def article() -> tuple[list[State], list[San]]:
    """Every state the article scenario goes through, and what the SAN is like in each of its phases."""
    story = Story(San.of(["mpio"], ["192.168.1.1", "192.168.2.1"])).begun()
    sans = [copied(story.san)]

    def phase(seconds: float, session: SessionStatus, device: DeviceState, dm: DmState, checker: CheckerState) -> None:
        story.at(seconds).session(2, session).device("sdb", device)
        if story.san.dm["sdb"] is not dm:
            story.dm("sdb", dm)
        story.checker("sdb", checker).listing()
        sans.append(copied(story.san))

    phase(15, SessionStatus.FAILED, DeviceState.BLOCKED, DmState.ACTIVE, CheckerState.READY)
    phase(20, SessionStatus.FREE, DeviceState.TRANSPORT_OFFLINE, DmState.FAILED, CheckerState.FAULTY)
    phase(45, SessionStatus.LOGGED_IN, DeviceState.RUNNING, DmState.FAILED, CheckerState.FAULTY)
    phase(52, SessionStatus.LOGGED_IN, DeviceState.RUNNING, DmState.ACTIVE, CheckerState.READY)
    story.san.logout(2)
    story.at(60).look().listing()
    sans.append(copied(story.san))
    return story.history, sans


def copied(san: San) -> San:
    """The SAN as it is now."""
    return replace(
        san,
        sessions=dict(san.sessions),
        devices=dict(san.devices),
        maps=dict(san.maps),
        dm=dict(san.dm),
        checkers=dict(san.checkers),
    )


_STATES, _SANS = article()


@pytest.mark.parametrize("san", _SANS, ids=["healthy", "stalled", "failed", "recovering", "up again", "logged out"])
def test_every_state_of_the_article_ends_where_a_snapshot_says_it_does(san: San) -> None:
    for state in _STATES:
        witness = Witness(state, START.monotonic + 1000)
        witness.feed(Tick())
        for event in snapshot(san, witness.at):
            witness.feed(event)
        check_same_truth(witness.state, san, witness.at)


# --- dm's numbers -----------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["8:0", "8:16", "8:32"]), st.sampled_from(DmAction)), max_size=8).flatmap(
        lambda told: st.permutations(list(enumerate(told, start=1)))
    )
)
def test_the_highest_number_of_a_path_decides_in_whatever_order_its_events_come(
    batch: list[tuple[int, tuple[str, DmAction]]],
) -> None:
    san = San.of(["mpio"], ["192.168.1.1", "192.168.2.1", "192.168.3.1"])
    witness = Witness()
    for event in snapshot(san, witness.at):
        witness.feed(event)
    for seqnum, (dev_t, action) in batch:
        witness.feed(DmPathEvent(action, "36000mpio", "mpio", "dm-0", dev_t, seqnum), 0.001)
    last = {dev_t: action for _, (dev_t, action) in sorted(batch)}
    for path in witness.state.maps["36000mpio"].paths.values():
        failed = last.get(path.place.dev_t) is DmAction.PATH_FAILED
        assert path.dm.state is (DmState.FAILED if failed else DmState.ACTIVE)


def test_an_event_that_touches_no_map_leaves_every_map_the_very_same_object() -> None:
    story = Story(San.of(["mpio", "data"], ["192.168.1.1", "192.168.2.1"])).begun()
    idle: tuple[Event, ...] = (
        Tick(),
        SourceAnswered(SourceName.SYSFS),
        SourceErrors(SourceName.SYSFS, "bad_value", 1),
        BlockEvent("change", "sda"),
        SourceUp(SourceName.UEVENT),
    )
    for event in idle:
        after, _ = step(story.state, event, moment(100))
        assert all(after.maps[wwid] is known for wwid, known in story.state.maps.items())
        assert dict(after.nexuses) == dict(story.state.nexuses)
