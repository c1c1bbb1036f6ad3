"""sd_notify(3): notifies systemd that the daemon is ready, of its status, and that its loop is alive.

Every call sends one datagram and returns at once. Without ``NOTIFY_SOCKET`` it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from systemd.daemon import notify

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """Notifies the service manager. ``environ`` and ``pid`` are those of this process."""

    def __init__(self, environ: Mapping[str, str], pid: int, send: Callable[[str], object] = notify) -> None:
        self._enabled = bool(environ.get("NOTIFY_SOCKET"))
        self._send = send
        self._status = ""
        self._interval = _interval(environ, pid) if self._enabled else None
        self.failures = 0
        """Notifications that could not be sent."""

    @property
    def interval(self) -> float | None:
        """Seconds after which the watchdog must be fed again: half its timeout. ``None`` if there is no watchdog."""
        return self._interval

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
            self._notify("WATCHDOG=1")

    def reloading(self, now: Instant) -> None:
        """A reload begins; ``ready`` ends it. systemd needs CLOCK_MONOTONIC to distinguish it from an older one."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={int(now.monotonic * _MICROSECONDS)}")

    def stopping(self) -> None:
        """The daemon is about to end."""
        self._notify("STOPPING=1")

    def _notify(self, *lines: str) -> None:
        if not self._enabled:
            return
        try:
            self._send("\n".join(lines))
        except OSError:
            self.failures += 1


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
