"""What becomes of a request to forget a path or a map."""

from __future__ import annotations

import pytest

from mpathd_watch.core.events import Forget
from mpathd_watch.core.model.expectation import Expectation
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.state import State
from mpathd_watch.daemon.forgetting import forget
from mpathd_watch.sinks.control.message import Request
from tests.factories import make_map, make_path, make_state

HERE, GONE = "192.168.1.1:3260", "192.168.2.1:3260"
MISSING = make_path(GONE, "sdb", member=False)
DEGRADED = make_map("mpio", paths=[make_path(HERE), MISSING])
LOST = make_map("data", paths=[MISSING], sysfs_name="")
STATE = make_state([DEGRADED, LOST])


@pytest.mark.parametrize(
    ("request_", "event", "text"),
    [
        (Request("mpio", GONE), Forget(DEGRADED.wwid, GONE), f"mpio: path is no longer expected: {GONE}"),
        (Request(DEGRADED.wwid), Forget(DEGRADED.wwid, ""), f"mpio: path is no longer expected: {GONE}"),
        (Request("data"), Forget(LOST.wwid, ""), "data: the map is no longer expected"),
        (Request("data", GONE), Forget(LOST.wwid, ""), "data: the map is no longer expected"),
        (Request("mpio", HERE), None, f"mpio: path {HERE} is in the map, and would be learned again"),
        (Request("mpio", "x"), None, f"mpio: no path 'x' is expected; missing are: {GONE}"),
        (Request("other"), None, "no map 'other' is expected"),
    ],
)
def test_only_what_is_missing_can_be_forgotten(request_: Request, event: Forget | None, text: str) -> None:
    found, reply = forget(STATE, request_)
    assert (found, reply.text, reply.done) == (event, text, event is not None)


def declared(*entries: Expectation) -> State:
    return make_state([DEGRADED, LOST, make_map("whole")], settings=Settings(expect=entries))


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (Request("mpio", GONE), f"mpio: path {GONE} is declared in config.toml: change [[expect]] there, and reload"),
        (Request("mpio"), "mpio: what is missing is declared in config.toml"),
        (Request("data"), "data: the map is declared in config.toml: remove its [[expect]] there, and reload"),
        (Request("whole"), "whole: the map exists, and none of its paths is missing"),
        (Request("whole", "x"), "whole: no path 'x' is expected; missing are: none"),
    ],
)
def test_what_is_declared_or_there_is_not_forgotten(request_: Request, text: str) -> None:
    state = declared(Expectation("mpio", 1, frozenset({GONE})), Expectation(LOST.wwid, 2))
    assert forget(state, request_) == (None, (False, text))


def test_a_map_that_is_only_remembered_can_be_forgotten_but_not_one_path_of_it() -> None:
    state = make_state(expected={"3600": ExpectedMap("old", {GONE: ExpectedPath()})})
    event, reply = forget(state, Request("old"))
    assert (event, reply.done, reply.text) == (Forget("3600"), True, "old: the map is no longer expected")
    assert forget(state, Request("old", GONE))[0] is None
