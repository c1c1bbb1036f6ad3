"""``mpathd-watch replay``: the same core and sinks, driven by a recording instead of this host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from typing import TextIO

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon.engine import Engine, Outlets
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer
from mpathd_watch.sinks.http.site import About
from mpathd_watch.sinks.local_socket import LocalSocketError
from mpathd_watch.sinks.status.socket import StatusSocket
from mpathd_watch.sinks.view import View
from mpathd_watch.sources import recording

SHIPPED = "article.jsonl"
"""The recording that is shipped: one of two iSCSI paths loses its link for 45 s, on a real kernel."""

LONGEST_PAUSE = 10.0
"""Seconds without an event that are played; a longer pause is skipped. A daemon records something every 5 s, but a
later part of a recording begins with readings that may be days old."""


class Playback(Outlets):
    """Feeds recorded events to an engine and passes its alerts to ``report``. ``now`` is the recording's present."""

    def __init__(self, report: Callable[[Alert], None]) -> None:
        self._report = report
        self.now = Instant(0.0, 0.0)
        self.engine = Engine(lambda: self.now, self)

    def play(self, event: Event, at: Instant) -> None:
        """Process one event at its recorded instant."""
        self.now = at
        self.engine.feed(event, at=at)

    def alert(self, alert: Alert) -> None:
        """Report the alert."""
        self._report(alert)

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002  # the event is in the report
        """Fail: a recording that the core can't process is a bug report."""
        raise RuntimeError(report)


class Replay:
    """One recording, played ``speed`` times as fast as it was recorded, with its metrics, page and status served.

    ``paths`` are its parts, the oldest first; without any, it is the shipped one. The alerts are printed on ``stream``.
    The status is served on ``status_socket``. Raises ``RecordingError`` if a file is no recording, and ``ListenError``
    if nothing can be served on ``listen``.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        speed: float,
        listen: ListenAddress,
        stream: TextIO,
        *,
        colour: bool,
        status_socket: Path | None,
    ) -> None:
        self._name = ", ".join(map(str, paths)) or "the shipped recording"
        self._speed = speed
        # The first event is read before anything is printed or served: a file that is no recording is one line.
        events = _events(paths)
        first = next(events, None)
        if first is None:
            raise recording.RecordingError(f"{self._name}: it holds no event")
        self._events = chain((first,), events)
        self._http = HttpServer(
            Endpoints((listen,)), self.view, lambda: 0.0, self._complain, about=About("a recording")
        )
        self._console = ConsoleSink(stream, lambda: self._playback.now.wall, colour=colour)
        self._playback = Playback(self._console.alert)
        self._status = StatusSocket(status_socket, self.view) if status_socket else None
        self._began: tuple[float, Instant] | None = None

    @property
    def title(self) -> str:
        """What is played, how fast, and where its state is served."""
        speed = "at its own speed" if self._speed == 1 else f"{self._speed:g} times as fast as it was recorded"
        return f"Playing {self._name} {speed}; {self.places}."

    @property
    def places(self) -> str:
        """Where the state of the recording is served."""
        command = ", and 'mpathd-watch status' shows its state" if self._status else ""
        return f"metrics and a page are on http://{self._http.address}/{command}"

    def view(self) -> View:
        """The state and the time on the recording's clocks, which run between its events and stop at the last one."""
        if self._began is None:
            return self._playback.engine.view()
        began, first = self._began
        passed = (time.monotonic() - began) * self._speed
        return View(self._playback.engine.state, Instant(first.monotonic + passed, first.wall + passed))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve metrics, page and status inside the block. If the status can't be served, that is logged."""
        self._http.start()
        try:
            if self._status is not None:
                try:
                    await self._status.start()
                except LocalSocketError as error:
                    self._complain(str(error))
                    self._status = None
            yield
        finally:
            if self._status is not None:
                await self._status.stop()
            self._http.stop()

    async def play(self) -> None:
        """Play to the end, and print all alerts.

        Raises ``RecordingError`` at an event that can't be read; all events before it have been played.
        """
        try:
            for event, at in self._events:
                await self._until(at)
                self._playback.play(event, at)
        finally:
            self._began = None
            self._console.stop()

    async def _until(self, at: Instant) -> None:
        if self._began is None:
            self._began = (time.monotonic(), at)
        if at.monotonic - self._playback.now.monotonic > LONGEST_PAUSE:
            self._began = (time.monotonic(), at)
        began, first = self._began
        due = began + (at.monotonic - first.monotonic) / self._speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _complain(self, text: str) -> None:
        self._console.log(Priority.ERR, text)


def _events(paths: Sequence[Path]) -> Iterator[tuple[Event, Instant]]:
    with as_file(files("mpathd_watch") / "recordings" / SHIPPED) as shipped:
        yield from recording.read(*paths or (shipped,))
