"""Which connections the kernel is asked about, and what no answer means."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.events import Event, SourceErrors
from mpathd_watch.core.model.facts import SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import SessionStatus, SourceName
from mpathd_watch.sources.iscsi.connections import TCP_PATIENCE, Connections
from mpathd_watch.sources.iscsi.current_ends import CurrentEnds
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.reading.availability import Availability
from tests.reading import SESSION, Network

FIRST = Connection("192.168.1.2", 46408, "192.168.1.1", 3260)
SECOND = Connection("192.168.2.2", 46408, "192.168.2.1", 3260)


class Ends(CurrentEnds):
    """The local ends as they are known, and how often somebody wants them read again."""

    def __init__(self, network: Network, availability: Availability) -> None:
        super().__init__(
            LocalEnds(Path("/nowhere"), lambda: network.interfaces, network.route, network.ask), availability
        )
        self.known = {
            1: LocalEnd("192.168.1.2", "eth1", connection=FIRST),
            2: LocalEnd("192.168.2.2", "eth2", connection=SECOND),
        }
        self.woken = 0

    def wake(self) -> None:
        """Want them read again."""
        self.woken += 1


class Asked:
    """Two sessions, whose connections are asked about by a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.network = Network()
        self.free = threading.Event()
        self.free.set()
        self.events: list[Event] = []
        self.ends = Ends(self.network, Availability(self.events.append, SourceName.SYSFS))
        self.sessions: tuple[SessionFacts, ...] = (SESSION, replace(SESSION, sid=2))
        self.connections = Connections(
            self.events.append,
            lambda: self.now,
            lambda: self.sessions,
            self.ends,
            self._answer,
        )

    def _answer(self, connections: Mapping[int, Connection]) -> Mapping[int, Answer]:
        self.free.wait(10.0)
        return self.network.ask(connections)

    def ask(self, *, every_one: bool = False) -> Mapping[int, TcpFacts] | None:
        """Ask once."""
        return asyncio.run(self.connections.ask(every_one=every_one))

    def asked(self) -> set[int]:
        """The sessions whose connections were asked about last."""
        return set(self.network.asked[-1])


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_each_session_has_the_answer_about_its_connection(asked: Asked) -> None:
    assert asked.ask() == {1: asked.network.facts, 2: asked.network.facts}
    assert asked.network.asked == [{1: FIRST, 2: SECOND}]
    assert asked.connections.asked_at == 1000.0
    assert asked.ends.woken == 0
    assert asked.events == []


@pytest.mark.parametrize("state", [SessionStatus.FAILED, SessionStatus.FREE, SessionStatus.UNKNOWN])
def test_a_session_that_is_not_logged_in_has_no_connection_worth_a_question(asked: Asked, state: SessionStatus) -> None:
    asked.sessions = (replace(SESSION, state=state), replace(SESSION, sid=2))
    assert asked.ask(every_one=True) == {2: asked.network.facts}
    assert asked.asked() == {2}
    assert asked.ends.woken == 0


def test_a_session_without_an_answer_may_have_another_connection(asked: Asked) -> None:
    asked.network.missing = {1}
    assert asked.ask() == {2: asked.network.facts}
    assert asked.ends.woken == 1


def test_a_connection_that_was_not_found_is_asked_about_again_only_on_purpose(asked: Asked) -> None:
    asked.network.missing = {1}
    asked.ask()
    asked.ask()
    assert asked.asked() == {2}
    asked.network.missing = set()
    asked.ask(every_one=True)
    assert asked.asked() == {1, 2}
    asked.ask()
    assert asked.asked() == {1, 2}


def test_another_connection_of_the_same_session_is_asked_about(asked: Asked) -> None:
    asked.network.missing = {1}
    asked.ask()
    asked.ends.known = {1: LocalEnd(connection=replace(FIRST, local_port=46410)), 2: asked.ends.known[2]}
    asked.ask()
    assert asked.asked() == {1, 2}
    asked.network.missing = set()
    asked.ends.known = {1: LocalEnd(connection=FIRST), 2: asked.ends.known[2]}
    asked.ask()
    assert asked.asked() == {1, 2}  # what was not found is forgotten with the session that had it


def test_without_an_answer_the_last_facts_stay_for_a_while_and_then_none_are_known(asked: Asked) -> None:
    asked.ask()
    asked.network.error = OSError(errno.EPERM, "not permitted")
    asked.now += TCP_PATIENCE - 0.1
    assert asked.ask() is None
    assert asked.connections.asked_at == 1000.0
    asked.now += 0.2
    assert asked.ask() == {}
    assert asked.connections.asked_at == asked.now
    assert asked.ask() is None
    assert asked.events == [SourceErrors(SourceName.NETWORK, "EPERM", 1)] * 3
    assert asked.ends.woken == 0


def test_a_question_that_hangs_is_counted_as_one(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.sources.iscsi.connections.TCP_DEADLINE", 0.01)
    asked.free.clear()
    asked.ask()
    asked.free.set()
    assert asked.events == [SourceErrors(SourceName.NETWORK, "timeout", 1)]
