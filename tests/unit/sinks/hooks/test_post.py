"""The thread that delivers: one at a time, again where that helps, and never in the way of anybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mpathd_watch.core.alerting.notices import HOUR, MOST, SUMMARY_AFTER, Ledger, Notice, Standing, Step, Wish
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.sinks.hooks import post as module
from mpathd_watch.sinks.hooks.outcome import Outcome, Result
from mpathd_watch.sinks.hooks.post import Post, Receiver, Standings
from tests.factories import NOW
from tests.unit.sinks.hooks.entries import lost, recovered, until

WISH = Wish(Priority.WARNING, frozenset(), 24 * HOUR)
OK = Outcome(Result.OK)
UNREACHABLE = Outcome(Result.DEFERRED, "mx: Connection refused", everything=True)
GREYLISTED = Outcome(Result.DEFERRED, "mx does not accept it now: 451")


class Surroundings:
    """A post with a clock that is set, a receiver that answers as the test wants, and what was logged and kept."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.answer: Callable[[Notice], Outcome] = lambda _: OK
        self.got: list[Notice] = []
        self.logged: list[str] = []
        self.kept: list[Standings] = []
        self.post = self.made({})

    def made(self, standing: Standings) -> Post:
        def log(priority: Priority, text: str) -> None:
            assert priority in (Priority.ERR, Priority.WARNING, Priority.NOTICE)
            self.logged.append(text)

        return Post("mail", "mail", self.now, log, standing=standing, keep=self.kept.append)

    def now(self) -> Instant:
        return Instant(NOW.monotonic + self.passed, NOW.wall + self.passed)

    def receiver(self, key: str = "mail", wish: Wish = WISH) -> Receiver:
        return Receiver(key, key, wish, self.deliver)

    def deliver(self, notice: Notice) -> Outcome:
        self.got.append(notice)
        return self.answer(notice)

    def after(self, seconds: float) -> None:
        """Let time pass. The thread looks at the clock when something comes, here an entry that nobody wants."""
        self.passed += seconds
        self.post.alert(Alert(AlertKind.SOURCE_UP, Priority.NOTICE, "", {"SOURCE": "nothing"}))

    def messages(self) -> list[str]:
        return [f"{each.step}: {each.entry.message}" for each in self.got]


@pytest.fixture
def around() -> Iterator[Surroundings]:
    made = Surroundings()
    made.post.notify([made.receiver()])
    yield made
    made.post.stop(5)


def test_what_is_wanted_is_delivered_and_its_end_and_what_stands_is_kept(around: Surroundings) -> None:
    around.post.alert(lost())
    around.post.alert(lost("mpathb", Priority.INFO))
    around.post.alert(recovered("mpathb"))
    around.post.alert(recovered())
    until(lambda: len(around.got) == 2)
    assert around.messages() == ["alert: mpatha is lost.", "all_clear: mpatha is healthy."]
    until(lambda: around.kept[-1] == {})
    assert around.post.results == {("mail", Result.OK): 2, ("mail", Result.FAILED): 0}
    assert around.post.outlet.lost == around.post.outlet.waiting == 0
    assert around.logged == []


def test_what_stands_is_reminded_of(around: Surroundings) -> None:
    around.post.alert(lost())
    until(lambda: len(around.got) == 1)
    around.after(25 * HOUR)
    until(lambda: len(around.got) == 2)
    assert around.got[1].step is Step.REMINDER


def test_a_receiver_that_hangs_delays_nobody(around: Surroundings) -> None:
    hanging = threading.Event()
    around.answer = lambda _: OK if hanging.wait(20) else UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.got)
    began = time.monotonic()
    for number in range(2000):
        around.post.alert(lost(str(number), Priority.INFO))
    for number in range(100):
        around.post.alert(lost(str(number)))
    assert time.monotonic() - began < 5
    assert around.post.outlet.waiting >= 100
    hanging.set()
    until(lambda: len(around.got) == MOST)
    around.after(SUMMARY_AFTER)
    until(lambda: len(around.got) == MOST + 1)
    assert around.got[-1].entry.fields == {"COUNT": str(101 - MOST)}


