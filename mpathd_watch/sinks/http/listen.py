"""The sockets that the HTTP server listens on: of addresses, of paths, and those that systemd has opened."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from mpathd_watch.config.listen_address import ListenAddress, Place, UnixPath
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.deadline import within

LOOKED_UP_WITHIN: Final = 5.0
"""Seconds that the look-up of a name may take: a name server that does not answer must not hold up the start."""
_BACKLOG: Final = 1024
"""Clients that wait to be accepted. The kernel drops one more's SYN, and that client tries again only after 1 s."""


_MODE: Final = 0o660
_FIRST: Final = 3
"""The first descriptor that systemd passes: SD_LISTEN_FDS_START."""
_MOST_INHERITED: Final = 64


class ListenError(Exception):
    """The address can't be listened on. The text is one line with address, reason and remedy."""


@immutable
class Endpoints:
    """Where to listen: on ``places``, or on what systemd has opened instead, and on a unix socket of our ``own``."""

    places: tuple[Place, ...] = ()
    own: Path | None = None
    from_systemd: bool = False


class Listener:
    """A listening socket. A unix socket is ``local``: the mode of its file decides who may connect.

    ``made``: the file that was made for it, and is removed with it.
    """

    def __init__(self, listening: socket.socket, made: Path | None = None) -> None:
        self.socket = listening
        self.local = listening.family == socket.AF_UNIX
        self._made = made
        self._inode = made.stat().st_ino if made is not None else 0
        # A client may go away before it is accepted, which must not wait then.
        listening.setblocking(False)

    @property
    def place(self) -> Place:
        """Where it listens; if port 0 was asked for, with the port that the kernel chose."""
        name = self.socket.getsockname()
        if self.local:
            return UnixPath(name if isinstance(name, str) else repr(name))
        return ListenAddress(name[0], name[1])

    def close(self) -> None:
        """Listen no more."""
        self.socket.close()
        if self._made is not None:
            with suppress(OSError):  # the directory has been removed with it
                if self._made.stat().st_ino == self._inode:
                    self._made.unlink()


def open_all(endpoints: Endpoints) -> list[Listener]:
    """Open all sockets, or none and raise ``ListenError``."""
    opened: list[Listener] = []
    try:
        if endpoints.from_systemd:
            opened += [Listener(each) for each in inherited(os.environ, os.getpid())]
        else:
            for place in endpoints.places:
                opened.append(_open(place))  # what is open must be closed if a later one can't be
        if endpoints.own is not None:
            opened.append(_open(UnixPath(str(endpoints.own))))
    except BaseException:
        for each in opened:
            each.close()
        raise
    return opened


def inherited(environ: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """The listening sockets that systemd has opened for this process (sd_listen_fds(3)).

    No child process inherits them. Raises ``ListenError`` if there is none, or one of another kind.
    """
    pid_text, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid_text != str(pid) or not count.isdecimal() or not 0 < int(count) <= _MOST_INHERITED:
        raise ListenError("--web.systemd-socket: systemd has passed no socket; is mpathd-watch.socket active?")
    found = []
    for number in range(_FIRST, _FIRST + int(count)):
        try:
            os.set_inheritable(number, False)
            one = socket.socket(fileno=number)
            is_listening = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            is_listening = 0
        if not is_listening or one.type != socket.SOCK_STREAM:
            raise ListenError(f"--web.systemd-socket: file descriptor {number} is no listening stream socket")
        found.append(one)
    return found


def _open(place: Place) -> Listener:
    return _open_path(Path(place.path)) if isinstance(place, UnixPath) else Listener(open_socket(place))


def _open_path(path: Path) -> Listener:
    """Listen on a path, which only the daemon's user and its group may connect to. A dead daemon's file is replaced."""
    where = UnixPath(str(path))
    if _is_served(path):
        raise ListenError(f"can't listen on {where}: another process does; stop it first")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        os.fchmod(bound.fileno(), _MODE)  # bind() takes the mode from here (unix_bind_bsd() in net/unix/af_unix.c)
        bound.bind(str(path))
        path.chmod(_MODE)  # what the umask has taken of it
        bound.listen(_BACKLOG)
        return Listener(bound, path)
    except OSError as error:
        bound.close()
        raise ListenError(
            f"can't listen on {where}: {error.strerror or error}; its directory must exist and be writable"
        ) from error


def _is_served(path: Path) -> bool:
    """Whether a process listens there. A file that is no socket is an error: it must not be removed."""
    if os.path.lexists(path) and not path.is_socket():
        raise ListenError(f"can't listen on {UnixPath(str(path))}: it is not a socket; remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):  # it has as many clients as it takes
            return True
        except OSError as error:
            raise ListenError(f"can't listen on {UnixPath(str(path))}: {error.strerror or error}") from error
    return True


def open_socket(where: ListenAddress) -> socket.socket:
    """A listening TCP socket. Raises ``ListenError`` if the address can't be listened on."""
    try:
        return _open_all(where.port) if not where.host else _open_one(where)
    except TimeoutError as error:
        raise ListenError(
            f"can't listen on {where}: looking the name up took longer than {LOOKED_UP_WITHIN:g} s; give an IP address"
        ) from error
    except socket.gaierror as error:
        raise ListenError(f"can't listen on {where}: no such address ({error.strerror}); give an IP address") from error
    except OSError as error:
        raise ListenError(f"can't listen on {where}: {_reason(error)}") from error


def _open_all(port: int) -> socket.socket:
    try:
        return _bind(socket.AF_INET6, ("::", port))
    except OSError as error:
        # This kernel has no IPv6 (ipv6.disable=1), or it is switched off for all interfaces.
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _bind(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104  # exporters listen on all addresses


def _open_one(where: ListenAddress) -> socket.socket:
    family, _, _, _, address = within(
        LOOKED_UP_WITHIN,
        lambda: socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE),
    )[0]
    return _bind(family, address)


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted daemon must not wait until the TIME_WAIT of old connections is over.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                "the port is in use ('ss -ltnp' shows by which process); choose another one with --web.listen-address"
            )
        case errno.EACCES | errno.EPERM:
            return "no permission for this port; choose one above 1023 with --web.listen-address"
        case errno.EADDRNOTAVAIL:
            return "no interface of this host has this address; choose another one with --web.listen-address"
        case _:
            return f"{error.strerror or error}; choose another address with --web.listen-address"
