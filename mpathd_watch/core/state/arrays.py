"""What arrays are doing, as far as they say so: port groups that take no I/O, LUNs that move, unit attentions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.views import Place
from mpathd_watch.core.model.vocabulary import AttentionKind, Cause
from mpathd_watch.core.state.map import MapState
from mpathd_watch.core.state.path import PathState
from mpathd_watch.immutable import immutable

AGAIN_FOR = 4.0
"""Seconds for which access states are read again after a change was reported. The kernel asks the array only once the
attention has come (alua_check() in drivers/scsi/device_handler/scsi_dh_alua.c), and then needs its answer."""
GATHERED = 1.0
"""Seconds for which attentions of one kind and target are gathered before they are reported together."""
FOLLOWED_WITHIN = 60.0
"""Seconds that a map and its disks have to follow a LUN's new size."""
LAST_LOOK = 3.0
"""Seconds before the end of that at which everything is read once more."""


def target_of(place: Place) -> str:
    """What a path leads to: the name of the target, else host, channel and target of the SCSI address."""
    return place.target or place.hctl.rpartition(":")[0]


class PortGroup(NamedTuple):
    """A target port group of an array.

    An array has no name of its own on the host, so it is the targets that the paths of a map lead to (``target_of``):
    maps of one array usually have the same.
    """

    targets: tuple[str, ...]
    number: int


def array_of(map_: MapState) -> tuple[str, ...]:
    """The targets that the paths of a map lead to."""
    return tuple(sorted({target_of(path.place) for path in map_.paths.values()}))


def sizes_of(map_: MapState) -> frozenset[int | None]:
    """The sizes in use, of the map and its disks; ``None`` is among them where one is not known."""
    disks = (path.disk.block.size for path in map_.paths.values() if path.member)
    return frozenset((map_.block.size, *disks))


def port_group(map_: MapState, path: PathState) -> PortGroup | None:
    """The port group that a path belongs to; ``None`` where its number is not known."""
    number = path.disk.access.group
    return None if number is None else PortGroup(array_of(map_), number)


@immutable
class GroupDown:
    """A port group that was announced because it took several paths.

    ``cause`` is what the array did, ``since`` when it was noticed, ``paths`` are those that are still out (WWID and
    label). ``failed``: one of them has failed; none has while the array only changes the state of the group.
    """

    since: Instant
    cause: Cause
    paths: frozenset[tuple[str, str]] = frozenset()
    failed: bool = False


@immutable
class Move:
    """A LUN of which other port groups are active/optimized than before.

    ``before``: those that were, and ``began``: when that was last seen. ``waited``: the seconds for which its map had
    no usable path meanwhile.
    """

    before: frozenset[int]
    began: Instant
    waited: float = 0.0


@immutable
class Attention:
    """Unit attentions of one kind from one target that are reported together.

    ``luns``: the SCSI addresses they were about. ``maps``: the WWIDs of the maps of these. ``announced``: the entry has
    been written; what comes later belongs to the same storm until there is none for a while.
    """

    began: Instant
    last: Instant
    count: int = 0
    luns: frozenset[str] = frozenset()
    maps: frozenset[str] = frozenset()
    announced: bool = False


@immutable
class Resize:
    """A LUN of which the array has reported another size; ``sizes``: those in use then (``sizes_of``)."""

    began: Instant
    sizes: frozenset[int | None]


class Again(NamedTuple):
    """The access states of a target's disks are read again until ``until``; changes have been reported since ``since``.

    Both in CLOCK_MONOTONIC seconds.
    """

    since: float
    until: float


@immutable
class Arrays:
    """The whole of it. ``moves`` and ``resizes`` by WWID, ``attentions`` by kind and target (``target_of``).

    ``again``: of which targets the access states of the disks are read again.
    ``scans``: when everything is read because the LUNs may be others (CLOCK_MONOTONIC seconds), the next moment first.
    """

    groups: Mapping[PortGroup, GroupDown] = field(default_factory=empty)
    moves: Mapping[str, Move] = field(default_factory=empty)
    attentions: Mapping[tuple[AttentionKind, str], Attention] = field(default_factory=empty)
    resizes: Mapping[str, Resize] = field(default_factory=empty)
    again: Mapping[str, Again] = field(default_factory=empty)
    scans: tuple[float, ...] = ()
