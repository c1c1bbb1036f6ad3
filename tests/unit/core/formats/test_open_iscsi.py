"""Node records and iscsid.conf: the timeouts with their lines, and never a secret."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.open_iscsi import (
    Code,
    Configured,
    Entry,
    Place,
    Record,
    configured,
    keys,
    parse_record,
    record_path,
    setting,
)
from mpathd_watch.core.formats.open_iscsi.record import BUFFER, MAX_PROBLEMS
from tests.golden import GOLDEN

CONF = GOLDEN / "conf"
NODE = (CONF / "node-record").read_text()
ISCSID = (CONF / "iscsid-debian13.conf").read_text()
RTO = keys.REPLACEMENT_TIMEOUT


LONGEST = 160
"""Characters of a problem's text: it becomes a finding's."""


def codes(record: Record) -> list[tuple[int, str]]:
    return [(problem.line, problem.code.value) for problem in record.problems]


def everything(record: Record) -> str:
    """All that a record and its problems hold, as text."""
    return repr(record) + repr(dict(record.entries)) + repr(pickle.dumps([record.problems, dict(record.entries)]))


def test_a_node_record_gives_its_timeouts_and_nothing_else() -> None:
    record = parse_record(NODE, "node")
    assert record.problems == ()
    assert set(record.entries) == set(keys.KEYS)
    assert record.entries[RTO] == Entry(15, 22)
    assert record.entries[keys.STARTUP] == Entry("automatic", 4)


def test_debians_iscsid_conf_is_read_to_the_last_line() -> None:
    record = parse_record(ISCSID, "iscsid.conf")
    assert record.problems == ()
    assert {key: entry.value for key, entry in record.entries.items()} == {
        keys.STARTUP: "manual",
        keys.LEADING_LOGIN: "No",
        keys.NR_SESSIONS: 1,
        keys.REPLACEMENT_TIMEOUT: 120,
        keys.NOOP_OUT_INTERVAL: 5,
        keys.NOOP_OUT_TIMEOUT: 5,
    }


@pytest.mark.parametrize(
    ("text", "expected", "value"),
    [
        (f"{RTO} = 9\n \t\n\n", [], 9),
        (f"{RTO} = 15\n", [], 15),
        (f"  {RTO}\t=15  \r\n", [], 15),
        (f"{RTO} =  15\n", [], 15),
        (f"{RTO}=15\n", [(1, "no_separator")], None),
        (f"{RTO}= 15\n", [(1, "no_separator")], None),
        (f"{RTO} 15\n", [(1, "no_separator")], None),
        (f"{RTO}\n", [(1, "no_value")], None),
        (f"{RTO} =\n", [(1, "no_value")], None),
        (f"{RTO} = \n", [(1, "no_value")], None),
        (f"{RTO}=\n", [(1, "no_separator")], None),
        (f"# {RTO} = 15\n", [], None),
        (f"{RTO} = 15", [(1, "unfinished_line")], None),
        ("# a comment", [], None),
        ("  ", [], None),
        (f"{RTO} = 15s\n", [(1, "bad_value")], 15),
        (f"{RTO} = soon\n", [(1, "bad_value")], 0),
        (f"{RTO} = -1\n", [], -1),
        (f"{RTO} = +7\n", [], 7),
        (f"{RTO} = -\n", [(1, "bad_value")], 0),
        (f"{RTO} = 4294967295\n", [(1, "bad_value")], -1),
        (f"{RTO} = 99999999999999999999999\n", [(1, "bad_value")], -1),
        (f"{RTO} = -99999999999999999999999\n", [(1, "bad_value")], -1),
        (f"{RTO} = 1\n{RTO} = 2\n", [(2, "duplicate_key")], 2),
        (f"{RTO} = 1\0 9\n", [], 1),
        (f"{'x' * 3000}\n{RTO} = 3\n", [(1, "long_line"), (1, "no_separator")], 3),
        (f"{'k' * 200} = x\n{RTO} = 3\n", [(1, "no_separator")], 3),
        ("# BEGIN RECORD 2.1.8\n" + f"{RTO} = 3\n", [(1, "unfinished_record")], 3),
        ("# BEGIN RECORD 2.1.8\n" + f"{RTO} = 3\n# END RECORD\n", [], 3),
        ("# BEGIN RECORD 2.1.8\n" + f"{RTO} = 3\n# END RECORD", [], 3),
        (f"{keys.STARTUP} = sometimes\n", [(1, "bad_value")], None),
        ("some.other.key = whatever\n", [], None),
        ("a line of no kind\n", [(1, "no_separator")], None),
    ],
)
def test_lines_are_read_as_open_iscsi_reads_them(text: str, expected: list[tuple[int, str]], value: int | None) -> None:
    record = parse_record(text, "f")
    assert codes(record) == expected
    assert all(len(problem.text) <= LONGEST for problem in record.problems)
    assert {key: entry.value for key, entry in record.entries.items()} == ({} if value is None else {RTO: value})


def test_a_word_that_open_iscsi_does_not_understand_changes_nothing() -> None:
    record = parse_record(f"{keys.STARTUP} = onboot\n{keys.STARTUP} = never\n", "f")
    assert codes(record) == [(2, "bad_value")]
    assert record.entries == {keys.STARTUP: Entry("onboot", 1)}


def test_the_list_of_problems_has_an_end() -> None:
    problems = parse_record("x\n" * (2 * MAX_PROBLEMS), "f").problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].code is Code.MORE_PROBLEMS


def test_of_an_endless_file_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.core.formats.open_iscsi.record.MAX_TEXT", 200)
    record = parse_record("# BEGIN RECORD 1\n" + f"{RTO} = 3\n" + "#\n" * 200, "f")
    assert record.entries == {RTO: Entry(3, 2)}
    assert [problem.code for problem in record.problems] == [Code.LONG_FILE]


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRET_KEYS = [
    "node.session.auth.username",
    "node.session.auth.password",
    "node.session.auth.username_in",
    "node.session.auth.password_in",
    "discovery.sendtargets.auth.username",
    "discovery.sendtargets.auth.password",
    "host.auth.password",
    "isns.auth.password",
    "node.session.auth.passwort",
]
SHAPES = [
    "{key} = {secret}\n",
    "{key}={secret}\n",
    "{key} {secret}\n",
    "{secret}\n",
    "{key} = x {secret}",
    "{key} ={secret}\n",
    "{secret} = 1\n",
    "{secret}",
    "{key}\t= \t{secret}\r\n",
    "#{key} = {secret}\n",
    "{key} =\n{secret}\n",
]


def test_the_golden_record_holds_secrets_and_the_result_does_not() -> None:
    assert NODE.count("secret-") == 4
    assert "secret-" not in everything(parse_record(NODE, "node"))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(SECRET_KEYS), st.sampled_from(SHAPES)), min_size=1, max_size=6),
    st.text(min_size=0, max_size=8).map(lambda text: f"hunter{text}2".replace("\n", "").replace("\0", "")),
    st.integers(0, len(NODE)),
)
def test_no_secret_reaches_a_result_or_a_problem(lines: list[tuple[str, str]], secret: str, at: int) -> None:
    inserted = "".join(shape.format(key=key, secret=secret) for key, shape in lines)
    start = NODE.rfind("\n", 0, at) + 1
    kept = everything(parse_record(NODE[:start] + inserted + "\n" + NODE[start:], "node"))
    assert "hunter" not in kept
    assert "secret-" not in kept


@pytest.mark.parametrize("key", keys.KEYS)
def test_a_secret_in_the_wrong_place_is_not_shown_either(key: str) -> None:
    assert "hunter" not in everything(parse_record(f"{key} = hunter2\n{key} hunter2\n", "f"))


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_long_line_hides_no_secret_in_its_rest(key: str) -> None:
    text = f"{key} = {'a' * (BUFFER - len(key) - 3)}hunter2 {RTO} = 3\n"
    assert "hunter" not in everything(parse_record(text, "f"))


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(st.text(), st.lists(st.sampled_from([*NODE.splitlines(True), "=", " ", "\0", "#", "\r"])).map("".join))
)
def test_no_text_is_too_much(text: str) -> None:
    record = parse_record(text, "f")
    assert set(record.entries) <= set(keys.KEYS)
    assert all(problem.key in ("", *keys.KEYS) and problem.text.isprintable() for problem in record.problems)
    assert configured(record, record)


# --- who set what -----------------------------------------------------------------------------------------------------


def test_the_record_counts_and_what_it_lacks_is_built_in() -> None:
    record = parse_record(f"{RTO} = 15\n", "node")
    conf = parse_record(f"{RTO} = 60\n{keys.NOOP_OUT_TIMEOUT} = 9\n", "iscsid.conf")
    found = configured(record, conf)
    assert found["replacement_timeout"] == Configured(15, "node", 1)
    assert found["noop_out_timeout"] == Configured(5)


def test_without_a_record_iscsid_conf_counts() -> None:
    conf = parse_record(ISCSID, "iscsid.conf")
    found = configured(None, conf)
    assert found["replacement_timeout"] == Configured(120, "iscsid.conf", 7)
    assert found["noop_out_timeout"] == Configured(5, "iscsid.conf", 11)
    assert setting(keys.STARTUP, None, conf) == Configured("manual", "iscsid.conf", 5)


def test_without_any_file_the_built_in_values_count() -> None:
    assert {name: (each.value, each.line) for name, each in configured(None, None).items()} == {
        "noop_out_interval": (5, 0),
        "noop_out_timeout": (5, 0),
        "replacement_timeout": (120, 0),
    }


# --- places -----------------------------------------------------------------------------------------------------------

IQN = "iqn.2024-01.org.example:lab.disks"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (f"/etc/iscsi/nodes/{IQN}/192.0.2.10,3260,1/default", Place(IQN, "192.0.2.10", 3260, 1, "default")),
        (f"/var/lib/iscsi/nodes/{IQN}/192.0.2.10,3260,1/eth-a", Place(IQN, "192.0.2.10", 3260, 1, "eth-a")),
        (f"/etc/iscsi/nodes/{IQN}/192.0.2.10,3260", Place(IQN, "192.0.2.10", 3260, None, "default")),
        (f"nodes/{IQN}/192.0.2.10,3260/eth-a", Place(IQN, "192.0.2.10", 3260, None, "eth-a")),
        (f"nodes/{IQN}/192.0.2.10,3260,-1/default", Place(IQN, "192.0.2.10", 3260, None, "default")),
        (f"nodes/{IQN}/2001:db8::1,3260,1/default", Place(IQN, "2001:db8::1", 3260, 1, "default")),
        (f"nodes/{IQN}/[2001:db8::1],3260,1/default", Place(IQN, "2001:db8::1", 3260, 1, "default")),
        (f"nodes/{IQN}/fe80::1%eth0,3260,1/default", Place(IQN, "fe80::1%eth0", 3260, 1, "default")),
        (f"nodes/{IQN}/san.example.org,860,12/x", Place(IQN, "san.example.org", 860, 12, "x")),
        ("nodes/nodes/h,1,1/nodes", None),
        (f"nodes/{IQN}/192.0.2.10,3260,1", None),
        (f"nodes/{IQN}/192.0.2.10,3260,1/a/b", None),
        (f"nodes/{IQN}", None),
        (f"/etc/iscsi/{IQN}/192.0.2.10,3260,1/default", None),
        (f"nodes/{IQN}/192.0.2.10/default", None),
        (f"nodes/{IQN}/192.0.2.10,port,1/default", None),
        (f"nodes/{IQN}/192.0.2.10,70000,1/default", None),
        (f"nodes/{IQN}/192.0.2.10,3260,x/default", None),
        (f"nodes/{IQN}/192.0.2.10,²,1/default", None),
        (f"nodes/{IQN}/,3260,1/default", None),
        ("nodes//192.0.2.10,3260,1/default", None),
        ("", None),
    ],
)
def test_the_path_of_a_record_names_its_session(path: str, place: Place | None) -> None:
    assert record_path(path) == place


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["nodes", "/", ",", "a", "1", "-1", "[", "]", ":", ""]), max_size=12).map("".join))
def test_no_path_is_too_much(path: str) -> None:
    place = record_path(path)
    assert place is None or (place.target and place.address and place.iface)


# --- cost -------------------------------------------------------------------------------------------------------------


def steps(work: Callable[[], object]) -> int:
    """How many calls, of Python and of C functions, ``work`` makes."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", ["x\n", f"{RTO} = 5\n", "x", "é", " ", "= ", "# BEGIN RECORD\n"])
def test_the_work_grows_with_the_text_and_no_faster(unit: str) -> None:
    small, large = (steps(lambda n=n: parse_record(unit * n, "f")) for n in (1000, 4000))  # type: ignore[misc]
    assert large <= 4 * small + 2000
