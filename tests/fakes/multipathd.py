r"""A multipathd for tests: answers on a real socket, in threads of its own, as well or as badly as a test wants.

    with FakeMultipathd(tmp_path) as fake:
        fake.replies["show maps json"] = "..."
        fake.replies["show daemon"] = [Hang(), "pid 1 idle\n"]
        MultipathdClient(fake.socket_name, presence=fake.presence)

A reply is a text, or one of the behaviours below, or a list of those to be gone through (the last one stays). A
command without a reply gets the help text, but "show config local" what a multipathd of Debian 12 says. In
``directory`` are the socket (unless an abstract name is given, with a leading ``@``), ``multipathd.pid`` and a ``proc``
with the process's ``comm``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import struct
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from mpathd_watch.sources.multipathd.presence import NAME, Presence
from mpathd_watch.sources.multipathd.replies import CONFIGURATION_COMMAND, MAPS_COMMAND, PATHS_COMMAND
from mpathd_watch.sources.reading.presence import Daemon
from tests.fakes.sysfs import WWID, FakeDisk, FakeMap

HELP = "multipath-tools v0.9.4 (12/19, 2022)\nCLI commands reference:\n list|show paths\n list|show daemon\n"
_GOLDEN = Path(__file__).parents[1] / "golden" / "multipathd"
CONFIGURATION = (_GOLDEN / "bookworm-0.9.4-config-local-healthy.txt").read_text(encoding="utf-8")
_LENGTH = struct.Struct("@N")


@dataclass(frozen=True)
class Hang:
    """Never answer, and read nothing more."""


@dataclass(frozen=True)
class Late:
    """Answer ``text`` after ``seconds``, even if nobody waits for it any more."""

    seconds: float
    text: str


@dataclass(frozen=True)
class CloseMidReply:
    """Announce all of ``text``, send ``sent`` bytes of it and close; with 0 not even the length is sent."""

    text: str = "x" * 100
    sent: int = 50


@dataclass(frozen=True)
class BadLength:
    """Announce a reply of ``length`` bytes and send none of it."""

    length: int


@dataclass(frozen=True)
class Endless:
    """Send bytes until the other side hangs up; the first eight make a length of 31 MiB."""


@dataclass(frozen=True)
class Dribble:
    """Send the reply ``text`` in pieces of ``size`` bytes with ``pause`` seconds between them."""

    text: str
    size: int = 1
    pause: float = 0.001


@dataclass(frozen=True)
class Raw:
    """Send these bytes as they are."""

    data: bytes


Behaviour = str | Hang | Late | CloseMidReply | BadLength | Endless | Dribble | Raw


@dataclass(frozen=True)
class Request:
    """A ``command`` received at time ``at`` (time.monotonic) on the ``connection``-th connection."""

    command: str
    at: float
    connection: int


@dataclass
class FakeMultipathd:
    """See the module; ``requests`` and ``connections`` hold what it has received.

    ``most_in_flight`` counts requests somebody waits for at one time, ``pipelined`` those sent before the last reply.
    """

    directory: Path
    name: str = ""
    replies: dict[str, Behaviour | list[Behaviour]] = field(default_factory=dict)
    pid: int = 4242
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    pipelined: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.pidfile = self.directory / "multipathd.pid"
        self.proc = self.directory / "proc"
        self.proc.mkdir(parents=True, exist_ok=True)
        self._path = self.directory / "multipathd.socket"
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._accepted: list[socket.socket] = []
        self._busy: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def socket_name(self) -> str:
        """The socket as a user would configure it."""
        return self.name or str(self._path)

    def presence(self) -> Presence:
        """Whether it runs, by its pidfile and its ``proc``."""
        return Daemon(NAME, self.pidfile, self.proc, lambda _: False).look()

    def asked(self, command: str) -> list[float]:
        """When ``command`` was asked, in seconds of time.monotonic."""
        return [request.at for request in list(self.requests) if request.command == command]

    def list_map(self, map_: FakeMap, disks: Iterable[FakeDisk], failed: Collection[str] = ()) -> None:
        """Have one map listed with its paths through ``disks``, those of the names in ``failed`` as failed in dm."""
        lines, groups = [], []
        for disk in disks:
            dm, checker = ("failed", "faulty") if disk.name in failed else ("active", "ready")
            lines.append(f"{WWID}|{map_.name}|{disk.name}|{disk.dev_t}|{dm}|{checker}|tur|normal|0\n")
            path = {"dev": disk.name, "dev_t": disk.dev_t, "dm_st": dm, "chk_st": checker, "checker": "tur"}
            groups.append({"paths": [{**path, "pri": 50, "marginal_st": "normal"}]})
        known = {"name": map_.name, "uuid": WWID, "sysfs": map_.sysfs_name, "queueing": "off", "path_groups": groups}
        self.replies[PATHS_COMMAND] = "".join(lines)
        self.replies[MAPS_COMMAND] = json.dumps({"maps": [known]})

    def start(self) -> None:
        """Listen, and write the pidfile; each start has a pid of its own."""
        self.pid += 1
        self._stopping = threading.Event()
        self.listen()
        (self.proc / str(self.pid)).mkdir()
        (self.proc / str(self.pid) / "comm").write_text("multipathd\n")
        self.pidfile.write_text(str(self.pid))

    def listen(self) -> None:
        """Listen only, as systemd does with multipathd.socket for a stopped multipathd."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path.unlink(missing_ok=True)
        listener.bind("\0" + self.name[1:] if self.name else str(self._path))
        listener.listen(8)
        self._listener = listener
        self._run(self._accept, listener, self._stopping)

    def hang_up(self) -> None:
        """Close every connection, as at the beginning of a shutdown."""
        with self._lock:
            accepted, self._accepted = self._accepted, []
        for connection in accepted:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        """End as by SIGKILL: the pidfile and the pathname socket stay, nobody listens."""
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.hang_up()
        shutil.rmtree(self.proc / str(self.pid), ignore_errors=True)
        for thread in self._threads:
            thread.join(5.0)
        self._threads.clear()

    def stop(self) -> None:
        """End in good order: the pidfile and the socket go."""
        self.kill()
        self.pidfile.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, target: object, *args: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, stopping: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while not stopping.is_set():
                connection, _ = listener.accept()
                with self._lock:
                    self.connections += 1
                    self._accepted.append(connection)
                    number = self.connections
                self._run(self._serve, connection, number, stopping)

    def _serve(self, connection: socket.socket, number: int, stopping: threading.Event) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while not stopping.is_set():
                (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
                command = _exactly(connection, length)[:-1].decode()
                with self._lock:
                    self.requests.append(Request(command, time.monotonic(), number))
                    self._busy.add(connection)
                    waiting = sum(not _is_abandoned(busy) for busy in self._busy)
                    self.most_in_flight = max(self.most_in_flight, waiting)
                    behaviour = self._behaviour(command)
                try:
                    if not self._answer(connection, behaviour, stopping):
                        return
                finally:
                    with self._lock:
                        self._busy.discard(connection)

    def _behaviour(self, command: str) -> Behaviour:
        reply = self.replies.get(command, CONFIGURATION if command == CONFIGURATION_COMMAND else HELP)
        if isinstance(reply, list):
            return reply.pop(0) if len(reply) > 1 else reply[0]
        return reply

    def _answer(self, connection: socket.socket, behaviour: Behaviour, stopping: threading.Event) -> bool:
        """Answer as instructed. Returns whether the connection goes on."""
        match behaviour:
            case str(text):
                self._send(connection, framed(text))
            case Late(seconds, text):
                stopping.wait(seconds)
                self._send(connection, framed(text))
            case Dribble(text, size, pause):
                data = framed(text)
                for at in range(0, len(data), size):
                    self._send(connection, data[at : at + size])
                    stopping.wait(pause)
            case CloseMidReply(text, sent):
                data = framed(text)
                self._send(connection, data[: _LENGTH.size + sent] if sent else b"")
                return False
            case BadLength(length):
                self._send(connection, _LENGTH.pack(length))
            case Raw(data):
                self._send(connection, data)
            case Endless():
                self._send(connection, _LENGTH.pack(31 * 1024 * 1024))
                while not stopping.is_set():
                    self._send(connection, b"x" * 65536)
            case Hang():
                stopping.wait()
                return False
        return True

    def _send(self, connection: socket.socket, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                self.pipelined += 1
        connection.sendall(data)


def framed(text: str) -> bytes:
    """``text`` as multipathd sends it: its length with the NUL, then both."""
    body = text.encode() + b"\0"
    return _LENGTH.pack(len(body)) + body


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received


def _is_abandoned(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
