"""The source on the kernel's own socket: uevents of virtual block devices that a write to their file makes.

The events are synthetic and change nothing. They need root, a virtual block device and libudev. Those of SCSI devices
are made in a network namespace of their own, which the kernel lets root do.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mpathd_watch.core.events import (
    BlockEvent,
    DmPathEvent,
    Event,
    EventsLost,
    SourceDown,
    SourceErrors,
    SourceUp,
    UnitAttention,
    UnitAttentions,
)
from mpathd_watch.core.model.vocabulary import AttentionKind, DmAction, SourceName
from mpathd_watch.sources.netlink.groups import SO_RCVBUFFORCE
from mpathd_watch.sources.uevent import source as module
from mpathd_watch.sources.uevent.attentions import PAUSE
from mpathd_watch.sources.uevent.source import UeventSource
from tests.component.sources.namespace import apart

VIRTUAL = Path("/sys/devices/virtual/block")
MARK = "00000000-0000-4000-8000-000000000000"
"""A synthetic uevent may carry a UUID, so that other programs can distinguish it from the kernel's own."""


class Watch:
    """A source and the events it has emitted."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.source = UeventSource(lambda *events: self.events.extend(events))

    async def until(self, enough: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until there is enough to see."""
        for _ in range(int(seconds / 0.005)):
            if enough():
                return
            await asyncio.sleep(0.005)
        pytest.fail(f"nothing came of it: {Counter(self.events)}")

    def count(self, event: Event) -> int:
        """How often this very event was emitted."""
        return self.events.count(event)


def watch(scenario: Callable[[Watch], Awaitable[None]]) -> Watch:
    watching = Watch()

    async def run() -> None:
        running = asyncio.create_task(watching.source.run())
        try:
            await watching.until(lambda: watching.events)
            await scenario(watching)
            assert not running.done()
        finally:
            running.cancel()
            assert await asyncio.wait([running], timeout=5.0) == ({running}, set())

    asyncio.run(run())
    return watching


class Trigger:
    """A virtual block device that can be made to send uevents."""

    def __init__(self, device: Path) -> None:
        self.name = device.name
        self._file = os.open(device / "uevent", os.O_WRONLY)

    def __call__(self, action: str = "change", count: int = 1) -> None:
        """Send ``count`` uevents."""
        for _ in range(count):
            os.write(self._file, f"{action} {MARK} TEST=1".encode())

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


@pytest.fixture
def trigger() -> Iterator[Trigger]:
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED on the kernel's socket: making uevents needs root")
    usable = [device for device in sorted(VIRTUAL.glob("*")) if not device.name.startswith(("dm-", "md"))]
    if not usable:
        pytest.skip(f"NOT TESTED on the kernel's socket: no virtual block device in {VIRTUAL}")
    try:
        trigger = Trigger(usable[-1])
    except OSError as error:
        pytest.skip(f"NOT TESTED on the kernel's socket: {usable[-1]}/uevent: {error.strerror}")
    yield trigger
    trigger.close()


def receiver_of(watching: Watch) -> socket.socket:
    """The socket that the source has open."""
    monitor = watching.source._monitor
    assert isinstance(monitor, module._KernelMonitor)
    return monitor._socket


def shrink(watching: Watch) -> None:
    """Give the source the smallest buffer there is: room for a handful of events."""
    receiver_of(watching).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)


# --- on the kernel's socket -------------------------------------------------------------------------------------------


def test_uevents_of_block_devices_arrive_in_the_order_they_were_sent(trigger: Trigger) -> None:
    async def scenario(watching: Watch) -> None:
        for action in ("change", "online", "offline", "change"):
            trigger(action)
        await watching.until(lambda: watching.count(BlockEvent("change", trigger.name)) >= 2)

    events = watch(scenario).events
    assert events[0] == SourceUp(SourceName.UEVENT)
    ours = [event.action for event in events if isinstance(event, BlockEvent) and event.sysfs_name == trigger.name]
    assert ours == ["change", "online", "offline", "change"]


