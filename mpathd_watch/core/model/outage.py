"""One outage of a path, as values: its instants, its cause, what was promised, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from math import inf, isinf

from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Cause, Phase, Verdict
from mpathd_watch.immutable import immutable


@immutable
class Count:
    """The errors and timeouts of a disk counted so far, at this CLOCK_MONOTONIC second."""

    at: float
    errors: int
    timeouts: int


@immutable
class Gap:
    """A time in which no daemon watched, from ``earliest`` to ``latest``. ``booted``: the host was booted in it.

    While it has not ended, ``latest`` is ``earliest``.

    CLOCK_MONOTONIC counts from the boot. What was before it is placed as if no time had passed between ``earliest`` and
    the boot: nothing proves how long the host was down, least of all a wall clock that may have been set.
    """

    earliest: Instant
    latest: Instant
    booted: bool = False

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.latest == self.earliest


@immutable
class Span:
    """Seconds, at least and at most: the two differ where nobody watched, as while no daemon ran.

    ``most`` is ``inf`` where nothing bounds them, as when the host was booted in between.
    """

    least: float
    most: float

    @property
    def exact(self) -> bool:
        """Whether they are known to a tenth of a second."""
        return self.most - self.least < 0.1

    @property
    def text(self) -> str:
        """``5.2 s``; ``5.2 s to 1 min 3 s`` where only a range is known, ``at least 5.2 s`` where nothing bounds it."""
        least = duration(max(0.0, self.least))
        if self.exact:
            return least
        return f"at least {least}" if isinf(self.most) else f"{least} to {duration(self.most)}"


@immutable
class PathStates:
    """What each layer reports of a path, in words; empty where nothing does."""

    health: str
    dm: str = ""
    checker: str = ""
    device: str = ""
    session: str = ""
    access: str = ""


@immutable
class Outage:
    """What is known of one outage; every instant but ``began`` may be absent.

    ``timeouts`` are those of the nexus when it began (see ``Nexus``), and ``bounds`` what these and multipathd's
    promise; ``None`` where the path has no nexus that is read. ``transport_lost``: the way to the disk itself was gone
    (nexus down, device not running, path missing, closed by the array): only then is a way that works a return, and the
    path ``recovering``. ``inherited``: it had begun before the path was first seen. ``errors``: what its disk had
    counted before. ``soon``: the path had been up only for a moment, or although its checker called it faulty.
    ``counted``: it is in ``path_failures_total``. ``announced``: the cause in the journal. ``judgement``: its result,
    once it is over.
    ``unwatched``: when no daemon watched; an instant that is the end of such a time was at any moment of it.
    """

    id: str
    began: Instant
    cause: Cause = Cause.UNKNOWN
    timeouts: Mapping[str, float | None] | None = None
    bounds: Bounds | None = None
    last_alive: Instant | None = None
    errors: Count | None = None
    soon: bool = False
    suspected: Instant | None = None
    stalled: Instant | None = None
    failed: Instant | None = None
    transport_lost: bool = False
    transport_up: Instant | None = None
    reinstated: Instant | None = None
    inherited: bool = False
    counted: bool = False
    announced: Cause | None = None
    judgement: Judgement | None = None
    unwatched: tuple[Gap, ...] = ()

    @property
    def real(self) -> bool:
        """Whether the path was ever worse than suspect; it was not if it was only suspect."""
        return self.stalled is not None or self.failed is not None or self.inherited

    def earliest(self, instant: Instant) -> Instant:
        """The earliest moment at which what was first seen at ``instant`` may have been."""
        return next((gap.earliest for gap in self.unwatched if gap.earliest < instant <= gap.latest), instant)

    def between(self, earlier: Instant, later: Instant) -> Span:
        """The seconds from ``earlier`` to ``later``, which are instants of this outage; negative in the other order."""
        first, last = self.earliest(earlier), self.earliest(later)
        least, most = last.monotonic - earlier.monotonic, later.monotonic - first.monotonic
        if any(gap.booted and first < gap.latest <= later for gap in self.unwatched):
            most = inf
        return Span(min(least, most), most)


@immutable
class Judgement:
    """The seconds that each measured phase took, the verdict, and the phase that broke the budget, if one did."""

    phases: Mapping[Phase, float] = field(default_factory=empty)
    verdict: Verdict = Verdict.NO_BUDGET
    broken: Phase | None = None
