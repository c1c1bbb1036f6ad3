"""The queue behind every sink that may have to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mpathd_watch.sinks import backlog as module
from mpathd_watch.sinks.backlog import Backlog, BusyError, Stall


class Receiver:
    """Accepts texts while ``accepting``, refuses those in ``refused``."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.accepting = True
        self.refused: set[str] = set()
        self.stalls: list[Stall] = []

    def deliver(self, text: str) -> None:
        """Accept, refuse, or be busy."""
        if not self.accepting:
            time.sleep(0.002)
            raise BusyError(waited=True)
        if text in self.refused:
            raise OSError(5, "Input/output error")
        self.got.append(text)

    def over(self, stall: Stall) -> str | None:
        """Note the stall."""
        self.stalls.append(stall)
        return f"over: {stall.late} late, {stall.lost} lost"


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def backlog(receiver: Receiver) -> Iterator[Backlog[str]]:
    made = Backlog("test", receiver.deliver, lambda count: f"{count} lost", 4, over=receiver.over)
    yield made
    receiver.accepting = True
    made.stop(5)


def until_stalled(backlog: Backlog[str]) -> None:
    deadline = time.monotonic() + 5
    while not backlog.outlet.stalled:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_items_arrive_in_order_and_stop_waits_for_them(receiver: Receiver, backlog: Backlog[str]) -> None:
    for text in "abc":
        assert backlog.put(text)
    assert backlog.stop(5)
    assert receiver.got == ["a", "b", "c"]
    assert (backlog.outlet.lost, backlog.outlet.waiting, backlog.outlet.stalled) == (0, 0, False)


def test_what_waits_arrives_in_order_and_the_end_of_the_stall_is_reported(
    receiver: Receiver, backlog: Backlog[str]
) -> None:
    receiver.accepting = False
    for text in "abc":
        backlog.put(text)
    until_stalled(backlog)
    assert backlog.outlet.waiting == 3
    receiver.accepting = True
    assert backlog.stop(5)
    assert receiver.got == ["a", "b", "c", "over: 3 late, 0 lost"]
    assert 0 < receiver.stalls[0].seconds < 5


def test_the_loss_is_reported_once_and_where_the_items_are_missing(receiver: Receiver, backlog: Backlog[str]) -> None:
    receiver.accepting = False
    backlog.put("a")
    until_stalled(backlog)
    accepted = [text for text in "bcdefgh" if backlog.put(text)]
    assert accepted == ["b", "c", "d"]
    assert backlog.outlet.lost == 4
    receiver.accepting = True
    while backlog.outlet.waiting:
        time.sleep(0.001)
    backlog.put("z")
    assert backlog.stop(5)
    assert receiver.got == ["a", "b", "c", "d", "4 lost", "over: 4 late, 4 lost", "z"]


def test_a_slow_receiver_gets_one_report_of_a_loss_and_not_one_for_each_gap() -> None:
    gate = threading.Semaphore(0)
    got: list[str] = []

    def deliver(text: str) -> None:
        gate.acquire()
        got.append(text)

    backlog = Backlog("test", deliver, lambda count: f"{count} lost", 4)
    accepted = [number for number in range(6) if backlog.put(str(number))]
    gate.release()
    while backlog.outlet.waiting > 3:
        time.sleep(0.001)
    # There is room for one, but not for half of the capacity.
    assert not backlog.put("6")
    for _ in range(20):
        gate.release()
    assert backlog.stop(5)
    assert got == [*map(str, accepted), "3 lost"]


def test_what_is_refused_is_reported_before_the_next_item(receiver: Receiver, backlog: Backlog[str]) -> None:
    receiver.refused = {"b", "c", "1 lost"}
    for text in "abc":
        backlog.put(text)
    while backlog.outlet.waiting:
        time.sleep(0.001)
    backlog.put("d")
    assert backlog.stop(5)
    assert receiver.got == ["a", "2 lost", "d"]
    assert backlog.outlet.lost == 2


def test_a_refusal_at_the_end_is_reported_at_the_end(receiver: Receiver, backlog: Backlog[str]) -> None:
    receiver.refused = {"a"}
    backlog.put("a")
    assert backlog.stop(5)
    assert receiver.got == ["1 lost"]


def test_at_the_end_what_is_left_is_counted_as_lost(receiver: Receiver, backlog: Backlog[str]) -> None:
    receiver.accepting = False
    for text in "abc":
        backlog.put(text)
    began = time.monotonic()
    assert not backlog.stop(0.1)
    assert time.monotonic() - began < 1
    assert (backlog.outlet.lost, backlog.outlet.waiting) == (3, 0)
    assert not backlog.put("too late")
    assert backlog.outlet.lost == 4


def test_a_receiver_that_does_not_exist_is_tried_again_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_EVERY", 0.05)
    attempts: list[float] = []

    def deliver(_: str) -> None:
        attempts.append(time.monotonic())
        if len(attempts) < 4:
            raise BusyError(waited=False)

    backlog = Backlog("test", deliver, lambda count: f"{count} lost")
    backlog.put("a")
    while backlog.outlet.waiting:
        time.sleep(0.001)
    assert backlog.stop(5)
    assert attempts[3] - attempts[0] > 0.1


def test_the_end_cuts_a_pause_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_EVERY", 60.0)
    absent = threading.Event()

    def deliver(_: str) -> None:
        if not absent.is_set():
            raise BusyError(waited=False)

    backlog = Backlog("test", deliver, lambda count: f"{count} lost")
    backlog.put("a")
    until_stalled(backlog)
    absent.set()
    assert backlog.stop(5)


def test_the_capacity_is_one_of_weight_and_one_item_always_fits(receiver: Receiver) -> None:
    receiver.accepting = False
    backlog = Backlog("test", receiver.deliver, lambda count: f"{count} lost", 10, weigh=len)
    assert backlog.put("x" * 1000)
    assert not backlog.put("y")
    receiver.accepting = True
    assert backlog.stop(5)
    assert receiver.got == ["x" * 1000, "1 lost"]


def test_items_may_come_from_many_threads() -> None:
    got: list[int] = []
    backlog: Backlog[int] = Backlog("test", got.append, lambda _: 0)

    def put() -> None:
        for number in range(200):
            backlog.put(number)

    threads = [threading.Thread(target=put) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backlog.stop(5)
    assert len(got) == 1000
