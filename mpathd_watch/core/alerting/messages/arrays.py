"""Entries about arrays: port groups that take no I/O, LUNs that have moved, and what targets have reported."""

from __future__ import annotations

from collections.abc import Sequence

from mpathd_watch.core.alerting.messages.fields import map_fields
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.budget import TRANSITION_TIMEOUT
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, listed, plural, size
from mpathd_watch.core.model.vocabulary import AttentionKind, Cause
from mpathd_watch.core.state import Attention, GroupDown, MapState, PortGroup

_DONE = {
    Cause.ARRAY_STANDBY: "has put {} into standby",
    Cause.ARRAY_UNAVAILABLE: "has made {} unavailable",
    Cause.ARRAY_TRANSITIONING: "is changing the state of {}",
    Cause.ARRAY_OFFLINE: "has taken {} offline",
}
_REPORTED = {
    AttentionKind.INQUIRY: "describes {luns} in another way than before, and the kernel has scanned them again. If "
    "another LUN is behind the same name now, the finding wwid_differs reports it",
    AttentionKind.REPORTED_LUNS: "has added, removed or exchanged LUNs. This host notices that only when it scans "
    "again: iscsiadm -m session --rescan for iSCSI, otherwise echo '- - -' > /sys/class/scsi_host/hostN/scan",
    AttentionKind.MODE_PARAMETERS: "has changed settings of {luns}",
    AttentionKind.RESET: "has reset {luns}, or has restarted",
    AttentionKind.THIN_PROVISIONING: "reports that the pool behind {luns} is nearly full. When it is full, writes fail "
    "on all paths at once",
}


def done_by_array(cause: Cause, number: int | None) -> str:
    """What the array has done with a path's port group: ``has put port group 2 into standby (ALUA)``."""
    group = "its port group" if number is None else f"port group {number}"
    return f"the array {_DONE[cause].format(group)} (ALUA)"


def port_group_down(group: PortGroup, down: GroupDown, paths: int, maps: int) -> Alert:
    """The alert for a port group that took several paths; ``paths`` of ``maps`` belong to it."""
    kind, cause = AlertKind.PORT_GROUP_DOWN, down.cause
    belong = f"{plural(paths, 'path')} of {plural(maps, 'map')}"
    text = f"{done_by_array(cause, group.number)}: {belong} lead to it; their transport works"
    if not down.failed:
        text = (
            f"{done_by_array(cause, group.number)}: {belong} lead to it. The kernel retries I/O meanwhile, by default "
            f"for up to {TRANSITION_TIMEOUT:.0f} s"
        )
    elif cause is Cause.ARRAY_TRANSITIONING:
        text = (
            f"the array did not change the state of port group {group.number} in time (ALUA), and the kernel sends no "
            f"more I/O there: {belong} lead to it"
        )
    return Alert(
        kind,
        kind.value.priority if down.failed else Priority.INFO,
        f"{listed(group.targets)}: {text}.",
        {**_group_fields(group), "CAUSE": cause.value, "PATHS": str(paths), "MAPS": str(maps)},
    )


def port_group_up(group: PortGroup, down: GroupDown, now: Instant) -> Alert:
    """The alert for a port group of which no path is out any more."""
    kind = AlertKind.PORT_GROUP_UP
    return Alert(
        kind,
        kind.value.priority if down.failed else Priority.INFO,
        f"{listed(group.targets)}: port group {group.number} takes I/O again after {duration(now.since(down.since))}.",
        {**_group_fields(group), "CAUSE": down.cause.value},
    )


def array_moved(
    targets: Sequence[str], maps: Sequence[str], before: Sequence[int], after: Sequence[int], waited: float
) -> Alert:
    """The alert for LUNs that an array has moved to other port groups; ``waited``: for how long I/O had no path."""
    kind = AlertKind.ARRAY_MOVED
    old, new = _numbers(before), _numbers(after)
    wait = f"; I/O waited for {duration(waited)}" if waited else ""
    fields = {"PORT_GROUP_BEFORE": old, "PORT_GROUP": new, "MAPS": str(len(maps)), **_target(targets)}
    return Alert(
        kind,
        kind.value.priority,
        f"{listed(targets)}: the array moved {plural(len(maps), 'LUN')} ({listed(maps)}) from port group {old} to {new}"
        f"{wait}.",
        fields | ({"WAITED_SEC": f"{waited:.3f}"} if waited else {}),
    )


def unit_attention(kind: AttentionKind, target: str, attention: Attention, maps: Sequence[str]) -> Alert:
    """The alert for unit attentions of one kind from one target."""
    alert = AlertKind.THIN_POOL_FILLING if kind is AttentionKind.THIN_PROVISIONING else AlertKind.UNIT_ATTENTION
    luns = plural(len(attention.luns), "LUN")
    named = f"{luns} ({listed(maps)})" if maps else luns
    return Alert(
        alert,
        alert.value.priority,
        f"{target}: the target {_REPORTED[kind].format(luns=named)}.",
        {
            "TARGET": target,
            "ATTENTION": kind.value,
            "COUNT": str(attention.count),
            "MAPS": str(len(maps)),
        },
    )


def lun_resized(map_: MapState, *, followed: bool | None) -> Alert:
    """The alert for a LUN whose array has reported a new size.

    ``followed``: the map and all its disks use it; ``None`` where the sizes are not known.
    """
    kind = AlertKind.LUN_RESIZED
    match followed:
        case True:
            text = f"and the map and its disks use it: {_sizes(map_)}"
        case False:
            text = (
                f"and this host does not use the new size everywhere: {_sizes(map_)}. If the LUN has grown: iscsiadm "
                "-m session --rescan (or echo 1 > /sys/block/sdX/device/rescan for each disk), then multipathd resize "
                f"map {map_.name}. If it has shrunk, stop what writes to it"
            )
        case _:
            text = f"and it is not known whether this host uses the new size: {_sizes(map_)}"
    return Alert(
        kind,
        kind.value.priority if followed is False else Priority.INFO,
        f"{map_.label}: the array has changed the size of the LUN, {text}.",
        map_fields(map_),
    )


def _sizes(map_: MapState) -> str:
    """``64.0 MiB in the map; 128.0 MiB on sda, sdb``."""
    disks: dict[str, list[str]] = {}
    for path in map_.paths.values():
        if path.member:
            disks.setdefault(_size(path.disk.block.size), []).append(path.place.dev)
    on_disks = (f"{shown} on {listed(names)}" for shown, names in sorted(disks.items()))
    return "; ".join((f"{_size(map_.block.size)} in the map", *on_disks))


def _size(sectors: int | None) -> str:
    return "unknown" if sectors is None else size(sectors)


def _target(targets: Sequence[str]) -> dict[str, str]:
    return {"TARGET": targets[0]} if len(targets) == 1 else {}


def _group_fields(group: PortGroup) -> dict[str, str]:
    return {"PORT_GROUP": str(group.number), **_target(group.targets)}


def _numbers(groups: Sequence[int]) -> str:
    return ", ".join(map(str, groups))
