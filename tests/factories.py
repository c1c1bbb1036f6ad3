"""Made-up states for tests: ``make_state(maps=[make_map("mpio", paths=[make_path(...)])])``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.views import CheckerView, DiskView, DmView, Place
from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
    Transport,
)
from mpathd_watch.core.state import Auditing, MapState, NexusState, PathState, PathVerdict, Queueing, SourceState, State
from mpathd_watch.core.transports import iscsi

TARGET = "iqn.2003-01.org.linux-iscsi.san:mpio"
INITIATOR = "iqn.1993-08.org.debian:01:host"
NOW = Instant(10_000.0, 1_795_000_000.0)


def at(seconds: float) -> Instant:
    """The moment ``seconds`` after ``NOW``."""
    return Instant(NOW.monotonic + seconds, NOW.wall + seconds)


def make_session(portal: str = "192.168.1.1:3260", **changes: Any) -> NexusState:
    """A logged-in session; ``changes`` go to the facts, but for ``label``, ``status`` and ``read``."""
    address, _, port = portal.rpartition(":")
    facts = SessionFacts(
        sid=1,
        state=SessionStatus.LOGGED_IN,
        target=TARGET,
        tpgt=1,
        iface="default",
        initiator=INITIATOR,
        address=address,
        port=int(port),
        recv_tmo=5,
        ping_tmo=10,
        recovery_tmo=5,
    )
    label = changes.pop("label", f"{portal}/{changes.get('target', TARGET)}")
    status = changes.pop("status", SessionStatus.LOGGED_IN)
    read = changes.pop("read", None)
    facts = replace(facts, state=status, **changes)
    row = iscsi.ISCSI
    nexus = iscsi.nexus(facts)
    return NexusState(label, row.transport, nexus, status, row.liveness[status], read=read, heard=facts.heard)


_WITHIN = {
    **{name: ("place", name) for name in ("dev", "dev_t", "hctl", "transport", "nexus", "target", "portal", "iface")},
    **{name: ("verdict", name) for name in ("since", "health", "announced", "deadline", "overdue")},
    **{name: ("disk", name) for name in ("timeout", "wwid", "io", "block", "access")},
    "device": ("disk", "state"),
    **{name: ("checker", name) for name in ("marginal", "group", "priority")},
    "multipathd_failures": ("checker", "failures"),
    "io_errors": ("disk_errors", "errors"),
    "io_timeouts": ("disk_errors", "timeouts"),
}
"""The records of a path that hold these values."""


def make_path(portal: str = "192.168.1.1:3260", dev: str = "sda", **changes: Any) -> PathState:
    """A path that is up for an hour. ``changes`` may name what its records hold, as ``device``."""
    path = PathState(
        label=portal,
        verdict=PathVerdict(at(-3600), Health.UP),
        place=Place(dev, "8:0", "2:0:0:1", Transport.ISCSI, f"{portal}/{TARGET}", TARGET, portal, "default"),
        dm=DmView(DmState.ACTIVE),
        checker=CheckerView(CheckerState.READY),
        disk=DiskView(DeviceState.RUNNING),
    )
    return with_changes(path, **changes)


def with_changes(path: PathState, **changes: Any) -> PathState:
    """The path with these values, wherever it holds them."""
    for name in ("dm", "checker"):
        if name in changes:
            path = replace(path, **{name: replace(getattr(path, name), state=changes.pop(name))})
    for name in [name for name in changes if name in _WITHIN]:
        record, inner = _WITHIN[name]
        path = replace(path, **{record: replace(getattr(path, record), **{inner: changes.pop(name)})})
    return replace(path, **changes)


def make_outage(age: float = 131, **changes: Any) -> Outage:
    """An outage that began ``age`` seconds ago and went on to ``failed`` after five."""
    began = at(-age)
    outage = Outage(
        id="0123456789abcdef",
        began=began,
        cause=Cause.CONNECTION_ERROR,
        stalled=began,
        failed=at(5 - age),
        transport_lost=True,
    )
    return replace(outage, **changes)


def make_failed_path(portal: str = "192.168.2.1:3260", dev: str = "sdb", **changes: Any) -> PathState:
    """A path whose connection broke 131 s ago."""
    return make_path(
        portal,
        dev,
        **{
            "dm": DmState.FAILED,
            "checker": CheckerState.FAULTY,
            "device": DeviceState.TRANSPORT_OFFLINE,
            "health": Health.FAILED,
            "announced": Health.FAILED,
            "since": at(-126),
            "outage": make_outage(),
            "failures": frozen({Cause.CONNECTION_ERROR: 1}),
            **changes,
        },
    )


def make_map(name: str = "mpio", paths: Iterable[PathState] | None = None, **changes: Any) -> MapState:
    """A healthy map with the two usual portals, or with ``paths``; maps of other names are other LUNs."""
    queueing = changes.pop("queueing", "off")
    lun = 1 if name == "mpio" else 2 + sum(map(ord, name))
    chosen = paths
    if chosen is None:
        second = make_path("192.168.2.1:3260", "sdb", hctl=f"3:0:0:{lun}", dev_t="8:16")
        chosen = (make_path(hctl=f"2:0:0:{lun}"), second)
    known = MapState(
        wwid=changes.pop("wwid", f"wwid-of-{name}"),
        label=changes.pop("label", name),
        name=name,
        sysfs_name="dm-0",
        since=at(-7200),
        suspended=False,
        queues=False,
        queueing=Queueing(queueing) if isinstance(queueing, str) else queueing,
        vendor="LIO-ORG",
        product="disk1",
        health=MapHealth.HEALTHY,
        paths=frozen({path.label: path for path in chosen}),
    )
    return replace(known, **changes)


def make_sources(**changes: SourceState) -> Mapping[SourceName, SourceState]:
    """Uevents, sysfs and multipathd answer, but for ``changes`` (by the source's name)."""
    answering = SourceState(up=True, last_success=at(-1))
    names = (SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD)
    return frozen({name: changes.get(name.value, answering) for name in names})


def make_state(
    maps: Iterable[MapState] = (),
    sessions: Iterable[NexusState] = (),
    configuration: Configuration | None = None,
    **changes: Any,
) -> State:
    """A daemon that has started, with all sources up; it has read ``configuration``."""
    state = State(
        started=True,
        sources=make_sources(),
        maps=frozen({known.wwid: known for known in maps}),
        nexuses=frozen({session.label: session for session in sessions}),
        auditing=Auditing(configuration=configuration),
    )
    return replace(state, **changes)


def article_state(**changes: Any) -> State:
    """The map ``mpio`` at risk: the path to 192.168.2.1 failed 131 s ago, its session is FAILED."""
    known = make_map(paths=(make_path(), make_failed_path(hctl="3:0:0:1")), health=MapHealth.AT_RISK, since=at(-131))
    sessions = (
        make_session(),
        make_session("192.168.2.1:3260", sid=2, status=SessionStatus.FAILED),
    )
    return make_state((known,), sessions, **changes)


def big_state(maps: int, paths: int) -> State:
    """A healthy SAN of ``maps`` times ``paths`` paths on 8 sessions."""
    portals = [f"192.168.{number // 4}.{number % 4 + 1}:3260" for number in range(8)]
    return make_state(
        (
            make_map(
                f"lun{number:04d}",
                [make_path(portals[index % 8], f"sd{number}x{index}") for index in range(paths)],
                sysfs_name=f"dm-{number}",
            )
            for number in range(maps)
        ),
        map(make_session, portals),
    )
