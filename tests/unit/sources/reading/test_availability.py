"""Whether a source answers: what is reported of it, and how often."""

from __future__ import annotations

import pytest

from mpathd_watch.core.events import Event, NetworkRead, SourceAnswered, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.reading.availability import ANSWER_EVERY, Availability, Heartbeat

UP = SourceUp(SourceName.SYSFS)
HANGS = SourceDown(SourceName.SYSFS, "timeout", "it hangs")
GONE = SourceDown(SourceName.SYSFS, "unreadable", "it is gone")


class Reported:
    """What is reported of a source by a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = 1000.0
        self.availability = Availability(self.events.append, SourceName.SYSFS)
        self.heartbeat = Heartbeat(self.events.append, lambda: self.now, SourceName.SYSFS)


@pytest.fixture
def reported() -> Reported:
    return Reported()


def test_nothing_is_known_of_a_source_at_first(reported: Reported) -> None:
    assert reported.availability.up is None
    assert reported.events == []


def test_a_source_that_is_up_is_reported_once(reported: Reported) -> None:
    reported.availability.report_up()
    reported.availability.report_up()
    assert reported.events == [UP]
    assert reported.availability.up is True


def test_a_source_is_up_already_while_that_is_reported() -> None:
    seen = []
    availability = Availability(lambda _event: seen.append(availability.up), SourceName.SYSFS)
    availability.report_up()
    availability.report_down("timeout", "it hangs")
    assert seen == [True, False]


def test_each_reason_for_being_down_is_reported_once_in_turn(reported: Reported) -> None:
    for reason, detail in (("timeout", "it hangs"), ("timeout", "it still hangs"), ("unreadable", "it is gone")):
        reported.availability.report_down(reason, detail)
    assert reported.events == [HANGS, GONE]
    assert reported.availability.up is False


def test_the_same_reason_is_reported_again_in_another_outage(reported: Reported) -> None:
    for _ in range(2):
        reported.availability.report_down("timeout", "it hangs")
        reported.availability.report_up()
    assert reported.events == [HANGS, UP, HANGS, UP]


def test_problems_are_reported_by_reason_and_do_not_mean_that_the_source_is_up(reported: Reported) -> None:
    reported.availability.report_problems({"vanished": 2, "EIO": 1})
    assert reported.events == [
        SourceErrors(SourceName.SYSFS, "EIO", 1),
        SourceErrors(SourceName.SYSFS, "vanished", 2),
    ]
    assert reported.availability.up is None


def test_a_source_without_news_shows_now_and_then_that_it_answers(reported: Reported) -> None:
    reported.heartbeat.report_unchanged()
    for _ in range(10):
        reported.now += ANSWER_EVERY / 5
        reported.heartbeat.report_unchanged()
    assert reported.events == [SourceAnswered(SourceName.SYSFS)] * 3


def test_news_are_an_answer_too(reported: Reported) -> None:
    reported.heartbeat.report(NetworkRead(()))
    reported.now += ANSWER_EVERY - 0.1
    reported.heartbeat.report_unchanged()
    assert reported.events == [NetworkRead(())]
    reported.heartbeat.report(NetworkRead(()))  # news is reported at once
    reported.now += ANSWER_EVERY
    reported.heartbeat.report_unchanged()
    assert reported.events == [NetworkRead(()), NetworkRead(()), SourceAnswered(SourceName.SYSFS)]
