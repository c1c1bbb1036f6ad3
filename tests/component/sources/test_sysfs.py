"""When maps and disks are read, what is reported of them, and what happens when reads fail or hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch.core.events import (
    DevicesRead,
    Event,
    SessionsRead,
    SourceDown,
    SourceErrors,
    SourceUp,
    SystemRead,
)
from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, SourceName
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource
from tests.component.sources.watching import EVERY, HOUR, Gate, Opened, Watch, watch
from tests.fakes.sysfs import SECRETS, WWID, FakeSysfs, healthy_san

pytestmark = pytest.mark.usefixtures("timing")

# --- what is reported -------------------------------------------------------------------------------------------------


def test_the_first_event_after_the_source_is_up_is_a_full_scan(san: FakeSysfs) -> None:
    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(5 * EVERY)

    began = time.monotonic()
    watching = watch(san, scenario)
    up, look = watching.events
    assert up == SourceUp(SourceName.SYSFS)
    assert isinstance(look, SystemRead)
    assert [facts.name for facts in look.maps] == ["mpio"]
    assert [device.name for device in look.devices] == ["sda", "sdb"]
    assert [session.sid for session in look.sessions] == [1, 2]
    assert look.unmapped == ()
    assert [(device.wwid, device.timeout) for device in look.devices] == [(WWID, 30)] * 2
    assert began < look.requested < time.monotonic()


def test_read_once_does_one_full_scan(san: FakeSysfs) -> None:
    watching = Watch(san)

    async def once() -> None:
        await watching.sysfs.read_once()

    asyncio.run(once())
    assert [type(event) for event in watching.events] == [SourceUp, SystemRead]


def test_disks_in_no_map_are_reported_in_full_scans_and_never_watched(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.05)
    spare = san.add_disk(san.sessions[0], lun=9, wwid="spare")

    async def scenario(watching: Watch) -> None:
        (look,) = watching.of(SystemRead)
        assert [(disk.name, disk.wwid, disk.sid) for disk in look.unmapped] == [("sdc", "spare", 1)]
        assert [device.name for device in look.devices] == ["sda", "sdb"]
        await asyncio.sleep(0.1)
        spare.state = "offline"
        watching.sysfs.wake_devices(["sdc"])
        await asyncio.sleep(0.2)
        assert watching.of(DevicesRead) == []
        san.maps[0].add(spare)
        watching.sysfs.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[1]
        assert look.unmapped == ()
        assert watching.device_states()["sdc"] is DeviceState.OFFLINE

    watch(san, scenario)


def test_run_is_beside_sysfs_unless_it_is_given(san: FakeSysfs, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "udev/data").mkdir(parents=True)
    (elsewhere / "udev/data/b8:0").write_text("E:ID_SERIAL=elsewhere\n")
    reported: list[Event] = []

    async def once() -> None:
        for run_dir in (None, elsewhere):
            poller = Poller(reported.append, time.monotonic, SourceName.SYSFS, san.root)
            await SysfsSource(poller, SessionSource(poller), run_dir).read_once()

    asyncio.run(once())
    looks = [event for event in reported if isinstance(event, SystemRead)]
    assert [[device.wwid for device in look.devices] for look in looks] == [[WWID, WWID], ["elsewhere", ""]]


# --- sessions and disks that change -----------------------------------------------------------------------------------


def test_the_disks_of_a_troubled_session_are_read_with_it_and_no_others(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)
        san.disks[0].state = "blocked"  # its session has not changed, so it is not read
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        san.disks[1].state = "transport-offline"  # the session's state does not change with it
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.TRANSPORT_OFFLINE)
        await asyncio.sleep(5 * EVERY)
        assert watching.device_states()["sda"] is DeviceState.RUNNING

    watch(san, scenario)


def test_the_disks_of_a_session_that_has_changed_are_watched_for_a_while(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.4)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.45)  # at the start all sessions are new
        for state in (SessionStatus.FAILED, SessionStatus.LOGGED_IN):
            san.sessions[1].state = state
            await watching.until(lambda: watching.session_states()[1] is state)  # noqa: B023
        await asyncio.sleep(5 * EVERY)
        san.disks[1].state = "blocked"  # the kernel does it from a work queue of its own, later
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)

    watch(san, scenario)


def test_a_disk_in_trouble_is_watched_until_it_runs_again(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[1].state = "offline"
        watching.sysfs.wake_devices(["sdb"])
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.OFFLINE)
        san.disks[1].state = "running"
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.RUNNING)

    watch(san, scenario)


def test_every_disk_is_read_in_rounds_with_its_counters(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.1, TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "offline"
        san.disks[1].device.set("ioerr_cnt", "0xffffffff80000001")
        await watching.until(lambda: watching.device_states()["sda"] is DeviceState.OFFLINE)
        await watching.until(
            lambda: any(
                facts.io_errors == 2**31 + 1 for reported in watching.of(DevicesRead) for facts in reported.devices
            )
        )
        reported = len(watching.of(DevicesRead))
        await asyncio.sleep(0.3)
        assert len(watching.of(DevicesRead)) == reported

    watch(san, scenario)


def test_a_disk_that_is_gone_is_reported_once_by_name(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        san.remove_disk(san.disks[1])
        await watching.until_kind(DevicesRead)
        await asyncio.sleep(0.2)
        (reported,) = watching.of(DevicesRead)
        assert (reported.devices, reported.vanished) == ((), ("sdb",))
        assert time.monotonic() - 5 < reported.requested < time.monotonic()

    watch(san, scenario)


def test_everything_is_read_again_in_a_slow_reconciliation(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(SYSTEM_EVERY=0.1)

    async def scenario(watching: Watch) -> None:
        san.add_map("late", [san.add_disk(san.sessions[0], lun=2)], wwid="late")
        await watching.until(lambda: [facts.name for facts in watching.of(SystemRead)[-1].maps] == ["mpio", "late"])

    watch(san, scenario)


def test_what_could_not_be_read_is_counted_after_what_could(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "exploded"
        watching.sysfs.wake_system()
        await watching.until_kind(SystemRead, 2)
        await watching.until_kind(SourceErrors)

    watching = watch(san, scenario)
    place = watching.events.index(watching.of(SystemRead)[1])
    assert watching.events[place + 1] == SourceErrors(SourceName.SYSFS, "unknown_value", 1)
    assert watching.device_states()["sda"] is DeviceState.UNKNOWN


# --- being woken ------------------------------------------------------------------------------------------------------


def test_wakes_that_come_together_lead_to_one_scan(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)  # long enough after the first look for another to be allowed
        for _ in range(20):
            watching.sysfs.wake_system()
            await asyncio.sleep(0)
        await watching.until_kind(SystemRead, 2)
        await asyncio.sleep(0.3)
        assert len(watching.of(SystemRead)) == 2

    watch(san, scenario)


def test_a_requested_scan_has_what_was_there_when_it_was_requested(san: FakeSysfs) -> None:
    async def scenario(watching: Watch) -> None:
        san.remove_map(san.maps[0])
        asked = time.monotonic()
        watching.sysfs.wake_system()
        look = (await watching.until_kind(SystemRead, 2))[-1]
        assert look.maps == ()
        assert look.requested > asked

    watch(san, scenario)


def test_a_scan_that_took_long_does_not_keep_the_next_waiting_for_long(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    async def scenario(watching: Watch) -> None:
        timing(WOKEN_SHARE=1000)
        gate.shut("sdb/dev")
        watching.sysfs.wake_system()
        await watching.until(gate.reached.is_set)
        await asyncio.sleep(0.1)
        gate.open()
        await watching.until_kind(SystemRead, 2)
        san.add_map("new", wwid="new")
        began = time.monotonic()
        watching.sysfs.wake_system()
        look = (await watching.until_kind(SystemRead, 3))[-1]
        assert [facts.name for facts in look.maps] == ["mpio", "new"]
        assert 0.3 < look.requested - began < 1.0

    watch(san, scenario)


def test_a_scan_that_hung_does_not_keep_the_next_waiting_for_as_long(san: FakeSysfs, gate: Gate) -> None:
    async def scenario(watching: Watch) -> None:
        gate.shut("sdb/dev")
        watching.sysfs.wake_system()
        await watching.until(gate.reached.is_set)
        await asyncio.sleep(1.0)
        san.add_map("new", wwid="new")
        watching.sysfs.wake_system()
        gate.open()
        opened = time.monotonic()
        look = (await watching.until_kind(SystemRead, 3))[-1]
        assert [facts.name for facts in look.maps] == ["mpio", "new"]
        assert look.requested - opened < 0.8

    watch(san, scenario)


def test_a_wake_during_the_first_scan_is_not_forgotten(san: FakeSysfs, gate: Gate) -> None:
    watching = Watch(san)

    async def run() -> None:
        gate.shut("sdb/dev")
        running = asyncio.create_task(watching.run())
        await watching.until(gate.reached.is_set)
        san.add_map("new", wwid="new")  # the maps have been read already
        watching.sysfs.wake_system()
        gate.open()
        await watching.until_kind(SystemRead)
        assert [facts.name for facts in watching.of(SystemRead)[0].maps] == ["mpio"]
        await watching.until_kind(SystemRead, 2)
        assert [facts.name for facts in watching.of(SystemRead)[1].maps] == ["mpio", "new"]
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_a_scan_requested_because_the_source_is_up_is_the_present_one(san: FakeSysfs) -> None:
    watching = Watch(san)

    async def run() -> None:
        watching.heed = lambda event: watching.sysfs.wake_system() if isinstance(event, SourceUp) else None
        running = asyncio.create_task(watching.sysfs.run())
        await watching.until_kind(SystemRead)
        await asyncio.sleep(0.3)
        assert len(watching.of(SystemRead)) == 1
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_named_disks_are_read_at_once_and_unknown_names_are_nothing(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[0].state = "offline"
        watching.sysfs.wake_devices(["sda", "sdzz", "../../etc/passwd"])
        await watching.until_kind(DevicesRead)
        assert [facts.name for facts in watching.of(DevicesRead)[0].devices] == ["sda"]
        assert watching.of(DevicesRead)[0].vanished == ()

    watch(san, scenario)


def test_named_disks_are_reported_closely_even_if_nothing_differs(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(TRAIL=0.0)
    san.disks[0].serve(1, 2, in_flight=5)

    async def scenario(watching: Watch) -> None:
        for number in range(1, 4):
            watching.sysfs.wake_devices(["sda"])
            reported = (await watching.until_kind(DevicesRead, number))[-1]
            assert [(facts.name, facts.in_flight) for facts in reported.devices] == [("sda", 5)]
        san.disks[0].device.set("ioerr_cnt", "0x7")
        san.disks[0].serve(3, 4, in_flight=0)
        watching.sysfs.wake_devices(["sda", "sdb"])
        one, two = (await watching.until_kind(DevicesRead, 4))[-1].devices
        assert (one.io_errors, one.io, one.in_flight) == (7, IoFacts(3, 4, 0, 0, read_sectors=24), 0)
        assert (two.name, two.in_flight) == ("sdb", 0)
        watching.sysfs.wake_devices(["sdzz"])
        watching.sysfs.wake_devices([])
        await asyncio.sleep(0.1)
        assert len(watching.of(DevicesRead)) == 4

    watch(san, scenario)


def test_disks_that_are_only_watched_are_not_reported_unless_they_change_and_never_read_closely(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        reported = len(watching.of(DevicesRead))
        opened.paths.clear()
        await asyncio.sleep(10 * EVERY)
        assert len(watching.of(DevicesRead)) == reported
        assert f"{san.root}/block/sdb/device/state" in opened.paths
        assert not [path for path in opened.paths if path.endswith(("device_busy", "stat", "_cnt"))]

    watch(san, scenario)


def test_the_disks_of_a_troubled_session_are_not_read_as_often_as_the_session_is_polled(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=0.3, HURRIED_EVERY=0.02, TROUBLED_EVERY=0.29)
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        san.sessions[1].fail()
        await watching.until(lambda: watching.device_states()["sdb"] is DeviceState.BLOCKED)
        opened.paths.clear()
        opened.kept.clear()
        await asyncio.sleep(1.0)
        assert 2 <= opened.paths.count(f"{san.root}/block/sdb/device/state") <= 5
        assert len([path for path in opened.kept if path.endswith("session2/state")]) > 15

    watch(san, scenario)


def test_what_a_disk_does_is_reported_with_the_round_that_finds_it(san: FakeSysfs, timing: Callable[..., None]) -> None:
    timing(DISKS_EVERY=0.05, TRAIL=0.0)

    async def scenario(watching: Watch) -> None:
        san.disks[1].serve(1000, 2000, 3000, 4000)
        (reported,) = await watching.until_kind(DevicesRead)
        assert [(facts.name, facts.io) for facts in reported.devices] == [
            ("sdb", IoFacts(1000, 2000, 3000, 4000, 8000, 24000))
        ]
        await asyncio.sleep(0.2)
        assert len(watching.of(DevicesRead)) == 1

    watch(san, scenario)


# --- when reads fail or hang ------------------------------------------------------------------------------------------


def quick_read_hangs(gate: Gate, _source: SysfsSource) -> None:
    gate.shut("session1/state")


def slow_read_hangs(gate: Gate, source: SysfsSource) -> None:
    gate.shut("dm-0/dm/uuid")
    source.wake_system()


@pytest.mark.parametrize("hang", [quick_read_hangs, slow_read_hangs])
def test_a_read_that_hangs_is_a_source_that_is_down_once_and_comes_back_whole(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None], hang: Callable[[Gate, SysfsSource], None]
) -> None:
    timing(SESSIONS_DEADLINE=0.3, DISKS_DEADLINE=0.3)

    async def scenario(watching: Watch) -> None:
        hang(gate, watching.sysfs)
        (down,) = await watching.until_kind(SourceDown)
        assert (down.source, down.reason) == (SourceName.SYSFS, "timeout")
        assert str(san.root) in down.detail
        assert "\n" not in down.detail
        before = len(watching.events)
        await asyncio.sleep(0.3)
        assert watching.events[before:] == []
        san.sessions[1].fail()
        gate.open()
        await watching.until_kind(SystemRead, 2)
        assert [type(event) for event in watching.events[before:]][:2] == [SourceUp, SystemRead]
        assert watching.session_states() == [SessionStatus.LOGGED_IN, SessionStatus.FAILED]

    watching = watch(san, scenario)
    assert len(watching.of(SourceDown)) == 1


def test_while_the_sessions_hang_no_disk_pretends_that_the_source_answers(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.05, RETRY_AFTER=0.5, SESSIONS_DEADLINE=0.3)

    async def scenario(watching: Watch) -> None:
        gate.shut("session1/state")
        await watching.until_kind(SourceDown)
        before = len(watching.events)
        san.disks[0].state = "blocked"
        watching.sysfs.wake_devices(["sda"])
        await asyncio.sleep(0.3)
        assert watching.events[before:] == []
        gate.open()
        await watching.until_kind(SystemRead, 2)
        assert watching.device_states()["sda"] is DeviceState.BLOCKED

    watch(san, scenario)


def test_a_long_scan_of_the_disks_does_not_delay_the_sessions(san: FakeSysfs, gate: Gate) -> None:
    async def scenario(watching: Watch) -> None:
        gate.shut("dm-0/dm/uuid")
        watching.sysfs.wake_system()
        await watching.until(gate.reached.is_set)
        san.sessions[0].fail()
        await watching.until_kind(SessionsRead)
        assert len(watching.of(SystemRead)) == 1

    watch(san, scenario)


def test_a_full_scan_never_carries_older_sessions_than_those_reported_before_it(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None]
) -> None:
    timing(SESSIONS_EVERY=0.005, HURRIED_EVERY=0.005, COALESCE=0.005)

    async def scenario(watching: Watch) -> None:
        for _ in range(5):
            looks = len(watching.of(SystemRead))
            gate.shut("dm-0/dm/uuid")
            watching.sysfs.wake_system()
            await watching.until(gate.reached.is_set)
            reported = len(watching.of(SessionsRead))
            san.sessions[0].fail()
            await watching.until_kind(SessionsRead, reported + 1)
            gate.open()
            await watching.until_kind(SystemRead, looks + 1)
            assert watching.of(SystemRead)[-1].sessions[0].state is SessionStatus.FAILED
            san.sessions[0].recover()
            await watching.until(lambda: watching.session_states()[0] is SessionStatus.LOGGED_IN)

    watch(san, scenario)


def test_session_states_are_reported_in_the_order_in_which_they_were_read(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    """Polls and full scans compete for the sessions; ``recovery_tmo`` counts up as the session fails and recovers."""
    timing(SESSIONS_EVERY=0.001, HURRIED_EVERY=0.001, COALESCE=0.001, WOKEN_SHARE=0.0, TRAIL=0.0)
    san.sessions[0].set("recovery_tmo", 0)

    async def scenario(watching: Watch) -> None:
        for number in range(1, 40):
            san.sessions[0].set("recovery_tmo", number)
            san.sessions[0].state = "FAILED"
            watching.sysfs.wake_system()
            await asyncio.sleep(0.004)
            san.sessions[0].state = "LOGGED_IN"
            await asyncio.sleep(0.004)
        await watching.until(
            lambda: watching.session_states()[0] is SessionStatus.LOGGED_IN and len(watching.of(SystemRead)) > 5
        )

    watching = watch(san, scenario)
    reported = [event for event in watching.events if isinstance(event, SessionsRead | SystemRead)][1:]
    numbers = [event.sessions[0].recovery_tmo or 0 for event in reported]
    assert numbers == sorted(numbers)
    assert len({type(event) for event in reported}) == 2


def test_an_unmounted_sysfs_is_down_once_in_one_line_and_takes_nothing_known_away(
    san: FakeSysfs, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.05, SYSTEM_EVERY=0.05)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.1)
        looks = len(watching.of(SystemRead))
        san.unmount()
        await watching.until_kind(SourceDown)
        await asyncio.sleep(0.4)
        (down,) = watching.of(SourceDown)
        assert down.reason == "unreadable"
        assert "No such file or directory; is sysfs mounted there?" in down.detail
        assert "\n" not in down.detail
        assert all(look.maps and look.devices and look.sessions for look in watching.of(SystemRead))
        assert watching.of(DevicesRead) == []
        assert watching.of(SessionsRead) == []
        san.mount()
        looks = len(watching.of(SystemRead))
        await watching.until_kind(SystemRead, looks + 1)

    watching = watch(san, scenario)
    assert len(watching.of(SourceUp)) == 2


def test_a_host_where_sysfs_is_missing_from_the_start_is_down_and_waits(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    san.unmount()
    watching = Watch(san)

    async def run() -> None:
        running = asyncio.create_task(watching.run())
        await asyncio.sleep(0.2)
        assert [type(event) for event in watching.events] == [SourceDown]
        san.mount()
        await watching.until_kind(SystemRead)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


@pytest.mark.parametrize("endings", [("session1/state",), ("dm-0/dm/uuid",), ("session1/state", "dm-0/dm/uuid")])
def test_cancelling_ends_at_once_even_while_a_read_hangs(
    san: FakeSysfs, gate: Gate, timing: Callable[..., None], endings: tuple[str, ...]
) -> None:
    timing(SESSIONS_DEADLINE=HOUR, DISKS_DEADLINE=HOUR)
    watching = Watch(san)
    gate.shut(*endings)

    async def run() -> None:
        running = asyncio.create_task(watching.run())
        await watching.until(gate.reached.is_set)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("turns", range(6))
def test_cancelling_ends_at_once_in_whatever_turn_of_the_loop_after_a_wake(
    san: FakeSysfs, timing: Callable[..., None], turns: int
) -> None:
    timing(SESSIONS_EVERY=HOUR, HURRIED_EVERY=HOUR)

    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.02)
        watching.sessions.wake()
        watching.sysfs.wake_devices([])
        for _ in range(turns):
            await asyncio.sleep(0)

    began = time.monotonic()
    watch(san, scenario)
    assert time.monotonic() - began < 1.0


# --- what must never be touched ---------------------------------------------------------------------------------------


def test_no_secret_is_opened_whatever_happens(
    san: FakeSysfs, monkeypatch: pytest.MonkeyPatch, timing: Callable[..., None]
) -> None:
    timing(DISKS_EVERY=0.02, SYSTEM_EVERY=0.02, COALESCE=0.01)
    for session in san.sessions:
        for secret in SECRETS:
            session.set(secret, "s3cret")
    opened = Opened(monkeypatch, san.root)

    async def scenario(watching: Watch) -> None:
        for change in (san.sessions[0].fail, san.sessions[0].expire, san.sessions[0].recover):
            reported = len(watching.of(SystemRead))
            change()
            await watching.until_kind(SystemRead, reported + 2)
        san.logout(san.sessions[0])
        san.maps[0].add(san.add_disk(san.login()))
        reported = len(watching.of(SystemRead))
        await watching.until_kind(SystemRead, reported + 2)

    watching = watch(san, scenario)
    names = {Path(path).name for path in opened.paths}
    assert {"targetname", "state", "recovery_tmo", "persistent_address", "uuid"} <= names
    assert not [name for name in names if "password" in name or "username" in name]
    assert "s3cret" not in repr(watching.events)
