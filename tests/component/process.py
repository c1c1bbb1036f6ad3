"""``mpathd-watch run`` as a process, with all its surroundings in a temporary directory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from mpathd_watch.sinks.status.document import Document, parse

T = TypeVar("T")
PATIENCE = 20.0


def until(look: Callable[[], T | None], what: Callable[[], str] | str) -> T:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {PATIENCE:g} s for {what if isinstance(what, str) else what()}")


class Daemon:
    """``mpathd-watch run`` with all its surroundings in a temporary directory.

    ``prefix`` starts the command. ``stderr`` is a descriptor to use in place of a file in the directory.
    ``program`` are Python's arguments for the program itself.
    """

    def __init__(
        self,
        directory: Path,
        *options: str,
        prefix: Sequence[str] = (),
        stderr: int | None = None,
        program: Sequence[str] = ("-m", "mpathd_watch"),
    ) -> None:
        self.directory = directory
        self.config = directory / "config.toml"
        self.config.touch()
        self._notified: list[str] = []
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(directory / "notify"))
        self._manager.setblocking(False)
        runtime = directory / "run"
        runtime.mkdir(exist_ok=True)
        self.environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(directory / "notify"),
            "RUNTIME_DIRECTORY": str(runtime),
            "STATE_DIRECTORY": str(directory / "state"),
            "WATCHDOG_USEC": "2000000",
        }
        command = [*prefix, sys.executable, *program, "run", "--config", str(self.config)]
        command += ["--sysfs", str(directory / "sys"), "--web.listen-address", "127.0.0.1:0", *options]
        self._errors = (directory / "stderr").open("w+", encoding="utf-8")
        errors = self._errors if stderr is None else stderr
        self.process = subprocess.Popen(command, env=self.environ, stderr=errors)  # noqa: S603  # our own program

    def notified(self) -> str:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._notified.append(self._manager.recv(65536).decode())
        return "\n".join(self._notified)

    def wait_notified(self, pattern: str, times: int = 1) -> None:
        def look() -> bool | None:
            return len(re.findall(pattern, self.notified(), re.MULTILINE)) >= times or None

        until(look, lambda: f"{pattern!r} among the notifications:\n{self.notified()}\n{self.said()}")

    def said(self) -> str:
        return (self.directory / "stderr").read_text(encoding="utf-8")

    def status(self) -> Document:
        command = [sys.executable, "-m", "mpathd_watch", "status", "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, check=True)  # noqa: S603  # our own program
        return parse(done.stdout)

    def url(self) -> str:
        # Where there is a journal, the daemon logs its address there and not on standard error.
        for inode in self._socket_inodes():
            for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[9] == inode and fields[3] == "0A":
                    return f"http://127.0.0.1:{int(fields[1].partition(':')[2], 16)}"
        pytest.fail("the daemon listens nowhere")

    def _socket_inodes(self) -> Iterator[str]:
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                    yield match[1]

    def scrape(self, page: str = "/metrics") -> str:
        with urllib.request.urlopen(f"{self.url()}{page}", timeout=PATIENCE) as answer:  # noqa: S310  # loopback
            text: str = answer.read().decode()
        return text

    def wait_scraped(self, line: str) -> None:
        until(lambda: line in self.scrape().splitlines() or None, line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._manager.close()
        self._errors.close()
