"""Deadlines: what any writes leave, which are due, and which one is next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.state import Deadlines, Due, Wait

dues = st.builds(
    Due,
    st.sampled_from([Wait.CAUSE, Wait.OVERDUE]),
    st.sampled_from(["", "w1", "w2", "w3"]),
    st.sampled_from(["", "p"]),
)
writes = st.lists(st.tuples(dues, st.none() | st.integers(0, 20)), max_size=20)
"""Deadlines with their moments; ``None`` for one that is dropped."""


@given(drafts=st.lists(writes, max_size=5), now=st.integers(-1, 21), gone=st.sampled_from(["w1", "w2"]))
def test_any_writes_do_to_them_what_they_do_to_a_dictionary(
    drafts: list[list[tuple[Due, int | None]]], now: int, gone: str
) -> None:
    like: dict[Due, float] = {}
    deadlines = Deadlines.of({})
    for writes_of_one in drafts:
        before, was = deadlines, dict(deadlines)
        draft = deadlines.draft()
        for due, moment in writes_of_one:
            if moment is None:
                draft.drop(due)
                like.pop(due, None)
            else:
                draft[due] = like[due] = moment
            assert (due in draft) is (due in like)
            assert (draft.get(due), draft.get(due, -1.0)) == (like.get(due), like.get(due, -1.0))
            assert sorted(draft.come(now)) == sorted(each for each, at in like.items() if at <= now)
        deadlines = draft.finished()
        assert (deadlines == like, len(deadlines)) == (True, len(like))
        assert deadlines.next == min(like.values(), default=None)
        assert before == was
        assert Deadlines.of(dict(deadlines)).next == deadlines.next
    draft = deadlines.draft()
    assert [like[due] for due in draft.come(now)] == sorted(moment for moment in like.values() if moment <= now)
    draft.drop_map(gone)
    assert set(draft) == {due for due in like if due.wwid != gone}


def test_nothing_written_is_no_other_object() -> None:
    deadlines = Deadlines.of({Due(Wait.AUDIT): 5.0})
    draft = deadlines.draft()
    draft.drop(Due(Wait.MOVES))
    draft.drop_map("w1")
    assert draft.finished() is deadlines
    assert Deadlines.of(deadlines) is deadlines


def test_a_deadline_that_is_not_set_is_an_error() -> None:
    draft = Deadlines.of({}).draft()
    with pytest.raises(KeyError):
        draft[Due(Wait.AUDIT)]
    with pytest.raises(KeyError):
        del draft[Due(Wait.AUDIT)]


def test_their_text_shows_them_in_order() -> None:
    later, sooner = Due(Wait.OVERDUE, "w2"), Due(Wait.CAUSE, "w1", "p")
    assert repr(Deadlines.of({later: 1.0, sooner: 2.0})) == f"Deadlines({{{sooner!r}: 2.0, {later!r}: 1.0}})"
