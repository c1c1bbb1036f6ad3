"""One multipath map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.vocabulary import USABLE, AccessState, AttentionKind, Layer, MapHealth
from mpathd_watch.core.state.path import PathState
from mpathd_watch.immutable import immutable


@immutable
class Queueing:
    """How long I/O waits while no path is usable.

    ``text``: what multipathd prints of it (%Q), ``""`` if that is not known. ``ends``: when it starts to fail, if
    multipathd counts down to that. ``waits``: whether it waits at all, ``None`` if that is not known.
    ``hanging`` and ``failing``: since when I/O does so, while no path is usable; ``None`` if it does not, or if nobody
    saw it begin to fail.
    """

    text: str = ""
    ends: Instant | None = None
    waits: bool | None = None
    hanging: Instant | None = None
    failing: Instant | None = None


@immutable
class MapState:
    """One multipath map with all its expected paths, by label.

    ``label`` is the map's name, made unique. ``layer`` is what joins the paths. ``block``: see ``MapFacts``.
    ``sysfs_name`` is empty while dm does not have the map. ``announced`` is the last health in the journal,
    ``troubled`` when it left ``healthy``. ``unplaced`` are the members in its table of which sysfs has not shown the
    disk or its nexus yet. ``attentions``: how many unit attentions of each kind came for its disks. ``latency``: the
    median over the paths of the seconds that an I/O took, at the last comparison with enough I/O. ``declared``: how
    many paths the administrator has declared it to have.
    """

    wwid: str
    label: str
    name: str
    sysfs_name: str
    since: Instant
    layer: Layer = Layer.DM_MULTIPATH
    suspended: bool | None = None
    block: BlockFacts = field(default=BlockFacts())
    queueing: Queueing = field(default=Queueing())
    vendor: str = ""
    product: str = ""
    seqnum: int | None = None
    health: MapHealth = MapHealth.UNKNOWN
    announced: MapHealth = MapHealth.HEALTHY
    troubled: Instant | None = None
    paths: Mapping[str, PathState] = field(default_factory=empty)
    unplaced: frozenset[str] = frozenset()
    attentions: Mapping[AttentionKind, int] = field(default_factory=empty)
    latency: float | None = None
    declared: int = 0

    @property
    def queues(self) -> bool | None:
        """Whether I/O waits when no path is usable; ``None`` if it is not known."""
        return self.queueing.waits

    @property
    def exists(self) -> bool:
        """Whether dm has the map; one that is only expected stays in the state without its device."""
        return bool(self.sysfs_name) or self.present > 0

    @property
    def expected(self) -> int:
        """How many paths it should have."""
        return max(self.declared, len(self.paths))

    @property
    def unnamed(self) -> int:
        """How many of its declared paths have never been seen, and are not declared by name either."""
        return self.expected - len(self.paths)

    @property
    def usable(self) -> int:
        """How many paths are up or suspect."""
        return sum(path.health in USABLE for path in self.paths.values())

    @property
    def optimized(self) -> int | None:
        """How many paths the array calls active/optimized; ``None`` where it says nothing of any path."""
        states = [path.disk.access.state for path in self.paths.values() if path.member]
        if all(state is None for state in states):
            return None
        return states.count(AccessState.OPTIMIZED)

    @property
    def present(self) -> int:
        """How many paths are in the map's table now."""
        return sum(path.member for path in self.paths.values())
