"""The draft of the next state, where several changes meet in one step."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import SourceDown
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import Due, Wait
from tests.story import San, Story, moment

PORTALS = ["192.168.1.1", "192.168.2.1"]
MPIO, DATA = "36000mpio", "36000data"


def test_a_dropped_map_leaves_nothing_behind() -> None:
    draft = Draft(Story(San.of(["mpio", "data"], PORTALS)).begun().state, moment(0))
    draft.touch_all()
    draft.regrouped.update(draft.maps)
    draft.deadlines.update({Due(Wait.SETTLE, wwid): 5.0 for wwid in (MPIO, DATA)})
    draft.drop_map(MPIO)
    assert {wwid for wwid, _ in draft.touched} == draft.regrouped == {DATA}
    assert len(draft.touched) == 2
    assert [due.wwid for due in draft.deadlines if due.wait is Wait.SETTLE] == [DATA]
    assert list(draft.finished().maps) == [DATA]


def test_the_scan_that_ends_the_silence_of_sysfs_may_show_a_map_less() -> None:
    story = Story(San.of(["mpio", "data"], PORTALS)).begun()
    story.feed(SourceDown(SourceName.SYSFS, "timeout", "it does not answer."))
    del story.san.maps[MPIO]
    assert list(story.look().state.maps) == [DATA]


def test_each_resync_is_counted_under_its_reason() -> None:
    draft = Draft(Story(San.of(["mpio"], PORTALS)).begun().state, moment(0))
    for reason in ("unknown_path", "unknown_path", "events_lost", "unknown_path"):
        draft.resync(reason)
    assert dict(draft.finished().counters.resyncs) == {"unknown_path": 3, "events_lost": 1}
    assert draft.effects == [Refresh(Scope.SYSTEM), Refresh(Scope.MAPS), Refresh(Scope.PATHS)]


def test_a_deadline_is_taken_once_and_not_before_its_moment() -> None:
    draft, due = Draft(Story(San.of(["mpio"], PORTALS)).begun().state, moment(0)), Due(Wait.LUNS)
    draft.deadlines[due] = moment(0.5).monotonic
    assert not draft.take(due)
    draft.now = moment(0.5)
    assert draft.take(due)
    assert not draft.take(due)
