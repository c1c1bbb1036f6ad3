"""The part of the files that only root can read which a privileged process passes on: JSON without secrets.

The JSON is in a directory that the unprivileged daemon owns. Therefore a reader does not trust it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import mpathd_watch
from mpathd_watch.core.configuration import NodeRecord, Unreadable
from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.formats.open_iscsi import Place, Record
from mpathd_watch.core.formats.open_iscsi.keys import KEYS
from mpathd_watch.core.recording.codec import CodecError, decode, encode
from mpathd_watch.immutable import immutable

FORMAT = 1
MAX_BYTES = 16 << 20
"""Bytes of a handover: 4096 records of twice the usual size."""
CHILD_DEADLINE = 30.0
"""Seconds that a child process may take to read the files."""

_MODULES: Final = str(Path(mpathd_watch.__file__).resolve().parent.parent)
"""The directory that this package is in. The RPM package has one of its own, which no other process finds by itself."""
_CHILD: Final = """\
import sys
modules = sys.argv.pop(1)
if modules not in sys.path:
    sys.path.insert(0, modules)
from mpathd_watch.cli import main
sys.exit(main())
"""

_NUMBERS = range(-(2**31), 2**31)
_PORTS = range(1 << 16)
_LINES = range(1 << 20)


@immutable
class RootOnly:
    """``iscsid``, ``records``, ``wwids`` and ``unreadable`` as in ``Configuration``; ``conf_d`` file by file.

    ``read_at`` is when the files were read, in seconds since 1970. ``dm`` is dm's status of all maps, if it could be
    read. A reader accepts only its own ``format``.
    """

    format: int
    read_at: float
    iscsid: Record | None
    records: tuple[NodeRecord, ...]
    wwids: frozenset[str] | None
    conf_d: tuple[Document, ...]
    unreadable: tuple[Unreadable, ...]
    dm: DmStatusRead | None = None


class RootOnlyError(Exception):
    """A handover can't be used; a clause with the reason, which never quotes the handover."""


def dump(handover: RootOnly, indent: int | None = None) -> str:
    """``handover`` as one JSON document with a newline at the end."""
    return json.dumps(encode(handover), ensure_ascii=True, indent=indent) + "\n"


def parse(raw: bytes) -> RootOnly:
    """Read a handover that ``dump`` wrote. Raises ``RootOnlyError`` for anything else."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        raise RootOnlyError("it is truncated or not JSON") from None
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
    """Have a child process read the files, with the same privileges. Raises ``RootOnlyError``.

    This process does not read them even if it may, as a daemon that root started by hand: the passwords would be in its
    memory and in its core dump.
    """
    # -P: a file in the current directory must not be imported as one of our modules.
    command = [sys.executable, "-P", "-c", _CHILD, _MODULES, "export-config", "--root", str(root)]
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CHILD_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        raise RootOnlyError(f"reading it took longer than {CHILD_DEADLINE:g} s") from None
    except OSError as error:
        raise RootOnlyError(f"the process that reads it could not be started: {error.strerror}") from None
    if done.returncode != 0:
        raise RootOnlyError(f"'mpathd-watch export-config' ended with status {done.returncode}")
    return parse(done.stdout)


def _is_place(place: Place) -> bool:
    return place.port in _PORTS and (place.tpgt is None or place.tpgt in _NUMBERS)


def _is_sound(record: Record) -> bool:
    """Whether all keys are on the allow-list, and all values are of the kind that ``parse_record`` returns."""
    for name, entry in record.entries.items():
        key = KEYS.get(name)
        if key is None or entry.line not in _LINES:
            return False
        if key.words:
            if entry.value not in key.words:
                return False
        elif not isinstance(entry.value, int) or entry.value not in _NUMBERS:
            return False
    return all(problem.line in _LINES for problem in record.problems)
