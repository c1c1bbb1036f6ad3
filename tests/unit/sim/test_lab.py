"""The simulator's world beside records of the real kernel (``tests/golden/model``): the same course, the same times."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sim import lab, replay
from tests.sim.lab import Fault, Mark, Record
from tests.sim.laws import Laws
from tests.sim.world.shape import Shape

NAMES = lab.names()
KINDS = {
    *("link down", "silent drop", "reset", "target killed", "logout", "device offline"),
    *("multipathd fail path", "LUN not ready"),
}
OFTEN = 0.1
"""Share of its plays in which the model must take the course of the lab."""


@pytest.mark.parametrize("name", NAMES)
def test_each_fault_takes_the_course_of_the_lab(name: str) -> None:
    found = replay.compared(name)
    seldom = [
        (fault, sorted(replay.sequences(replay.of_fault(found.record, number))))
        for number, fault in enumerate(found.record.faults)
        if found.alike[number] < OFTEN
    ]
    assert not seldom


@pytest.mark.parametrize("name", NAMES)
def test_each_phase_takes_a_time_that_the_model_allows(name: str) -> None:
    found = replay.compared(name)
    assert len(found.verdicts) == len(found.record.marks)
    wrong = [
        f"{each.kind} {each.phase}: lab {each.measured:.2f} s, model {each.least:.2f} to {each.most:.2f} s"
        for each in found.wrong
    ]
    assert not wrong


def test_the_records_have_each_kind_of_fault_three_times_an_array_with_alua_and_debian_12() -> None:
    records = [lab.load(name) for name in NAMES]
    thrice = lab.load("causes_thrice.trixie")
    assert {fault.kind for fault in thrice.faults} == KINDS
    assert all(sum(fault.kind == kind for fault in thrice.faults) == 3 for kind in KINDS)
    assert sum(record.shape.alua for record in records) >= 2
    assert sum(record.suite == "bookworm" for record in records) >= 2


@pytest.mark.parametrize(
    ("laws", "phase"),
    [
        (Laws(time_to_wait=5.0), "repair to session LOGGED_IN"),
        (Laws(retry=0.5), "repair to session LOGGED_IN"),
        (Laws(ping_timer_lateness=(2.0, 3.0)), "fault to error"),
        (Laws(session_down=(0.8, 0.9)), "error to session FAILED"),
        (Laws(late_answers=0.0, alignment=(0.3, 0.4)), "session LOGGED_IN to dm A"),
    ],
)
def test_a_wrong_law_is_noticed(laws: Laws, phase: str) -> None:
    found = replay.compare(lab.load("causes_thrice.trixie"), laws, seeds=60)
    assert phase in {verdict.phase.name for verdict in found.wrong}


THRICE = lab.load("causes_thrice.trixie")


@pytest.mark.parametrize(
    ("shape", "phase"),
    [
        (replace(THRICE.shape, recovery_tmo=6), "session FAILED to session FREE"),
        (replace(THRICE.shape, recv_tmo=8), "fault to error"),
        (replace(THRICE.shape, polling_interval=1, max_polling_interval=1), "session LOGGED_IN to dm A"),
    ],
)
def test_a_wrong_timeout_is_noticed(shape: Shape, phase: str) -> None:
    found = replay.compare(replace(THRICE, shape=shape), seeds=60)
    assert phase in {verdict.phase.name for verdict in found.wrong}


def test_the_model_plays_a_record_the_same_way_for_the_same_seed() -> None:
    record = lab.load("array_unavailable.trixie")
    assert replay.play(record, "a") == replay.play(record, "a")
    assert replay.play(record, "a") != replay.play(record, "b")


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_kept_as_it_was_read(name: str) -> None:
    record = lab.load(name)
    assert lab.text_of(record) == (lab.GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_record_has_no_names_or_addresses(name: str) -> None:
    text = (lab.GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    assert not any(private in text for private in ("192.168", "iqn.", "session1", "sda", "/work"))
    assert len(text) < 8192


# --- reading the lab's logs -------------------------------------------------------------------------------------------

CALLED = "lab qemu-ga[1]: info: guest-exec called: \"/bin/sh -c cut -d' ' -f1 /proc/uptime; { "
PORTAL = "192.168.1.1:3260"
TIMEOUTS = {"recovery_tmo": "5", "recv_tmo": "5", "ping_tmo": "5"}
DISK = {"id": "sdb", "dev_t": "8:16", "hctl": "0:0:0:1", "session": "session1", "portal": PORTAL}
PATH = {"DM_PATH": "8:16", "DM_NAME": "mpio"}
ROWS: list[tuple[float, str, dict[str, object]]] = [
    (100.0, "recorder", {"kernel": "6.12"}),
    (100.1, "session", {"id": "session1", "portal": PORTAL, "state": "LOGGED_IN", **TIMEOUTS}),
    (100.1, "device", {**DISK, "state": "running"}),
    (100.1, "link", {"id": "p1", "carrier": "1"}),
    (100.1, "map", {"id": "mpio", "paths": {"8:16": "A"}}),
    (103.0, "link", {"id": "p1", "carrier": "0"}),
    (112.0, "kmsg", {"text": " connection1:0: detected conn error (1022)"}),
    (112.1, "session", {"id": "session1", "portal": PORTAL, "state": "FAILED", **TIMEOUTS}),
    (112.2, "device", {**DISK, "state": "blocked"}),
    (113.0, "kmsg", {"text": " connection1:0: detected conn error (1020)"}),
    (117.5, "uevent", {"DM_ACTION": "PATH_FAILED", **PATH}),
    (121.0, "device", {**DISK, "state": "running"}),
    (122.0, "session", {"id": "session1", "portal": PORTAL, "state": "LOGGED_IN", **TIMEOUTS}),
    (124.0, "uevent", {"DM_ACTION": "PATH_REINSTATED", **PATH}),
    (131.0, "session", {"id": "session1", "portal": "None:None", "state": None}),
    (131.1, "device", {**DISK, "state": None}),
    (131.2, "map", {"id": "mpio", "paths": {}}),
    (136.0, "session", {"id": "session2", "portal": PORTAL, "state": "FREE", **TIMEOUTS}),
    (136.1, "session", {"id": "session2", "portal": PORTAL, "state": "LOGGED_IN", **TIMEOUTS}),
    (136.2, "device", {**DISK, "session": "session2", "state": "running"}),
    (137.0, "map", {"id": "mpio", "paths": {"8:16": "A"}}),
    (140.0, "heard", {"portal": PORTAL}),
]
STORY = f"""\
Two faults.

     0.1  link to {PORTAL} down
    15.0  truth: dm says F of {PORTAL} at +14.5 s
    18.0  link to {PORTAL} up
    27.0  logout of {PORTAL}
    32.0  login to {PORTAL}
