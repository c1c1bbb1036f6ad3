"""The signs of life of an iSCSI session."""

from __future__ import annotations

import errno
import gc
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.model.facts import TcpFacts
from mpathd_watch.core.model.vocabulary import SessionStatus
from mpathd_watch.sources.iscsi import sessions as module
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.reading.open_attribute import OpenAttribute
from tests.fakes.sysfs import FakeSysfs, healthy_san
from tests.reading import Look, Meddler, before_each_read, kernfs, unreadable


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

    def at(self, now: float, *, everything: bool = False) -> float | None:
        """When the session was last known to be alive, as of a read at ``now``."""
        self.look.now = now
        return self.look.at_sessions(everything=everything)[0].alive


@pytest.fixture
def pulse(san: FakeSysfs, look: Look) -> Pulse:
    return Pulse(san, look)


def test_a_session_is_alive_when_its_exp_statsn_moves_and_not_before_that_is_seen(pulse: Pulse) -> None:
    assert pulse.at(1.0) is None
    assert pulse.at(2.0) is None
    pulse.session.answer()
    assert pulse.at(3.0) == 3.0
    assert pulse.at(4.0) == 3.0
    assert pulse.at(5.0, everything=True) == 3.0
    pulse.session.answer()
    assert pulse.at(6.0, everything=True) == 6.0


class Gap:
    """A session that answers between a reading at 1.0 and one at 17.0, because a read hung."""

    def __init__(self, san: FakeSysfs) -> None:
        self.now = 1.0
        self.sessions = Sessions(san.root, lambda: self.now)
        self.sid = self.sessions.read(Attributes())[0].sid
        san.sessions[0].answer()
        self.now = 17.0

    def alive(self, *, heard: float | None = None, asked: bool = True) -> float | None:
        tcp = {} if heard is None else {self.sid: TcpFacts(0.0005, 0, 0, heard)}
        return self.sessions.read(Attributes(), tcp=tcp if asked else None)[0].alive


@pytest.mark.parametrize(("heard", "alive"), [(3.1, 3.1), (17.5, 17.0), (0.4, 1.0), (None, 17.0)])
def test_after_a_gap_the_moment_of_the_sign_of_life_is_that_of_tcp(
    san: FakeSysfs, heard: float | None, alive: float
) -> None:
    assert Gap(san).alive(heard=heard) == alive


def test_after_a_gap_a_sign_of_life_waits_for_the_tcp_facts(san: FakeSysfs) -> None:
    gap = Gap(san)
    assert gap.alive(asked=False) is None
    gap.now = 17.5
    assert gap.alive(asked=False) is None
    gap.now = 18.0
    assert gap.alive(heard=3.1) == 3.1
    san.sessions[0].answer()
    gap.now = 18.5
    assert gap.alive(asked=False) == 18.5


@pytest.mark.parametrize("at_once", [True, False])
def test_after_a_gap_a_login_does_not_show_that_the_session_has_answered_since(san: FakeSysfs, at_once: bool) -> None:
    san.sessions[0].fail()
    gap = Gap(san)
    san.sessions[0].recover()
    if not at_once:
        assert gap.alive(asked=False) == 1.0
        gap.now = 17.5
        assert gap.alive(asked=False) == 1.0
    assert gap.alive(heard=3.1) == 3.1


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
    assert pulse.at(3.0) == 2.0
    pulse.session.connection.set("exp_statsn", 7)  # iscsid tries to log in
    assert pulse.at(3.5) == 2.0
    pulse.session.expire()
    assert pulse.at(4.0, everything=True) == 2.0
    pulse.session.recover()
    assert pulse.at(5.0) == 5.0
    assert pulse.at(6.0) == 5.0
    pulse.session.answer()
    assert pulse.at(7.0) == 7.0


