"""Which sessions are watched closely, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.sources.iscsi.close_watch import OUTAGE_TRAIL, TRAIL, CloseWatch
from tests.reading import SESSION


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (SessionStatus.LOGGED_IN, TRAIL),
        (SessionStatus.UNKNOWN, TRAIL),
        (SessionStatus.FAILED, OUTAGE_TRAIL),
        (SessionStatus.FREE, OUTAGE_TRAIL),
    ],
)
def test_a_session_is_watched_closely_after_a_change_and_longer_if_it_went_down(
    state: SessionStatus, seconds: float
) -> None:
    now = 1000.0
    watch = CloseWatch(lambda: now)
    assert watch.sids() == set()
    watch.begin(replace(SESSION, state=state))
    now += seconds - 0.1
    assert watch.sids() == {SESSION.sid}
    now += 0.2
    assert watch.sids() == set()


def test_the_last_change_decides_and_each_session_is_on_its_own() -> None:
    now = 1000.0
    watch = CloseWatch(lambda: now)
    watch.begin(replace(SESSION, state=SessionStatus.FAILED))
    watch.begin(replace(SESSION, sid=2))
    now += 1.0
    watch.begin(SESSION)  # it has logged in again
    assert watch.sids() == {1, 2}
    now += TRAIL - 0.5
    assert watch.sids() == {1}
    now += 1.0
    assert watch.sids() == set()
