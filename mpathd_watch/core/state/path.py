"""One path of a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.tally import Tally
from mpathd_watch.core.model.views import CheckerView, DiskView, DmView, Place
from mpathd_watch.core.model.vocabulary import Cause, Health
from mpathd_watch.core.verdicts.error_counts import ErrorCounts
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.slow_path import Slowness
from mpathd_watch.immutable import immutable, replace


@immutable
class DiskErrors:
    """What a path's disks have counted.

    ``counts``: the latest readings of the present disk. ``in_flight``: how many commands it had not answered when a
    close look was asked for, at ``looked`` (CLOCK_MONOTONIC seconds). ``closely``: that look found its error counters.
    """

    errors: Tally = field(default=Tally())
    timeouts: Tally = field(default=Tally())
    counts: ErrorCounts = field(default=ErrorCounts())
    in_flight: int | None = None
    looked: float | None = None
    closely: bool = False

    def of_another_disk(self) -> DiskErrors:
        """The totals go on, and everything else is the new disk's."""
        return DiskErrors(self.errors.rebased(), self.timeouts.rebased())


@immutable
class PathVerdict:
    """What the core concludes of a path.

    ``health`` has held since ``since``; ``announced`` is the last one in the journal. ``deadline``: when the phase that
    the path is in must be over, ``None`` where nothing bounds it. ``overdue``: that and the slack have passed.
    """

    since: Instant
    health: Health = Health.UNKNOWN
    announced: Health = Health.UP
    deadline: Instant | None = None
    overdue: bool = False


@immutable
class PathState:
    """One expected path of a map.

    ``member``: it is in the map's table now. ``ever_up``: its health has been ``up``. ``ever_reached``: the way to its
    disk has been seen working. ``failures`` by their cause. ``proven``: see ``ExpectedPath``. ``incident``: the id
    of the one that its outage belongs to; empty without an outage. ``last_incident``: that of its last outage that is
    over.
    """

    label: str
    verdict: PathVerdict
    place: Place = field(default=Place())
    member: bool = True
    dm: DmView = field(default=DmView())
    checker: CheckerView = field(default=CheckerView())
    disk: DiskView = field(default=DiskView())
    disk_errors: DiskErrors = field(default=DiskErrors())
    ever_up: bool = False
    ever_reached: bool = False
    outage: Outage | None = None
    failures: Mapping[Cause, int] = field(default_factory=empty)
    reinstatements: int = 0
    flaps: Flaps = field(default=Flaps())
    slowness: Slowness = field(default=Slowness())
    proven: float | None = None
    incident: str = ""
    last_incident: str = ""

    @property
    def health(self) -> Health:
        """The verdict in one word."""
        return self.verdict.health

    @property
    def awaited(self) -> bool:
        """Whether it is only expected: it has not been seen since the daemon's start."""
        return not self.member and not self.place.dev

    @property
    def in_transition(self) -> bool:
        """Whether its I/O is held because the array is changing the state of its port group."""
        caused = self.outage is not None and self.outage.cause is Cause.ARRAY_TRANSITIONING
        return caused and self.health is Health.STALLED and self.disk.access.transitioning

    def access_read_since(self, failed: float) -> bool:
        """Whether the access state of its disk was read since this CLOCK_MONOTONIC second.

        A disk is read closely once dm has failed its path; where it has never been, nothing shows when it was read.
        """
        looked, since = self.disk_errors.looked, self.disk.access_since
        return looked is None or looked >= failed or (since is not None and since >= failed)

    def forgotten(self, *, member: bool) -> PathState:
        """The path, of which nothing is known any more of what dm, the checker and the disk report."""
        return replace(self, member=member, dm=DmView(), checker=CheckerView(), disk=DiskView())

    @property
    def nexus(self) -> str:
        """The label of the nexus it goes through."""
        return self.place.nexus
