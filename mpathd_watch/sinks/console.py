"""Lines for people at a terminal, through structlog: time, priority, event and message.

Used by ``replay``, and by ``run`` if standard error is a terminal or there is no journal. Where there is no journal,
standard error is often a file or another log: then a line has the date, and the fields that the journal would have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.fields import DAEMON_EVENT, PREFIX
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.backlog import CAPACITY, Backlog, Outlet
from mpathd_watch.sinks.dates import date

if TYPE_CHECKING:
    from structlog.typing import EventDict

_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_COLOURS: Final = {
    Priority.CRIT: "\x1b[1;37;41m",
    Priority.ERR: "\x1b[1;31m",
    Priority.WARNING: "\x1b[33m",
    Priority.NOTICE: "\x1b[1m",
    Priority.INFO: "",
}
_CALM: Final = frozenset({"path_reinstated", "map_recovered", "session_restored", "source_up"})
_GREEN: Final = "\x1b[32m"
_PRIORITY_WIDTH: Final = max(len(priority.name) for priority in Priority)
_EVENT_WIDTH: Final = 16
_UNQUOTED: Final = re.compile(r"[\w.,:;/@#%+-]+")
"""A value that needs no quotation marks in a line of fields."""


class ConsoleSink:
    """Writes alerts and lines to ``stream`` from a thread of its own, so a stopped terminal (Ctrl-S) stalls nothing.

    ``clock`` gives the time to print, in seconds since 1970: that of the recording during a replay. With ``complete``
    a line has the date and the time zone, and the fields that an entry of the journal has. ``below`` gives the outlet
    of a ``stream`` that queues text itself: what waits or is lost there has not arrived either.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float],
        *,
        colour: bool,
        complete: bool = False,
        below: Callable[[], Outlet] = lambda: Outlet(0, 0, stalled=False),
        zone: tzinfo | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._clock = clock
        self._zone = zone
        self._colour = colour
        self._complete = complete
        self._below = below
        self._logger: Any = structlog.wrap_logger(
            structlog.WriteLogger(stream), processors=[self._line], wrapper_class=structlog.BoundLogger
        )
        self._backlog: Backlog[EventDict] = Backlog("console", self._deliver, self._loss, capacity)

    @property
    def outlet(self) -> Outlet:
        """How many lines are not written."""
        own, below = self._backlog.outlet, self._below()
        return Outlet(own.lost + below.lost, own.waiting + below.waiting, own.stalled or below.stalled)

    def alert(self, alert: Alert) -> None:
        """Queue an alert. Returns at once."""
        self._put(alert.priority, alert.kind.event, alert.message, alert.fields if self._complete else {})

    def log(self, priority: Priority, text: str) -> None:
        """Queue a line about the daemon itself. Returns at once. May be called from any thread."""
        self._put(priority, DAEMON_EVENT, text)

    def stop(self, deadline: float = 2.0) -> bool:
        """Write what is queued, for at most ``deadline`` seconds. Returns whether all of it was written."""
        return self._backlog.stop(deadline)

    def _put(
        self, priority: Priority, kind: str, message: str, fields: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._backlog.put(
            {"event": message, "kind": kind, "priority": priority, "wall": self._clock(), "fields": fields}
        )

    def _deliver(self, entry: EventDict) -> None:
        self._logger.msg(**entry)

    def _loss(self, count: int) -> EventDict:
        return {
            "event": f"the terminal did not accept all lines in time; dropped: {count}",
            "kind": DAEMON_EVENT,
            "priority": Priority.WARNING,
            "wall": self._clock(),
            "fields": {},
        }

    def _line(self, _logger: object, _method: str, entry: EventDict) -> str:
        """One line of text: the last processor in structlog's chain."""
        priority, kind = entry["priority"], entry["kind"]
        moment = self._moment(entry["wall"])
        colour = _GREEN if kind in _CALM else _COLOURS[priority]
        label = f"{priority.name.lower():<{_PRIORITY_WIDTH}}"
        return "  ".join(
            (
                self._paint(moment, _DIM),
                self._paint(label, colour),
                self._paint(f"{kind:<{_EVENT_WIDTH}}", _DIM),
                self._paint(clean(entry["event"]), colour),
                *(f"{PREFIX}{name}={_quoted(value)}" for name, value in entry["fields"].items()),
            )
        )

    def _moment(self, wall: float) -> str:
        found = date(wall, self._zone)
        if self._complete:
            return found.astimezone(self._zone).isoformat(timespec="milliseconds")
        return found.strftime("%H:%M:%S.%f")[:-3]

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and colour else text


def _quoted(value: str) -> str:
    """A field's value: within quotation marks, with escapes as in JSON, unless it is one plain word."""
    return value if _UNQUOTED.fullmatch(value) else json.dumps(clean(value), ensure_ascii=False)
