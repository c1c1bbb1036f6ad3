"""What one receiver gets: entries, all-clears, reminders and summaries. Nothing is hidden, and nothing has no bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.alerting import notices as module
from mpathd_watch.core.alerting.notices import (
    CONFIRMED_WITHIN,
    FOLLOWED,
    HOUR,
    MOST,
    QUOTED,
    RESERVED,
    SETTLED_AFTER,
    SUMMARY,
    SUMMARY_AFTER,
    Ledger,
    Notice,
    Step,
    Wish,
    restored,
)
from mpathd_watch.core.alerting.pairs import Entry, entry_of
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.immutable import replace
from tests.factories import at

DAY = 24 * HOUR
WARNINGS = Wish(Priority.WARNING, frozenset(), DAY)
EVERYTHING = Wish(Priority.INFO, frozenset(), 0.0)


class Receiver:
    """A receiver that gets everything at once, and what it got."""

    def __init__(self, wish: Wish = WARNINGS, *, busy: bool = False) -> None:
        self.wish = wish
        self.busy = busy
        self.ledger = Ledger()
        self.got: list[Notice] = []

    def take(self, entry: Entry, now: float) -> list[tuple[str, str]]:
        return self._note(self.ledger.take(self.wish, entry, at(now), busy=self.busy))

    def wait(self, now: float) -> list[tuple[str, str]]:
        return self._note(self.ledger.due(self.wish, at(now), busy=self.busy))

    def _note(self, made: tuple[Ledger, Iterable[Notice]]) -> list[tuple[str, str]]:
        self.ledger, fresh = made
        for notice in fresh:
            self.got.append(notice)
            self.ledger = self.ledger.done(notice)
        return [(notice.step.value, notice.entry.event) for notice in fresh]

    def due(self) -> float | None:
        moment = self.ledger.next_due(self.wish)
        return None if moment is None else moment - at(0).monotonic


def entry(event: str, priority: Priority = Priority.ERR, **fields: str) -> Entry:
    return Entry(event, priority, f"{event} has happened.", fields)


def began(incident: str = "1", priority: Priority = Priority.ERR) -> Entry:
    return entry("incident_began", priority, INCIDENT=incident)


def ended(incident: str = "1") -> Entry:
    return entry("incident_ended", Priority.NOTICE, INCIDENT=incident)


def test_what_is_over_only_after_the_end_of_its_incident_does_not_stand() -> None:
    receiver = Receiver(EVERYTHING)
    receiver.take(began(), 0)
    receiver.take(ended(), 10)
    assert receiver.take(entry("map_recovered", Priority.INFO, INCIDENT="1", WWID="w"), 15) == [
        ("alert", "map_recovered")
    ]
    assert receiver.ledger.standing == {}


def test_what_had_begun_outside_of_an_incident_may_end_in_one() -> None:
    receiver = Receiver()
    receiver.take(entry("map_lost", Priority.CRIT, WWID="w"), 0)
    receiver.take(began(), 10)
    assert receiver.take(entry("map_recovered", Priority.INFO, INCIDENT="1", WWID="w"), 20) == [
        ("all_clear", "map_recovered")
    ]
    assert set(receiver.ledger.standing) == {"incident 1"}


def test_an_incident_is_its_steps_its_reminders_and_its_end_in_one_thread() -> None:
    receiver = Receiver()
    assert receiver.take(entry("path_suspect", Priority.WARNING, INCIDENT="1", WWID="w", PATH="p"), 0) == [
        ("alert", "path_suspect")
    ]
    assert receiver.take(began(), 5) == [("alert", "incident_began")]
    assert receiver.take(entry("path_failed", Priority.INFO, INCIDENT="1", WWID="w", PATH="p"), 6) == []
    assert receiver.take(entry("incident_worse", Priority.CRIT, INCIDENT="1"), 10) == [("alert", "incident_worse")]
    assert receiver.due() == 10 + DAY
    assert receiver.wait(9 + DAY) == []
    assert receiver.wait(10 + DAY) == [("reminder", "incident_worse")]
    assert receiver.got[-1].entry.message == "This still stands after 1 d 0 h: incident_worse has happened."
    assert receiver.take(ended(), 11 + DAY) == [("all_clear", "incident_ended")]
    assert receiver.got[-1].priority is Priority.NOTICE
    assert receiver.due() is None
    assert len({notice.thread for notice in receiver.got}) == 1
    assert [notice.number for notice in receiver.got] == [0, 1, 2, 3, 4]
    assert receiver.take(ended(), 12 + DAY) == []


def test_what_a_receiver_was_not_sent_has_no_all_clear_and_no_reminder() -> None:
    receiver = Receiver(Wish(Priority.CRIT, frozenset(), DAY))
    assert receiver.take(began(), 0) == []
    assert receiver.due() is None
    assert receiver.take(ended(), 1) == []


def test_the_events_are_chosen_but_the_end_comes_all_the_same() -> None:
    receiver = Receiver(Wish(Priority.WARNING, frozenset({"incident_worse"}), 0.0))
    assert receiver.take(began(), 0) == []
    assert receiver.take(entry("incident_worse", Priority.CRIT, INCIDENT="1"), 1) == [("alert", "incident_worse")]
    assert receiver.due() is None
    assert receiver.take(ended(), 2) == [("all_clear", "incident_ended")]


def test_who_wants_everything_gets_each_entry_once_and_is_reminded_of_the_worst() -> None:
    receiver = Receiver(Wish(Priority.INFO, frozenset(), DAY))
    assert receiver.take(began(), 0) == [("alert", "incident_began")]
    assert receiver.take(entry("path_reinstated", Priority.INFO, INCIDENT="1", WWID="w", PATH="p"), 1) == [
        ("alert", "path_reinstated")
    ]
    assert receiver.wait(2 + DAY) == [("reminder", "incident_began")]
    assert receiver.take(ended(), 3 + DAY) == [("all_clear", "incident_ended")]
    assert receiver.take(ended("2"), 4 + DAY) == [("alert", "incident_ended")]
    assert receiver.due() is None


@pytest.mark.parametrize(
    ("first", "other", "last"),
    [
        (
            entry("source_down", Priority.WARNING, SOURCE="multipathd"),
            entry("source_up", Priority.NOTICE, SOURCE="sysfs"),
            entry("source_up", Priority.NOTICE, SOURCE="multipathd"),
        ),
        (
            entry("path_failed", WWID="w", PATH="p"),
            entry("path_reinstated", Priority.NOTICE, WWID="w", PATH="q"),
            entry("path_reinstated", Priority.NOTICE, WWID="w", PATH="p"),
        ),
        (
            entry("path_slow", Priority.WARNING, WWID="w", PATH="p"),
            entry("path_steady", Priority.NOTICE, WWID="w", PATH="p", ENDED="path_flapping"),
            entry("path_steady", Priority.NOTICE, WWID="w", PATH="p", ENDED="path_slow"),
        ),
        (
            entry("map_lost", Priority.CRIT, WWID="w"),
            entry("map_removed", Priority.NOTICE, WWID="w"),
            entry("map_forgotten", Priority.INFO, WWID="w"),
        ),
        (
            entry("map_degraded", Priority.WARNING, WWID="w"),
            entry("map_recovered", Priority.NOTICE, WWID="v"),
            entry("map_removed", Priority.INFO, WWID="w"),
        ),
        (
            entry("session_lost", SESSION="s"),
            entry("session_restored", Priority.NOTICE, SESSION="t"),
            entry("session_restored", Priority.NOTICE, SESSION="s"),
        ),
        (
            entry("port_group_down", TARGET="t", PORT_GROUP="1"),
            entry("port_group_up", Priority.NOTICE, TARGET="t", PORT_GROUP="2"),
            entry("port_group_up", Priority.NOTICE, TARGET="t", PORT_GROUP="1"),
        ),
    ],
)
def test_without_an_incident_an_object_stands_until_its_own_end(first: Entry, other: Entry, last: Entry) -> None:
    receiver = Receiver()
    assert receiver.take(first, 0) == [("alert", first.event)]
    assert receiver.take(other, 1) == []
    assert receiver.wait(1 + DAY) == [("reminder", first.event)]
    assert receiver.take(last, 2 + DAY) == [("all_clear", last.event)]
    assert receiver.take(last, 3 + DAY) == []
    assert receiver.take(first, 4 + DAY) == [("alert", first.event)]
    assert receiver.got[0].thread != receiver.got[-1].thread


def test_what_happens_once_does_not_stand() -> None:
    receiver = Receiver()
    for number in range(2):
        assert receiver.take(entry("config_finding", CODE="x"), number) == [("alert", "config_finding")]
    assert receiver.due() is None
    assert receiver.got[0].thread != receiver.got[1].thread


def test_a_warning_about_a_path_that_is_up_again_ends_with_its_incident_or_soon_without() -> None:
    suspect = entry("path_suspect", Priority.WARNING, INCIDENT="1", WWID="w", PATH="p")
    up = entry("path_reinstated", Priority.INFO, INCIDENT="1", WWID="w", PATH="p")
    other = entry("path_reinstated", Priority.INFO, INCIDENT="1", WWID="w", PATH="q")
    receiver = Receiver()
    receiver.take(suspect, 0)
    assert receiver.take(other, 1) == []
    assert receiver.due() == DAY
    assert receiver.take(up, 5) == []
    assert receiver.due() == 5 + SETTLED_AFTER
    assert receiver.take(ended(), 6) == [("all_clear", "incident_ended")]
    assert receiver.wait(DAY) == []

    receiver = Receiver()
    receiver.take(suspect, 0)
    receiver.take(up, 5)
    assert receiver.take(up, 6) == []
    assert receiver.wait(5 + SETTLED_AFTER) == [("all_clear", "path_reinstated")]
    assert receiver.take(ended(), DAY) == []

    receiver = Receiver()
    receiver.take(suspect, 0)
    receiver.take(up, 5)
    assert receiver.take(began(), 6) == [("alert", "incident_began")]
    assert receiver.wait(5 + SETTLED_AFTER) == []
    assert receiver.take(ended(), DAY) == [("all_clear", "incident_ended")]


def test_an_incident_end_without_an_id_ends_nothing() -> None:
    receiver = Receiver()
    receiver.take(began(), 0)
    assert receiver.take(entry("incident_ended", Priority.NOTICE), 1) == []


def test_a_thousand_incidents_in_an_hour_are_few_messages_and_all_are_counted() -> None:
    receiver = Receiver()
    for number in range(1000):
        receiver.take(began(str(number)), number * 3.0)
        receiver.take(ended(str(number)), number * 3.0 + 1)
        receiver.wait(number * 3.0 + 2)
    receiver.wait(3000 + SUMMARY_AFTER)
    single = [notice for notice in receiver.got if notice.step is not Step.SUMMARY]
    summaries = [notice for notice in receiver.got if notice.step is Step.SUMMARY]
    assert len(single) == MOST - RESERVED
    assert len(summaries) <= 6
    assert len(single) + sum(int(notice.entry.fields["COUNT"]) for notice in summaries) == 2000
    assert all(len(notice.quoted) == QUOTED for notice in summaries)
    assert summaries[0].entry.event == SUMMARY
    assert "incident_began, " in summaries[0].entry.message
    assert "incident_ended (all_clear)" in summaries[0].entry.message
    assert receiver.ledger.standing == {}


def test_a_lost_map_has_room_when_others_have_none_and_later_there_is_room_again() -> None:
    receiver = Receiver()
    for number in range(MOST):
        receiver.take(began(str(number)), number)
    assert receiver.take(began("lost", Priority.CRIT), 40) == [("alert", "incident_began")]
    assert receiver.due() == MOST - RESERVED + SUMMARY_AFTER
    assert receiver.wait(MOST - RESERVED + SUMMARY_AFTER) == [("summary", SUMMARY)]
    assert receiver.take(began("later"), HOUR + 30) == [("alert", "incident_began")]


def test_while_the_receiver_is_busy_all_goes_into_one_summary() -> None:
    receiver = Receiver(busy=True)
    for number in range(3):
        assert receiver.take(began(str(number)), 0) == []
    assert receiver.wait(SUMMARY_AFTER + 1) == []
    receiver.busy = False
    assert receiver.wait(SUMMARY_AFTER + 2) == [("summary", SUMMARY)]
    message = receiver.got[-1].entry.message
    assert message == "3 more messages within 10 min 2 s: 3 incident_began. The worst: incident_began has happened."
    assert all(known.delivered for known in receiver.ledger.standing.values())
    assert len(receiver.ledger.standing) == 3


def test_entries_that_nobody_could_take_are_counted() -> None:
    receiver = Receiver()
    receiver.ledger = receiver.ledger.miss(3, at(0)).miss(4, at(1))
    assert receiver.wait(SUMMARY_AFTER) == [("summary", SUMMARY)]
    assert receiver.got[0].entry.message == "Entries that came too fast to be sent: 7; the journal has them."
    assert receiver.got[0].entry.fields == {"COUNT": "7"}


def test_what_stands_beyond_the_limit_is_sent_and_the_summary_mentions_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLLOWED", 2)
    assert FOLLOWED > 2
    receiver = Receiver()
    for number in range(3):
        assert receiver.take(began(str(number)), number) == [("alert", "incident_began")] or number == 2
    assert len(receiver.ledger.standing) == 2
    assert receiver.wait(SUMMARY_AFTER + 3) == [("summary", SUMMARY)]
    assert "1 of it will have no reminder" in receiver.got[-1].entry.message
    assert receiver.take(began("0"), SUMMARY_AFTER + 4) == [("alert", "incident_began")]
    assert receiver.take(ended("2"), SUMMARY_AFTER + 5) == []


def test_after_a_restart_what_stands_goes_on_and_what_was_not_delivered_is_sent_again() -> None:
    ledger, (delivered,) = Ledger().take(WARNINGS, began("1"), at(0))
    ledger, _ = ledger.done(delivered).take(WARNINGS, began("2"), at(1))
    ledger, (third,) = ledger.take(WARNINGS, began("3"), at(2))
    ledger, _ = ledger.done(third).take(WARNINGS, ended("3"), at(3))
    rebooted = Instant(5.0, at(100).wall)
    receiver = Receiver()
    receiver.ledger = restored(ledger.standing, rebooted)
    receiver.ledger, sent = receiver.ledger.due(WARNINGS, rebooted)
    assert [(each.step.value, each.entry.event, each.entry.fields) for each in sent] == [
        ("alert", "incident_began", {"INCIDENT": "2"}),
        ("all_clear", "incident_ended", {"INCIDENT": "3"}),
    ]
    assert sent[1].thread == third.thread
    assert sent[1].number == 2
    assert receiver.ledger.next_due(WARNINGS) == pytest.approx(5.0 - 100 + DAY)
    receiver.ledger, again = receiver.ledger.take(WARNINGS, ended("1"), Instant(10.0, at(105).wall))
    assert [each.thread for each in again] == [delivered.thread]


def test_a_path_that_was_up_again_before_a_restart_settles_after_it() -> None:
    ledger, (notice,) = Ledger().take(
        WARNINGS, entry("path_suspect", Priority.WARNING, INCIDENT="1", WWID="w", PATH="p"), at(0)
    )
    up = entry("path_reinstated", Priority.INFO, INCIDENT="1", WWID="w", PATH="p")
    ledger, _ = ledger.done(notice).take(WARNINGS, up, at(1))
    ledger = restored(ledger.standing, at(10))
    assert ledger.next_due(WARNINGS) == at(10 + SETTLED_AFTER).monotonic
    # What is delivered late does not end it.
    assert ledger.done(notice).standing.keys() == ledger.standing.keys()


def test_an_incident_that_nobody_knows_after_a_restart_is_dropped_without_an_all_clear() -> None:
    receiver = Receiver()
    for incident in ("1", "2"):
        receiver.take(began(incident), 0)
    receiver.take(entry("map_lost", WWID="w"), 0)
    receiver.ledger = restored(receiver.ledger.standing, at(10), {"2"})
    assert receiver.due() == 0
    assert receiver.wait(10) == [("dropped", "incident_began")]
    dropped = receiver.got[-1]
    assert (dropped.entry.fields, dropped.thread) == ({"INCIDENT": "1"}, receiver.got[0].thread)
    assert dropped.entry.message.endswith("run mpathd-watch status. It was: incident_began has happened.")
    assert set(receiver.ledger.standing) == {"incident 2", "map_at_risk w"}
    assert receiver.wait(DAY) == [("reminder", "incident_began"), ("reminder", "map_lost")]


def test_what_is_dropped_is_so_although_the_next_daemon_ends_before_it_is_delivered() -> None:
    ledger, _ = Ledger().take(WARNINGS, began(), at(0))
    ledger, (first,) = restored(ledger.standing, at(10), ()).due(WARNINGS, at(10))
    ledger, (second,) = restored(ledger.standing, at(20), ()).due(WARNINGS, at(20))
    assert [first.step, second.step] == [Step.DROPPED, Step.DROPPED]
    assert ledger.done(second).standing == {}


def test_an_end_that_was_not_delivered_is_still_an_all_clear_if_the_incident_is_not_known() -> None:
    ledger, (first,) = Ledger().take(WARNINGS, began(), at(0))
    ledger, _ = ledger.done(first).take(WARNINGS, ended(), at(5))
    receiver = Receiver()
    receiver.ledger = restored(ledger.standing, at(10), ())
    assert receiver.wait(10) == [("all_clear", "incident_ended")]
    assert receiver.ledger.standing == {}


def test_a_suspicion_that_was_about_to_settle_is_dropped_as_well() -> None:
    ledger, (first,) = Ledger().take(
        WARNINGS, entry("path_suspect", Priority.WARNING, INCIDENT="1", WWID="w", PATH="p"), at(0)
    )
    ledger, _ = ledger.done(first).take(
        WARNINGS, entry("path_reinstated", Priority.INFO, INCIDENT="1", WWID="w", PATH="p"), at(1)
    )
    receiver = Receiver()
    receiver.ledger = restored(ledger.standing, at(10), ())
    assert receiver.wait(10) == [("dropped", "path_suspect")]
    assert receiver.ledger.standing == {}


DOWN = entry("source_down", Priority.WARNING, SOURCE="multipathd", REASON="not_running")


def restart(receiver: Receiver, now: float) -> None:
    receiver.ledger = restored(receiver.ledger.standing, at(now))


def test_a_source_that_is_up_after_a_restart_has_its_all_clear_although_no_entry_says_so() -> None:
    receiver = Receiver()
    receiver.take(DOWN, 0)
    for moment in (100, 200):  # twice in short time: the five minutes begin again
        restart(receiver, moment)
        assert receiver.due() == moment + CONFIRMED_WITHIN
    assert receiver.wait(499) == []
    assert receiver.wait(500) == [("all_clear", "source_up")]
    assert receiver.got[-1].entry.message == (
        "mpathd-watch was restarted, and its source multipathd has not been down since then."
    )
    assert receiver.due() is None


def test_a_source_that_is_still_down_after_a_restart_is_not_reported_again() -> None:
    receiver = Receiver()
    receiver.take(DOWN, 0)
    restart(receiver, 100)
    assert receiver.take(DOWN, 101) == []
    assert receiver.due() == DAY
    assert receiver.take(DOWN, 102) == [("alert", "source_down")]  # down once more, and no restart between
    restart(receiver, 200)
    other = replace(DOWN, fields={**DOWN.fields, "REASON": "timeout"})
    assert receiver.take(other, 201) == [("alert", "source_down")]
    restart(receiver, 300)
    assert receiver.take(entry("source_up", Priority.NOTICE, SOURCE="multipathd"), 301) == [("all_clear", "source_up")]


def test_what_was_not_delivered_is_sent_after_a_restart_before_it_may_end() -> None:
    ledger, _ = Ledger().take(WARNINGS, DOWN, at(0))
    receiver = Receiver()
    receiver.ledger = restored(ledger.standing, at(10))
    assert receiver.wait(10) == [("alert", "source_down")]
    assert receiver.wait(10 + CONFIRMED_WITHIN) == [("all_clear", "source_up")]
    ended, (_,) = receiver.ledger.take(WARNINGS, DOWN, at(1000))
    up = entry("source_up", Priority.NOTICE, SOURCE="multipathd")
    ended, (_,) = ended.take(WARNINGS, up, at(1001))
    receiver.ledger = restored(ended.standing, at(1010))
    assert receiver.wait(1010) == [("all_clear", "source_up")]
    assert receiver.got[-1].entry == up


def test_an_alert_that_is_delivered_after_the_end_leaves_the_end_to_be_delivered() -> None:
    ledger, (first,) = Ledger().take(WARNINGS, began(), at(0))
    ledger, (last,) = ledger.take(WARNINGS, ended(), at(1))
    ledger, nothing = ledger.take(WARNINGS, ended(), at(2))
    assert nothing == ()
    ledger = ledger.done(first)
    assert ledger.standing
    assert ledger.done(last).standing == {}
    # It begins once more before that.
    ledger, (again,) = ledger.take(WARNINGS, began(), at(3))
    assert (again.number, again.thread == first.thread) == (0, False)


def test_a_sample_is_urgent_to_nobody_and_never_the_same_mail() -> None:
    first, second = module.sample(at(0)), module.sample(at(1))
    assert (first.step, first.entry.event, first.priority) == (Step.TEST, "test", Priority.NOTICE)
    assert first.thread != second.thread
    assert first.topics == frozenset()


def test_the_text_of_an_alert_is_printable() -> None:
    alert = Alert(AlertKind.MAP_LOST, Priority.CRIT, "m\nEVIL=1", {"MAP": "a\r\nb"})
    assert entry_of(alert) == Entry("map_lost", Priority.CRIT, "m\\x0aEVIL=1", {"MAP": "a\\x0d\\x0ab"})


Steps = st.lists(
    st.tuples(
        st.sampled_from(["began", "worse", "noise", "ended", "finding", "wait"]),
        st.integers(0, 5),
        st.sampled_from([0.0, 1.0, 30.0, 700.0, 4000.0]),
    ),
    max_size=120,
)


@given(steps=Steps, busy=st.lists(st.booleans(), max_size=120), everything=st.booleans())
def test_whatever_comes_all_that_is_wanted_arrives_once_and_the_number_of_messages_has_a_bound(
    steps: list[tuple[str, int, float]], busy: list[bool], everything: bool
) -> None:
    wish = EVERYTHING if everything else WARNINGS
    receiver = Receiver(wish)
    known: set[int] = set()
    wanted: Counter[str] = Counter()
    now = 0.0
    for index, (what, incident, pause) in enumerate(steps):
        now += pause + 0.001  # nothing begins twice at one moment
        receiver.busy = index < len(busy) and busy[index]
        receiver.wait(now)
        if what == "wait":
            continue
        made = {
            "began": began(str(incident)),
            "worse": entry("incident_worse", Priority.CRIT, INCIDENT=str(incident)),
            "noise": entry("path_failed", Priority.INFO, INCIDENT=str(incident), WWID="w", PATH="p"),
            "ended": ended(str(incident)),
            "finding": entry("config_finding", Priority.WARNING, CODE=str(index)),
        }[what]
        ending = f"incident {incident}" in receiver.ledger.standing and incident not in known
        receiver.take(made, now)
        if what == "ended":
            # One whose all-clear has not been delivered yet has ended.
            wanted[made.event] += incident in known or (everything and not ending)
            known.discard(incident)
        elif wish.fits(made):
            wanted[made.event] += 1
            if what != "finding":
                known.add(incident)
    receiver.busy = False
    receiver.wait(now + SUMMARY_AFTER)
    single = [notice for notice in receiver.got if notice.step is not Step.SUMMARY]
    summaries = [notice for notice in receiver.got if notice.step is Step.SUMMARY]
    counted = sum(int(notice.entry.fields["COUNT"]) for notice in summaries)
    reminders = sum(notice.step is Step.REMINDER for notice in single)
    reminded = sum(notice.entry.message.count("(reminder)") for notice in summaries)
    assert reminded <= counted
    assert sum(wanted.values()) <= len(single) - reminders + counted <= sum(wanted.values()) + len(known) * len(steps)
    if not any("(reminder)" in notice.entry.message for notice in summaries):
        assert len(single) - reminders + counted == sum(wanted.values())
    moments = [notice.at.monotonic for notice in single]
    assert all(sum(start <= each < start + HOUR for each in moments) <= MOST for start in moments)
    shown = [notice.at.monotonic for notice in summaries]
    assert all(later - earlier >= SUMMARY_AFTER for earlier, later in pairwise(shown))
    assert {f"incident {each}" for each in known} == receiver.ledger.standing.keys()
    threads = [(notice.thread, notice.number) for notice in single]
    assert len(set(threads)) == len(threads)


@given(steps=Steps, cut=st.integers(0, 119))
def test_a_restart_at_any_moment_loses_no_all_clear(steps: list[tuple[str, int, float]], cut: int) -> None:
    receiver = Receiver()
    known: set[int] = set()
    now = 0.0
    for index, (what, incident, pause) in enumerate(steps):
        now += pause
        if index == cut:
            receiver.ledger = restored(receiver.ledger.standing, at(now))
        receiver.wait(now)
        if what == "began":
            receiver.take(began(str(incident)), now)
            known.add(incident)
        elif what == "ended":
            receiver.take(ended(str(incident)), now)
            known.discard(incident)
    standing = receiver.ledger.standing
    assert {f"incident {each}" for each in known} == {name for name, each in standing.items() if each.end is None}


def test_a_reminder_is_of_the_moment_since_when_it_stands() -> None:
    receiver = Receiver()
    receiver.take(began(), 0)
    receiver.wait(DAY)
    receiver.wait(2 * DAY)
    assert [notice.entry.message for notice in receiver.got[1:]] == [
        "This still stands after 1 d 0 h: incident_began has happened.",
        "This still stands after 2 d 0 h: incident_began has happened.",
    ]
    assert receiver.ledger.next_due(replace(WARNINGS, repeat=0.0)) is None
