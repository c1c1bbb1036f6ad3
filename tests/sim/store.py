"""What the product keeps over restarts: the store's own bookkeeping, without a disk beneath it.

The daemon's writer puts what the core wants to be kept on disk at once, so nothing of it is lost here. When it writes
nothing else, it notes every ten seconds that it is alive; a daemon that is killed was alive at the last such note. One
that has not come to know the present notes nothing.
"""

from __future__ import annotations

from mpathd_watch.core.effects import Kept
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import Memory, by_path
from mpathd_watch.core.recording.codec import decode, encode
from mpathd_watch.store.pending import Contents, Pending
from tests.sim.clock import Clock

BEAT = 10.0
"""Seconds between two notes that the daemon is alive, if nothing else is written."""


class Store:
    """The state directory of a simulated host. ``boot`` numbers the boots of it."""

    def __init__(self, clock: Clock) -> None:
        self.boot = 0
        self._clock = clock
        self._present = Contents.nothing()
        self._pending = Pending(self._present)
        self._alive: Instant | None = None
        self._boot_alive = 0
        self._watched = False

    def put(self, kept: Kept) -> None:
        """Keep one thing."""
        self._pending.put(kept)
        self._note(self._clock.instant)

    def watch(self) -> None:
        """The daemon that runs knows the present."""
        if not self._watched:
            self._watched = True
            self._note(self._clock.instant)

    def ended(self, *, killed: bool) -> None:
        """The daemon has ended: in order, with a note of that, or killed, at some moment after the last one."""
        now = self._clock.instant
        self._pending.take()
        since = 0.0 if self._alive is None else now.monotonic - self._alive.monotonic
        self._note(now.earlier(since % BEAT) if killed else now)
        self._watched = False

    def booted(self, clock: Clock) -> None:
        """The host was booted, and has other clocks from now on."""
        self.boot += 1
        self._clock = clock

    def memory(self) -> Memory:
        """What the next daemon reads of it, as it comes out of a file."""
        present = self._present
        memory = Memory(
            frozen({wwid: known for wwid, known in present.expected.items() if known is not None}),
            by_path(kept.open for kept in present.outages.values() if kept is not None and kept.open is not None),
            frozen({wwid: named.kept for wwid, named in present.maps.items() if named is not None}),
            frozen({label: shared for label, shared in present.lost.items() if shared is not None}),
            frozen({key: kept.incident for key, kept in present.incidents.items()}),
            alive=self._alive,
            same_boot=self._boot_alive == self.boot,
        )
        return decode(Memory, encode(memory))

    def _note(self, moment: Instant) -> None:
        if self._watched:
            self._alive, self._boot_alive = moment, self.boot
