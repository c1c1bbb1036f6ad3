"""The files that configure multipathd and iscsid, read as whoever runs this may read them.

Node records and iscsid.conf hold passwords: what they say goes to ``parse_record``, which keeps the keys on its
allow-list, and nowhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, NodeRecord, Reason, Unreadable
from mpathd_watch.core.iscsiconf import Place, Record, parse_record, record_path
from mpathd_watch.core.multipathconf import NEWEST, Document, Version, merge, parse
from mpathd_watch.core.text import clean

MULTIPATH_CONF = "etc/multipath.conf"
CONF_D = "etc/multipath/conf.d"
ISCSID_CONF = "etc/iscsi/iscsid.conf"
NODES = ("var/lib/iscsi/nodes", "etc/iscsi/nodes")
"""Where node records are, the newer place first: open-iscsi moved them in 2.1.9, after Debian 12."""

MAX_SIZE = 1 << 20
"""Bytes of a file; a node record has some 4 KiB, and the parsers stop long before."""

MAX_RECORDS = 4096

MAX_NAMES = 4 * MAX_RECORDS
"""Directory entries that are looked at, in all: a record has three directories above it at most."""


def read(root: Path = Path("/"), version: Version = NEWEST) -> Configuration:
    """What the files below ``root`` say, to multipath-tools of this ``version``.

    Never raises for the sake of a file, and never waits for one: what can't be read is named with its reason.
    """
    reader = _Reader()
    multipath = reader.multipath(root / MULTIPATH_CONF, root / CONF_D, version)
    iscsid = reader.record(root / ISCSID_CONF)
    records = reader.records(root / nodes for nodes in NODES)
    return Configuration(multipath, iscsid, tuple(records), tuple(reader.unreadable), version)


class _Reader:
    """Reads files and directories, and notes what it can't read."""

    def __init__(self) -> None:
        self.unreadable: list[Unreadable] = []
        self._names_left = MAX_NAMES
        self._cut = False

    def multipath(self, conf: Path, conf_d: Path, version: Version) -> Document:
        """All of multipath.conf: conf.d counts without the main file too (_init_config() in libmultipath/config.c)."""
        rest = [path for path in self._entries(conf_d) or () if path.name.endswith(".conf")]
        texts = [(path, self._text(path)) for path in (conf, *rest)]
        return merge([Document() if text is None else parse(text, _shown(path), version) for path, text in texts])

    def record(self, path: Path) -> Record | None:
        """A node record or iscsid.conf. The text, with its secrets, is gone when this returns."""
        text = self._text(path)
        return None if text is None else parse_record(text, _shown(path))

    def records(self, databases: Iterator[Path]) -> list[NodeRecord]:
        """The node records of all ``databases``; of those with the same place the first, even if it can't be read."""
        seen: set[Place] = set()
        found: list[NodeRecord] = []
        for nodes in databases:
            for path in self._record_paths(nodes):
                place = record_path(_shown(path))
                if place is None or place in seen:
                    continue
                if len(seen) == MAX_RECORDS:
                    self._note(nodes, Reason.TOO_MANY, f"more than {MAX_RECORDS} node records: the rest is not read")
                    return found
                seen.add(place)
                record = self.record(path)
                if record is not None:
                    found.append(NodeRecord(place, record))
        return found

    def _record_paths(self, nodes: Path) -> Iterator[Path]:
        """Both layouts: ``<target>/<portal>/<iface>``, and of old the file ``<target>/<portal>``."""
        for target in self._entries(nodes) or ():
            for portal in self._entries(target) or ():
                interfaces = self._entries(portal)
                yield from (portal,) if interfaces is None else interfaces

    def _entries(self, directory: Path) -> list[Path] | None:
        """What is in ``directory``, sorted by bytes; ``None`` if it is none. Nothing of one that can't be read."""
        try:
            with os.scandir(directory) as listing:
                names = [entry.name for entry in islice(listing, self._names_left + 1)]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._failed(directory, error)
            return []
        if len(names) > self._names_left:
            if not self._cut:
                self._note(directory, Reason.TOO_MANY, "too many files and directories: the rest is not read")
            self._cut = True
            del names[self._names_left :]
        self._names_left -= len(names)
        return [directory / name for name in sorted(names, key=os.fsencode)]

    def _text(self, path: Path) -> str | None:
        """What the file says, a byte that is not UTF-8 as a surrogate, as the parsers want it; ``None`` without it."""
        try:
            raw = _content(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._failed(path, error)
            return None
        if raw is None:
            self._note(path, Reason.NOT_REGULAR, "not a regular file: not read")
            return None
        if len(raw) > MAX_SIZE:
            self._note(path, Reason.TOO_LARGE, f"larger than {MAX_SIZE >> 20} MiB: not read")
            return None
        text = raw.decode("utf-8", "surrogateescape")
        # No attempt to decode strictly: the exception would hold all of the file.
        if text.encode("utf-8", "ignore") != raw:
            self._note(path, Reason.NOT_UTF8, "not UTF-8")
        return text

    def _failed(self, path: Path, error: OSError) -> None:
        denied = isinstance(error, PermissionError)
        self._note(
            path,
            Reason.NO_PERMISSION if denied else Reason.FAILED,
            "no permission to read it" if denied else error.strerror or "can't be read",
        )

    def _note(self, path: Path, reason: Reason, text: str) -> None:
        self.unreadable.append(Unreadable(_shown(path), reason, text))


def _content(path: Path) -> bytes | None:
    """At most ``MAX_SIZE`` bytes and one more; ``None`` if it is no regular file. Raises ``OSError``."""
    # Looked at before it is opened, for there are devices that act on being opened, and again in case it was exchanged.
    if not stat.S_ISREG(path.stat().st_mode):
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_SIZE + 1)
    finally:
        os.close(descriptor)


def _shown(path: Path) -> str:
    return clean(str(path))
