"""The signs of life of an iSCSI session."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mpathd_watch.sources.sysfs import attributes as attributes_module
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Look, unreadable


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def look(san: FakeSysfs) -> Look:
    return Look(san)


class Pulse:
    """One session and its proofs of life."""

    def __init__(self, san: FakeSysfs, look: Look) -> None:
        self.session = san.sessions[0]
        self.look = look

    def at(self, now: float, *, afresh: bool = False) -> float | None:
        """When the session was last known to be alive, as of a read at ``now``."""
        self.look.now = now
        return self.look.at_sessions(afresh=afresh)[0].alive


@pytest.fixture
def pulse(san: FakeSysfs, look: Look) -> Pulse:
    return Pulse(san, look)


def test_a_session_is_alive_when_its_exp_statsn_moves_and_not_before_that_is_seen(pulse: Pulse) -> None:
    assert pulse.at(1.0) is None
    assert pulse.at(2.0) is None
    pulse.session.answer()
    assert pulse.at(3.0) == 3.0
    assert pulse.at(4.0) == 3.0
    assert pulse.at(5.0, afresh=True) == 3.0
    pulse.session.answer()
    assert pulse.at(6.0, afresh=True) == 6.0


@pytest.mark.parametrize("moved", [0, 257, 259, 4294967295])
def test_whatever_way_it_moves(pulse: Pulse, moved: int) -> None:
    pulse.at(1.0)
    pulse.session.connection.set("exp_statsn", moved)
    assert pulse.at(2.0) == 2.0


def test_the_last_proof_of_life_is_kept_through_an_outage_and_a_login_is_one(pulse: Pulse) -> None:
    pulse.at(1.0)
    pulse.session.answer()
    pulse.at(2.0)
    pulse.session.fail()
    assert pulse.at(15.0) == 2.0
    pulse.session.connection.set("exp_statsn", 7)  # iscsid tries to log in
    assert pulse.at(16.0) == 2.0
    pulse.session.expire()
    assert pulse.at(20.0, afresh=True) == 2.0
    pulse.session.recover()
    assert pulse.at(40.0) == 40.0
    assert pulse.at(41.0) == 40.0
    pulse.session.answer()
    assert pulse.at(42.0) == 42.0


def test_a_state_that_could_not_be_read_is_no_login(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> None:
    pulse.at(1.0)
    with unreadable(monkeypatch, errno.EIO, "session1/state"):
        assert pulse.at(2.0) is None
    pulse.session.answer()
    assert pulse.at(3.0) is None
    pulse.session.answer()
    assert pulse.at(4.0) == 4.0


@pytest.mark.parametrize("raw", [b"", b"(null)\n", b"many\n", b"\xff" * 64, b"9" * 5000, b"1\n2\n"])
def test_an_exp_statsn_that_makes_no_sense_proves_nothing_nor_does_the_first_that_does(
    pulse: Pulse, raw: bytes
) -> None:
    pulse.at(1.0)
    pulse.session.answer()
    pulse.at(2.0)
    pulse.session.connection.set("exp_statsn", raw)
    assert pulse.at(3.0) == 2.0
    assert pulse.look.problems == ({} if raw in (b"", b"(null)\n") else {"unknown_value": 1})
    pulse.session.connection.set("exp_statsn", 1000)
    assert pulse.at(4.0) == 2.0
    pulse.session.answer()
    assert pulse.at(5.0) == 5.0


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTCONN, errno.EIO, errno.EACCES])
def test_an_exp_statsn_that_cannot_be_read_proves_nothing_and_is_counted(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    pulse.at(1.0)
    with unreadable(monkeypatch, number, "connection1:0/exp_statsn"):
        assert pulse.at(2.0) is None
        assert pulse.look.problems == {errno.errorcode[number]: 1}


def test_the_time_is_that_just_after_the_read(san: FakeSysfs, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(san)
    look.at_sessions()
    san.sessions[0].answer()
    read = attributes_module._read

    def slow(path: Path, size: int) -> bytes:
        if path.name == "exp_statsn":
            look.now += 1.0
        return read(path, size)

    monkeypatch.setattr(attributes_module, "_read", slow)
    assert look.at_sessions()[0].alive == 101.0


def test_two_readings_that_differ_in_the_signs_of_life_alone_are_equal(san: FakeSysfs, look: Look) -> None:
    before = look.at_sessions()
    san.sessions[0].answer()
    after = look.at_sessions()
    assert after == before
    assert (before[0].alive, after[0].alive) == (None, 100.0)


def test_a_number_that_comes_back_after_the_session_was_gone_begins_anew(san: FakeSysfs, pulse: Pulse) -> None:
    pulse.at(1.0)
    pulse.session.answer()
    assert pulse.at(2.0) == 2.0
    san.logout(pulse.session)
    assert [facts.sid for facts in pulse.look.at_sessions()] == [2]
    pulse.session = san.login(sid=1)
    assert pulse.at(4.0) is None
    assert pulse.at(5.0) is None


def test_no_descriptor_is_left_behind_however_sessions_come_and_go(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        session = san.login("192.168.3.1:3260")
        look.at_sessions()
        session.answer()
        look.at_sessions()
        look.at_ends()
        san.logout(session)
        look.at_sessions(afresh=True)
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