"""
JOURNAL = f"""\
[  102.900000] {CALLED}ip -n san link set t1 down; }} >&2"
[  103.900000] lab qemu-ga[1]: info: guest-exec called: "/bin/sh -c cat /run/lab/truth.jsonl"
[  120.800000] {CALLED}ip -n san link set t1 up; }} >&2"
[  130.500000] {CALLED}iscsiadm -m node --logout; }} >&2"
[  135.500000] {CALLED}iscsiadm -m node --login; }} >&2"
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "trixie/causes_thrice"
    directory.mkdir(parents=True)
    lines = [json.dumps({"mono": mono, "source": source, **row}) for mono, source, row in ROWS]
    (directory / "truth.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / "story.log").write_text(STORY, encoding="utf-8")
    (directory / "journal.txt").write_text(JOURNAL, encoding="utf-8")
    (directory / "writes.jsonl").write_text("", encoding="utf-8")
    return directory


def rounded(record: Record) -> tuple[list[Fault], list[Mark]]:
    faults = [
        Fault(each.kind, each.portal, *(round(at, 2) for at in (each.begin, each.end, each.ready)))
        for each in record.faults
    ]
    return faults, [replace(mark, moment=round(mark.moment, 2)) for mark in record.marks]


def test_the_faults_and_the_marks_are_read_from_the_logs(logs: Path) -> None:
    record = lab.read(logs)
    faults, marks = rounded(record)
    assert faults == [Fault("link down", 1, 2.9, 20.8, 20.8), Fault("logout", 1, 30.5, 35.5, 35.5)]
    assert [(mark.moment, mark.kind, mark.state) for mark in marks] == [
        (3.0, "carrier", "0"),
        (12.0, "error", "1022"),
        (12.1, "session", "FAILED"),
        (12.2, "disk", "blocked"),
        (17.5, "dm", "F"),
        (21.0, "session", "LOGGED_IN"),
        (21.0, "disk", "running"),
        (24.0, "dm", "A"),
        (31.0, "session", "gone"),
        (31.1, "disk", "gone"),
        (31.2, "member", "out"),
        (36.1, "session", "LOGGED_IN"),
        (36.2, "disk", "running"),
        (37.0, "member", "in"),
    ]
    assert (record.busy, record.shape.polling_interval, record.shape.recovery_tmo) == (0, 3, 5)


def test_the_command_keeps_a_record(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "GOLDEN", tmp_path / "golden")
    assert lab.main(["causes_thrice", "trixie", "--logs", str(tmp_path)]) == 0
    assert lab.names() == ["causes_thrice.trixie"]
    assert rounded(lab.load("causes_thrice.trixie")) == rounded(lab.read(logs))
