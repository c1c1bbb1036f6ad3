"""A uevent's properties as an event of the core (pure).

Formats: drivers/md/dm-uevent.c for path events, drivers/md/dm.c for those with DM_COOKIE, scsi_evt_emit() in
drivers/scsi/scsi_lib.c for unit attentions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpathd_watch.core.events import BlockEvent, DmPathEvent, Event, SourceErrors, UnitAttention
from mpathd_watch.core.model.identity import UUID_PREFIX
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import AttentionKind, DmAction, SourceName

ACTION = "DM_ACTION"
"""The property of a block device's uevent that makes it one about a path."""
PATH_KEYS = ("DM_UUID", "DM_NAME", "DM_PATH", "DM_SEQNUM")
"""What else is read of such a uevent, besides its action and name."""
OTHER_KEYS = ("DM_COOKIE", "RESIZE")
"""What is read of any other one."""

ATTENTION = "SDEV_UA"
"""The property of a SCSI device's uevent that holds the kind of a unit attention."""

_DEV_T = re.compile(r"\d{1,7}:\d{1,7}\Z", re.ASCII)
_SEQNUM = re.compile(r"\d{1,10}\Z", re.ASCII)
_HCTL = re.compile(r"\d{1,10}:\d{1,10}:\d{1,10}:\d{1,20}\Z", re.ASCII)
"""A host, a channel and a target of 32 bits, and a LUN of 64 (scsi_sysfs_device_initialize() in scsi_sysfs.c)."""


def parse(action: str, sysfs_name: str, properties: Mapping[str, str]) -> list[Event]:
    """One uevent of a block device, followed by a count of what could not be understood.

    A path event that can't be understood becomes a ``BlockEvent`` of a map, so that the map is read again.
    """
    name = clean(sysfs_name)
    word = properties.get(ACTION)
    if word is None:
        return [BlockEvent(clean(action), name, "DM_COOKIE" in properties, "RESIZE" in properties)]
    uuid = clean(properties.get("DM_UUID", ""))
    dev_t = properties.get("DM_PATH", "")
    if word not in DmAction.__members__ or not uuid.startswith(UUID_PREFIX) or not _DEV_T.match(dev_t):
        return [BlockEvent("change", name, reloaded=True), SourceErrors(SourceName.UEVENT, "bad_path_event", 1)]
    seqnum = properties.get("DM_SEQNUM", "")
    event = DmPathEvent(
        action=DmAction(word),
        wwid=uuid.removeprefix(UUID_PREFIX),
        map_name=clean(properties.get("DM_NAME", "")),
        sysfs_name=name,
        dev_t=dev_t,
        seqnum=int(seqnum) if _SEQNUM.match(seqnum) else None,
    )
    if event.seqnum is None:
        return [event, SourceErrors(SourceName.UEVENT, "bad_seqnum", 1)]
    return [event]


def parse_attention(sysfs_name: str, word: str) -> UnitAttention | None:
    """The unit attention ``word`` of the SCSI device ``sysfs_name``; ``None`` if that is no H:C:T:L."""
    return UnitAttention(AttentionKind.parse(word), sysfs_name) if _HCTL.match(sysfs_name) else None


def in_order(events: list[Event]) -> list[Event]:
    """``events``, with the path events of each map sorted by DM_SEQNUM within the positions they have.

    If events pile up before the kernel's worker sends them, it sends the newest first: dm_uevent_add() inserts at the
    head of the list (drivers/md/dm-uevent.c).
    """
    places: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        if isinstance(event, DmPathEvent) and event.seqnum is not None:
            places.setdefault(event.wwid, []).append(place)
    ordered = list(events)
    for taken in places.values():
        for place, event in zip(taken, sorted((events[place] for place in taken), key=_seqnum), strict=True):
            ordered[place] = event
    return ordered


def _seqnum(event: Event) -> int:
    return event.seqnum or 0 if isinstance(event, DmPathEvent) else 0
