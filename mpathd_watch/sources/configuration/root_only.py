"""What a privileged process passes on of the files that are root's alone: JSON, and no secret in it.

It lies in a directory that the unprivileged daemon owns, so whoever reads it takes it for what a stranger wrote.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mpathd_watch.core.configuration import NodeRecord, Unreadable
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.formats.open_iscsi import Place, Record
from mpathd_watch.core.formats.open_iscsi.keys import KEYS
from mpathd_watch.core.recording.codec import CodecError, decode, encode

FORMAT = 1
MAX_BYTES = 16 << 20
"""Of a handover: 4096 records, each with twice what one takes."""
CHILD_DEADLINE = 30.0
"""Seconds that a process of our own may take to read the files."""

_NUMBERS = range(-(2**31), 2**31)
_PORTS = range(1 << 16)
_LINES = range(1 << 20)


@dataclass(frozen=True, slots=True)
class RootOnly:
    """``iscsid``, ``records``, ``wwids`` and ``unreadable`` as in ``Configuration``, ``conf_d`` file by file.

    ``read_at`` is when the files were read, in seconds since 1970. A reader understands its own ``format`` only.
    """

    format: int
    read_at: float
    iscsid: Record | None
    records: tuple[NodeRecord, ...]
    wwids: frozenset[str] | None
    conf_d: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...]


class RootOnlyError(Exception):
    """A handover can't be used; a clause that says why and never quotes it."""


def dump(handover: RootOnly, indent: int | None = None) -> str:
    """``handover`` as JSON, with a line end."""
    return json.dumps(encode(handover), ensure_ascii=True, indent=indent) + "\n"


def parse(raw: bytes) -> RootOnly:
    """The handover that ``dump`` wrote. Raises ``RootOnlyError`` for anything else."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        raise RootOnlyError("it is cut short or no JSON") from None
    if isinstance(record, Mapping) and record.get("format") != FORMAT:
        raise RootOnlyError("another version of mpathd-watch wrote it")
    try:
        handover = decode(RootOnly, record)
    except (CodecError, RecursionError):
        raise RootOnlyError("it is not what 'mpathd-watch export-config' writes") from None
    records = [node.record for node in handover.records]
    if handover.iscsid is not None:
        records.append(handover.iscsid)
    places = {node.place for node in handover.records}
    if len(places) != len(handover.records) or not all(map(_is_place, places)) or not all(map(_is_sound, records)):
        raise RootOnlyError("it is not what 'mpathd-watch export-config' writes")
    return handover


def from_child(root: Path) -> RootOnly:
    """What a process of our own reads, with the rights that we have. Raises ``RootOnlyError``.

    Not read here even where that is allowed, as to a daemon that root has started by hand: the passwords in the files
    would be in its memory, and in its core dump.
    """
    # -P: what lies in the present directory must not pass for a module of ours.
    command = [sys.executable, "-P", "-m", "mpathd_watch", "export-config", "--root", str(root)]
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CHILD_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        raise RootOnlyError(f"reading it took longer than {CHILD_DEADLINE:g} s") from None
    except OSError as error:
        raise RootOnlyError(f"no process could be started to read it: {error.strerror}") from None
    if done.returncode != 0:
        raise RootOnlyError(f"'mpathd-watch export-config' ended with status {done.returncode}")
    return parse(done.stdout)


def _is_place(place: Place) -> bool:
    return place.port in _PORTS and (place.tpgt is None or place.tpgt in _NUMBERS)


def _is_sound(record: Record) -> bool:
    """Whether the values are of keys on the allow-list, and such as ``parse_record`` makes."""
    for name, entry in record.entries.items():
        key = KEYS.get(name)
        if key is None or entry.line not in _LINES:
            return False
        if key.text or key.words:
            if not isinstance(entry.value, str) or (key.words and entry.value not in key.words):
                return False
        elif not isinstance(entry.value, int) or entry.value not in _NUMBERS:
            return False
    return all(problem.line in _LINES for problem in record.problems)
