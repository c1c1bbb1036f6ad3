"""``dmsetup info``, ``info -c``, ``table`` and ``status``: what the kernel has of the maps (lvm2, libdm/dm-tools).

The lines of a multipath target are those of drivers/md/dm-mpath.c, multipath_status(), after ``NAME: START LENGTH``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import DmState
from mpathd_watch.immutable import immutable

_TARGET = re.compile(r"(?P<name>[^:]{1,255}): \d{1,20} \d{1,20} multipath (?P<rest>.*)", re.ASCII)
_DEV_T = re.compile(r"\d{1,7}:\d{1,7}", re.ASCII)
_COLUMNS = re.compile(
    r"(?P<name>\S{1,255}) +\d+ +(?P<minor>\d{1,7}) +(?P<attributes>[A-Za-z-]{4}) .* (?P<uuid>\S+) *", re.ASCII
)
_LONGEST_LINE = 1 << 16
"""Characters of a line that are read: a map of 32 paths has about 800."""
_LONGEST_ROW = 2048
_STATES = {"A": DmState.ACTIVE, "F": DmState.FAILED}
_SUSPENDED = 2
"""The position of ``s`` among the attributes, as in ``L-sw``."""


@immutable
class DmDevice:
    """A dm device, its ``uuid`` included; ``suspended`` is ``None`` where it is not known."""

    name: str
    sysfs_name: str
    uuid: str
    suspended: bool | None


@immutable
class DmTarget:
    """A multipath target; ``paths`` by ``MAJOR:MINOR``. A table does not have the paths' states."""

    name: str
    queues: bool | None
    paths: dict[str, DmState]


def devices(text: str) -> tuple[DmDevice, ...]:
    """The devices in ``dmsetup info``, in either form."""
    return tuple(_blocks(text) if re.search(r"^Name: ", text, re.MULTILINE) else _rows(text))


def tables(text: str) -> tuple[DmTarget, ...]:
    """The multipath targets in ``dmsetup table``, which begin with the number of features and the features."""
    found = []
    for name, words in _targets(text):
        count = int(words[0]) if words and words[0].isdecimal() and len(words[0]) < 4 else 0
        queues = "queue_if_no_path" in words[1 : count + 1]
        # Not the numbers of selectors, which contain no colon.
        devices = [word for word in words[count + 1 :] if _DEV_T.fullmatch(word)]
        found.append(DmTarget(name, queues, dict.fromkeys(devices, DmState.UNKNOWN)))
    return tuple(found)


def statuses(text: str) -> tuple[DmTarget, ...]:
    """The multipath targets in ``dmsetup status``, in which each path is followed by A or F."""
    found = []
    for name, words in _targets(text):
        paths = {word: _STATES.get(state, DmState.UNKNOWN) for word, state in pairwise(words) if _DEV_T.fullmatch(word)}
        found.append(DmTarget(name, None, paths))
    return tuple(found)


def _targets(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.split("\n"):
        found = _TARGET.fullmatch(line[:_LONGEST_LINE])
        if found is not None:
            yield clean(found["name"]), found["rest"].split()


def _rows(text: str) -> Iterator[DmDevice]:
    for line in text.split("\n"):
        found = _COLUMNS.fullmatch(line[:_LONGEST_ROW])
        if found is not None:
            suspended = found["attributes"][_SUSPENDED] == "s"
            yield DmDevice(clean(found["name"]), f"dm-{found['minor']}", clean(found["uuid"]), suspended)


def _blocks(text: str) -> Iterator[DmDevice]:
    for block in text.split("\n\n"):
        pairs = (line[:_LONGEST_LINE].partition(":") for line in block.split("\n"))
        values = {key: clean(value) for key, _, value in pairs}
        minor = values.get("Major, minor", "").rpartition(", ")[2]
        if values.get("Name") and minor.isdecimal():
            state = values.get("State", "")
            suspended = state.startswith("SUSPENDED") if state else None
            yield DmDevice(values["Name"], f"dm-{minor}", values.get("UUID", ""), suspended)
