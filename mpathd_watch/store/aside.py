"""Databases that are moved aside because this version can't use them, and those that come back.

A database of a newer version is kept beside an empty one. The next version that can read it puts it back, and adds to
it what was written in the meantime. Until that is complete, this is ``state.db.older``. Any step may be the last one
before the host loses its power: the next start goes on where it ended, and adding something twice changes nothing.
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from mpathd_watch.store.database import fault
from mpathd_watch.store.merging import add

_REASONS: Final = {
    "corrupt": "is damaged",
    "newer": "was written by a newer version",
    "foreign": "is no database of ours",
}
_PARTS: Final = ("-wal", "-shm", "")
"""In this order: the log of another database must never be beside a new one, whatever ends the daemon in between."""
_NEWER: Final = "newer"
_OLDER: Final = "older"
_NUMBERED: Final = re.compile(r"(\.\d+)?")


def set_aside(path: Path, reason: str) -> str:
    """Move the database in use aside. Returns why and where to, in one sentence."""
    aside = _moved(path, path, reason)
    then = "; a version that can read it puts it back" if reason == _NEWER else ""
    return f"{path} {_REASONS[reason]}: it was moved to {aside}, and an empty one was begun{then}."


def put_back(path: Path, until: float) -> list[str]:
    """Put back what was moved aside for being newer and is so no more, with what was written since.

    Returns a sentence for each. ``until`` is that of ``fault``.
    """
    notes, usable = [], []
    older = path.with_name(f"{path.name}.{_OLDER}")
    if _exists(older) and (found := fault(older, until)):
        notes.append(_given_up(path, older, found))
    for aside in _newest_first(path):
        found = fault(aside, until)
        if not found:
            usable.append(aside)
        elif found != _NEWER:
            notes.append(_given_up(path, aside, found))
    if _exists(older):  # an earlier start was interrupted
        if _exists(path):
            _add(path, older)
        elif not usable:
            _move(older, path)
    for aside in usable:
        if _exists(path):
            _move(path, older)
        _move(aside, path)
        if _exists(older):
            _add(path, older)
        notes.append(f"{aside} was put back as {path}, and what was written in the meantime was added to it.")
    return notes


def _newest_first(path: Path) -> list[Path]:
    """The databases of newer versions, the one that was written last first. What is no file is not looked at."""
    found = []
    name = f"{path.name}.{_NEWER}"
    for each in path.parent.glob(f"{name}*"):
        status = each.lstat()
        if _NUMBERED.fullmatch(each.name.removeprefix(name)) and stat.S_ISREG(status.st_mode):
            found.append((status.st_mtime_ns, each))
    return [each for _, each in sorted(found, reverse=True)]


def _given_up(path: Path, aside: Path, reason: str) -> str:
    return f"{aside} {_REASONS[reason]}: it was moved to {_moved(aside, path, reason)}."


def _moved(file: Path, path: Path, reason: str) -> Path:
    """Move a database to the place for this reason, and return that. One of a newer version replaces no other."""
    place = path.with_name(f"{path.name}.{reason}")
    if reason == _NEWER:
        numbered = (place.with_name(f"{place.name}.{number}") for number in count(1))
        while _exists(place):
            place = next(numbered)
    _move(file, place)
    return place


def _add(path: Path, older: Path) -> None:
    add(path, older)
    for part in _PARTS:
        Path(f"{older}{part}").unlink(missing_ok=True)


def _move(path: Path, place: Path) -> None:
    for part in _PARTS:
        with suppress(FileNotFoundError):
            Path(f"{path}{part}").replace(f"{place}{part}")


def _exists(path: Path) -> bool:
    """Whether there is anything of this name, a link that leads nowhere included."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True
