"""The comparison of what many paths did with what was reported of them."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.vocabulary import DeviceState, DmState
from tests.lab.kit.transitions import (
    FAILED,
    UP,
    Comparison,
    Subject,
    Transition,
    compare,
    differences,
    healths,
    map_healths,
    of_journal,
    of_kernel,
    of_maps,
    unrecorded,
)
from tests.lab.kit.truth import Record
from tests.lab.kit.watch import PREFIX, Entry, entry_of
from tests.story import San, Story, Told

FIRST, SECOND = ("a", "2:0:0:0"), ("a", "3:0:0:0")
LABELS = {"8:0": "2:0:0:0", "8:16": "3:0:0:0", "8:32": "4:0:0:0"}


def uevent(at: float, action: str, dev_t: str, seqnum: int, name: str = "a") -> Record:
    values = {"mono": at, "DM_ACTION": action, "DM_PATH": dev_t, "DM_SEQNUM": str(seqnum), "DM_NAME": name}
    return Record(at, "uevent", values)


def entry(at: float, event: str, health: str, path: str = "", previous: str = "") -> Entry:
    fields = {"EVENT": event, "MAP": "a", "HEALTH": health}
    fields |= {"PATH": path} if path else {}
    fields |= {"PREVIOUS_HEALTH": previous} if previous else {}
    return Entry(at, 6, "", fields, from_systemd=False)


def story(subject: Subject, *told: tuple[float, str]) -> list[Transition]:
    return [Transition(at, subject, health) for at, health in told]


def test_uevents_that_come_newest_first_are_put_in_the_order_of_dm() -> None:
    records = [
        uevent(1.1, "PATH_REINSTATED", "8:0", 8),
        uevent(1.2, "PATH_FAILED", "8:0", 7),
        Record(1.3, "uevent", {"mono": 1.3, "ACTION": "change", "SUBSYSTEM": "block"}),
        Record(1.4, "kmsg", {"mono": 1.4, "text": "DM_ACTION"}),
    ]
    assert of_kernel(records, LABELS) == story(FIRST, (1.2, FAILED), (1.1, UP))


def test_numbers_of_uevents_are_no_text() -> None:
    records = [uevent(2.0, "PATH_REINSTATED", "8:0", 10), uevent(1.0, "PATH_FAILED", "8:0", 9)]
    assert [each.health for each in of_kernel(records, LABELS)] == [FAILED, UP]


def test_a_disk_without_a_label_is_named_by_its_number() -> None:
    (found,) = of_kernel([uevent(1.0, "PATH_FAILED", "8:48", 1)], LABELS)
    assert found.subject == ("a", "8:48")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (1, ["lost"]),
        (2, ["at_risk", "lost", "at_risk"]),
        (3, ["degraded", "at_risk", "degraded"]),
        (4, ["degraded"]),
    ],
)
def test_a_map_follows_from_its_paths(paths: int, expected: list[str]) -> None:
    failed = story(FIRST, (1.0, FAILED)) + (story(SECOND, (2.0, FAILED), (3.0, UP)) if paths > 1 else [])
    found = of_maps(failed, {"a": paths})
    assert [(each.subject, each.health) for each in found][: len(expected)] == [(("a", ""), each) for each in expected]
    assert [each.health for each in of_maps([*failed, *story(FIRST, (4.0, UP))], {"a": paths})][-1] == "healthy"


def test_a_map_that_stays_as_it_is_has_no_transition() -> None:
    found = of_maps([*story(FIRST, (1.0, FAILED)), *story(SECOND, (2.0, FAILED))], {"a": 4, "b": 4})
    assert found == story(("a", ""), (1.0, "degraded"))


def test_reports_are_the_healths_of_paths_and_maps_in_the_journal() -> None:
    entries = [
        entry(1.0, "path_failed", "failed", "2:0:0:0", "up"),
        entry(1.1, "map_degraded", "degraded"),
        entry(1.2, "path_cause", "failed", "2:0:0:0"),
        entry(1.3, "path_overdue", "failed", "2:0:0:0", "failed"),
        entry(1.4, "session_lost", "failed", "2:0:0:0"),
        Entry(1.5, 6, "serves metrics", {"EVENT": "daemon"}, from_systemd=False),
        Entry(1.6, 6, "Started", {}, from_systemd=True),
        entry(2.0, "path_reinstated", "up", "2:0:0:0", "failed"),
        entry(2.1, "map_healthy", "healthy"),
    ]
    expected = story(FIRST, (1.0, FAILED), (2.0, UP)) + story(("a", ""), (1.1, "degraded"), (2.1, "healthy"))
    assert sorted(of_journal(entries), key=str) == sorted(expected, key=str)


def test_what_was_reported_rightly_has_a_lateness_and_an_end() -> None:
    true = story(FIRST, (1.0, FAILED), (5.0, UP))
    found = compare(true, story(FIRST, (1.25, FAILED), (5.5, UP)))
    assert found.problems() == []
    assert found == Comparison(lateness=(0.25, 0.5), settled=0.5)


@pytest.mark.parametrize(
    ("reported", "problem"),
    [
        (story(FIRST, (1.0, FAILED)), "1 transitions were not reported: a 2:0:0:0 up at 5.00"),
        (
            story(FIRST, (1.0, FAILED), (1.5, "recovering"), (5.0, UP)),
            "1 reported transitions never happened: a 2:0:0:0 recovering at 1.50",
        ),
        (story(FIRST, (1.0, UP), (5.0, FAILED)), "1 stories are in another order: a 2:0:0:0"),
        (
            story(FIRST, (0.25, FAILED), (5.0, UP)),
            "1 transitions were reported before they happened: a 2:0:0:0 failed at 0.25",
        ),
        (
            story(FIRST, (1.0, FAILED), (5.0, UP)) + story(("b", ""), (3.0, "lost")),
            "1 reported transitions never happened: b lost at 3.00",
        ),
    ],
    ids=["missing", "invented", "order", "early", "another map"],
)
def test_a_difference_is_named(reported: list[Transition], problem: str) -> None:
    assert compare(story(FIRST, (1.0, FAILED), (5.0, UP)), reported).problems() == [problem]


def test_many_differences_are_counted() -> None:
    true = [each for lun in range(512) for each in story(("a", f"2:0:0:{lun}"), (1.0, FAILED))]
    (problem,) = compare(true, []).problems()
    assert problem.startswith("512 transitions were not reported: ")
    assert problem.endswith("; and 509 more")


def test_twice_failed_and_once_reported_is_one_pair_too_few() -> None:
    true = story(FIRST, (1.0, FAILED), (2.0, UP), (3.0, FAILED), (4.0, UP))
    found = compare(true, story(FIRST, (3.1, FAILED), (4.1, UP)))
    assert [each.health for each in found.missing] == [FAILED, UP]
    assert not found.invented


def test_nothing_is_right_if_nothing_happened() -> None:
    assert compare([], []) == Comparison()


@given(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1", "2"])), st.integers(1, 6), max_size=6),
    st.randoms(use_true_random=False),
)
def test_true_reports_are_right_in_any_order_of_the_subjects(stories: dict[Subject, int], random: Random) -> None:
    true = [
        Transition(float(at), subject, (FAILED, UP)[at % 2])
        for subject, length in stories.items()
        for at in range(length)
    ]
    queues = {subject: [each for each in true if each.subject == subject] for subject in stories}
    mixed = []
    while queues:
        subject = random.choice(sorted(queues))
        mixed.append(queues[subject].pop(0))
        queues = {subject: left for subject, left in queues.items() if left}
    assert compare(true, mixed).problems() == []
    if mixed:
        gap = random.randrange(len(mixed))
        assert compare(true, mixed[:gap] + mixed[gap + 1 :]).missing
        assert compare(true, [*mixed, Transition(9.0, ("c", ""), "lost")]).invented


def test_the_record_must_lead_to_what_dm_has() -> None:
    before = {"a": {"8:0": "A", "8:16": "A", "8:32": "F"}}
    after = {"a": {"8:0": "F", "8:16": "A", "8:32": "F"}}
    assert unrecorded(before, story(FIRST, (1.0, FAILED)), after, LABELS) == []
    assert unrecorded(before, [], after, LABELS) == ["a 2:0:0:0: failed in dm, up by the uevents"]
    assert unrecorded(before, story(FIRST, (1.0, FAILED), (2.0, UP)), before, LABELS) == []


def test_healths_follow_from_dms_status() -> None:
    states = {"a": {"8:0": "F", "8:16": "A", "8:32": "A"}}
    assert healths(states, LABELS) == {("a", "2:0:0:0"): FAILED, ("a", "3:0:0:0"): UP, ("a", "4:0:0:0"): UP}
    assert map_healths(states) == {("a", ""): "degraded"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({("a", ""): "healthy"}, []),
        ({("a", ""): "lost"}, ["a is lost, not healthy"]),
        ({}, ["a is None, not healthy"]),
        ({("a", ""): "healthy", FIRST: "up"}, ["a 2:0:0:0 is up, not None"]),
    ],
)
def test_a_health_that_is_not_right_is_named(found: dict[Subject, Any], expected: Iterable[str]) -> None:
    assert differences({("a", ""): "healthy"}, found) == expected


def burst() -> Story:
    """Six maps of four paths without a session, of which the first of each fails; a second later dm reinstates it."""
    san = San()
    for name in "abcdef":
        wwid = san.add_map(name)
        for _ in range(4):
            san.add_disk(wwid, None)
    story = Story(san).begun().at(0)
    for second, state in ((1.0, DmState.FAILED), (2.0, DmState.ACTIVE)):
        story.at(second)
        for known in san.maps.values():
            story.dm(known.slaves[0], state)
    return story


def journal(told: Iterable[Told]) -> list[Entry]:
    """What journalctl would show of these alerts, as the lab reads it."""
    return [
        entry_of(
            {
                "__MONOTONIC_TIMESTAMP": str(round(1e6 * each.at)),
                "PRIORITY": str(int(each.alert.priority)),
                "MESSAGE": each.alert.message,
                f"{PREFIX}EVENT": each.event,
                **{f"{PREFIX}{name}": value for name, value in each.alert.fields.items()},
            }
        )
        for each in told
        if each.at > 0
    ]


def test_the_product_reports_a_burst_of_paths_without_a_session_rightly() -> None:
    story = burst()
    devices = [story.san.devices[known.slaves[0]] for known in story.san.maps.values()]
    assert all(device.state is DeviceState.RUNNING for device in devices)
    labels = {device.dev_t: device.hctl for device in story.san.devices.values()}
    records = [
        uevent(at, action, device.dev_t, number, known.name)
        for number, (at, action) in enumerate(((1.0, "PATH_FAILED"), (2.0, "PATH_REINSTATED")), 1)
        for device, known in zip(devices, story.san.maps.values(), strict=True)
    ]
    paths = of_kernel(records, labels)
    true = paths + of_maps(paths, dict.fromkeys("abcdef", 4))
    assert len(true) == 24
    assert compare(true, of_journal(journal(story.told))) == Comparison(lateness=(0.0,) * 24)

    path_failed = next(each for each in story.told if each.event == "path_failed")
    without = [each for each in story.told if each is not path_failed]
    assert len(compare(true, of_journal(journal(without))).missing) == 1
