"""What a host that is read once shows is what the steps would lead to, judged at the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.audit.audit import audit
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import ConfigurationRead, Event, SettingsChanged, SourceDown
from mpathd_watch.core.model.vocabulary import (
    NOT_RUNNING,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.state import State
from mpathd_watch.core.step import shown_together, step
from tests.story import START, San

DISKS = ("sda", "sdb", "sdc", "sdd")


def one_by_one(events: list[Event]) -> State:
    state = State()
    for event in events:
        state, _ = step(state, event, START)
    return state


@st.composite
def readings(draw: st.DrawFn) -> list[Event]:
    """A host of two maps with anything wrong, which is read once, or twice if its disks came or went meanwhile."""
    san = San.of(["one", "two"], ["192.168.1.1", "192.168.2.1"]).wired()
    for name in DISKS:
        san.devices[name] = replace(san.devices[name], state=draw(st.sampled_from(DeviceState)))
        san.dm[name] = draw(st.sampled_from(DmState))
        san.checkers[name] = draw(st.sampled_from(CheckerState))
    for sid, session in san.sessions.items():
        san.sessions[sid] = replace(session, state=draw(st.sampled_from(SessionStatus)))
    if draw(st.booleans()):
        san.grouped()
    san.queues = draw(st.sampled_from([None, False, True]))
    scan = san.system_read()
    missing = draw(st.sampled_from(["nothing", "session", "disk", "map"]))
    first = {
        "session": replace(scan, sessions=scan.sessions[:1]),
        "disk": replace(scan, devices=scan.devices[1:]),
        "map": replace(scan, maps=scan.maps[:1]),
    }.get(missing)
    shown: list[Event] = [SettingsChanged(), san.network_read()]
    shown += [scan] if first is None else [first, scan]
    if draw(st.booleans()):
        shown += [san.maps_listed(START.monotonic), san.paths_listed(START.monotonic)]
    else:
        shown.append(SourceDown(SourceName.MULTIPATHD, NOT_RUNNING, "multipathd is not running"))
    return [*shown, ConfigurationRead(Configuration())]


@settings(deadline=None)
@given(readings())
def test_it_is_what_the_steps_lead_to(events: list[Event]) -> None:
    state, expected = shown_together(events, START), one_by_one(events)
    assert shown(state) == shown(expected)
    assert audit(state) == audit(expected)


def shown(state: State) -> list[object]:
    """What status and check show of maps, paths, nexuses and sources.

    It does not matter what has been announced, nor with what; nor what the first of several readings alone would have
    shown: that a path is only stalled, and not yet failed, or that it is not known whether I/O hangs or fails.
    """
    paths = [
        (map_.label, path.label, path.health, path.member, path.place, path.dm, path.checker, path.disk, path.verdict)
        for map_ in state.maps.values()
        for path in map_.paths.values()
    ]
    outages = [path.outage for map_ in state.maps.values() for path in map_.paths.values()]
    return [
        *((*path[:-1], path[-1].since, path[-1].deadline, path[-1].overdue) for path in paths),
        *(outage and replace(outage, announced=None, stalled=None) for outage in outages),
        *(
            replace(
                map_,
                paths={},
                announced=MapHealth.UNKNOWN,
                queueing=replace(map_.queueing, hanging=None, failing=None),
            )
            for map_ in state.maps.values()
        ),
        *(replace(nexus, announced_lost=False, announced_with="") for nexus in state.nexuses.values()),
        *(state.sources, state.usage, state.unmapped, state.links, state.started),
    ]


def test_nothing_is_known_of_a_host_that_has_not_been_read() -> None:
    state = shown_together([SettingsChanged(), SourceDown(SourceName.SYSFS, "unreadable", "no sysfs")], START)
    assert not state.started
    assert state.source(SourceName.SYSFS).up is False


def test_a_path_that_multipathd_has_failed_is_failed_and_its_map_at_risk() -> None:
    san = San.of(["one"], ["192.168.1.1", "192.168.2.1"])
    san.dm["sda"], san.checkers["sda"] = DmState.FAILED, CheckerState.FAULTY
    events: list[Event] = [
        SettingsChanged(),
        san.system_read(),
        san.maps_listed(START.monotonic),
        san.paths_listed(START.monotonic),
    ]
    (map_,) = shown_together(events, START).maps.values()
    assert map_.health is MapHealth.AT_RISK
    assert [path.health for path in map_.paths.values()] == [Health.FAILED, Health.UP]
