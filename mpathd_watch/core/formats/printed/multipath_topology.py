"""``multipath -ll``: the maps with their paths (snprint_multipath_topology() in libmultipath/print.c, 0.9.4 to 0.15.1).

    mpatha (3600...) dm-0 IET,VIRTUAL-DISK
    size=128M features='0' hwhandler='0' wp=rw
    `-+- policy='service-time 0' prio=1 status=active
      |- 0:0:0:1 sda 8:0  active ready running
      `- 1:0:0:1 sdb 8:16 failed faulty offline

``multipath`` reads the states of dm from the kernel and runs the checker itself. With ``-v4`` the lines of its log
come before and between these, and a table of all paths that has no states yet.
"""

from __future__ import annotations

import re
from dataclasses import field

from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import CheckerState, DmState
from mpathd_watch.immutable import immutable, replace

_MAP = re.compile(
    r"(?:\w+: )?(?P<name>\S.{0,255}?)(?: \((?P<wwid>[^()]{1,255})\))? (?P<sysfs>dm-\d{1,7}) (?P<what>.{0,255})",
    re.ASCII,
)
"""The word before the name is what ``multipath`` would do with the map, as ``reload``."""
_PROPERTIES = re.compile(r"size=\S+ features='(?P<features>[^']*)' hwhandler='[^']*'.*", re.ASCII)
_GROUP = re.compile(r"[|`]-\+- policy='[^']*' prio=(?P<priority>-?\d{1,10}) status=\w+ *", re.ASCII)
_PATH = re.compile(
    r"[| ] [|`]- +(?P<hctl>#:#:#:#|\d+:\d+:\d+:\d+) +(?P<dev>\S+) +(?P<dev_t>#:#|\d+:\d+) +(?P<dm>\w+) +"
    r"(?P<checker>i/o \w+|\S+) +(?P<offline>\w+) *",
    re.ASCII,
)
_ESCAPES = re.compile(r"\x1b\[\d*m", re.ASCII)
_LONGEST_LINE = 1024
_USABLE = frozenset({CheckerState.READY, CheckerState.GHOST})
_ABSENT = "##"


@immutable
class PrintedPath:
    """A path; ``dev`` and ``hctl`` are empty where there is no such disk any more.

    ``running``: the disk's state in sysfs did not mean that it is down (sysfs_get_state() in discovery.c). ``group``:
    the number of its path group, from 1; ``priority``: that of the path, ``None`` if it can't be known.
    """

    hctl: str
    dev: str
    dev_t: str
    dm_state: DmState
    checker_state: CheckerState
    running: bool
    group: int | None = None
    priority: int | None = None


@immutable
class PrintedMap:
    """A map; ``queues``: it has the feature ``queue_if_no_path`` in the kernel now."""

    wwid: str
    name: str
    sysfs_name: str
    vendor: str
    product: str
    queues: bool
    paths: tuple[PrintedPath, ...]


def parse(text: str) -> tuple[PrintedMap, ...]:
    """The maps of dm-multipath; native NVMe multipath devices, which it prints as well, are left out."""
    lines = [_ESCAPES.sub("", line[:_LONGEST_LINE]) for line in text.split("\n")]
    maps: dict[str, PrintedMap] = {}
    heading: re.Match[str] | None = None
    features, groups = "", [_Group()]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        properties = _PROPERTIES.fullmatch(following)
        begun = _MAP.fullmatch(line) if properties else None
        if begun is not None and properties is not None:
            _keep(maps, heading, features, groups)
            heading, features, groups = begun, properties["features"], [_Group()]
        elif (group := _GROUP.fullmatch(line)) is not None:
            groups.append(_Group(len(groups), int(group["priority"])))
        elif heading is not None and (found := _PATH.fullmatch(line)) is not None:
            groups[-1].paths.append(_path(found, groups[-1].number))
    _keep(maps, heading, features, groups)
    return tuple(maps.values())


@immutable
class _Group:
    """A path group. Without a number: what comes before the first line of a group.

    ``priority`` is the mean of those of its usable paths (path_group_prio_update() in switchgroup.c).
    """

    number: int | None = None
    priority: int = -1
    paths: list[PrintedPath] = field(default_factory=list)

    def with_priorities(self) -> list[PrintedPath]:
        """The paths. The mean shows the priority of one only if no other path of the group is usable."""
        usable = [path for path in self.paths if path.checker_state in _USABLE]
        if len(usable) != 1 or self.priority < 0:
            return self.paths
        return [replace(path, priority=self.priority) if path is usable[0] else path for path in self.paths]


def _keep(maps: dict[str, PrintedMap], heading: re.Match[str] | None, features: str, groups: list[_Group]) -> None:
    if heading is None:
        return
    vendor, _, product = heading["what"].partition(",")
    wwid = clean(heading["wwid"] or heading["name"])
    maps[wwid] = PrintedMap(
        wwid,
        name=clean(heading["name"]),
        sysfs_name=heading["sysfs"],
        vendor="" if vendor == _ABSENT else clean(vendor),
        product="" if product == _ABSENT else clean(product),
        queues="queue_if_no_path" in features.split(),
        paths=tuple(path for group in groups for path in group.with_priorities()),
    )


def _path(found: re.Match[str], group: int | None) -> PrintedPath:
    return PrintedPath(
        hctl="" if "#" in found["hctl"] else found["hctl"],
        dev="" if found["dev"] == "-" else clean(found["dev"]),
        dev_t="" if "#" in found["dev_t"] else found["dev_t"],
        dm_state=DmState.parse(found["dm"]),
        checker_state=CheckerState.parse(found["checker"]),
        running=found["offline"] == "running",
        group=group,
    )
