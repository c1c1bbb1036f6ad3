"""What a daemon replies to the report of a drill."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.daemon import clock
from mpathd_watch.daemon.drill_history import keep_drill
from mpathd_watch.daemon.keeping import Keeping, Place
from mpathd_watch.sinks.control.message import Reply
from mpathd_watch.store.database import NAME
from mpathd_watch.store.drills import read_drills
from mpathd_watch.store.pending import MOST_DRILLS
from mpathd_watch.store.pruning import Limits
from tests.histories import BEGAN, drill_report

LATER = BEGAN + 600


def keeping(directory: Path) -> Keeping:
    return Keeping(Place(directory, Limits(36_500, 100)), clock.now, lambda *_: None)


def test_a_drill_is_written_with_the_rest(tmp_path: Path) -> None:
    kept = keeping(tmp_path)
    reply = keep_drill(kept, drill_report(), LATER)
    assert reply == Reply(done=True, text=f"drill {'d' * 16} is kept in the history")
    kept.stop()
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        assert [drill.id for drill in read_drills(database)] == ["d" * 16]


def test_no_more_than_a_few_wait_for_a_disk(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    kept = keeping(tmp_path)
    replies = [keep_drill(kept, drill_report(id=f"{number:016x}"), LATER) for number in range(MOST_DRILLS + 1)]
    assert [reply.done for reply in replies] == [True] * MOST_DRILLS + [False]
    assert replies[0].text.endswith("once the store can be written again")
    assert "too many drills wait" in replies[-1].text
    kept.stop()


@pytest.mark.parametrize("report", [{}, drill_report(paths=1), drill_report(more=[[float("inf")]])])
def test_what_makes_no_sense_is_refused(tmp_path: Path, report: dict[str, Any]) -> None:
    kept = keeping(tmp_path)
    reply = keep_drill(kept, report, LATER)
    assert not reply.done
    assert reply.text.startswith("the drill makes no sense: ")
    assert kept.outlet.waiting == 0
    kept.stop()


def test_a_daemon_without_a_store_says_so() -> None:
    assert keep_drill(None, drill_report(), LATER) == Reply(done=False, text="this daemon keeps no history")
