"""Folding what is read of sysfs: full scans, and some disks.

A full scan of 10,000 paths takes a third of a second to fold. One that shows the maps and the nexuses that are known is
folded a part at a time, so that events do not wait for it: the next steps fold the rest. If a disk is read again before
its part is folded, the part is folded first, because it is older. A scan that shows other maps or nexuses is folded at
once, and so is the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import DevicesRead, SystemRead
from mpathd_watch.core.folding import disks, expected, maps, nexuses
from mpathd_watch.core.judging import suspicion
from mpathd_watch.core.judging.expected import CONFIRMED_WITHIN, removal_reported
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.usage import Usage
from mpathd_watch.core.model.views import DiskView
from mpathd_watch.core.model.vocabulary import USABLE
from mpathd_watch.core.state import Due, MapState, Scan, Wait
from mpathd_watch.immutable import replace

PATHS_AT_ONCE = 256
"""Paths of a full scan that one step folds: some milliseconds."""

_SCAN = Due(Wait.SCAN)


def system_read(draft: Draft, event: SystemRead) -> None:
    """Take over a full scan: what it does not show is gone, but for what it could not read."""
    handles = nexuses.handles(draft)
    nexuses.take_over(draft, event)
    labels = identity.assign(
        {map_.label: wwid for wwid, map_ in draft.maps.items()},
        ((facts.wwid, facts.name or facts.wwid or "unknown") for facts in event.maps),
    )
    scan = Scan(
        frozen({facts.wwid: facts for facts in event.maps}),
        frozen({device.name: device for device in event.devices}),
        frozen({wwid: label for label, wwid in labels.items()}),
        event.requested,
    )
    familiar = draft.rest.started and handles == nexuses.handles(draft) and _shows_what_is_known(draft, scan)
    for wwid, map_ in tuple(draft.maps.items()):
        if wwid not in scan.maps and (map_.exists or not expected.is_expected(draft, map_)):
            expected.vanished(draft, wwid)
    _fold(draft, scan, scan.maps, PATHS_AT_ONCE if familiar else inf)
    expected.await_maps(draft, labels)
    nexuses.touch_changed(draft)
    unmapped = frozen({device.name: device for device in event.unmapped})
    draft.rest = replace(draft.rest, unmapped=unmapped, usage=event.usage or Usage(), started=True)
    nexuses.drop_unused(draft)
    suspicion.reassess(draft)


def go_on_when_due(draft: Draft) -> None:
    """Fold the next part of a full scan, if one has not been folded to its end."""
    scan = draft.rest.scan
    if draft.take(_SCAN) and scan is not None:
        _fold(draft, scan, scan.maps, PATHS_AT_ONCE)


def devices_read(draft: Draft, event: DevicesRead) -> None:
    """Take over some disks' states and counters."""
    fresh = {device.name: device for device in event.devices}
    gone = frozenset(event.vanished)
    # A round reads all disks, and reports those that changed; a close look reports those that were asked for.
    closely = any(device.in_flight is not None for device in event.devices)
    names = fresh.keys() | gone
    if (scan := draft.rest.scan) is not None:
        # What the scan shows of these disks is older.
        _fold(draft, scan, [wwid for wwid, facts in scan.maps.items() if not names.isdisjoint(facts.slaves)], inf)
        draft.put_together()
    shown = [
        (wwid, map_)
        for wwid, map_ in draft.maps.items()
        if not names.isdisjoint([path.place.dev for path in map_.paths.values()])
    ]
    for wwid, map_ in shown:
        if _measured(map_, fresh, closely=closely):
            draft.measured.add(wwid)
        for path in map_.paths.values():
            if not path.member:
                continue
            facts = fresh.get(path.place.dev)
            if facts is not None and facts.dev_t == path.place.dev_t:
                disks.observe(draft, wwid, path, facts, event.requested)
            elif path.place.dev in gone:
                # A map that is taken away loses its disks a moment later, and the uevent of its removal may still be on
                # its way: the full scan shows whether the path has left its map, or the map is gone.
                draft.refresh(Scope.SYSTEM)


def _measured(map_: MapState, fresh: Mapping[str, DeviceFacts], *, closely: bool) -> bool:
    """Whether the I/O counters of all usable paths of a map have been read at one time, and some have moved."""
    shown = [path for path in map_.paths.values() if path.place.dev in fresh]
    if not any(fresh[path.place.dev].io != path.disk.io for path in shown):
        return False
    return not closely or all(path.place.dev in fresh for path in map_.paths.values() if path.health in USABLE)


def forget_disks(draft: Draft) -> None:
    """What sysfs showed of the disks is not known any more."""
    draft.rest = replace(draft.rest, scan=None)
    for wwid, map_ in tuple(draft.maps.items()):
        for path in map_.paths.values():
            draft.set_path(wwid, replace(path, disk=DiskView()))


def _shows_what_is_known(draft: Draft, scan: Scan) -> bool:
    """Whether a scan shows the maps that are known, under their labels, and no other one."""
    known = {wwid: map_.label for wwid, map_ in draft.maps.items() if map_.exists}
    return known == scan.labels


def _fold(draft: Draft, scan: Scan, wwids: Iterable[str], most: float) -> None:
    """Fold what the scan shows of these maps, until it was ``most`` paths; the others are left for the next step."""
    left, paths = dict(scan.maps), 0
    present = {(nexus.transport, nexus.facts.handle): label for label, nexus in draft.nexuses.items() if nexus.present}
    for wwid in wwids:
        if paths >= most:
            break
        facts = left.pop(wwid)
        paths += len(facts.slaves)
        if removal_reported(draft, wwid):
            if _older(draft, scan, wwid):
                continue
            expected.there_after_all(draft, wwid)
        members = [scan.devices[name] for name in sorted(scan.devices.keys() & set(facts.slaves))]
        maps.fold(draft, facts, scan.labels[wwid], members, present, requested=scan.requested)
        draft.measured.add(wwid)
    draft.rest = replace(draft.rest, scan=replace(scan, maps=frozen(left)) if left else None)
    if left:
        draft.deadlines[_SCAN] = draft.now.monotonic
    else:
        draft.deadlines.drop(_SCAN)


def _older(draft: Draft, scan: Scan, wwid: str) -> bool:
    """Whether a scan that shows a map was asked for before the map's removal was reported."""
    reported = draft.deadlines[Due(Wait.REMOVED, wwid)] - CONFIRMED_WITHIN
    return 0.0 < scan.requested < reported
