"""The sources as the oracle and the faults see them: what impairs them, and whether they answer."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from mpathd_watch.core.events import Event, SourceDown, SourceUp
from tests.sim.clock import Clock
from tests.sim.product import Sources, document
from tests.sim.sources.multipathd import MultipathdSource
from tests.sim.sources.source import Source
from tests.sim.sources.sysfs import Sysfs
from tests.sim.sources.uevents import Uevents
from tests.sim.world.host import World


class SeenSysfs(Sysfs):
    """Hangs, and returns: ``released`` is called then."""

    released: Callable[[], None] = staticmethod(lambda: None)

    hung_since: float | None = None

    def hang(self, *, hung: bool) -> None:
        if not hung or not self.hung:
            self.hung_since = self.clock.now if hung else None
        self.hung = hung
        if not hung:
            self.returned = self.clock.now
            self.released()

    def close(self) -> None:
        Source.close(self)


class SeenUevents(Uevents):
    """Loses uevents; ``overflowed`` is called when the buffer is drained again."""

    overflowed: Callable[[], None] = staticmethod(lambda: None)

    def drop(self) -> None:
        """One was dropped."""
        self._lost = True

    def lose(self, *, losing: bool) -> None:
        self.losing = losing
        if not losing and self._lost:
            self._lost = False
            self.lost_at = self.clock.now
            self.overflowed()

    def close(self) -> None:
        Source.close(self)


class SeenMultipathd(MultipathdSource):
    """Answers, but its replies may be garbage: as long as they are, it is not up, since they contain no state.

    The daemon may take it to be up meanwhile: multipathd also prints "ok" where there are no paths.
    """

    def __init__(self, clock: Clock, random: Random, world: World) -> None:
        super().__init__(clock, random, _ignore, world, document(world.shape))
        self._reported = False
        self._garbled = False

    def reported(self, *, up: bool) -> None:
        """The daemon has reported it up or down."""
        self._reported = up
        self._follow()

    def listed(self, *, garbled: bool) -> None:
        """It has listed paths or maps."""
        self._garbled = garbled
        self._follow()

    def _follow(self) -> None:
        up = self._reported and not self._garbled
        if up and not self.up:
            self.up_since = self.clock.now
        self.up = up


class SeenSources(Sources):
    """All of them; ``follow`` keeps up with what the real sources report."""

    def __init__(self, clock: Clock, random: Random, world: World) -> None:
        super().__init__(clock, random, world, _ignore)
        self.sysfs: SeenSysfs = SeenSysfs(clock, random, _ignore, world)
        self.uevents: SeenUevents = SeenUevents(clock, random, _ignore, world)
        self.multipathd: SeenMultipathd = SeenMultipathd(clock, random, world)

    def follow(self, event: Event) -> None:
        """Note that a source answers, or does not."""
        if not isinstance(event, SourceUp | SourceDown):
            return
        up = isinstance(event, SourceUp)
        if event.source is self.multipathd.name:
            self.multipathd.reported(up=up)
            return
        for source in self.all():
            if source.name is event.source:
                if up and not source.up:
                    source.up_since = source.clock.now
                source.up = up

    def close(self) -> None:
        """The daemon ends."""
        for source in self.all():
            Source.close(source)


def _ignore(_: Event) -> None:
    """The real sources emit."""
