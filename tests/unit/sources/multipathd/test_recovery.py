"""When multipathd is asked again after a failure: by its process, and by pauses that grow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from mpathd_watch.core.events import Event, SourceDown
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.multipathd.recovery import Recovery
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.reading.pace import Backoff
from mpathd_watch.sources.reading.presence import Presence

RUNNING = Presence(running=True, pid=227, why="it is there")
RESTARTED = Presence(running=True, pid=228, why="it is there")
STOPPED = Presence(running=False, pid=None, why="multipathd is not running")
LOOK_EVERY = 0.01
PAUSE = 0.1


class Multipathd:
    """What is found of its process at each look, the last for ever."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.looks: list[Presence] = [RUNNING]
        self.availability = Availability(self.events.append, SourceName.MULTIPATHD)
        self.recovery = Recovery(
            self.availability, self._presence, time.monotonic, Backoff(PAUSE, 100 * PAUSE), LOOK_EVERY
        )

    def _presence(self) -> Presence:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def waited(self) -> float:
        """Seconds until a try is worthwhile."""
        began = time.monotonic()
        asyncio.run(self.recovery.wait())
        return time.monotonic() - began


@pytest.fixture
def multipathd() -> Multipathd:
    return Multipathd()


def test_a_process_that_does_not_answer_is_tried_again_after_pauses_that_grow(multipathd: Multipathd) -> None:
    waits = []
    for _ in range(3):
        multipathd.recovery.failed()
        waits.append(multipathd.waited())
    assert waits[0] >= PAUSE
    assert waits[1] >= 2 * PAUSE
    assert waits[2] >= 4 * PAUSE
    multipathd.recovery.succeeded()
    multipathd.recovery.failed()
    assert PAUSE <= multipathd.waited() < 8 * PAUSE
    assert multipathd.events == []


@pytest.mark.parametrize("then", [lambda looks: looks, lambda looks: [STOPPED, *looks]])
def test_a_process_that_is_another_is_tried_at_once_and_with_the_shortest_pause_again(
    multipathd: Multipathd, then: Callable[[list[Presence]], list[Presence]]
) -> None:
    for _ in range(5):
        multipathd.recovery.failed()
    multipathd.looks = then([RESTARTED])
    assert multipathd.waited() < 16 * PAUSE
    multipathd.recovery.failed()
    assert PAUSE <= multipathd.waited() < 16 * PAUSE


def test_a_process_that_is_gone_is_reported_and_waited_for(multipathd: Multipathd) -> None:
    multipathd.recovery.failed()
    multipathd.looks = [STOPPED] * 30 + [RUNNING]
    assert multipathd.waited() >= 30 * LOOK_EVERY
    (down,) = multipathd.events
    assert isinstance(down, SourceDown)
    assert (down.source, down.reason) == (SourceName.MULTIPATHD, "not_running")
    assert down.detail.startswith(STOPPED.why)
