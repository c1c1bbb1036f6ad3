"""The sockets of the lab's guests: replies that come late, in pieces, or never."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.kit import channels
from tests.lab.kit.channels import Agent, qmp

Serve = Callable[[socket.socket, "Requests"], None]


class Requests:
    """What a peer has sent, one object at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._lines = connection.makefile("rb")

    def next(self) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(self._lines.readline().lstrip(b"\xff"))
        return request


@contextmanager
def server(path: Path, serve: Serve) -> Iterator[None]:
    """Accept one connection, and serve it in a thread."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            serve(connection, Requests(connection))

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)
        listener.close()
        assert not thread.is_alive()


def synchronise(connection: socket.socket, requests: Requests) -> None:
    token = requests.next()["arguments"]["id"]
    connection.sendall(b"\xff" + json.dumps({"return": token}).encode() + b"\n")


def test_a_reply_in_pieces_is_put_together(tmp_path: Path) -> None:
    def serve(connection: socket.socket, requests: Requests) -> None:
        synchronise(connection, requests)
        assert requests.next() == {"execute": "guest-ping", "arguments": {}}
        for part in (b'{"ret', b'urn": ', b"7}\n"):
            connection.sendall(part)

    with server(tmp_path / "agent", serve):
        agent = Agent(tmp_path / "agent", 5.0, lambda _: pytest.fail("silent"))
        assert agent.call("guest-ping", {}) == {"return": 7}
        agent.close()


def test_a_late_reply_is_waited_for_and_somebody_looks_after_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SILENCE", 0.02)
    looked_after = threading.Event()
    waited: list[float] = []

    def silent(seconds: float) -> None:
        waited.append(seconds)
        looked_after.set()

    def serve(connection: socket.socket, requests: Requests) -> None:
        synchronise(connection, requests)
        requests.next()
        connection.sendall(b'{"ret')
        assert looked_after.wait(10)
        connection.sendall(b'urn": {}}\n')

    with server(tmp_path / "agent", serve):
        agent = Agent(tmp_path / "agent", 5.0, silent)
        assert agent.call("guest-ping", {}) == {"return": {}}
        agent.close()
    assert waited[0] >= 0.02


def test_an_agent_that_never_replies_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "SILENCE", 0.01)
    monkeypatch.setattr(channels, "AGENT_PATIENCE", 0.05)
    given_up = threading.Event()

    def serve(connection: socket.socket, requests: Requests) -> None:
        synchronise(connection, requests)
        given_up.wait(10)

    with server(tmp_path / "agent", serve):
        agent = Agent(tmp_path / "agent", 5.0, lambda _: None)
        with pytest.raises(TimeoutError):
            agent.call("guest-ping", {})
        given_up.set()
        agent.close()


def test_replies_to_others_before_the_synchronisation_are_dropped(tmp_path: Path) -> None:
    def serve(connection: socket.socket, requests: Requests) -> None:
        connection.sendall(b'{"return": 1}\n')
        synchronise(connection, requests)
        requests.next()
        connection.sendall(b'{"return": 2}\n')

    with server(tmp_path / "agent", serve):
        agent = Agent(tmp_path / "agent", 5.0, lambda _: None)
        assert agent.call("guest-ping", {}) == {"return": 2}
        agent.close()


def test_events_of_qemu_are_no_replies(tmp_path: Path) -> None:
    def serve(connection: socket.socket, requests: Requests) -> None:
        connection.sendall(b'{"QMP": {}}\n')
        requests.next()
        connection.sendall(b'{"return": {}}\n{"event": "STOP"}\n')
        assert requests.next() == {"execute": "stop", "arguments": {}}
        connection.sendall(b'{"error": {"desc": "no"}}\n')

    with server(tmp_path / "qmp", serve):
        assert qmp(tmp_path / "qmp", "stop", {}) == {"error": {"desc": "no"}}


def test_a_qemu_that_has_ended_is_no_reply(tmp_path: Path) -> None:
    with server(tmp_path / "qmp", lambda _, __: None), pytest.raises(OSError, match=r"closed|reset|Broken"):
        qmp(tmp_path / "qmp", "stop", {})
