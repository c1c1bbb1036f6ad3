"""sd_notify: what is sent to systemd, and when nothing is."""

from __future__ import annotations

import pytest

from mpathd_watch.core.model.instant import Instant
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
    assert unit.failures == 1


def test_the_library_s_own_call_is_the_default() -> None:
    unit = Notifier({}, 42)
    unit.ready("nobody listens")
    assert unit.failures == 0
