"""A status socket without a daemon, and a command on a terminal of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mpathd_watch.sinks.status.document import Document
from tests.component.process import PATIENCE, until

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


@contextmanager
def answering(runtime: Path, document: Callable[[], Document]) -> Iterator[None]:
    """Answer each client with the status, as the daemon does whose runtime directory this is."""
    path = runtime / "status.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):  # the end: the socket is shut down
                while True:
                    client, _ = server.accept()
                    with client:
                        client.sendall(json.dumps(document()).encode())

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            path.unlink()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


class OnTerminal:
    """``mpathd-watch`` with these arguments on a terminal of 100 columns and 30 lines, which reads all the time."""

    def __init__(self, *arguments: str, environ: dict[str, str]) -> None:
        self.main, self.terminal = pty.openpty()
        termios.tcsetwinsize(self.terminal, (30, 100))
        self.mode = termios.tcgetattr(self.terminal)
        command = [sys.executable, "-m", "mpathd_watch", *arguments]
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            command,
            env={**os.environ, "TERM": "xterm", "TZ": "UTC", **environ},
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            preexec_fn=self._take_terminal,  # noqa: PLW1509  # before this test has a thread
        )
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        os.close(self.terminal)
        os.close(self.main)

    def _take_terminal(self) -> None:
        """Make it the controlling terminal, so that its Ctrl-C is a signal."""
        os.close(os.open(os.ttyname(0), os.O_RDWR))

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the end of the last process on the terminal
            while chunk := os.read(self.main, 65536):
                self.text += chunk.decode()

    @property
    def frames(self) -> list[str]:
        """What was drawn so far, one text a frame; the last one may not be complete."""
        return self.text.split("\x1b[H")[1:]

    def wait(self, text: str, after: int = 0) -> None:
        """Wait until a frame beyond the first ``after`` ones shows the text."""
        until(
            lambda: any(text in frame for frame in self.frames[after:]) or None,
            lambda: f"{text!r} on the terminal:\n{self.frames[-1:]}",
        )

    def type(self, keys: bytes) -> None:
        """Type on the keyboard."""
        os.write(self.main, keys)

    def ended(self) -> int:
        """Wait for the end. Returns the exit status."""
        return self.process.wait(PATIENCE)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    @property
    def mode_now(self) -> list[Any]:
        return termios.tcgetattr(self.terminal)
