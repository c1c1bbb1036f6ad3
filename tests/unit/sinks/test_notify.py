"""sd_notify: what is sent to systemd, and when nothing is."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.notify import Notifier

UNIT = {"NOTIFY_SOCKET": "/run/systemd/notify"}


@pytest.fixture
def sent() -> list[str]:
    return []


def notifier(sent: list[str], **environ: str) -> Notifier:
    return Notifier({**UNIT, **environ}, 42, sent.append)


def test_the_life_of_a_unit(sent: list[str]) -> None:
    unit = notifier(sent, WATCHDOG_USEC="30000000")
    unit.ready("2 maps: 2 healthy")
    unit.status("2 maps: 2 healthy")
    unit.status("2 maps: 1 healthy, 1 at risk")
    unit.watchdog()
    unit.reloading(Instant(12.5, 1.8e9))
    unit.ready("2 maps: 2 healthy")
    unit.stopping()
    assert sent == [
        "READY=1\nSTATUS=2 maps: 2 healthy",
        "STATUS=2 maps: 1 healthy, 1 at risk",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "READY=1\nSTATUS=2 maps: 2 healthy",
        "STOPPING=1",
    ]


def test_a_status_is_one_line(sent: list[str]) -> None:
    notifier(sent).status("x\nSTOPPING=1")
    assert sent == ["STATUS=x\\x0aSTOPPING=1"]


def test_without_a_service_manager_nothing_is_sent(sent: list[str]) -> None:
    unit = Notifier({"WATCHDOG_USEC": "30000000"}, 42, sent.append)
    unit.ready("x")
    unit.watchdog()
    unit.stopping()
    assert (sent, unit.interval) == ([], None)


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time(sent: list[str], environ: dict[str, str], interval: float | None) -> None:
    unit = notifier(sent, **environ)
    assert unit.interval == interval
    unit.watchdog()
    assert sent == (["WATCHDOG=1"] if interval else [])


def test_a_service_manager_that_does_not_listen_is_counted() -> None:
    def refuse(_: str) -> None:
        raise ConnectionRefusedError

    unit = Notifier(UNIT, 42, refuse)
    unit.ready("x")
    assert unit.outlet == Outlet(lost=1, waiting=0, stalled=False)


# --- on a real socket -------------------------------------------------------------------------------------------------


class Manager:
    """A service manager on a datagram socket, which reads only when it is asked to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def notifier(self, **environ: str) -> Notifier:
        """A notifier for this manager."""
        return Notifier({"NOTIFY_SOCKET": self.address, **environ}, 42)

    def fill(self) -> None:
        """Fill the queue, as the services of a host do while systemd does not read."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.sendto(b"X_OTHER=1", self._socket.getsockname())

    def read(self) -> list[str]:
        """Everything that is in the queue, apart from what others sent."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._socket.recv(65536).decode())
        return [text for text in found if text != "X_OTHER=1"]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify") if request.param == "a path" else f"@mpathd-watch-test-{os.getpid()}")
    yield made
    made.close()


def test_notifications_arrive_one_datagram_each(manager: Manager) -> None:
    unit = manager.notifier(WATCHDOG_USEC="30000000")
    unit.ready("2 maps: 2 healthy \udcff")
    unit.watchdog()
    assert manager.read() == ["READY=1\nSTATUS=2 maps: 2 healthy \\xff", "WATCHDOG=1"]


def test_a_manager_that_does_not_read_is_not_waited_for_and_gets_what_counts_when_it_does(manager: Manager) -> None:
    unit = manager.notifier(WATCHDOG_USEC="30000000")
    manager.fill()
    began = time.monotonic()
    unit.ready("0")
    for number in range(1, 50):
        unit.status(str(number))
        unit.watchdog()
        unit.retry()
    assert time.monotonic() - began < 0.25
    assert unit.outlet == Outlet(lost=0, waiting=3, stalled=True)
    assert manager.read() == []
    unit.retry()
    assert manager.read() == ["READY=1\nSTATUS=0", "STATUS=49", "WATCHDOG=1"]
    assert unit.outlet == Outlet(lost=0, waiting=0, stalled=False)


def test_what_waits_is_bounded(manager: Manager) -> None:
    unit = manager.notifier()
    manager.fill()
    for number in range(100):
        unit.reloading(Instant(float(number), 1.8e9))
    outlet = unit.outlet
    assert outlet is not None
    assert (outlet.waiting, outlet.lost) == (16, 84)


def test_no_manager_is_an_outlet_that_is_not_there() -> None:
    unit = Notifier({}, 42)
    unit.ready("nobody listens")
    assert unit.outlet is None


def test_a_manager_that_is_gone_is_counted(tmp_path: Path) -> None:
    unit = Notifier({"NOTIFY_SOCKET": str(tmp_path / "none")}, 42)
    unit.ready("x")
    assert unit.outlet == Outlet(lost=1, waiting=0, stalled=False)
