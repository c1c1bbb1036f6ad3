"""``mpathd-watch replay``: the same core and sinks, driven by a recording instead of this host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert, Refresh
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon.engine import Engine
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.http.server import HttpServer
from mpathd_watch.sinks.view import View
from mpathd_watch.sources import recording

SHIPPED = "article.jsonl"
"""The recording that comes with mpathd-watch: one of two iSCSI paths loses its link for 45 s, on a real kernel."""


class Playback:
    """Feeds recorded events to an engine and hands its alerts to ``tell``. ``now`` is the recording's present."""

    def __init__(self, tell: Callable[[Alert], None]) -> None:
        self._tell = tell
        self.now = Instant(0.0, 0.0)
        self.engine = Engine(lambda: self.now, self)

    def play(self, event: Event, at: Instant) -> None:
        """Fold in one event at its recorded instant."""
        self.now = at
        self.engine.feed(event, at)

    def alert(self, alert: Alert) -> None:
        """Tell it."""
        self._tell(alert)

    def refresh(self, refresh: Refresh) -> None:
        """Nothing can be read again: the answers are in the recording."""

    def recorded(self, event: Event, now: Instant) -> None:
        """Nothing to do: it is recorded already."""

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002  # the event is in the report
        """Fail: a recording that breaks the core is a bug report."""
        raise RuntimeError(report)


class Replay:
    """One recording, played ``speed`` times as fast as it happened, with metrics and the page served meanwhile.

    ``path`` ``None``: the shipped recording. Raises ``ListenError`` if it can't listen.
    """

    def __init__(self, path: Path | None, speed: float, listen: ListenAddress, console: ConsoleSink) -> None:
        self._path = path
        self._speed = speed
        self._console = console
        self._playback = Playback(console.alert)
        self._began: tuple[float, Instant] | None = None
        self._http = HttpServer(listen, self.view, lambda: 0.0, self._complain)

    @property
    def title(self) -> str:
        """What is played, how fast, and where it can be looked at meanwhile."""
        return (
            f"Playing {self._path or 'the shipped recording'}, {self._speed:g} times as fast as it happened; "
            f"metrics and a page on http://{self._http.address}/"
        )

    @property
    def instant(self) -> Instant:
        """When the last event that was played came."""
        return self._playback.now

    def view(self) -> View:
        """The state as of now on the recording's clocks, which go on between its events, and stop with the last."""
        if self._began is None:
            return self._playback.engine.view()
        began, first = self._began
        passed = (time.monotonic() - began) * self._speed
        return View(self._playback.engine.state, Instant(first.monotonic + passed, first.wall + passed))

    async def run(self) -> View:
        """Play to the end; the last view.

        Raises ``RecordingError`` where the recording can't be read on, after all before has been played.
        """
        self._http.start()
        try:
            with as_file(files("mpathd_watch") / "recordings" / SHIPPED) as shipped:
                for event, at in recording.read(self._path or shipped):
                    await self._until(at)
                    self._playback.play(event, at)
            return self._playback.engine.view()
        finally:
            self._began = None
            self._http.stop()

    async def _until(self, at: Instant) -> None:
        if self._began is None:
            self._began = (time.monotonic(), at)
        began, first = self._began
        due = began + (at.monotonic - first.monotonic) / self._speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _complain(self, text: str) -> None:
        self._console.log(Priority.ERR, text)