def test_a_server_that_is_not_there_is_tried_less_and_less_often_and_nothing_is_lost(around: Surroundings) -> None:
    around.answer = lambda _: UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.logged)
    assert around.logged == [
        "A mail is deferred: mx: Connection refused. It is tried again after 30.0 s, then less often, for 1 d 0 h."
    ]
    around.post.alert(lost("mpathb"))
    until(lambda: around.post.outlet.waiting == 2)
    around.after(29)
    assert len(around.got) == 1
    assert around.post.outlet.stalled
    for attempt, pause in enumerate((30, 60, 120, 300, 600, 1200), 2):
        around.after(pause)
        until(lambda attempt=attempt: len(around.got) == attempt)  # type: ignore[misc]
    around.answer = lambda _: OK
    around.after(1800)
    until(lambda: len(around.got) == 9)
    assert around.messages()[-2:] == ["alert: mpatha is lost.", "alert: mpathb is lost."]
    until(lambda: len(around.logged) == 2)
    assert around.logged[1] == "Each mail that was deferred has been delivered, or given up."
    assert not around.post.outlet.stalled
    assert around.post.results["mail", Result.DEFERRED] == 7


def test_what_is_new_does_not_wait_for_the_next_attempt_of_something_old(around: Surroundings) -> None:
    around.answer = lambda _: UNREACHABLE
    around.post.alert(lost())
    for attempt, pause in enumerate((0, 30, 60, 120), 1):
        around.after(pause)
        until(lambda attempt=attempt: len(around.got) == attempt)  # type: ignore[misc]
    until(lambda: around.post.results.get(("mail", Result.DEFERRED)) == 4)
    around.answer = lambda _: OK
    around.after(10)
    around.post.alert(lost("mpathb"))
    until(lambda: around.post.outlet.waiting == 2)
    around.after(19)
    time.sleep(0.05)
    assert len(around.got) == 4
    around.after(1)
    until(lambda: len(around.got) == 6)
    assert around.messages()[-2:] == ["alert: mpathb is lost.", "alert: mpatha is lost."]


def test_one_that_is_greylisted_does_not_hold_the_others(around: Surroundings) -> None:
    around.answer = lambda notice: GREYLISTED if "mpatha" in notice.entry.message else OK
    around.post.alert(lost())
    until(lambda: around.logged)
    around.post.alert(lost("mpathb"))
    until(lambda: len(around.got) == 2)
    around.answer = lambda _: OK
    around.after(5)
    around.post.alert(lost("mpathc"))
    until(lambda: len(around.got) == 3)
    assert len(around.logged) == 1
    around.after(30)
    until(lambda: len(around.got) == 4)
    assert around.messages()[3] == "alert: mpatha is lost."
    until(lambda: len(around.logged) == 2)


def test_after_a_day_it_is_given_up_logged_and_counted(around: Surroundings) -> None:
    around.answer = lambda _: UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.logged)
    around.after(25 * HOUR)
    until(lambda: around.post.outlet.lost == 1)
    assert around.logged[-1] == (
        "A mail failed: mx: Connection refused. It was tried for 1 d 1 h, and is given up. "
        "To try again: mpathd-watch notify --test."
    )


def test_what_fails_for_good_is_logged_once_and_not_tried_again(around: Surroundings) -> None:
    around.answer = lambda _: Outcome(Result.FAILED, "mx refused it: 550. Check to of [mail]")
    around.post.alert(lost())
    until(lambda: around.logged)
    assert around.logged == [
        "A mail failed: mx refused it: 550. Check to of [mail]. To try again: mpathd-watch notify --test."
    ]
    assert around.post.outlet.lost == 1
    around.after(HOUR)
    around.answer = lambda _: OK
    around.post.alert(recovered())
    until(lambda: len(around.got) == 2)


def test_a_bug_does_not_end_the_thread(around: Surroundings) -> None:
    def breaks(_: Notice) -> Outcome:
        raise LookupError("no such thing")

    around.answer = breaks
    around.post.alert(lost())
    until(lambda: around.logged)
    assert around.logged[0].startswith("A mail failed: internal error, LookupError: no such thing. Please report this.")
    around.answer = lambda _: OK
    around.post.alert(lost("mpathb"))
    until(lambda: len(around.got) == 2)


def test_a_bug_in_what_decides_does_not_end_the_thread(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTER_BUG", 0.01)
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "take", lambda *_, **__: 1 / 0)
        around.post.alert(lost())
        until(lambda: around.logged)
    assert around.logged == [
        "Internal error in mail or hooks (ZeroDivisionError: division by zero). Please report this."
    ]
    around.post.alert(lost("mpathb"))
    until(lambda: around.got)
    assert around.messages() == ["alert: mpathb is lost."]


