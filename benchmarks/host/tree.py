"""The host's sysfs and configuration: any number of paths, four to a map."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.sysfs import FakeSysfs, stat

PATHS_OF_A_MAP = 4
PATHS_OF_A_SESSION = 160

MULTIPATH_CONF = """\
defaults {
	user_friendly_names yes
	polling_interval 5
}
overrides {
	protocol {
		type "scsi:iscsi"
		fast_io_fail_tmo 5
	}
}
"""
NODE_RECORD = """\
node.startup = automatic
node.conn[0].timeo.noop_out_interval = 5
node.conn[0].timeo.noop_out_timeout = 10
node.session.timeo.replacement_timeout = 5
"""

PACKAGES = """\
Package: multipath-tools
Status: install ok installed
Version: 0.11.1-2
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A path, by the names of its disk."""

    disk: str
    dev_t: str
    portal: str


@dataclass(frozen=True, slots=True)
class Map:
    """A map and its paths."""

    name: str
    wwid: str
    sysfs_name: str
    paths: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The simulated sysfs, and the maps in it."""

    san: FakeSysfs
    maps: tuple[Map, ...]


def grown(root: Path, paths: int) -> Tree:
    """A tree whose maps have four paths, each through a session of its own; with fewer paths it has one map."""
    san = FakeSysfs(root)
    width = min(paths, PATHS_OF_A_MAP)
    sessions = max(width, paths // PATHS_OF_A_SESSION // width * width)
    portals = [f"192.168.{number % 250}.{number // 250 + 1}:3260" for number in range(sessions)]
    logins = [san.login(portal) for portal in portals]
    maps = []
    for number in range(paths // width):
        first, wwid = number * width % sessions, f"36001405{number:024x}"
        disks = [san.add_disk(login, lun=number, wwid=wwid) for login in logins[first : first + width]]
        made = san.add_map(f"mpath{number}", disks, wwid=wwid)
        found = zip(disks, portals[first : first + width], strict=True)
        members = tuple(Member(disk.name, disk.dev_t, portal) for disk, portal in found)
        maps.append(Map(made.get("dm/name"), wwid, made.sysfs_name, members))
    return Tree(san, tuple(maps))


def configure(root: Path, tree: Tree) -> None:
    """Write multipath.conf, iscsid.conf, the node records of the tree's sessions, and Debian's list below ``root``."""
    files = {
        "etc/multipath.conf": MULTIPATH_CONF,
        "etc/iscsi/iscsid.conf": NODE_RECORD,
        "var/lib/dpkg/status": PACKAGES,
    }
    for session in tree.san.sessions:
        connection = session.connection
        portal = f"{connection.get('persistent_address')},{connection.get('persistent_port')},1"
        files[f"var/lib/iscsi/nodes/{session.get('targetname')}/{portal}/default"] = NODE_RECORD
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@contextlib.contextmanager
def working(tree: Tree, every: float = 1.0) -> Iterator[None]:
    """Another process in which every disk does I/O."""
    disks = multiprocessing.get_context("fork").Process(target=_work, args=(tree, every), daemon=True)
    disks.start()
    try:
        yield
    finally:
        disks.kill()
        disks.join()


def _work(tree: Tree, every: float) -> None:
    parent, done = os.getppid(), 0
    while os.getppid() == parent:
        time.sleep(every)
        done += 1
        text = stat(100 + 50 * done, 40 + 20 * done, 50 + 20 * done, 30 + 9 * done)
        for disk in tree.san.disks:
            disk.set("stat", text)
