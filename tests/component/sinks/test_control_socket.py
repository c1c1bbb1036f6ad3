"""The control socket, served by a loop and used by clients, friendly and hostile."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.sinks.control import server as control_server
from mpathd_watch.sinks.control.client import ControlError, NoDaemonError, ask
from mpathd_watch.sinks.control.message import MOST, MOST_OF_DRILL, DrillMade, Reply, Request, encode_request
from mpathd_watch.sinks.control.server import ControlSocket
from mpathd_watch.sinks.local_socket import LocalSocketError

Story = Callable[[ControlSocket], Coroutine[Any, Any, None]]
ASKED = Request("mpatha", "192.168.1.1:3260")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def play(path: Path, story: Story, patience: float = 5.0) -> list[Request | DrillMade]:
    """Serve requests on ``path`` while ``story`` runs in the same loop; the requests that were carried out."""
    taken: list[Request | DrillMade] = []

    def carry_out(request: Request | DrillMade) -> Reply:
        taken.append(request)
        return Reply(done=True, text="done")

    async def main() -> None:
        server = ControlSocket(path, carry_out, patience)
        await server.start()
        try:
            await story(server)
        finally:
            await server.stop()

    asyncio.run(main())
    assert not path.exists()
    return taken


def spoken(path: Path, sent: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        received = b""
        try:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                received += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_request_is_carried_out_and_answered(path: Path) -> None:
    async def story(_: ControlSocket) -> None:
        assert await asyncio.to_thread(mode, path) == 0o660
        assert await asyncio.to_thread(ask, path, ASKED) == Reply(done=True, text="done")

    assert play(path, story) == [ASKED]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b'{"forget": 1}\n',
        b'{"forget": {"map": "a"}}\n',
        b'{"forget": {"map": "", "path": ""}}\n',
        b'{"forget": {"map": 1, "path": ""}}\n',
        b'{"forget": {"map": "a", "path": null}}\n',
        b'{"forget": {"map": "a", "path": "", "more": 1}}\n',
        b'{"forget": {"map": "a", "path": ""}, "more": 1}\n',
        b"[" * (MOST - 2) + b"\n",
        b"x" * (3 * MOST) + b"\n",
        b"x" * (2 * MOST_OF_DRILL) + b"\n",
        b'{"forget": {"map": "' + b"a" * MOST + b'", "path": ""}}\n',
        b'{"drill": 1}\n',
        b'{"drill": {}, "forget": {"map": "a", "path": ""}}\n',
        b'{"drill": ' + b"[" * (MOST_OF_DRILL // 2) + b"\n",
        b'{"drill": {"a": "' + b"a" * MOST_OF_DRILL + b'"}}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(path: Path, sent: bytes) -> None:
    async def story(_: ControlSocket) -> None:
        answer = await asyncio.to_thread(spoken, path, sent)
        if answer:  # nothing arrives where bytes are left that nobody reads
            assert json.loads(answer)["done"] is False
            assert json.loads(answer)["text"].startswith("the request ")
        assert await asyncio.to_thread(ask, path, ASKED) == Reply(done=True, text="done")

    assert play(path, story) == [ASKED]


def test_the_report_of_a_drill_may_be_large(path: Path) -> None:
    made = DrillMade({"paths": ["x" * 50] * 9000})
    assert MOST_OF_DRILL * 0.8 < len(encode_request(made)) < MOST_OF_DRILL

    async def story(_: ControlSocket) -> None:
        assert await asyncio.to_thread(ask, path, made) == Reply(done=True, text="done")
        assert await asyncio.to_thread(ask, path, ASKED) == Reply(done=True, text="done")

    assert play(path, story) == [made, ASKED]


def test_clients_that_send_nothing_cost_their_places_for_a_while_only(path: Path) -> None:
    async def story(_: ControlSocket) -> None:
        silent = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for client in silent:
            await asyncio.to_thread(client.connect, str(path))
        await asyncio.sleep(0.05)
        with pytest.raises(ControlError, match="too busy"):
            await asyncio.to_thread(ask, path, ASKED)
        await asyncio.sleep(0.4)
        assert await asyncio.to_thread(ask, path, ASKED) == Reply(done=True, text="done")
        for client in silent:
            client.close()

    assert play(path, story, patience=0.3) == [ASKED]


def test_a_daemon_that_accepts_and_never_answers_is_not_waited_for_long(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(ControlError, match="timed out"):
            ask(path, ASKED, timeout=0.2)
        client, _ = server.accept()
        with client, pytest.raises(ControlError, match="timed out"):
            ask(path, ASKED, timeout=0.2)


def test_a_stranger_gets_no_answer_even_if_the_mode_lets_them_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_server, "_may_ask", lambda _: False)

    async def story(_: ControlSocket) -> None:
        with pytest.raises(ControlError, match="try again as root"):
            await asyncio.to_thread(ask, path, ASKED)

    assert play(path, story) == []


class Peer:
    """A connection whose other end has these numbers."""

    def __init__(self, user: int, group: int, groups: tuple[int, ...] | None) -> None:
        self._answers = {socket.SO_PEERCRED: control_server._PEER.pack(1, user, group)}
        if groups is not None:
            self._answers[59] = b"".join(each.to_bytes(4, "little") for each in groups)

    def getsockopt(self, _: int, option: int, __: int) -> bytes:
        if option not in self._answers:
            raise OSError
        return self._answers[option]


@pytest.mark.parametrize(
    ("user", "group", "groups", "may"),
    [
        (0, 5, (), True),
        (1000, 5, (), False),
        (1000, 5, None, False),
        (1000, 5, (7, 4242), True),
        (1000, 4242, None, True),
        (77, 5, (), True),
    ],
)
def test_only_root_the_daemons_user_and_its_group_may_ask(
    monkeypatch: pytest.MonkeyPatch, user: int, group: int, groups: tuple[int, ...] | None, may: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 77)
    monkeypatch.setattr(os, "getegid", lambda: 4242)
    peer: Any = Peer(user, group, groups)
    assert control_server._may_ask(peer) is may


def test_without_a_daemon_there_is_nobody_to_ask(path: Path) -> None:
    with pytest.raises(NoDaemonError):
        ask(path, ASKED)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(NoDaemonError):
        ask(path, ASKED)


def test_what_a_dead_daemon_left_behind_is_replaced_and_a_living_one_is_not(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def story(_: ControlSocket) -> None:
        with pytest.raises(LocalSocketError, match="already serves"):
            await ControlSocket(path, lambda _: Reply(done=True, text="")).start()
        assert await asyncio.to_thread(ask, path, ASKED)

    play(path, story)


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    server = ControlSocket(tmp_path / "none" / "control.sock", lambda _: Reply(done=True, text=""))
    with pytest.raises(LocalSocketError, match="can't take requests on"):
        asyncio.run(server.start())
    asyncio.run(server.stop())


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(LocalSocketError, match=r"^can't take requests on [^\n]+: it is not a socket; remove it$"):
        asyncio.run(ControlSocket(path, lambda _: Reply(done=True, text="")).start())
    assert path.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    "answer", [b"nonsense\n", b'{"done": 1, "text": ""}\n', b'{"done": true}\n', b"x" * (2 * MOST)]
)
def test_a_reply_that_can_not_be_read_is_one_line(path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as fake:
        fake.bind(str(path))
        fake.listen()

        def serve() -> None:
            client, _ = fake.accept()
            with client:
                assert client.recv(MOST) == encode_request(ASKED)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ControlError, match="can't be read"):
            ask(path, ASKED)
        thread.join()