def test_a_full_inbox_counts_what_it_could_not_take(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INBOX", 3)
    hanging = threading.Event()
    around.answer = lambda _: OK if hanging.wait(20) else UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.got)
    for number in range(10):
        around.post.alert(lost(str(number)))
    hanging.set()
    until(lambda: len(around.got) == 4)
    around.after(SUMMARY_AFTER)
    until(lambda: len(around.got) == 5)
    assert around.messages()[4] == "summary: Entries that came too fast to be sent: 7; the journal has them."


def test_a_reload_replaces_the_receivers_and_keeps_what_stands(around: Surroundings) -> None:
    around.answer = lambda _: UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.logged)
    around.answer = lambda _: OK
    around.post.notify([around.receiver(wish=Wish(Priority.INFO, frozenset(), 0.0)), around.receiver("other")])
    until(lambda: len(around.got) == 2)  # what was deferred, at once: the server may be another one
    around.post.alert(recovered())
    until(lambda: len(around.got) == 3)
    around.post.notify([])
    around.post.alert(lost("mpathc"))
    time.sleep(0.05)
    assert around.messages()[1:] == ["alert: mpatha is lost.", "all_clear: mpatha is healthy."]
    assert set(around.post.results) >= {("mail", Result.OK), ("other", Result.OK)}


def test_the_next_daemon_goes_on_and_sends_what_the_last_one_did_not_get_rid_of() -> None:
    first = Surroundings()
    first.answer = lambda notice: OK if "mpatha" in notice.entry.message else UNREACHABLE
    first.post.notify([first.receiver()])
    first.post.alert(lost())
    first.post.alert(lost("mpathb"))
    until(lambda: first.logged)
    assert first.post.stop(5)
    assert first.post.outlet.lost == 0

    second = Surroundings()
    second.passed = 100.0
    second.post = second.made(first.kept[-1])
    second.post.notify([second.receiver()])
    until(lambda: len(second.got) == 1)
    second.post.alert(recovered())
    until(lambda: len(second.got) == 2)
    assert second.messages() == ["alert: mpathb is lost.", "all_clear: mpatha is healthy."]
    assert second.got[1].thread == first.got[0].thread
    second.post.stop(5)


def test_at_the_end_what_is_sent_never_again_is_counted(around: Surroundings) -> None:
    around.answer = lambda _: UNREACHABLE
    around.post.alert(Alert(AlertKind.EVENTS_LOST, Priority.WARNING, "Lost.", {}))
    until(lambda: around.logged)
    assert not around.post.stop(5)
    assert around.post.outlet.lost == 1
    assert around.logged[-1] == "1 mail not sent: mpathd-watch ends."


def test_the_end_does_not_wait_for_what_hangs(around: Surroundings) -> None:
    hanging = threading.Event()
    around.answer = lambda _: OK if hanging.wait(20) else UNREACHABLE
    around.post.alert(lost())
    until(lambda: around.got)
    began = time.monotonic()
    assert not around.post.stop(0.1)
    assert time.monotonic() - began < 5
    hanging.set()


def test_without_a_receiver_there_is_no_thread() -> None:
    around = Surroundings()
    before = threading.active_count()
    around.post.notify([])
    around.post.alert(lost())
    assert not around.post.is_used
    assert around.post.stop(1)
    assert threading.active_count() == before


def test_several_receivers_have_their_own_wishes_and_places() -> None:
    around = Surroundings()
    keys: list[str] = []

    def receiver(key: str, priority: Priority) -> Receiver:
        def deliver(notice: Notice) -> Outcome:
            keys.append(f"{key} {notice.entry.event}")
            return OK

        return Receiver(key, key, Wish(priority, frozenset(), 0.0), deliver)

    around.post.notify([receiver("a", Priority.CRIT), receiver("b", Priority.INFO)])
    around.post.alert(Alert(AlertKind.PATH_ADDED, Priority.INFO, "", {}))
    around.post.alert(lost())
    until(lambda: len(keys) == 3)
    assert sorted(keys) == ["a map_lost", "b map_lost", "b path_added"]
    standing: dict[str, Any] = dict(around.kept[-1])
    assert all(isinstance(each, Standing) for topics in standing.values() for each in topics.values())
    around.post.stop(5)
