"""A hook: a command that is run with a time limit, and that can hold nothing, whatever it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mpathd_watch.config.receivers import Hook
from mpathd_watch.core.alerting.notices import Notice
from mpathd_watch.core.model.text import clean, duration
from mpathd_watch.sinks.deadline import within
from mpathd_watch.sinks.hooks.outcome import Outcome, Result
from mpathd_watch.sinks.hooks.wording import as_json, fields

STARTED_WITHIN: Final = 10.0
"""Seconds that loading the program may take. It is on a file system, which may hang."""
ENDS_WITHIN: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""
GONE_WITHIN: Final = 1.0
"""Seconds after SIGKILL. A process that waits for a disk does not end before the disk answers; it is left behind."""
TAIL: Final = 2048
"""Bytes of its output that are kept, of which the last line is logged."""
_PIECE: Final = 65536
_PAUSE: Final = 0.01
"""Seconds between two pieces of output: a command that writes without end is slowed down, and costs little."""
_LOOK_EVERY: Final = 0.05
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "STATE_DIRECTORY")
"""What a hook gets of the daemon's own environment. The rest, such as NOTIFY_SOCKET, is not meant for it."""
_AMBIENT: Final = (47, 4, 0, 0, 0)
"""PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL: prctl(2)."""

# With vfork the child would stop this process until its program is loaded, with the interpreter lock held: for ever, if
# that file system hangs. With fork only this thread waits.
vars(subprocess)["_USE_VFORK"] = False


class Command:
    """Runs one hook of this ``host``, one process at a time. To be used by one thread."""

    def __init__(self, hook: Hook, host: str) -> None:
        self._hook = hook
        self._host = host
        self._start = _Start()

    def deliver(self, notice: Notice) -> Outcome:
        """Run the command with a notice. Takes at most its time limit, and 13 s in which it starts and ends."""
        if self._start.hangs:
            return Outcome(Result.NOT_STARTED, f"{self._name} is still being loaded for the one before; see dmesg")
        start = self._start = _Start()
        try:
            process = within(STARTED_WITHIN, lambda: self._started(notice, start))
        except TimeoutError:
            start.hangs = True
            return Outcome(
                Result.NOT_STARTED, f"{self._name} could not be loaded within {duration(STARTED_WITHIN)}; see dmesg"
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Outcome(
                Result.NOT_STARTED, f"{self._name}: {reason}. Check command of [[hook]], and who may run the program"
            )
        output = _Output(process)
        try:
            ended = output.read_until_it_ends(self._hook.timeout_seconds)
        finally:
            _end(process)
            output.close()
        if not ended:
            return Outcome(
                Result.TIMEOUT,
                f"{self._name} did not end within {duration(self._hook.timeout_seconds)} and was ended{output.last}; "
                "see timeout_seconds of [[hook]]",
            )
        if process.returncode:
            return Outcome(Result.FAILED, f"{self._name} {_how(process.returncode)}{output.last}")
        return Outcome(Result.OK)

    @property
    def _name(self) -> str:
        return clean(self._hook.command[0])

    def _started(self, notice: Notice, start: _Start) -> subprocess.Popen[bytes]:
        """The process. Its standard input is a file in memory, so nobody waits until it reads."""
        try:
            process = self._popen(notice)
        finally:
            late, start.hangs = start.hangs, False
        if late:  # it was given up, and nobody watches it
            _end(process)
        return process

    def _popen(self, notice: Notice) -> subprocess.Popen[bytes]:
        _drop_capabilities()
        descriptor = os.memfd_create("mpathd-watch-hook", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "w+b") as entry:
            entry.write(as_json(notice, self._host))
            entry.flush()
            entry.seek(0)
            process = subprocess.Popen(  # noqa: S603  # what the administrator has configured, and no shell
                self._hook.command,
                stdin=entry,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_environment(fields(notice, self._host)),
                start_new_session=True,
                restore_signals=True,
            )
        _give_up_first(process.pid)
        return process


@dataclass(slots=True)
class _Start:
    """The start of a process, and whether it has been given up but has not returned: its file system hangs."""

    hangs: bool = False


class _Output:
    """What a process prints, of which the end is kept."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = b""
        self._pipe = process.stdout
        if self._pipe is not None:
            os.set_blocking(self._pipe.fileno(), False)

    def read_until_it_ends(self, seconds: float) -> bool:
        """Read for at most so many seconds. Returns whether the process has ended, even if its children have not."""
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            left = until - time.monotonic()
            if left <= 0:
                return False
            if not self._read(min(left, _LOOK_EVERY)):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(min(left, _LOOK_EVERY))
        while self._read(0):
            if time.monotonic() > until:
                break
        return True

    def close(self) -> None:
        """Read no more. A process that still writes gets SIGPIPE."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    @property
    def last(self) -> str:
        """The last line, as the end of a sentence; empty if there is none."""
        lines = self._kept.decode("utf-8", "replace").split("\n")
        line = next((each.strip() for each in reversed(lines) if each.strip()), "")
        return f' (its last line: "{clean(line)[:200]}")' if line else ""

    def _read(self, patience: float) -> bool:
        """Read a piece, if there is one within so many seconds. Returns whether there was, or may yet be."""
        if self._pipe is None:
            return False
        # select() refuses descriptors from 1024 on, and the daemon may have as many: up to 1,024 of HTTP clients alone.
        readable = select.poll()
        readable.register(self._pipe, select.POLLIN)
        if not readable.poll(patience * 1000):
            return patience > 0
        piece = os.read(self._pipe.fileno(), _PIECE)
        self._kept = (self._kept + piece)[-TAIL:]
        if not piece:
            self.close()
        elif len(piece) == _PIECE:
            time.sleep(_PAUSE)
        return bool(piece)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all others of its group: those that it has left behind, too."""
    _signal(process, signal.SIGTERM)
    _wait(ENDS_WITHIN, lambda: not _is_there(process))
    _signal(process, signal.SIGKILL)
    _wait(GONE_WITHIN, lambda: process.poll() is not None)


def _wait(seconds: float, over: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not over() and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)


def _is_there(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process of the group is there. The leader must be waited for, or it stays there as a zombie."""
    process.poll()
    return _signal(process, 0)


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send the group a signal. Returns whether there was somebody to get it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _environment(entry: Mapping[str, str]) -> dict[str, str]:
    own = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"PATH": _PATH, **own, **entry}


def _drop_capabilities() -> None:
    """Have this thread pass no capability on: the daemon's CAP_NET_ADMIN is for its sockets, and not for a hook."""
    ctypes.CDLL(None, use_errno=True).prctl(*_AMBIENT)


def _give_up_first(pid: int) -> None:
    """Where memory is short, the kernel shall end the hook before the daemon, whose protection it has inherited."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("0\n", encoding="ascii")


def _how(returncode: int) -> str:
    """How the process ended."""
    if returncode > 0:
        return f"ended with status {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"
