"""The past that the shipped recording leaves: played into a real database, and read back from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from mpathd_watch import __version__
from mpathd_watch.core.effects import Alert, Kept
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon.replay import SHIPPED, Playback
from mpathd_watch.sinks.history.timeline import Entry
from mpathd_watch.sources.recording import read as read_recording
from mpathd_watch.store.pending import Contents, Pending
from mpathd_watch.store.pruning import Limits
from mpathd_watch.store.reading import History, opened
from mpathd_watch.store.writer import Run, Writer


class Recorded(Playback):
    """Plays the shipped recording into the database of ``directory``; ``entries`` are what the journal would have."""

    def __init__(self, directory: Path) -> None:
        super().__init__(self._report_alert)
        self.entries: list[tuple[str, Entry]] = []
        self._pending = Pending(Contents.nothing())
        events = list(read_recording(Path(str(files("mpathd_watch") / "recordings" / SHIPPED))))
        writer = Writer(directory, self._pending, Run(__version__, "", events[0][1]), Limits(730, 100))
        for event, at in events:
            self.play(event, at)
        self.end: Instant = events[-1][1]
        writer.write(self.end)
        writer.end(self.end)

    def keep(self, kept: Kept) -> None:
        """Have it written."""
        self._pending.put(kept)

    def _report_alert(self, alert: Alert) -> None:
        entry = Entry(self.now.wall, alert.priority.name.lower(), alert.kind.event, alert.message)
        self.entries.append((alert.fields.get("OUTAGE", ""), entry))


@contextmanager
def recorded_history() -> Iterator[tuple[History, Recorded]]:
    """The history of the recording, and what was played."""
    with TemporaryDirectory() as name:
        played = Recorded(Path(name))
        with opened(Path(name)) as history:
            yield history, played
