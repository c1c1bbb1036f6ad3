"""What ``status`` shows of many maps: problems first, one line a healthy map, and only what was asked for."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.vocabulary import AccessState, Health, MapHealth, SessionStatus, Suspicion
from mpathd_watch.core.state import State
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.core.verdicts.slow_path import Slowness
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.status.choice import ALL, Choice, chosen
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.view import View
from tests.factories import NOW, article_state, at, make_failed_path, make_map, make_path, make_session, make_state


def host() -> Document:
    """Four maps: one at risk, one with a path that flaps, one that is suspended, and one without a fault."""
    flapping = [make_path(flaps=Flaps((1.0,), at(-60)))]
    maps = [
        make_map("fine"),
        make_map("flaps", flapping),
        make_map("mpio", [make_path(), make_failed_path()], health=MapHealth.AT_RISK),
        make_map("waits", suspended=True),
    ]
    sessions = [make_session(), make_session("192.168.2.1:3260", status=SessionStatus.FAILED)]
    return document(View(make_state(maps, [*sessions, make_session("10.9.9.9:3260")]), NOW))


def names(found: Document) -> list[str]:
    return [entry["map"] for entry in found["maps"]]


def shown(state: State, choice: Choice = ALL) -> list[str]:
    return render(document(View(state, NOW)), colour=False, zone=UTC, choice=choice).splitlines()


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), ["fine", "flaps", "mpio", "waits"]),
        (Choice("fine"), ["fine"]),
        (Choice("wwid-of-mpio"), ["mpio"]),
        (Choice(problems=True), ["flaps", "mpio", "waits"]),
        (Choice("fine", problems=True), []),
        (Choice("none"), []),
    ],
)
def test_the_maps_that_are_chosen(choice: Choice, expected: list[str]) -> None:
    found = chosen(host(), choice)
    assert names(found) == expected
    assert {**found, "maps": [], "sessions": []} == {**host(), "maps": [], "sessions": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"flaps": Flaps((1.0,), at(-60))},
        {"slowness": Slowness(by_latency=Latency(slow=True))},
        {"marginal": True},
        {"overdue": True},
        {"health": Health.SUSPECT},
        {"health": Health.UNKNOWN},
    ],
)
def test_a_path_that_works_and_not_well_is_a_problem_of_its_map(changes: dict[str, Any]) -> None:
    troubled = make_map("a", [make_path(), make_path("192.168.2.1:3260", **changes)])
    found = document(View(make_state([make_map("b"), troubled]), NOW))
    assert names(chosen(found, Choice(problems=True))) == ["a"]


def test_the_sessions_that_stay_are_those_of_the_maps_and_those_in_trouble() -> None:
    found = host()
    assert [each["portal"] for each in chosen(found, Choice("fine"))["sessions"]] == [
        "192.168.1.1:3260",
        "192.168.2.1:3260",
    ]
    assert chosen(found, Choice("none"))["sessions"] == []
    alone = document(
        View(
            make_state(
                [],
                [
                    make_session(),
                    replace(make_session("10.0.0.1:3260"), suspicion=Suspicion.SILENCE),
                    make_session("10.0.0.2:3260", status=SessionStatus.MISSING),
                ],
            ),
            NOW,
        )
    )
    in_trouble = chosen(alone, Choice(problems=True))["sessions"]
    assert [each["session"].partition("/")[0] for each in in_trouble] == ["10.0.0.1:3260", "10.0.0.2:3260"]


def test_24_healthy_maps_fit_one_screen() -> None:
    maps = [make_map(f"mpath{letter}", sysfs_name=f"dm-{letter}") for letter in "abcdefghijklmnopqrstuvwx"]
    sessions = [make_session(), make_session("192.168.2.1:3260")]
    lines = shown(make_state(maps, sessions))
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    healthy = [line for line in lines if "HEALTHY" in line]
    assert len(healthy) == 24
    assert healthy[0] == "mpatha  HEALTHY  2 of 2 up  since 09:06:40  dm-a  LIO-ORG disk1"


def test_problems_come_first_and_the_columns_of_healthy_maps_are_aligned() -> None:
    maps = [make_map("a", sysfs_name="dm-1"), make_map("longer", sysfs_name="dm-10")]
    lines = shown(make_state([*maps, make_map("z", [make_path(marginal=True)]), *article_state().maps.values()]))
    assert lines[0] == "4 maps: 3 healthy, 1 at risk"
    assert [line.split()[0] for line in lines if "HEALTHY" in line or "RISK" in line] == ["mpio", "z", "a", "longer"]
    assert lines[-2].index("LIO-ORG") == lines[-1].index("LIO-ORG")
    assert lines[-2].index("HEALTHY") == lines[-1].index("HEALTHY")


def test_what_an_array_reports_stays_on_the_line_of_a_healthy_map() -> None:
    standby = make_path("p2", access=AccessFacts(True, "alua", AccessState.STANDBY, preferred=False, group=2))
    active = make_path("p1", access=AccessFacts(True, "alua", AccessState.OPTIMIZED, preferred=True, group=1))
    assert "  2 of 2 up, 1 optimized  since" in shown(make_state([make_map(paths=[active, standby])]))[2]


def test_one_map_is_shown_with_its_paths_and_the_first_line_is_about_the_host() -> None:
    lines = shown(make_state([make_map("a"), make_map("b")]), Choice("b"))
    assert lines[0] == "2 maps: 2 healthy"
    assert lines[2].startswith("b  HEALTHY  2 of 2 paths usable")
    assert [line.split()[1] for line in lines[3:]] == ["up", "up"]


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Choice(problems=True), "no map has a problem"),
        (Choice("a", problems=True), "a has no problem"),
        (Choice("c"), "there is no map c"),
        (Choice("c\x1b[2J\n", problems=True), r"there is no map c\x1b[2J"),
    ],
)
def test_a_line_says_why_nothing_is_shown(choice: Choice, text: str) -> None:
    assert shown(make_state([make_map("a")]), choice)[1:] == ["", text]


def test_before_the_first_reading_nothing_is_missed() -> None:
    assert shown(State(), Choice("a")) == ["reading the host for the first time"]
