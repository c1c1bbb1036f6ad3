"""Which member disks are read again and how, without maps, full scans or sessions of iSCSI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch.core.events import DevicesRead, Event, SessionsRead, SourceDown, SourceErrors
from mpathd_watch.core.model.facts import MapFacts
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, SourceName
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.reading.worker import Worker
from mpathd_watch.sources.sysfs import member_disks as module
from mpathd_watch.sources.sysfs.disks import Disks
from mpathd_watch.sources.sysfs.member_disks import TROUBLED_EVERY, MemberDisks
from tests.fakes.sysfs import FakeSysfs, healthy_san


class Sessions:
    """The sessions of the disks: an event for each poll, and those in trouble as the test sets them."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self.troubled: set[int] = set()
        self.during_poll: Callable[[], None] = lambda: None

    async def poll(self) -> None:
        """Leave a trace."""
        self._emit(SessionsRead(()))
        self.during_poll()

    def in_trouble(self) -> set[int]:
        """Those in trouble."""
        return self.troubled


class Host:
    """The member disks of a host, by a clock that stands still until it is moved."""

    def __init__(self, san: FakeSysfs) -> None:
        self.now = 1000.0
        self.cost = 0.0
        """Seconds that the last round cost."""
        self.events: list[Event] = []
        self.poller = Poller(self.events.append, lambda: self.now, SourceName.SYSFS, san.root)
        self.sessions = Sessions(self.events.append)
        self.wake = asyncio.Event()
        self.reader = reader = Disks(san.root, san.run)
        self.members = MemberDisks(self.poller, reader, Worker("test"), self.sessions, self.wake)
        self.members.replace(reader.devices(Attributes(), ["sda", "sdb"]))
        self.poller.availability.report_up()
        self.events.clear()

    def read_pending(self) -> list[Event]:
        """What is emitted for what is to be read."""
        self.events.clear()
        asyncio.run(self.members.read_pending())
        return self.events

    def read_all(self) -> list[Event]:
        """What is emitted in a round."""
        self.events.clear()
        self.cost = asyncio.run(self.members.read_all())
        return self.events


def states(event: Event) -> dict[str, DeviceState]:
    assert isinstance(event, DevicesRead)
    return {disk.name: disk.state for disk in event.devices}


def accesses(event: Event) -> dict[str, AccessState | None]:
    assert isinstance(event, DevicesRead)
    return {disk.name: disk.access.state for disk in event.devices}


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def host(san: FakeSysfs) -> Host:
    return Host(san)


def test_disks_that_are_asked_for_are_reported_changed_or_not(host: Host) -> None:
    assert not host.members.pending
    host.members.want(["sdb", "sdzz"])
    assert host.members.pending
    assert host.wake.is_set()
    (read,) = host.read_pending()
    assert states(read) == {"sdb": DeviceState.RUNNING}
    assert not host.members.pending


def test_nothing_is_emitted_for_disks_that_are_no_members(host: Host) -> None:
    host.members.want(["sdzz", "../../etc/passwd"])
    assert host.read_pending() == []


def test_a_round_reports_what_has_changed(san: FakeSysfs, host: Host) -> None:
    assert host.read_all() == []
    san.disks[1].serve(1000, 2000, 3000, 4000)
    (read,) = host.read_all()
    assert states(read) == {"sdb": DeviceState.RUNNING}
    assert host.read_all() == []


def test_what_the_array_reports_is_read_closely_and_outlives_a_round(san: FakeSysfs, host: Host) -> None:
    san.disks[0].join_group(1, "standby")
    assert host.read_all() == []
    host.members.want(["sda"])
    assert accesses(*host.read_pending()) == {"sda": AccessState.STANDBY}
    san.disks[0].serve(1000, 2000)
    assert accesses(*host.read_all()) == {"sda": AccessState.STANDBY}


def parts(host: Host, monkeypatch: pytest.MonkeyPatch, size: int) -> list[DevicesRead]:
    """What a round emits whose parts have this size, of two disks that were busy and one that is gone."""
    monkeypatch.setattr(module, "PART", size)
    return [event for event in host.read_all() if isinstance(event, DevicesRead)]


@pytest.mark.parametrize(("size", "reported"), [(1, [("sda", ""), ("sdb", "sdc")]), (2, [("sda sdb", "sdc")])])
def test_many_disks_are_reported_in_parts(
    san: FakeSysfs, host: Host, monkeypatch: pytest.MonkeyPatch, size: int, reported: list[tuple[str, str]]
) -> None:
    gone = san.add_disk(san.sessions[0], lun=7)
    host.members.replace(host.reader.devices(Attributes(), ["sda", "sdb", gone.name]))
    san.remove_disk(gone)
    for disk in san.disks[:2]:
        disk.serve(1000, 2000)
    read = parts(host, monkeypatch, size)
    assert [(" ".join(states(each)), " ".join(each.vanished)) for each in read] == reported
    assert {each.requested for each in read} == {1000.0}


