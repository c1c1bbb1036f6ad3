"""A terminal whose whole screen a command uses for a while, and which is afterwards as it was before."""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from types import TracebackType
from typing import Self

_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[2J"
"""The alternate screen, without the cursor (xterm's ctlseqs: 1049, 25)."""
_LEAVE = b"\x1b[?25h\x1b[?1049l"
_LEFT_WITHIN = 1.0
"""Seconds that a terminal may take for the last bytes. One that is gone takes none."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_OTHERS = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Terminal:
    """The terminal on ``descriptor``; between ``with`` and its end the alternate screen is shown.

    The signals that end or stop the process are blocked meanwhile, and come out of ``pause``: so none can come between
    two bytes of an escape sequence. Nothing is written that waits for the reader: the terminal is opened once more,
    without blocking, so that the mode of the shell's own descriptor does not change.
    """

    def __init__(self, descriptor: int) -> None:
        self._original = descriptor
        self._descriptor = -1
        self._unwritten = b""
        self._mask: set[signal.Signals] = set()

    def __enter__(self) -> Self:
        self._mask = set(map(signal.Signals, signal.pthread_sigmask(signal.SIG_BLOCK, [*_ENDING, *_OTHERS])))
        try:
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            self._descriptor = os.open(os.ttyname(self._original), flags)
        except OSError:
            self._descriptor = os.dup(self._original)
        self._unwritten = _ENTER
        self._flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._leave()
        os.close(self._descriptor)
        # An ending signal that is still pending has been answered by leaving.
        while signal.sigtimedwait([*_ENDING, *_OTHERS], 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines now; of a terminal that does not know them, 80 and 24."""
        try:
            found = os.get_terminal_size(self._original)
        except OSError:
            found = os.terminal_size((0, 0))
        return os.terminal_size((found.columns or 80, found.lines or 24))

    def draw(self, text: bytes) -> None:
        """Write a frame if the last one has been taken; else the next one shows what this one would have."""
        self._flush()
        if not self._unwritten:
            self._unwritten = text
            self._flush()

    def pause(self, seconds: float) -> int | None:
        """Wait. Returns the number of the signal that ends the command, or ``None``; another signal ends the wait."""
        received = signal.sigtimedwait([*_ENDING, *_OTHERS], seconds)
        if received is None:
            return None
        if received.si_signo in _ENDING:
            return received.si_signo
        if received.si_signo == signal.SIGTSTP:
            self._stop()
        return None

    def _stop(self) -> None:
        """Ctrl-Z: the shell gets its screen, and once the process goes on, the alternate one is shown."""
        self._leave()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTSTP, signal.SIGCONT])
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTSTP, signal.SIGCONT])
        self._unwritten = _ENTER
        self._flush()

    def _leave(self) -> None:
        """Show the screen as it was. A frame of which a part is written ends first: its rest may be half a sequence."""
        self._unwritten += _LEAVE
        until = time.monotonic() + _LEFT_WITHIN
        self._flush()
        while self._unwritten and (left := until - time.monotonic()) > 0:
            select.select([], [self._descriptor], [], left)
            self._flush()
        self._unwritten = b""

    def _flush(self) -> None:
        while self._unwritten:
            try:
                written = os.write(self._descriptor, self._unwritten)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    self._unwritten = b""  # the terminal is gone; SIGHUP follows
                return
            self._unwritten = self._unwritten[written:]
