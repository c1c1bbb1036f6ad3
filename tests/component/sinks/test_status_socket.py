"""The status socket, served by a loop and asked by clients."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mpathd_watch.core.state import State
from mpathd_watch.sinks.local_socket import LocalSocketError
from mpathd_watch.sinks.status.client import NoAnswerError, read_status
from mpathd_watch.sinks.status.document import StatusError
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.socket import StatusSocket
from mpathd_watch.sinks.view import View
from tests.factories import NOW, article_state, big_state

Story = Callable[[StatusSocket], Coroutine[Any, Any, None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "status.sock"


def play(path: Path, story: Story, state: State | None = None, patience: float = 5.0) -> None:
    """Serve ``state`` on ``path`` while ``story`` runs in the same loop."""
    view = View(state or article_state(), NOW)

    async def main() -> None:
        server = StatusSocket(path, lambda: view, patience)
        await server.start()
        try:
            await story(server)
        finally:
            await server.stop()

    asyncio.run(main())
    assert not path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def succeed(path: Path) -> None:
    """Put something else into the socket's place."""
    path.rename(path.with_name("old.sock"))
    path.write_text("the successor's", encoding="utf-8")


def test_whoever_may_connect_is_sent_the_document(path: Path) -> None:
    async def story(_: StatusSocket) -> None:
        assert await asyncio.to_thread(read_status, path) == document(View(article_state(), NOW))
        assert await asyncio.to_thread(mode, path) == 0o660

    play(path, story)


NOBODY = 65534
CONNECT = """
import os, socket, sys
path, user, group = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setgid(group)
os.setuid(user)
socket.socket(socket.AF_UNIX).connect(path)
"""
"""Another user may not reach this interpreter, so that root starts it."""


def connected_as(path: Path, user: int, group: int) -> str:
    """What happens to another user who connects: the name of the error, or nothing."""
    command = [sys.executable, "-c", CONNECT, str(path), str(user), str(group)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  # our own
    return done.stderr.strip().rpartition("\n")[2].partition(":")[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become another user")
def test_the_kernel_refuses_who_is_neither_root_nor_of_the_daemons_group() -> None:
    with TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)

        async def story(_: StatusSocket) -> None:
            group = os.getegid()
            assert await asyncio.to_thread(connected_as, place / "status.sock", NOBODY, NOBODY) == "PermissionError"
            assert await asyncio.to_thread(connected_as, place / "status.sock", NOBODY, group) == ""

        play(place / "status.sock", story)


def test_what_a_dead_daemon_left_behind_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def story(_: StatusSocket) -> None:
        assert (await asyncio.to_thread(read_status, path))["version"] == 1

    play(path, story)


def test_a_living_daemon_is_not_robbed(path: Path) -> None:
    async def story(_: StatusSocket) -> None:
        with pytest.raises(LocalSocketError, match=r"another mpathd-watch already serves .*; stop it first"):
            await StatusSocket(path, lambda: View(article_state(), NOW)).start()
        assert (await asyncio.to_thread(read_status, path))["version"] == 1

    play(path, story)


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(LocalSocketError, match="it is not a socket"):
        asyncio.run(StatusSocket(path, lambda: View(article_state(), NOW)).start())
    assert path.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("name", ["none/status.sock", "x" * 120])
def test_a_path_that_can_t_be_had_is_reported_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalSocketError, match=r"^can't serve the status on [^\n]+$"):
        asyncio.run(StatusSocket(tmp_path / name, lambda: View(article_state(), NOW)).start())


def test_a_successor_s_socket_is_not_removed(path: Path) -> None:
    async def main() -> None:
        server = StatusSocket(path, lambda: View(article_state(), NOW))
        await server.start()
        await asyncio.to_thread(succeed, path)
        await server.stop()
        await server.stop()

    asyncio.run(main())
    assert path.exists()


def test_clients_that_do_not_read_are_hung_up_on_and_stall_nobody(path: Path) -> None:
    async def story(_: StatusSocket) -> None:
        with ExitStack() as stack:
            for _number in range(20):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(str(path))
                await asyncio.sleep(0)
            await asyncio.sleep(1.5)
            told = await asyncio.to_thread(read_status, path)
            assert len(told["maps"]) == 512

    play(path, story, big_state(512, 2), patience=1.0)


def test_nobody_there_and_nonsense_are_reported_apart(path: Path) -> None:
    with pytest.raises(NoAnswerError, match="no mpathd-watch answers"):
        read_status(path)

    async def babble(answer: bytes) -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_unix_server(serve, path)
        try:
            await asyncio.to_thread(read_status, path)
        finally:
            server.close()

    with pytest.raises(StatusError, match="not JSON"):
        asyncio.run(babble(b"hello"))
    path.unlink(missing_ok=True)
    with pytest.raises(NoAnswerError, match="too busy"):
        asyncio.run(babble(b""))


def test_a_daemon_that_hangs_with_as_many_clients_as_it_takes_still_serves_the_path(path: Path) -> None:
    with ExitStack() as open_sockets:
        hanging = open_sockets.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        hanging.bind(str(path))
        hanging.listen(0)
        client = open_sockets.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        client.connect(str(path))
        with pytest.raises(LocalSocketError, match="another mpathd-watch already serves"):
            asyncio.run(StatusSocket(path, lambda: View(article_state(), NOW)).start())