def test_the_disks_of_a_map_are_not_parted(host: Host, monkeypatch: pytest.MonkeyPatch, san: FakeSysfs) -> None:
    """Their counters are compared, and must be of one reading."""
    known = host.reader.devices(Attributes(), ["sda", "sdb"])
    host.members.replace(known, [MapFacts("wwid", "mpio", "dm-0", suspended=False, slaves=("sda", "sdb"))])
    for disk in san.disks[:2]:
        disk.serve(1000, 2000, 3000, 4000)
    (read,) = parts(host, monkeypatch, 1)
    assert states(read).keys() == {"sda", "sdb"}


def test_the_other_parts_are_left_to_the_next_scan_if_the_source_goes_down_meanwhile(
    san: FakeSysfs, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for disk in san.disks:
        disk.serve(1000, 2000)

    def goes_down(event: Event) -> None:
        host.events.append(event)
        if isinstance(event, DevicesRead):
            host.poller.availability.report_down("timeout", "it hangs")

    host.poller.emit = goes_down
    assert [states(each) for each in parts(host, monkeypatch, 1)] == [{"sda": DeviceState.RUNNING}]


def test_sessions_are_polled_before_a_disk_is_reported_whose_state_has_changed(san: FakeSysfs, host: Host) -> None:
    san.disks[0].state = "offline"
    sessions, read = host.read_all()
    assert isinstance(sessions, SessionsRead)
    assert states(read) == {"sda": DeviceState.OFFLINE}


def test_sessions_are_polled_before_a_disk_is_reported_that_is_gone(san: FakeSysfs, host: Host) -> None:
    san.remove_disk(san.disks[0])
    sessions, read = host.read_all()
    assert isinstance(sessions, SessionsRead)
    assert isinstance(read, DevicesRead)
    assert (read.devices, read.vanished, read.requested) == ((), ("sda",), 1000.0)
    assert host.read_all() == []


def test_a_source_that_goes_down_at_that_poll_reports_no_disk(san: FakeSysfs, host: Host) -> None:
    san.disks[0].state = "offline"
    host.sessions.during_poll = lambda: host.poller.availability.report_down("timeout", "it hangs")
    assert [type(event) for event in host.read_all()] == [SessionsRead, SourceDown]
    assert host.read_all() == []  # nor while it is down
    host.sessions.during_poll = lambda: None
    host.poller.availability.report_up()
    assert states(host.read_all()[-1]) == {"sda": DeviceState.OFFLINE}


def test_the_time_of_that_poll_is_no_cost_of_the_disks(san: FakeSysfs, host: Host) -> None:
    """The poll may wait for the locks of sockets. The next round was postponed by 200 times that wait."""
    san.disks[0].state = "offline"
    host.sessions.during_poll = lambda: time.sleep(0.2)
    assert isinstance(host.read_all()[-1], DevicesRead)
    assert 0.0 < host.cost < 0.1


def test_an_unmounted_sysfs_takes_no_disk_away(san: FakeSysfs, host: Host) -> None:
    san.unmount()
    (down,) = host.read_all()
    assert isinstance(down, SourceDown)
    assert down.reason == "unreadable"


def test_the_disks_of_a_troubled_session_are_wanted_and_those_in_trouble_themselves(san: FakeSysfs, host: Host) -> None:
    host.members.want_troubled(changed=False)
    assert not host.members.pending
    assert not host.wake.is_set()
    host.now += TROUBLED_EVERY
    host.sessions.troubled = {2}
    host.members.want_troubled(changed=False)
    assert host.wake.is_set()
    san.disks[0].state = san.disks[1].state = "blocked"
    assert states(host.read_pending()[-1]) == {"sdb": DeviceState.BLOCKED}
    host.sessions.troubled = set()
    san.disks[1].state = "running"
    host.now += TROUBLED_EVERY
    host.members.want_troubled(changed=False)  # sdb is blocked, as far as is known
    assert states(host.read_pending()[-1]) == {"sdb": DeviceState.RUNNING}
    host.now += TROUBLED_EVERY
    host.members.want_troubled(changed=False)
    assert not host.members.pending


def test_disks_in_trouble_are_read_no_more_often_than_they_may_unless_a_session_changes(host: Host) -> None:
    host.sessions.troubled = {1}
    host.members.want_troubled(changed=False)
    assert host.read_pending() == []
    host.now += TROUBLED_EVERY / 2
    host.members.want_troubled(changed=False)
    assert not host.members.pending
    host.members.want_troubled(changed=True)
    assert host.members.pending


def test_what_is_asked_for_comes_first_and_is_not_read_twice(host: Host) -> None:
    host.sessions.troubled = {1, 2}
    host.members.want_troubled(changed=True)
    host.members.want(["sda"])
    (read,) = host.read_pending()
    assert states(read) == {"sda": DeviceState.RUNNING}
    assert host.members.pending
    assert host.read_pending() == []  # sdb, in which nothing has changed
    assert not host.members.pending


def test_what_could_not_be_read_is_reported_after_what_could(san: FakeSysfs, host: Host) -> None:
    san.disks[0].state = "exploded"
    *_, read, problem = host.read_all()
    assert states(read) == {"sda": DeviceState.UNKNOWN}
    assert problem == SourceErrors(SourceName.SYSFS, "unknown_value", 1)


def test_another_scan_replaces_the_members(host: Host) -> None:
    host.members.replace(())
    host.members.want(["sda", "sdb"])
    assert host.read_pending() == []
