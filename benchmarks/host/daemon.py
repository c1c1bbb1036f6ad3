"""The daemon as a process, as systemd runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.host.process import processor_time

PORT = 10068
PATIENCE = 120.0
PROGRAM = (sys.executable, "-m", "mpathd_watch")


class Daemon:
    """A daemon that is ready: ``ready_after`` so many seconds, of which it had a processor ``processor_at_ready``.

    It ``began`` at that moment of time.monotonic().
    """

    def __init__(self, directory: Path, options: Sequence[str], port: int, program: Sequence[str] = PROGRAM) -> None:
        self.port = port
        self._directory = directory
        self._over = False
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = directory / "notify"
        notify.unlink(missing_ok=True)
        self._manager.bind(str(notify))
        self._manager.settimeout(0.5)
        runtime = directory / "runtime"
        runtime.mkdir(exist_ok=True)
        self.environ: Mapping[str, str] = {
            **os.environ,
            "NOTIFY_SOCKET": str(notify),
            "RUNTIME_DIRECTORY": str(runtime),
            "STATE_DIRECTORY": str(runtime / "state"),
            "WATCHDOG_USEC": "30000000",
        }
        command = [*program, "run", *options, "--web.listen-address", f"127.0.0.1:{port}"]
        with self.errors.open("wb") as errors:
            self.began = time.monotonic()
            self._process = subprocess.Popen(command, env=self.environ, stdout=errors, stderr=errors)
        try:
            self._wait_ready()
            self.ready_after, self.processor_at_ready = time.monotonic() - self.began, processor_time(self.pid)
        except BaseException:
            self._process.kill()
            raise
        # As with systemd, somebody reads what it reports after that.
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def errors(self) -> Path:
        """The file with what it has written to standard error."""
        return self._directory / "stderr"

    @property
    def status(self) -> int | None:
        """Its exit status; ``None`` while it runs."""
        return self._process.poll()

    def reload(self) -> None:
        """Have it read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """End it. Raises ``RuntimeError`` if it has ended by itself."""
        status = self._process.poll()
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._over = True
        self._thread.join()
        self._manager.close()
        if status is not None:
            raise RuntimeError(f"the daemon ended with status {status}: {self._last_words()}")

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in self._manager.recv(1 << 16):
                    return
            if self._process.poll() is not None:
                break
        raise RuntimeError(f"the daemon is not ready: {self._last_words()}")

    def _drain(self) -> None:
        while not self._over:
            with contextlib.suppress(TimeoutError):
                self._manager.recv(1 << 16)

    def _last_words(self) -> str:
        return self.errors.read_text(encoding="utf-8", errors="replace")[-2000:]


@contextlib.contextmanager
def running(
    directory: Path, options: Sequence[str], port: int = PORT, program: Sequence[str] = PROGRAM
) -> Iterator[Daemon]:
    """A daemon until the end of the block, which ``program`` is."""
    daemon = Daemon(directory, options, port, program)
    try:
        yield daemon
    finally:
        daemon.close()
