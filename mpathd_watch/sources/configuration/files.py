"""The files that configure multipathd and iscsid, and their content.

Node records and iscsid.conf hold passwords. Their content is passed only to ``parse_record``, which keeps the keys on
its allow-list.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from errno import ENOENT
from pathlib import Path

from mpathd_watch.core.configuration import NodeRecord, Reason
from mpathd_watch.core.formats.multipath_conf import Document, Version, merge, parse
from mpathd_watch.core.formats.open_iscsi import Place, Record, parse_record, record_path
from mpathd_watch.core.model.text import clean
from mpathd_watch.sources.configuration import dm_status
from mpathd_watch.sources.configuration import reader as reading
from mpathd_watch.sources.configuration.dpkg import installed_version
from mpathd_watch.sources.configuration.reader import Reader, mark, shown
from mpathd_watch.sources.configuration.root_only import FORMAT, RootOnly

MULTIPATH_CONF = "etc/multipath.conf"
CONF_D = "etc/multipath/conf.d"
WWIDS = "etc/multipath/wwids"
ISCSID_CONF = "etc/iscsi/iscsid.conf"
NODES = ("var/lib/iscsi/nodes", "etc/iscsi/nodes")
"""The directories of node records, the newer one first: open-iscsi moved them in 2.1.9, after Debian 12."""
MAX_OF_TARGET = 512
"""Portals of a target, and interfaces of a portal, of which the records are read."""


def multipath(
    reader: Reader, root: Path, version: Version | None, conf_d: tuple[Document, ...] | None = None
) -> Document:
    """multipath.conf with conf.d, which counts even without the main file (_init_config() in libmultipath/config.c).

    ``conf_d`` is the content of conf.d as read by root, if that is known: on Debian only root can read /etc/multipath.
    """
    main = _parsed(reader, root / MULTIPATH_CONF, version)
    if conf_d is None:
        conf_d = _conf_d(reader, root, version)
    return merge([main, *conf_d])


def read_root_only(root: Path, reader: Reader | None = None, version: Version | None = None) -> RootOnly:
    """The content of the files that only root can read, as far as this process may read them.

    ``version`` is that of multipath-tools, if it is known.
    """
    reader = reader or Reader()
    conf_d = _conf_d(reader, root, version or installed_version(root))
    iscsid = _record(reader, root / ISCSID_CONF)
    records = _records(reader, root)
    wwids = _wwids(reader, root / WWIDS)
    unreadable = tuple(reader.unreadable)
    # Below another root there are only files.
    dm = dm_status.read_here() if root == Path("/") else None
    return RootOnly(FORMAT, time.time(), iscsid, tuple(records), wwids, conf_d, unreadable, dm)


def watch_root_only(reader: Reader, root: Path) -> None:
    """Take the marks of the files that ``read_root_only`` reads, as far as that is allowed. Opens none of them."""
    for path in reader.entries(root / CONF_D) or ():
        reader.marks[path] = mark(path)
    for path in (root / ISCSID_CONF, root / WWIDS):
        reader.marks[path] = mark(path)
    for nodes in NODES:
        for path in _record_paths(reader, root / nodes):
            reader.marks[path] = mark(path)


def _conf_d(reader: Reader, root: Path, version: Version | None) -> tuple[Document, ...]:
    paths = [path for path in reader.entries(root / CONF_D) or () if path.name.endswith(".conf")]
    return tuple(_parsed(reader, path, version) for path in paths)


def _parsed(reader: Reader, path: Path, version: Version | None) -> Document:
    text = reader.text(path)
    return Document() if text is None else parse(text, shown(path), version)


def _record(reader: Reader, path: Path) -> Record | None:
    """A node record or iscsid.conf. The text with its secrets is freed when this returns."""
    text = reader.text(path)
    return None if text is None else parse_record(text, shown(path))


def _records(reader: Reader, root: Path) -> list[NodeRecord]:
    """The node records of both directories. Of two with the same place the first counts, even if it can't be read."""
    seen: set[Place] = set()
    found: list[NodeRecord] = []
    for nodes in NODES:
        for path in _record_paths(reader, root / nodes):
            place = record_path(shown(path))
            if place is None or place in seen:
                continue
            if len(seen) == reading.MAX_RECORDS:
                text = f"there are more than {reading.MAX_RECORDS} node records; the others are not read"
                reader.note(root / nodes, Reason.TOO_MANY, text)
                return found
            seen.add(place)
            record = _record(reader, path)
            if record is not None:
                found.append(NodeRecord(place, record))
    return found


def _record_paths(reader: Reader, nodes: Path) -> Iterator[Path]:
    """Both layouts: ``<target>/<portal>/<iface>``, and the older one, a file ``<target>/<portal>``."""
    for target in reader.entries(nodes) or ():
        for portal in reader.entries(target, MAX_OF_TARGET) or ():
            interfaces = reader.entries(portal, MAX_OF_TARGET)
            yield from (portal,) if interfaces is None else interfaces


def _wwids(reader: Reader, path: Path) -> frozenset[str] | None:
    """The WWIDs in lines ``/WWID/``. Any other line is a comment (lookup_wwid() in libmultipath/wwids.c).

    None if /etc/multipath is there without the file, which is multipathd's to make; ``None`` if nothing can be known.
    """
    text = reader.text(path)
    if text is None:
        missing = reader.marks.get(path) == (ENOENT,) and path.parent.is_dir()
        return frozenset() if missing else None
    lines = (line[1:].partition("/") for line in text.split("\n") if line.startswith("/"))
    return frozenset(clean(wwid) for wwid, slash, _ in lines if wwid and slash)
