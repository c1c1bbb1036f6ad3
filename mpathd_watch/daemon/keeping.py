"""The daemon's side of the store: a thread writes it, and nothing in the loop waits for that."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mpathd_watch import __version__
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Kept
from mpathd_watch.core.events import Emit, Event, Remembered, SourceDown, SourceUp
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon.internal_errors import where
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.deadline import within
from mpathd_watch.store import database
from mpathd_watch.store.database import StoreError, errors
from mpathd_watch.store.drills import KeptDrill
from mpathd_watch.store.lock import Lock, TakenError
from mpathd_watch.store.pending import Contents, Pending
from mpathd_watch.store.pruning import Limits
from mpathd_watch.store.reopening import Opened, open_store
from mpathd_watch.store.writer import Run, Writer

OPENED_WITHIN: Final = 8.0
"""Seconds that opening, checking and reading the store may take at the start."""
ENDED_WITHIN: Final = 2.0
"""Seconds that the rest may take at the end."""
BEAT: Final = 10.0
"""Seconds between two signs of life in the store: by so much it is uncertain when a daemon was killed."""
SPACING: Final = 1.0
"""Seconds between two writes: in a storm each has all that has come meanwhile, and not one outage."""
HANGS: Final = 15.0
"""Seconds after which a write that has not returned is reported."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

Log = Callable[[Priority, str], None]


class StateTakenError(Exception):
    """Another daemon uses the state directory. The text is one line."""


@immutable
class Place:
    """Where the state is kept, and within which limits."""

    directory: Path
    limits: Limits


class Keeping:
    """Keeps what must outlive the daemon in the database of a state directory.

    Raises ``StateTakenError``. Whatever else is wrong with the directory, the daemon runs without it, and tries again.
    """

    def __init__(self, place: Place, now: Callable[[], Instant], log: Log) -> None:
        self._directory = place.directory
        self._now = now
        self._log = log
        self._lock: Lock | None = None
        self._fault: StoreError | None = None
        self._busy_since: float | None = None
        self._ending = threading.Event()
        self._changed = threading.Event()
        opened = self._opened()
        self.remembered = None if opened is None else Remembered(opened.memory)
        self._pending = Pending(Contents.nothing() if opened is None else opened.contents)
        self._writer = Writer(place.directory, self._pending, Run(__version__, boot(), now()), place.limits)
        if opened is not None:
            self._writer.begin(opened)
        self._thread = threading.Thread(target=self._write, name="store", daemon=True)
        self._report: Callable[[Event], None] = lambda _: None

    @property
    def outlet(self) -> Outlet:
        """What could not be written. Any thread may read it."""
        return Outlet(self._pending.lost, self._pending.waiting, self._fault is not None)

    @property
    def outages(self) -> int | None:
        """How many outages are stored; ``None`` if that is not known. Any thread may read it."""
        return self._writer.outages

    def watch(self) -> None:
        """From now on the store shows that this daemon watches. Returns at once."""
        self._writer.watch()
        self._changed.set()

    def put(self, kept: Kept) -> None:
        """Have something written. Returns at once."""
        self._pending.put(kept)
        self._changed.set()

    def put_drill(self, drill: KeptDrill) -> bool:
        """Have a drill written. Returns at once, and whether it was taken: not if too many wait already."""
        taken = self._pending.put_drill(drill)
        self._changed.set()
        return taken

    async def run(self, emit: Emit) -> None:
        """Write until cancelled. ``emit`` gets what the store is like as events of the source ``store``."""
        loop = asyncio.get_running_loop()
        state: list[str | None] = []

        def tell(event: Event) -> None:
            word = event.reason if isinstance(event, SourceDown) else None
            if state != [word]:
                state[:] = [word]
                emit(event)

        def report(event: Event) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(tell, event)

        self._report = report
        tell(SourceUp(SourceName.STORE) if self._fault is None else _down(self._fault))
        self._thread.start()
        while True:
            await asyncio.sleep(HANGS / 3)
            busy = self._busy_since
            if busy is not None and self._now().monotonic - busy > HANGS:
                detail = f"a write to {self._directory} does not return; see dmesg"
                tell(SourceDown(SourceName.STORE, "timeout", detail))

    def stop(self) -> None:
        """Write what waits, for at most ``ENDED_WITHIN`` seconds, and note that the daemon ended in order."""
        self._ending.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(ENDED_WITHIN)
        elif not self._thread.ident:
            self._end()
        if self._lock is not None:
            self._lock.release()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while not self._ending.is_set():
            self._busy_since = self._now().monotonic
            try:
                self._locked()
                if note := self._writer.write(self._now()):
                    self._log(Priority.WARNING, note)
            except StoreError as error:
                self._fault = error
                self._report(_down(error))
            except Exception as error:  # noqa: BLE001  # a bug must not end the thread: what comes later is kept
                last = "; ".join(where(error).split("\n")[-3:])
                self._log(Priority.ERR, f"Internal error while writing the store ({last}). Please report this.")
            else:
                self._fault = None
                self._report(SourceUp(SourceName.STORE))
            self._busy_since = None
            if self._fault is None:
                self._ending.wait(SPACING)
                if not self._pending.waiting:
                    self._changed.wait(BEAT - SPACING)
            else:
                self._ending.wait(BEAT / 2)
            self._changed.clear()
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(StoreError):
            self._writer.end(self._now())

    # --- the start ----------------------------------------------------------------------------------------------------

    def _opened(self) -> Opened | None:
        try:
            opened = within(OPENED_WITHIN, self._open)
        except StoreError as error:
            self._fault = error
            return None
        except TimeoutError:
            detail = f"it could not be opened within {OPENED_WITHIN:g} s; see dmesg"
            self._fault = StoreError("timeout", f"{self._directory}: {detail}")
            return None
        if opened.note:
            self._log(Priority.WARNING, opened.note)
        if opened.skipped:
            self._log(
                Priority.WARNING,
                f"{self._directory / database.NAME}: {opened.skipped} rows make no sense and were skipped.",
            )
        return opened

    def _open(self) -> Opened:
        with errors(self._directory):
            self._directory.mkdir(mode=0o755, exist_ok=True)
            try:
                self._lock = Lock(self._directory)
            except TakenError:
                raise StateTakenError(
                    f"another mpathd-watch uses {self._directory}; stop it, or give this one another --state-dir"
                ) from None
        return open_store(self._directory / database.NAME, boot())

    def _locked(self) -> None:
        """Hold the lock, if the start could not get it."""
        if self._lock is None:
            with errors(self._directory):
                self._directory.mkdir(mode=0o755, exist_ok=True)
                try:
                    self._lock = Lock(self._directory)
                except TakenError:
                    raise StoreError("busy", f"{self._directory}: another mpathd-watch uses it") from None


def boot() -> str:
    """What names the present boot of this host; empty if the kernel does not say."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _down(error: StoreError) -> SourceDown:
    return SourceDown(SourceName.STORE, error.reason, str(error))
