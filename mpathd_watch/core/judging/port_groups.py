"""Judging port groups: the one alert for a group that an array has taken several paths away with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, Health
from mpathd_watch.core.state import GroupDown, PathState, PortGroup
from mpathd_watch.core.state.arrays import array_of, port_group
from mpathd_watch.core.verdicts.health import BY_ARRAY
from mpathd_watch.immutable import replace

SEVERAL = 2
"""Paths of one group that are out at the same time. One alone may be a LUN that was in use: multipathd soon calls its
path ghost, and the others never fail."""


def judge_port_groups(draft: Draft) -> None:
    """Report the groups that are down or back."""
    groups = dict(draft.arrays.groups)
    for key in sorted(draft.touched):
        _take_in(draft, groups, key)
    for group, down in tuple(groups.items()):
        left = frozenset(key for key in down.paths if _is_out(draft, key))
        if not left:
            del groups[group]
            # Paths that are gone with their maps show nothing.
            if any(_is_up(draft, key) for key in down.paths):
                draft.emit(_in_incident(draft, messages.port_group_up(group, down, draft.now), down.paths))
        elif left != down.paths:
            groups[group] = replace(down, paths=left)
    if groups != draft.arrays.groups:
        draft.arrays = replace(draft.arrays, groups=frozen(groups))


def _take_in(draft: Draft, groups: dict[PortGroup, GroupDown], key: PathKey) -> None:
    """Add a path to its group if the array has taken it; the second one that is out announces the group."""
    wwid, label = key
    path = draft.paths(wwid)[label]
    outage = path.outage
    if outage is None or path.health not in (Health.FAILED, Health.STALLED):
        return
    group = port_group(draft.whole_map(wwid), path)
    if group is None:
        return
    if not _closed_by_array(path, outage):
        return
    failed = path.health is not Health.STALLED
    if (
        outage.cause is Cause.ARRAY_TRANSITIONING
        and outage.failed
        and not path.access_read_since(outage.failed.monotonic)
    ):
        return  # the transition may have ended, and something else have failed the path
    down = groups.get(group)
    if down is None or (failed and not down.failed):
        members = _members(draft, group)
        if len(members.out) < SEVERAL:
            return
        known = down is None and _is_known(draft, members.out)
        down = GroupDown(draft.now if down is None else down.since, outage.cause, frozenset(members.out), failed=failed)
        if not known:
            alert = messages.port_group_down(group, down, members.paths, members.maps)
            draft.emit(_in_incident(draft, alert, down.paths))
    groups[group] = replace(down, paths=down.paths | {key})


def _in_incident(draft: Draft, alert: Alert, paths: Iterable[PathKey]) -> Alert:
    """The entry with the incident of the paths that it is about."""
    found = [path.incident for key in sorted(paths) if (path := _path(draft, key)) is not None and path.incident]
    return replace(alert, fields={**alert.fields, "INCIDENT": found[0]}) if found else alert


def _is_known(draft: Draft, out: Iterable[PathKey]) -> bool:
    """Whether an earlier daemon has announced what these paths are like, and so that their group is down."""
    paths = [draft.paths(wwid)[label] for wwid, label in out]
    return all(
        path.verdict.announced is path.health and path.outage is not None and bool(path.outage.unwatched)
        for path in paths
    )


def _closed_by_array(path: PathState, outage: Outage) -> bool:
    """Whether the array is why the path takes no I/O now."""
    return outage.cause in BY_ARRAY and path.health in (Health.FAILED, Health.STALLED)


def _is_out(draft: Draft, key: PathKey) -> bool:
    """Whether the outage that the array has brought about goes on."""
    path = _path(draft, key)
    return path is not None and path.outage is not None and path.health is not Health.UP


def _is_up(draft: Draft, key: PathKey) -> bool:
    path = _path(draft, key)
    return path is not None and path.health is Health.UP


def _path(draft: Draft, key: PathKey) -> PathState | None:
    """The path, if its map is still there."""
    wwid, label = key
    return draft.paths(wwid).get(label) if wwid in draft.maps else None


@dataclass(slots=True)
class _Members:
    """How many paths of how many maps belong to a group, and those that the array has taken."""

    paths: int = 0
    maps: int = 0
    out: list[PathKey] = field(default_factory=list)


def _members(draft: Draft, group: PortGroup) -> _Members:
    found = _Members()
    for wwid in tuple(draft.maps):
        map_ = draft.whole_map(wwid)
        if array_of(map_) != group.targets:
            continue
        paths = [path for path in map_.paths.values() if path.disk.access.group == group.number]
        found.paths += len(paths)
        found.maps += bool(paths)
        found.out += [(wwid, path.label) for path in paths if path.outage and _closed_by_array(path, path.outage)]
    return found
