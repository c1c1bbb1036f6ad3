"""The beat of the loop, on a clock that stands still until it is moved."""

from __future__ import annotations

import asyncio

import pytest

from mpathd_watch.daemon.pulse import Pulse
from mpathd_watch.sinks.notify import Notifier

ENVIRON = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "6000000"}


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments of ten beats: the pauses between them take no time."""
    now = [1000.0]

    async def sleep(seconds: float) -> None:
        now.append(now[-1] + seconds)
        if len(now) > 10:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return now


def beats(moments: list[float], *, ready: bool) -> list[tuple[float, str]]:
    """What is sent, and when."""
    sent: list[tuple[float, str]] = []
    notifier = Notifier(ENVIRON, 1, lambda text: sent.append((moments[-1], text)))
    pulse = Pulse(notifier, lambda: moments[-1], lambda: f"all is well at {moments[-1]:g}")
    pulse.ready = ready
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(pulse.run())
    assert pulse.age() == 1.0
    return sent


def test_the_watchdog_is_fed_before_half_of_its_time_is_over(moments: list[float]) -> None:
    assert beats(moments, ready=False) == [
        (moment, "WATCHDOG=1") for moment in (1000.0, 1002.0, 1004.0, 1006.0, 1008.0)
    ]


def test_the_status_is_sent_once_the_start_is_complete(moments: list[float]) -> None:
    texts = [text for _, text in beats(moments, ready=True)]
    assert texts.count("STATUS=all is well at 1009") == 1
