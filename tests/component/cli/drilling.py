"""``mpathd-watch drill`` as a process, on a host of fakes: a sysfs, and a multipathd that answers on a real socket."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mpathd_watch.sources.multipathd.replies import PATHS_COMMAND
from tests.component.process import PATIENCE, until
from tests.fakes.multipathd import FakeMultipathd
from tests.fakes.sysfs import FakeSysfs

PORTAL = "192.168.2.1:3260"
PROGRAM = """
import sys
from pathlib import Path
from mpathd_watch import cli
from mpathd_watch.sources.multipathd import client
from mpathd_watch.sources.reading.presence import Daemon
pidfile, proc = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
client.multipathd = lambda: Daemon("multipathd", pidfile, proc, lambda _: False)
sys.exit(cli.main())
"""
"""The command; only that a multipathd of a test runs is found in the test's own directory."""


class DrillHost:
    """A map with a path through each of two portals, of sessions with short timeouts. ``checked`` runs multipathd.

    The targets answer all the time, but for the sessions in ``silent``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.san = FakeSysfs(directory / "sys")
        (directory / "root").mkdir()
        self.sessions = [
            self.san.login(f"192.168.{number}.1:3260", recv_tmo=1, ping_tmo=1, recovery_tmo=1) for number in (1, 2)
        ]
        self.disks = [self.san.add_disk(session) for session in self.sessions]
        for disk in self.disks:
            disk.serve(0, 0)
        self.map = self.san.add_map("mpio", self.disks)
        self.failed: set[str] = set()
        self.silent: set[int] = set()
        self.multipathd = FakeMultipathd(directory / "multipathd")
        self._stopping = threading.Event()
        self._answering = threading.Thread(target=self._answer)

    def __enter__(self) -> Self:
        self.list_paths()
        self.multipathd.start()
        self._answering.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._answering.join()
        self.multipathd.stop()

    def list_paths(self) -> None:
        """Have multipathd list the paths as they are, by ``failed``."""
        self.multipathd.list_map(self.map, self.disks, self.failed)

    def fail(self, number: int) -> None:
        """A link breaks: the session fails after its pings, and dm fails the path after ``recovery_tmo``."""
        session, disk = self.sessions[number - 1], self.disks[number - 1]
        self.silent.add(number)
        time.sleep(2.0)
        session.fail()
        time.sleep(1.0)
        disk.serve(4, 12_000)
        self.failed.add(disk.name)
        self.list_paths()
        session.expire()

    def recover(self, number: int, *, reinstated: bool = True) -> None:
        """The link is back, and multipathd reinstates the path if it is running."""
        self.silent.discard(number)
        self.sessions[number - 1].recover()
        if reinstated:
            self.failed.discard(self.disks[number - 1].name)
            self.list_paths()

    def wait_listed(self, times: int) -> None:
        """Wait until multipathd has answered for its paths so many times more."""
        wanted = len(self.multipathd.asked(PATHS_COMMAND)) + times
        until(lambda: len(self.multipathd.asked(PATHS_COMMAND)) >= wanted or None, f"{times} listings")

    def command(self, *options: str) -> list[str]:
        places = [str(self.multipathd.pidfile), str(self.multipathd.proc)]
        command = [sys.executable, "-c", PROGRAM, *places, "drill", "--sysfs", str(self.directory / "sys")]
        command += ["--multipathd-socket", self.multipathd.socket_name, "--root", str(self.directory / "root")]
        config = self.directory / "config.toml"
        # The machine that runs the tests may be busy: what is late by that is no fault.
        config.write_text("slack_seconds = 15\n", encoding="utf-8")
        return [*command, "--config", str(config), *options]

    @property
    def environ(self) -> dict[str, str]:
        places = {"RUNTIME_DIRECTORY": str(self.directory / "run"), "STATE_DIRECTORY": str(self.directory / "state")}
        return {**os.environ, **places, "TERM": "xterm"}

    def history(self, *options: str) -> dict[str, Any]:
        """What ``mpathd-watch history --json`` shows."""
        command = [sys.executable, "-m", "mpathd_watch", "history", "--json", *options]
        done = subprocess.run(command, env=self.environ, capture_output=True, check=True)  # noqa: S603  # our own program
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _answer(self) -> None:
        while not self._stopping.wait(0.2):
            for number, session in enumerate(self.sessions, 1):
                if number not in self.silent and session.state == "LOGGED_IN":
                    session.answer()


class Drilling:
    """A drill with its output in files, or with ``terminal`` on a terminal of its own."""

    def __init__(self, host: DrillHost, *options: str, terminal: bool = False) -> None:
        self._main: int | None = None
        self._output = host.directory / "output"
        self._errors = host.directory / "errors"
        self.shown = ""
        command = host.command(*options)
        if terminal:
            self._main, end = pty.openpty()
            self.process = subprocess.Popen(command, env=host.environ, stdin=end, stdout=end, stderr=end)  # noqa: S603  # our own program
            os.close(end)
            threading.Thread(target=self._read, daemon=True).start()
        else:
            with self._output.open("w") as output, self._errors.open("w") as errors:
                self.process = subprocess.Popen(command, env=host.environ, stdout=output, stderr=errors)  # noqa: S603  # our own program

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        if self._main is not None:
            os.close(self._main)

    @property
    def output(self) -> str:
        return self.shown if self._main is not None else self._output.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)
        return found

    def wait(self, text: str, where: Callable[[], str] | None = None) -> None:
        look = where or (lambda: self.output)
        until(lambda: text in look() or None, lambda: f"{text!r} in:\n{look()}")

    def terminal_mode(self) -> list[Any]:
        """What tcgetattr(3) returns of the terminal."""
        assert self._main is not None
        return termios.tcgetattr(self._main)

    def ended(self) -> int:
        return self.process.wait(PATIENCE)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the end of the last process on the terminal
            while self._main is not None and (chunk := os.read(self._main, 65536)):
                self.shown += chunk.decode()
