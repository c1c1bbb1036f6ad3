"""sd_notify(3): notifies systemd that the daemon is ready, of its status, and that its loop is alive.

Every call returns at once. libsystemd's own function waits without a limit while systemd does not read, so these
datagrams are sent from here. What systemd does not accept waits for ``retry``. Without ``NOTIFY_SOCKET`` nothing is
sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Final

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.backlog import Outlet

_MICROSECONDS: Final = 1_000_000
_MOST: Final = 16
"""Notifications that may wait. Of STATUS= and WATCHDOG=1 only the last one waits."""
_WATCHDOG: Final = "WATCHDOG=1"


def sender(address: str) -> Callable[[str], None]:
    """Returns what sends one notification to ``address``, a path, or ``@NAME`` in the abstract namespace.

    It raises ``BlockingIOError`` if the receiver's queue is full, and another ``OSError`` if there is no receiver.
    """
    name = f"\0{address[1:]}" if address.startswith("@") else address

    def send(text: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            connection.sendto(text.encode("utf-8", "backslashreplace"), name)

    return send


class Notifier:
    """Notifies the service manager. ``environ`` and ``pid`` are those of this process.

    ``send`` is by default the ``sender`` to NOTIFY_SOCKET.
    """

    def __init__(self, environ: Mapping[str, str], pid: int, send: Callable[[str], None] | None = None) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._send = (send or sender(address)) if address else None
        self._status = ""
        self._interval = _interval(environ, pid) if address else None
        self._unsent: list[str] = []
        self._failures = 0

    @property
    def interval(self) -> float | None:
        """Seconds after which the watchdog must be fed again: half its timeout. ``None`` if there is no watchdog."""
        return self._interval

    @property
    def outlet(self) -> Outlet | None:
        """How many notifications systemd has not accepted; ``None`` if there is no service manager."""
        return Outlet(self._failures, len(self._unsent), bool(self._unsent)) if self._send else None

    def ready(self, status: str) -> None:
        """Start-up, or a reload, is complete."""
        self._status = status
        self._notify("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Set the line that ``systemctl status`` shows. Sent only if it has changed."""
        if text != self._status:
            self._status = text
            self._notify(_status(text))

    def watchdog(self) -> None:
        """Feed the watchdog. Only the loop may call this: it proves that the loop is alive."""
        if self._interval is not None:
            self._notify(_WATCHDOG)

    def reloading(self, now: Instant) -> None:
        """A reload begins; ``ready`` ends it. systemd needs CLOCK_MONOTONIC to distinguish it from an older one."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={int(now.monotonic * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The daemon is about to end."""
        self._notify("STOPPING=1")

    def retry(self) -> None:
        """Send what systemd has not accepted so far, in order."""
        while self._unsent and self._send is not None:
            try:
                self._send(self._unsent[0])
            except BlockingIOError:
                return
            except OSError:
                self._failures += 1
            del self._unsent[0]

    def _notify(self, *lines: str) -> None:
        if self._send is None:
            return
        text = "\n".join(lines)
        replaced = "STATUS=" if text.startswith("STATUS=") else text if text == _WATCHDOG else None
        if replaced is not None:
            self._unsent = [each for each in self._unsent if not each.startswith(replaced)]
        if len(self._unsent) >= _MOST:
            del self._unsent[0]
            self._failures += 1
        self._unsent.append(text)
        self.retry()


def _status(text: str) -> str:
    return f"STATUS={clean(text)}"


def _interval(environ: Mapping[str, str], pid: int) -> float | None:
    """Half of WATCHDOG_USEC, if the watchdog is meant for this process (sd_watchdog_enabled(3))."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / _MICROSECONDS / 2 if microseconds > 0 else None