def test_uevents_of_other_subsystems_are_none_of_our_business(trigger: Trigger) -> None:
    loopback = Path("/sys/class/net/lo/uevent")

    async def scenario(watching: Watch) -> None:
        loopback.write_text(f"change {MARK}")  # noqa: ASYNC240  # a file of sysfs does not block
        trigger()
        await watching.until(lambda: watching.count(BlockEvent("change", trigger.name)))

    assert not [event for event in watch(scenario).events if getattr(event, "sysfs_name", "") == "lo"]


def test_the_buffer_is_as_big_as_asked_for_where_that_is_allowed(trigger: Trigger) -> None:  # noqa: ARG001
    allowed = int(Path("/proc/sys/net/core/rmem_max").read_text())

    async def scenario(watching: Watch) -> None:
        receiver = receiver_of(watching)
        size = receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert size in (2 * module.BUFFER, 2 * min(module.BUFFER, allowed))

    watch(scenario)


def test_a_burst_larger_than_one_batch_arrives_whole(trigger: Trigger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 50)

    async def scenario(watching: Watch) -> None:
        trigger(count=500)
        await watching.until(lambda: watching.count(BlockEvent("change", trigger.name)) >= 500)

    watching = watch(scenario)
    assert watching.count(BlockEvent("change", trigger.name)) == 500
    assert watching.count(EventsLost()) == 0


def test_an_overflow_is_reported_and_later_uevents_still_arrive(trigger: Trigger) -> None:
    async def scenario(watching: Watch) -> None:
        for overflow in (1, 2):
            shrink(watching)
            trigger(count=200)  # while the loop, and with it the source, stands still
            await watching.until(lambda: watching.count(EventsLost()) == overflow)  # noqa: B023
            before = len(watching.events)
            for _ in range(3):
                trigger("online")
                await watching.until(lambda: BlockEvent("online", trigger.name) in watching.events[before:])  # noqa: B023
                before = len(watching.events)

    watching = watch(scenario)
    assert watching.count(EventsLost()) == 2
    assert 0 < watching.count(BlockEvent("change", trigger.name)) < 400
    assert watching.count(BlockEvent("online", trigger.name)) == 6
    assert not [event for event in watching.events if isinstance(event, SourceDown)]