def test_an_answer_just_before_the_failure_is_found_with_it(pulse: Pulse) -> None:
    """A target answered and closed the connection between two readings: its silence was taken for 4 s too long."""
    pulse.at(1.0)
    pulse.session.answer()
    assert [pulse.at(now) for now in (2.0, 3.0, 4.0, 5.0, 6.0)] == [2.0] * 5
    pulse.session.answer()
    pulse.session.fail()
    assert pulse.at(6.5) == 6.5
    pulse.session.connection.set("exp_statsn", 7)  # iscsid tries to log in
    assert pulse.at(7.0) == 6.5


def test_after_a_gap_nothing_shows_when_the_last_answer_before_a_failure_came(pulse: Pulse) -> None:
    pulse.at(1.0)
    pulse.session.answer()
    pulse.at(2.0)
    pulse.session.answer()
    pulse.session.fail()
    assert pulse.at(17.0) == 2.0


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

    def slow(path: str) -> None:
        if path.endswith("exp_statsn"):
            look.now += 1.0

    before_each_read(monkeypatch, slow)
    assert look.at_sessions()[0].alive == 101.0


def test_two_readings_that_differ_in_the_signs_of_life_alone_are_equal(san: FakeSysfs, look: Look) -> None:
    before = look.at_sessions()
    san.sessions[0].answer()
    after = look.at_sessions()
    assert after == before
    assert (before[0].alive, after[0].alive) == (None, 100.0)


def test_a_number_that_comes_back_after_the_session_was_gone_begins_again(san: FakeSysfs, pulse: Pulse) -> None:
    pulse.at(1.0)
    pulse.session.answer()
    assert pulse.at(2.0) == 2.0
    san.logout(pulse.session)
    assert [facts.sid for facts in pulse.look.at_sessions()] == [2]
    pulse.session = san.login(sid=1)
    assert pulse.at(4.0) is None
    assert pulse.at(5.0) is None


# --- the facts of the connection --------------------------------------------------------------------------------------

TCP = TcpFacts(rtt=0.002, retransmits=3, backoff=1, heard=77.0)


def test_tcp_facts_stay_until_the_next_answer_and_are_forgotten_if_that_lacks_them(look: Look) -> None:
    look.at_sessions()
    assert [facts.tcp for facts in look.at_sessions(tcp={1: TCP, 7: TCP})] == [TCP, None]
    assert [facts.tcp for facts in look.at_sessions()] == [TCP, None]
    assert [facts.tcp for facts in look.at_sessions(everything=True)] == [TCP, None]
    newer = replace(TCP, heard=78.0)
    assert [facts.tcp for facts in look.at_sessions(tcp={1: newer, 2: TCP})] == [newer, TCP]
    assert [facts.tcp for facts in look.at_sessions(tcp={2: TCP})] == [None, TCP]
    assert [facts.tcp for facts in look.at_sessions(tcp={})] == [None, None]


def test_the_moment_of_the_last_data_stays_the_same_until_data_comes(look: Look) -> None:
    """The kernel says how many milliseconds ago it was, so each answer has another moment for the same data."""
    heards = []
    for heard in (77.0, 77.004, 76.991, 77.019, 77.03, 77.02, 82.0):
        rtt = heard / 1e4
        (facts, _other) = look.at_sessions(tcp={1: replace(TCP, heard=heard, rtt=rtt)})
        assert facts.tcp is not None
        assert facts.tcp.rtt == rtt
        heards.append(facts.tcp.heard)
    assert heards == [77.0, 77.0, 77.0, 77.0, 77.03, 77.03, 82.0]
    for unknown in (replace(TCP, heard=None), TCP):
        assert look.at_sessions(tcp={1: unknown})[0].tcp == unknown


def test_a_session_that_is_not_logged_in_has_no_tcp_facts(san: FakeSysfs, look: Look) -> None:
    look.at_sessions(tcp={1: TCP})
    san.sessions[0].fail()
    assert look.at_sessions()[0].tcp is None
    assert look.at_sessions(tcp={1: TCP})[0].tcp is None
    san.sessions[0].recover()
    assert look.at_sessions()[0].tcp is None


# --- what is kept open ------------------------------------------------------------------------------------------------


