"""What the store has recorded of the past, as it is read back: outages, drills, runs of the daemon, time at risk.

Words are plain text here: a newer daemon may have written others than this version has. Moments are those of the wall
clock, in seconds since 1970; of an outage only ``began`` is one, and everything else counts seconds since then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.outage import PathStates, Span
from mpathd_watch.immutable import immutable


@immutable
class RawChange:
    """What each layer reported of a path from this second of its outage on."""

    at: float
    states: PathStates


@immutable
class PastOutage:
    """One outage of one path.

    ``instants``: the seconds at which it reached each stage, by name (``last_alive``, ``suspected``, ``stalled``,
    ``failed``, ``transport_up``, ``reinstated``). ``phases``: what each measured phase took. ``bounds``: what each may
    take, ``None`` where nothing bounds it. ``broken``: the phase that broke the budget. ``verdict`` is empty while the
    outage is open, and ``drill`` if it did not belong to a drill. ``began`` is when it was first seen; ``earliest`` is
    before that if nobody watched it begin, or ``None`` if even that is not known.
    """

    id: str
    wwid: str
    map: str
    path: str
    began: float
    cause: str = "unknown"
    verdict: str = ""
    broken: str = ""
    incident: str = ""
    drill: str = ""
    earliest: float | None = None
    inherited: bool = False
    evidence: str = ""
    instants: Mapping[str, Span] = field(default_factory=empty)
    phases: Mapping[str, Span] = field(default_factory=empty)
    bounds: Mapping[str, float | None] = field(default_factory=empty)
    timeouts: Mapping[str, float | None] | None = None
    states: tuple[RawChange, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return not self.verdict

    @property
    def lasted(self) -> Span | None:
        """The seconds from ``began`` until the path was up again; ``None`` if it is not, or was removed instead."""
        return self.instants.get("reinstated")


@immutable
class DaemonRun:
    """One run of the daemon. ``ended`` is ``None`` for the one that is running now.

    ``clean``: it ended in order; otherwise it ended at some moment after ``ended``, its last sign of life.
    """

    began: float
    ended: float | None
    clean: bool = True


@immutable
class MapRisk:
    """How long a map was ``at_risk`` and ``lost``, in seconds, as far as a daemon watched."""

    map: str
    at_risk: float
    lost: float


@immutable
class ProvenPath:
    """A path that is expected, and when it last kept its failover budget; ``None`` if it never did."""

    map: str
    path: str
    proven: float | None


@immutable
class DrilledPath:
    """A path that was lost in a drill, or should have been, by the names that are printed.

    ``proven``: the drill has proven its failover.
    """

    wwid: str
    map: str
    path: str
    proven: bool


@immutable
class PastDrill:
    """A drill that was made: ``kind`` and ``target`` are what failed, ``outcome`` is what it has shown.

    ``reasons``: why it has not passed. ``paths``: those that were lost, or should have been.
    """

    id: str
    kind: str
    target: str
    outcome: str
    began: float
    ended: float
    reasons: tuple[str, ...] = ()
    paths: tuple[DrilledPath, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.outcome == "passed"
