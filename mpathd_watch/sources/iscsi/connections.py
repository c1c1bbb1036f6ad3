"""Which of the sessions' TCP connections the kernel is asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpathd_watch.core.events import Event, SourceErrors
from mpathd_watch.core.model.facts import SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import SessionStatus, SourceName
from mpathd_watch.sources.iscsi.current_ends import CurrentEnds
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.reading.poller import reason_of
from mpathd_watch.sources.reading.worker import StalledError, Worker

TCP_DEADLINE = 0.5
"""Seconds that a poll of the sessions waits for the answers about connections, each of which takes a lock."""
TCP_PATIENCE = 10.0
"""Seconds without any answer from sock_diag after which the sessions' TCP facts become unknown."""

Question = Callable[[Mapping[int, Connection]], Mapping[int, Answer]]
"""Like ``tcp.ask`` without its clock."""


class Connections:
    """Asks about the connections that ``ends`` knows of the present ``sessions``.

    The requests take the locks of sockets and therefore have a separate thread. ``asked_at`` is the time of the last
    request that was answered, or given up. ``worker`` returns a new worker of a name.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        sessions: Callable[[], tuple[SessionFacts, ...]],
        ends: CurrentEnds,
        question: Question,
        *,
        worker: Callable[[str], Worker] = Worker,
    ) -> None:
        self.asked_at = 0.0
        self._emit = emit
        self._clock = clock
        self._sessions = sessions
        self._ends = ends
        self._question = question
        self._worker = worker("iscsi-tcp")
        self._not_found: set[Connection] = set()

    async def ask(self, *, every_one: bool, even_down: bool = False) -> Mapping[int, TcpFacts] | None:
        """The TCP facts by session number, of sessions that are logged in; with ``even_down``, of all sessions.

        ``None`` if the kernel did not answer; empty if it has not answered for ``TCP_PATIENCE``. A connection that was
        not found is asked about again only with ``every_one``: it may be in an adapter's hardware or in another network
        namespace, and a search for a connection that does not exist takes many requests.
        """
        down = {session.sid for session in self._sessions() if session.state is not SessionStatus.LOGGED_IN}
        left_out = set() if even_down else down
        connections = {
            sid: end.connection
            for sid, end in self._ends.known.items()
            if end.connection and sid not in left_out and (every_one or end.connection not in self._not_found)
        }
        now = self._clock()
        try:
            answers = await self._worker.run(lambda: self._question(connections), TCP_DEADLINE)
        except (StalledError, OSError) as error:
            self._emit(SourceErrors(SourceName.NETWORK, reason_of(error), 1))
            if now - self.asked_at < TCP_PATIENCE:
                return None
            self.asked_at = now
            return {}
        self.asked_at = now
        self._note(connections, answers)
        if any(session.sid not in answers and session.sid not in down for session in self._sessions()):
            self._ends.wake()
        return {sid: answer.facts for sid, answer in answers.items()}

    def _note(self, connections: Mapping[int, Connection], answers: Mapping[int, Answer]) -> None:
        """Remember which of the sessions' connections were not found."""
        self._not_found -= {connections[sid] for sid in answers}
        self._not_found |= {connections[sid] for sid in connections.keys() - answers.keys()}
        self._not_found &= {end.connection for end in self._ends.known.values() if end.connection}