def test_an_overflow_is_reported_only_when_nothing_is_dropped_any_more(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the queue is empty the kernel drops what comes, silently: a look taken before would miss it."""
    monkeypatch.setattr(module, "BATCH", 4)

    async def scenario(watching: Watch) -> None:
        receiver = receiver_of(watching)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        trigger(count=200)
        await watching.until(lambda: watching.count(EventsLost()))
        trigger("online")
        await watching.until(lambda: watching.count(BlockEvent("online", trigger.name)))

    events = watch(scenario).events
    lost = events.index(EventsLost())
    kept = [place for place, event in enumerate(events) if event == BlockEvent("change", trigger.name)]
    assert len(kept) > 8
    assert max(kept) < lost
    assert events.count(EventsLost()) == 1


# --- on the kernel's socket, in a network namespace of our own --------------------------------------------------------


class Kernel:
    """Sends uevents that are as the kernel's own, to the listeners of this network namespace.

    The kernel passes on what root sends it (uevent_net_rcv_skb() in lib/kobject_uevent.c).
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
        self.address = (0, 0)
        """The port and the groups to send to; the kernel itself by default."""

    def send(self, place: str, subsystem: str, devtype: str, **held: str) -> None:
        """Send one uevent of the device at ``place``."""
        keys = {"ACTION": "change", "DEVPATH": place, "SUBSYSTEM": subsystem, "DEVTYPE": devtype, **held}
        lines = [f"change@{place}", *(f"{key}={value}" for key, value in keys.items()), ""]
        body = "\0".join(lines).encode()
        self._socket.sendto(struct.pack("=IHHII", 16 + len(body), 16, 1, 0, 0) + body, self.address)

    def port(self) -> int:
        """The number of this socket, which it has from the first message on."""
        self._socket.bind((0, 0))
        return int(self._socket.getsockname()[0])

    def attention(self, hctl: str, **held: str) -> None:
        """Send one uevent of a SCSI device."""
        target = hctl.rpartition(":")[0]
        place = f"/devices/platform/host2/session1/target{target}/{hctl}"
        self.send(place, "scsi", "scsi_device", MODALIAS="scsi:t-0x00", **held)

    def path_failed(self, seqnum: int) -> None:
        """Send one uevent of dm."""
        held = {"DM_UUID": "mpath-3600", "DM_NAME": "mpio", "DM_PATH": "8:16", "DM_SEQNUM": str(seqnum)}
        self.send("/devices/virtual/block/dm-0", "block", "disk", DM_ACTION="PATH_FAILED", **held)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def test_unit_attentions_of_scsi_devices_arrive_and_nothing_else_of_scsi() -> None:
    async def scenario(watching: Watch) -> None:
        kernel = Kernel()
        kernel.attention("2:0:0:1", SDEV_UA="CAPACITY_DATA_HAS_CHANGED")
        kernel.attention("2:0:0:1", SDEV_MEDIA_CHANGE="1")
        kernel.send("/devices/platform/host2", "scsi", "scsi_host", SDEV_UA="CAPACITY_DATA_HAS_CHANGED")
        kernel.attention("2:0:0:1", SDEV_UA="POWER_ON_RESET_OCCURRED")
        kernel.path_failed(1)
        await watching.until(lambda: [event for event in watching.events if isinstance(event, DmPathEvent)])
        await watching.until(lambda: sum(each.count for each in attentions(watching.events)) >= 2)
        kernel.close()

    def play() -> None:
        events = watch(scenario).events
        assert Counter(each.kind for each in attentions(events)) == {AttentionKind.CAPACITY: 1, AttentionKind.RESET: 1}
        assert {each.hctl for each in attentions(events)} == {"2:0:0:1"}
        assert not [event for event in events if isinstance(event, BlockEvent | SourceErrors)]

    apart(play)


def test_path_events_are_emitted_at_once_in_a_storm_of_unit_attentions() -> None:
    latencies: list[float] = []
    count = 100

    async def scenario(watching: Watch) -> None:
        kernel = Kernel()
        loop = asyncio.get_running_loop()
        for number in range(count):
            for lun in range(20):
                kernel.attention(f"2:0:0:{lun}", SDEV_UA="POWER_ON_RESET_OCCURRED")
            sent = loop.time()
            kernel.path_failed(number)
            expected = DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", number)
            await watching.until(lambda: expected in watching.events)  # noqa: B023
            latencies.append(loop.time() - sent)
        kernel.close()

    def play() -> None:
        events = watch(scenario).events
        assert sum(each.count for each in attentions(events)) == 20 * count
        reports = [event for event in events if isinstance(event, UnitAttentions)]
        assert 2 <= len(reports) < count / 2
        assert sorted(latencies)[count // 2] < 0.1

    apart(play)


def test_a_uevent_of_another_program_is_not_taken_for_one_of_the_kernel() -> None:
    """With CAP_NET_ADMIN, as a container may have it, a process can send to the daemon's socket and to its group."""

    async def scenario(watching: Watch) -> None:
        kernel, stranger = Kernel(), Kernel()
        receiver, _ = receiver_of(watching).getsockname()
        # Not to port 0: the kernel itself would pass it on, which it does for root alone (CAP_SYS_ADMIN).
        for number, address in enumerate([(receiver, 0), (stranger.port(), 1), (receiver, 1)], start=100):
            stranger.address = address
            stranger.path_failed(number)
            stranger.attention(f"2:0:0:{number}", SDEV_UA="CAPACITY_DATA_HAS_CHANGED")
        kernel.path_failed(1)
        await watching.until(lambda: [event for event in watching.events if isinstance(event, DmPathEvent)])
        await asyncio.sleep(1.5 * PAUSE)
        kernel.close()
        stranger.close()

    def play() -> None:
        events = watch(scenario).events
        assert events == [
            SourceUp(SourceName.UEVENT),
            DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", 1),
        ]

    apart(play)


def test_a_user_without_privileges_can_send_no_uevent_at_all() -> None:
    async def scenario(watching: Watch) -> None:
        receiver, _ = receiver_of(watching).getsockname()
        code = (
            "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "sender = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)\n"
            "for address in (0, 0), (int(sys.argv[1]), 0), (0, 1):\n"
            "    try: sender.sendto(bytes(64), address); print('sent', address)\n"
            "    except PermissionError: pass"
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(receiver), stdout=PIPE)
        printed, _ = await process.communicate()
        # The kernel itself takes what is sent to it, and ignores it: its sender may not administrate the network.
        assert printed.decode() in ("", "sent (0, 0)\n")
        assert process.returncode == 0
        await asyncio.sleep(0.1)

    def play() -> None:
        assert watch(scenario).events == [SourceUp(SourceName.UEVENT)]

    apart(play)


def test_a_uevent_that_is_sent_in_another_network_namespace_does_not_arrive() -> None:
    async def scenario(watching: Watch) -> None:
        def elsewhere() -> None:
            stranger = Kernel()
            stranger.path_failed(100)
            stranger.close()

        await asyncio.to_thread(apart, elsewhere)
        kernel = Kernel()
        kernel.path_failed(1)
        await watching.until(lambda: [event for event in watching.events if isinstance(event, DmPathEvent)])
        kernel.close()

    def play() -> None:
        events = [event for event in watch(scenario).events if isinstance(event, DmPathEvent)]
        assert [event.seqnum for event in events] == [1]

    apart(play)


def attentions(events: list[Event]) -> list[UnitAttention]:
    """All that have been reported."""
    return [each for event in events if isinstance(event, UnitAttentions) for each in event.attentions]


# --- what no real kernel will do on request ---------------------------------------------------------------------------


class FakeDevice:
    """What pyudev makes of one uevent."""

    def __init__(
        self, action: str | None = "change", name: str = "dm-0", subsystem: str = "block", **held: str
    ) -> None:
        self.action = action
        self.sys_name = name
        self.subsystem = subsystem
        self.properties: Any = held


class Undecodable(dict[str, str]):
    """Properties that are not UTF-8, which pyudev decodes strictly."""

    def get(self, _key: str, _default: object = None) -> Any:
        """Fail as pyudev does."""
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


class Monitor:
    """Gives a source these; ``None``: there is nothing more for now."""

    def __init__(self, *devices: FakeDevice | OSError | None) -> None:
        self.waiting = list(devices)

    def poll(self, timeout: float) -> FakeDevice | None:
        """As that of pyudev."""
        assert timeout == 0
        given = self.waiting.pop(0) if self.waiting else None
        if isinstance(given, OSError):
            raise given
        return given

    def fileno(self) -> int:
        """No loop watches it."""
        raise NotImplementedError

    def clear_error(self) -> None:
        """The next call has the next one."""

    def close(self) -> None:
        """Nothing is open."""


def drained(*devices: FakeDevice | OSError | None, after: float | None = None) -> list[Event]:
    """What a source emits whose monitor gives it these, at once or within ``after`` seconds."""
    events: list[Event] = []
    source = UeventSource(lambda *emitted: events.extend(emitted))
    source._monitor = monitor = Monitor(*devices)

    async def drain() -> None:
        while monitor.waiting:
            source._drain()
        if after is not None:
            await asyncio.sleep(after)

    asyncio.run(drain())
    return events


def path_event(seqnum: int) -> FakeDevice:
    return FakeDevice(
        DM_ACTION="PATH_FAILED",
        DM_UUID="mpath-3600",
        DM_NAME="mpio",
        DM_PATH="8:16",
        DM_SEQNUM=str(seqnum),
        SOMETHING_ELSE="else",
    )


def test_path_events_that_wait_together_are_put_in_order() -> None:
    first = DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", 1)
    expected = [
        first,
        replace(first, seqnum=2),
        replace(first, seqnum=3),
    ]
    assert drained(path_event(3), path_event(1), path_event(2)) == expected


def storm(monkeypatch: pytest.MonkeyPatch, emit: Callable[..., None]) -> list[int]:
    """Seven events in groups of two. How many groups waited each time when the loop did something else."""
    monkeypatch.setattr(module, "TOGETHER", 2)
    turns: list[int] = []

    def turn() -> None:
        turns.append(len(source._waiting))
        if source._waiting:
            asyncio.get_running_loop().call_soon(turn)

    source = UeventSource(emit)
    source._monitor = Monitor(*(path_event(number) for number in range(1, 8)))

    async def play() -> None:
        source._drain()
        asyncio.get_running_loop().call_soon(turn)
        while source._waiting:  # noqa: ASYNC110  # a turn of the loop at a time is what is tested
            await asyncio.sleep(0)

    asyncio.run(play())
    return turns


def numbers(groups: list[tuple[Event, ...]]) -> list[list[int | None]]:
    return [[event.seqnum for event in group if isinstance(event, DmPathEvent)] for group in groups]


def test_in_a_storm_the_loop_does_other_things_between_two_groups_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab, many_paths_fail_512: the watchdog ended the daemon, which had no time to feed it."""
    groups: list[tuple[Event, ...]] = []
    turns = storm(monkeypatch, lambda *events: groups.append(events))
    assert numbers(groups) == [[1, 2], [3, 4], [5, 6], [7]]
    assert turns[:3] in ([3, 2, 1], [2, 1, 0])


def test_what_follows_a_group_that_could_not_be_processed_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[tuple[Event, ...]] = []

    def emit(*events: Event) -> None:
        groups.append(events)
        if len(groups) == 2:
            raise OSError("a fault of ours")

    storm(monkeypatch, emit)
    assert numbers(groups) == [[1, 2], [3, 4], [5, 6], [7]]


def test_no_more_is_read_while_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[tuple[Event, ...]] = []
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(module, "TOGETHER", 2)
    monkeypatch.setattr(module, "WAITING", 1)
    source = UeventSource(lambda *events: groups.append(events))
    source._monitor = monitor = Monitor(*(path_event(number) for number in range(1, 8)))

    async def play() -> None:
        source._drain()
        source._drain()
        assert len(monitor.waiting) == 3
        while monitor.waiting or source._waiting:
            source._drain()
            await asyncio.sleep(0)

    asyncio.run(play())
    assert numbers(groups) == [[1, 2], [3, 4], [5, 6], [7]]


def attention(hctl: str, word: str = "CAPACITY_DATA_HAS_CHANGED") -> FakeDevice:
    return FakeDevice(name=hctl, subsystem="scsi", SDEV_UA=word, MODALIAS="scsi:t-0x00")


def test_unit_attentions_come_after_the_path_events_that_wait_with_them() -> None:
    failed = DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", 1)
    found = UnitAttentions((UnitAttention(AttentionKind.CAPACITY, "2:0:0:1", 2),))
    assert drained(attention("2:0:0:1"), path_event(1), attention("2:0:0:1")) == [failed, found]


def test_path_events_do_not_wait_where_unit_attentions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    given = [attention("2:0:0:1"), attention("2:0:0:2"), path_event(1), attention("2:0:0:3")]
    first, failed = drained(*given)
    assert first == UnitAttentions((UnitAttention(AttentionKind.CAPACITY, "2:0:0:1"),))
    assert isinstance(failed, DmPathEvent)
    _, _, gathered = drained(*given, after=1.5 * PAUSE)
    assert attentions([gathered]) == [UnitAttention(AttentionKind.CAPACITY, f"2:0:0:{lun}") for lun in (2, 3)]


def test_unit_attentions_that_make_no_sense_are_counted() -> None:
    assert drained(attention("sda"), attention("2:0:0:1", "LIGHT_CHANGED")) == [
        UnitAttentions((UnitAttention(AttentionKind.UNKNOWN, "2:0:0:1"),)),
        SourceErrors(SourceName.UEVENT, "bad_attention", 1),
        SourceErrors(SourceName.UEVENT, "unknown_value", 1),
    ]


def test_unit_attentions_outlive_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    gone = OSError("Error while polling fd: 3")
    first, lost, gathered = drained(attention("2:0:0:1"), attention("2:0:0:2"), gone, None, after=1.5 * PAUSE)
    assert [each.hctl for each in attentions([first, gathered])] == ["2:0:0:1", "2:0:0:2"]
    assert lost == EventsLost()


def test_unit_attentions_that_are_gathered_are_reported_when_the_source_ends() -> None:
    async def scenario(watching: Watch) -> None:
        genuine = watching.source._monitor
        for lun in range(3):
            watching.source._monitor = Monitor(attention(f"2:0:0:{lun}"))
            watching.source._drain()
        watching.source._monitor = genuine
        assert len(attentions(watching.events)) == 1

    events = watch(scenario).events
    assert [each.hctl for each in attentions(events)] == ["2:0:0:0", "2:0:0:1", "2:0:0:2"]


def test_a_new_size_and_a_new_table_are_reported() -> None:
    assert drained(FakeDevice(name="sdb", RESIZE="1"), FakeDevice(DM_COOKIE="4242", RESIZE="1")) == [
        BlockEvent("change", "sdb", resized=True),
        BlockEvent("change", "dm-0", reloaded=True, resized=True),
    ]


def test_the_loss_is_reported_after_what_was_left() -> None:
    gone = OSError("Error while polling fd: 3")
    assert drained(path_event(1), gone, FakeDevice(name="sdb"), gone, None) == [
        DmPathEvent(DmAction.PATH_FAILED, "3600", "mpio", "dm-0", "8:16", 1),
        BlockEvent("change", "sdb"),
        EventsLost(),
    ]


def test_a_uevent_that_is_not_text_still_wakes_and_is_counted() -> None:
    device = FakeDevice()
    device.properties = Undecodable()
    first, count = drained(device)
    assert isinstance(first, BlockEvent)
    assert first.reloaded
    assert count == SourceErrors(SourceName.UEVENT, "not_text", 1)


def test_other_uevents_of_scsi_devices_are_none_of_our_business() -> None:
    media = FakeDevice(name="2:0:0:1", subsystem="scsi", SDEV_MEDIA_CHANGE="1")
    assert drained(FakeDevice(action="add", name="2:0:0:1", subsystem="scsi"), media) == []


def test_a_uevent_without_an_action_or_of_another_subsystem() -> None:
    assert drained(FakeDevice(action=None, name="sdb"), FakeDevice(subsystem="net")) == [BlockEvent("", "sdb")]


def test_a_socket_that_cannot_be_opened_is_reported_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    attempts: list[str] = []

    def refuse(_context: object, source: str) -> None:
        attempts.append(source)
        raise OSError(97, "Address family not supported by protocol")

    monkeypatch.setattr("pyudev.Monitor.from_netlink", refuse)

    async def scenario(watching: Watch) -> None:
        await watching.until(lambda: len(attempts) >= 5)
        (down,) = watching.events
        assert isinstance(down, SourceDown)
        assert (down.source, down.reason) == (SourceName.UEVENT, "EAFNOSUPPORT")
        assert "\n" not in down.detail
        monkeypatch.undo()
        await watching.until(lambda: SourceUp(SourceName.UEVENT) in watching.events)

    watch(scenario)
    assert set(attempts) == {"kernel"}


def test_a_source_that_was_never_opened_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_context: object, source: str) -> None:
        raise ImportError(f"no libudev for {source}")

    monkeypatch.setattr("pyudev.Monitor.from_netlink", refuse)

    async def scenario(_watching: Watch) -> None:
        await asyncio.sleep(0)

    (down,) = watch(scenario).events
    assert isinstance(down, SourceDown)
    assert down.reason == "error"


def test_without_the_capability_the_buffer_is_as_big_as_anybody_may_have() -> None:
    asked: list[tuple[int, int, int]] = []

    def setsockopt(level: int, option: int, value: int) -> None:
        asked.append((level, option, value))
        if option == SO_RCVBUFFORCE:
            raise PermissionError(1, "Operation not permitted")

    module._enlarge(SimpleNamespace(setsockopt=setsockopt))  # type: ignore[arg-type]
    assert asked[-1] == (socket.SOL_SOCKET, socket.SO_RCVBUF, module.BUFFER)