def descriptors() -> int:
    gc.collect()  # of other tests
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_what_is_polled_is_opened_once_and_read_by_one_call_each(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    look.at_sessions()
    meddler = Meddler(monkeypatch, san.root)
    for _ in range(3):
        look.at_sessions()
    read = [path for path in meddler.accesses if path.endswith(("/state", "/exp_statsn"))]
    assert len(read) == 3 * 4
    assert len(meddler.accesses) == 3 * 5  # and the directory


def test_no_descriptor_is_left_behind_however_sessions_come_and_go(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    before = descriptors()
    for _ in range(20):
        session = san.login("192.168.3.1:3260")
        look.at_sessions()
        assert descriptors() == before + 2
        session.answer()
        session.fail()
        look.at_sessions()
        session.recover()
        look.at_sessions()
        look.at_ends()
        san.logout(session)
        look.at_sessions(everything=True)
        assert descriptors() == before


def test_no_descriptor_is_left_behind_by_a_session_that_is_never_finished(san: FakeSysfs, look: Look) -> None:
    look.at_sessions()
    before = descriptors()
    san.login("192.168.3.1:3260").set("targetname", "(null)")
    for _ in range(5):
        assert len(look.at_sessions()) == 2
        assert descriptors() == before


def test_no_descriptor_is_left_behind_by_reads_that_fail(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    look.at_sessions()
    before = descriptors()
    for number in (errno.EIO, errno.ENODEV):
        with unreadable(monkeypatch, number, "session1/state", "connection2:0/exp_statsn"):
            for _ in range(5):
                look.at_sessions()
                assert descriptors() < before
        assert [facts.state for facts in look.at_sessions()] == [SessionStatus.LOGGED_IN] * 2
        assert descriptors() == before


def test_no_descriptor_is_left_open(san: FakeSysfs) -> None:
    before = descriptors()
    look = Look(san)
    look.at_sessions()
    assert descriptors() == before + 4
    del look
    assert descriptors() == before


def test_of_very_many_sessions_not_all_are_kept_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    san = healthy_san(tmp_path / "many", sessions=5)
    look = Look(san)
    before = descriptors()
    for number in range(1, 4):
        assert len(look.at_sessions()) == 5
        assert descriptors() == before + 6
        for session in san.sessions:
            session.answer()
        look.now = float(number)
        assert [facts.alive for facts in look.at_sessions()] == [number] * 5
    for session in tuple(san.sessions):
        san.logout(session)
    assert look.at_sessions() == ()
    assert descriptors() == before


def test_a_session_replaced_under_the_same_name_is_not_read_through_what_is_left_of_the_old_one(
    san: FakeSysfs, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernfs(monkeypatch)
    pulse.at(1.0)
    before = descriptors()
    san.logout(pulse.session)
    fresh = san.login(sid=1)
    fresh.state = "FAILED"
    assert pulse.look.at_sessions()[0].state is SessionStatus.FAILED
    fresh.recover()
    assert pulse.at(2.0) == 2.0
    fresh.answer()
    assert pulse.at(3.0) == 3.0
    assert descriptors() == before


def test_a_session_that_vanishes_between_the_listing_and_the_read_is_left_out(
    san: FakeSysfs, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernfs(monkeypatch)
    look.at_sessions()
    before = descriptors()
    meddler = Meddler(monkeypatch, san.root)
    meddler.at(2, lambda _path: san.logout(san.sessions[0]))
    assert [facts.sid for facts in look.at_sessions()] == [2]
    assert look.problems == {}
    assert descriptors() == before - 2


def test_an_open_attribute_is_opened_again_once_and_names_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernfs(monkeypatch)
    file = tmp_path / "attribute"
    kept = OpenAttribute(file)
    assert str(kept) == str(file)
    with pytest.raises(FileNotFoundError):
        kept.content()
    file.write_bytes(b"one\n")
    assert kept.content() == b"one\n"
    file.unlink()
    with pytest.raises(FileNotFoundError):
        kept.content()
    file.write_bytes(b"two\n" * 4096)
    assert len(kept.content()) == 4096
    kept.close()
    kept.close()
    assert kept.content().startswith(b"two")
