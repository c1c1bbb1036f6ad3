"""Where the server listens: several places, unix sockets, and the sockets that systemd passes."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mpathd_watch.config.listen_address import ListenAddress, UnixPath
from mpathd_watch.sinks.http.listen import Endpoints, Listener, ListenError, inherited, open_all

LOOPBACK = ListenAddress("127.0.0.1", 0)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def open_places(stack: ExitStack, *places: ListenAddress | UnixPath, own: Path | None = None) -> list[Listener]:
    return [stack.enter_context(closing(each)) for each in open_all(Endpoints(places, own))]


def test_several_places_and_one_of_our_own(opened: ExitStack, tmp_path: Path) -> None:
    path, own = UnixPath(str(tmp_path / "a.sock")), tmp_path / "own.sock"
    found = open_places(opened, LOOPBACK, path, own=own)
    assert [each.local for each in found] == [False, True, True]
    assert isinstance(found[0].place, ListenAddress)
    assert found[0].place.port
    assert [each.place for each in found[1:]] == [path, UnixPath(str(own))]
    assert all(not each.socket.getblocking() for each in found)


def test_a_unix_socket_is_for_its_user_and_group(opened: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    mask = os.umask(0o077)
    try:
        (found,) = open_places(opened, UnixPath(str(path)))
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o660
    found.close()
    assert not path.exists()


def test_the_file_of_a_dead_daemon_is_replaced(opened: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    open_places(opened, UnixPath(str(path)))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_that_another_one_has_made_is_left(opened: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    (found,) = open_places(opened, UnixPath(str(path)))
    path.unlink()
    path.touch()
    found.close()
    assert path.exists()


def test_what_is_in_use_or_no_socket_is_refused(opened: ExitStack, tmp_path: Path) -> None:
    path, plain, link = (tmp_path / name for name in ("a.sock", "file", "link"))
    open_places(opened, UnixPath(str(path)))
    plain.write_text("mine")
    link.symlink_to(tmp_path / "nothing")
    for place, expected in (
        (path, "another process does; stop it first"),
        (plain, "it is not a socket; remove it"),
        (link, "it is not a socket; remove it"),
        (tmp_path / "none/a.sock", "No such file or directory; its directory must exist and be writable"),
    ):
        with pytest.raises(ListenError) as caught:
            open_all(Endpoints((UnixPath(str(place)),)))
        assert str(caught.value) == f"can't listen on unix:{place}: {expected}"
    assert plain.read_text() == "mine"


def test_if_one_place_can_not_be_listened_on_the_others_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with pytest.raises(ListenError):
        open_all(Endpoints((UnixPath(str(path)), UnixPath(str(tmp_path / "none/b.sock")))))
    assert not path.exists()


def test_without_systemd_there_are_no_sockets_of_it() -> None:
    for environ in (
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "0"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "-1"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "99"},
    ):
        with pytest.raises(ListenError, match=r"systemd has passed no socket; is mpathd-watch\.socket active"):
            inherited(environ, 7)
        assert environ == {}


INHERITED = """
import os, socket, subprocess, sys
from mpathd_watch.sinks.http.listen import Endpoints, ListenError, open_all
os.environ["LISTEN_PID"] = str(os.getpid())
try:
    found = open_all(Endpoints((), from_systemd=True))
except ListenError as error:
    sys.exit(str(error))
print(*(each.place for each in found), *(each.socket.get_inheritable() for each in found))
print(*(name for name in os.environ if name.startswith("LISTEN")))
for each in found:
    each.close()
"""


def activated(*sockets: socket.socket) -> subprocess.CompletedProcess[str]:
    """A process that gets these sockets from its third descriptor on, as from systemd."""
    # A shell moves them: subprocess passes descriptors under their own numbers only. First they go out of the way.
    copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, 40) for each in sockets]
    moves = " ".join(f"{3 + number}<&{copy}" for number, copy in enumerate(copies))
    command = ["bash", "-c", f'exec "$0" -c "$1" {moves}', sys.executable, INHERITED]
    try:
        return subprocess.run(  # noqa: S603  # our own program
            command,
            env={**os.environ, "LISTEN_FDS": str(len(sockets))},
            pass_fds=copies,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for copy in copies:
            os.close(copy)


def test_the_sockets_of_systemd_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(path))
        local.listen()
        done = activated(tcp, local)
        port = tcp.getsockname()[1]
    assert done.stdout.splitlines() == [f"127.0.0.1:{port} unix:{path} False False", ""]
    # systemd's file is not ours to remove.
    assert path.exists()


def test_a_socket_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle:
        assert "file descriptor 3 is no listening stream socket" in activated(idle).stderr
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        assert "file descriptor 3 is no listening stream socket" in activated(datagrams).stderr
