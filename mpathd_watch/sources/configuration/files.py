"""Which files configure multipathd and iscsid, and what they say.

Node records and iscsid.conf hold passwords: what they say goes to ``parse_record``, which keeps the keys on its
allow-list, and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from mpathd_watch.core.configuration import NodeRecord, Reason
from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Version, merge, parse
from mpathd_watch.core.formats.open_iscsi import Place, Record, parse_record, record_path
from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.configuration import reader as reading
from mpathd_watch.sources.configuration.dpkg import installed_version
from mpathd_watch.sources.configuration.reader import Reader, mark, shown
from mpathd_watch.sources.configuration.root_only import FORMAT, RootOnly

MULTIPATH_CONF = "etc/multipath.conf"
CONF_D = "etc/multipath/conf.d"
WWIDS = "etc/multipath/wwids"
ISCSID_CONF = "etc/iscsi/iscsid.conf"
NODES = ("var/lib/iscsi/nodes", "etc/iscsi/nodes")
"""Where node records are, the newer place first: open-iscsi moved them in 2.1.9, after Debian 12."""


def multipath(reader: Reader, root: Path, version: Version, conf_d: tuple[Document, ...] | None = None) -> Document:
    """All of multipath.conf: conf.d counts without the main file too (_init_config() in libmultipath/config.c).

    ``conf_d`` is what conf.d says to those who may read it, if that is known: /etc/multipath is root's alone on Debian.
    """
    main = _parsed(reader, root / MULTIPATH_CONF, version)
    if conf_d is None:
        conf_d = _conf_d(reader, root, version)
    return merge([main, *conf_d])


def read_root_only(root: Path) -> RootOnly:
    """What the files say that are root's alone, as far as whoever runs this may read them."""
    reader = Reader()
    conf_d = _conf_d(reader, root, installed_version(root) or NEWEST)
    iscsid = _record(reader, root / ISCSID_CONF)
    records = _records(reader, root)
    wwids = _wwids(reader, root / WWIDS)
    return RootOnly(FORMAT, time.time(), iscsid, tuple(records), wwids, conf_d, tuple(reader.unreadable))


def watch_root_only(reader: Reader, root: Path) -> None:
    """Take the marks of what ``read_root_only`` reads, as far as that is allowed, and open none of its files."""
    for path in reader.entries(root / CONF_D) or ():
        reader.marks[path] = mark(path)
    for path in (root / ISCSID_CONF, root / WWIDS):
        reader.marks[path] = mark(path)
    for nodes in NODES:
        for path in _record_paths(reader, root / nodes):
            reader.marks[path] = mark(path)


def _conf_d(reader: Reader, root: Path, version: Version) -> tuple[Document, ...]:
    paths = [path for path in reader.entries(root / CONF_D) or () if path.name.endswith(".conf")]
    return tuple(_parsed(reader, path, version) for path in paths)


def _parsed(reader: Reader, path: Path, version: Version) -> Document:
    text = reader.text(path)
    return Document() if text is None else parse(text, shown(path), version)


def _record(reader: Reader, path: Path) -> Record | None:
    """A node record or iscsid.conf. The text, with its secrets, is gone when this returns."""
    text = reader.text(path)
    return None if text is None else parse_record(text, shown(path))


def _records(reader: Reader, root: Path) -> list[NodeRecord]:
    """The node records of both databases; of those with the same place the first, even if it can't be read."""
    seen: set[Place] = set()
    found: list[NodeRecord] = []
    for nodes in NODES:
        for path in _record_paths(reader, root / nodes):
            place = record_path(shown(path))
            if place is None or place in seen:
                continue
            if len(seen) == reading.MAX_RECORDS:
                text = f"more than {reading.MAX_RECORDS} node records: the rest is not read"
                reader.note(root / nodes, Reason.TOO_MANY, text)
                return found
            seen.add(place)
            record = _record(reader, path)
            if record is not None:
                found.append(NodeRecord(place, record))
    return found


def _record_paths(reader: Reader, nodes: Path) -> Iterator[Path]:
    """Both layouts: ``<target>/<portal>/<iface>``, and of old the file ``<target>/<portal>``."""
    for target in reader.entries(nodes) or ():
        for portal in reader.entries(target) or ():
            interfaces = reader.entries(portal)
            yield from (portal,) if interfaces is None else interfaces


def _wwids(reader: Reader, path: Path) -> frozenset[str] | None:
    """The lines ``/WWID/``; whatever else begins a line is a comment (lookup_wwid() in libmultipath/wwids.c)."""
    text = reader.text(path)
    if text is None:
        return None
    lines = (line[1:].partition("/") for line in text.split("\n") if line.startswith("/"))
    return frozenset(clean(wwid) for wwid, slash, _ in lines if wwid and slash)
