"""Reading a fake sysfs by hand: what the readers find, and what may get in their way.

    look = Look(healthy_san(tmp_path / "sys"))
    with unreadable(monkeypatch, errno.EIO, "session1/state"):
        look.at_sessions()
    assert look.problems == {"EIO": 1}

``Meddler`` changes the tree, or has an access fail, in the middle of a walk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mpathd_watch.core.model.facts import (
    AccessFacts,
    BlockFacts,
    DeviceFacts,
    IoFacts,
    MapFacts,
    SessionFacts,
    TcpFacts,
)
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus, Transport
from mpathd_watch.sources.iscsi.local_ends import LocalEnd, LocalEnds
from mpathd_watch.sources.iscsi.sessions import Sessions
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.network.addresses import Interface
from mpathd_watch.sources.reading import attributes as attributes_module
from mpathd_watch.sources.reading.attributes import Attributes
from mpathd_watch.sources.sysfs.disks import Depth, Disks
from tests.fakes.sysfs import INITIATOR, KERNEL_WWID, TARGET, WWID, FakeSysfs

if TYPE_CHECKING:
    import pytest

Found = TypeVar("Found")
FC_PLACE = "pci0000:00/0000:00:05.0/host5/rport-5:0-1/target5:0:0/5:0:0:1"
BLOCK = BlockFacts(size=2097152, logical_block_size=512, max_sectors_kb=1280)
MPIO = MapFacts(wwid=WWID, name="mpio", sysfs_name="dm-0", suspended=False, slaves=("sda", "sdb"), block=BLOCK)
SDA = DeviceFacts(
    name="sda",
    dev_t="8:0",
    hctl="2:0:0:1",
    state=DeviceState.RUNNING,
    transport=Transport.ISCSI,
    sid=1,
    vendor="LIO-ORG",
    product="mpio",
    io_errors=0,
    io_timeouts=0,
    timeout=30,
    wwid=WWID,
    io=IoFacts(reads=100, read_ms=40, writes=50, write_ms=30, read_sectors=800, write_sectors=400),
    block=replace(BLOCK, wwid=KERNEL_WWID),
    access=AccessFacts(grouped=False),
)
SESSION = SessionFacts(
    sid=1,
    state=SessionStatus.LOGGED_IN,
    target=TARGET,
    tpgt=1,
    iface="default",
    initiator=INITIATOR,
    address="192.168.1.1",
    port=3260,
    recv_tmo=5,
    ping_tmo=10,
    recovery_tmo=5,
    creator=446,
)
INTERFACES = {
    "192.168.1.2": Interface("eth1", "192.168.1.0/24"),
    "192.168.2.2": Interface("eth2", "192.168.2.0/24"),
    "fd00::2": Interface("eth6", "fd00::/64"),
}
UNREADABLE = [errno.EINVAL, errno.ENOTCONN, errno.EIO, errno.EACCES]


class Network:
    """A kernel's answers about connections and routes: each connection exists unless the test sets otherwise."""

    def __init__(self) -> None:
        self.asked: list[Mapping[int, Connection]] = []
        self.facts = TcpFacts(rtt=0.001, retransmits=0, backoff=0, heard=99.0)
        self.bound_to: dict[int, str] = {}
        self.routes: dict[tuple[str, str], str] = {}
        self.missing: set[int] = set()
        self.error: OSError | None = None
        self.interfaces = dict(INTERFACES)

    def ask(self, connections: Mapping[int, Connection], _clock: object = None) -> dict[int, Answer]:
        """As ``tcp.ask``."""
        self.asked.append(connections)
        if self.error:
            raise self.error
        return {sid: Answer(self.facts, self.bound_to.get(sid, "")) for sid in connections if sid not in self.missing}

    def route(self, remote: str, local: str) -> str:
        """As ``routes.interface_to``."""
        return self.routes.get((remote, local), "")


class Look:
    """The readers, and what they found each time they were used."""

    def __init__(self, san: FakeSysfs) -> None:
        self.now = 100.0
        self.network = Network()
        self.disks = Disks(san.root, san.run)
        self.sessions = Sessions(san.root, lambda: self.now)
        self.ends = LocalEnds(san.root, lambda: self.network.interfaces, self.network.route, self.network.ask)
        self.problems: dict[str, int] = {}

    def at_maps(self) -> tuple[MapFacts, ...]:
        """Read all maps."""
        return self._read(self.disks.maps)

    def at_devices(self, *names: str) -> tuple[DeviceFacts, ...]:
        """Read the named disks whole."""
        return self._read(lambda attributes: self.disks.devices(attributes, names))

    def again(self, *known: DeviceFacts, depth: Depth = Depth.STATE) -> tuple[tuple[DeviceFacts, ...], tuple[str, ...]]:
        """Read these disks again, and return those that have changed."""
        found, vanished = self._read(lambda attributes: self.disks.again(attributes, known, depth))
        return tuple(facts for facts in found if facts not in known), vanished

    def at_unmapped(self, *members: DeviceFacts) -> tuple[DeviceFacts, ...]:
        """Read the iSCSI disks that are not among ``members``."""
        return self._read(lambda attributes: self.disks.unmapped(attributes, members))

    def at_ends(self) -> Mapping[int, LocalEnd]:
        """Read the local ends of the sessions."""
        return self._read(self.ends.read)

    def at_sessions(
        self,
        *,
        everything: bool = False,
        ends: Mapping[int, LocalEnd] | None = None,
        tcp: Mapping[int, TcpFacts] | None = None,
    ) -> tuple[SessionFacts, ...]:
        """Read the sessions."""
        return self._read(lambda attributes: self.sessions.read(attributes, everything=everything, ends=ends, tcp=tcp))

    def _read(self, reading: Callable[[Attributes], Found]) -> Found:
        attributes = Attributes()
        found = reading(attributes)
        self.problems = dict(attributes.problems)
        return found


@contextmanager
def unreadable(monkeypatch: pytest.MonkeyPatch, number: int, *endings: str) -> Iterator[None]:
    """Reads of attributes with these endings fail."""

    def fail(path: str) -> None:
        if path.endswith(endings):
            raise OSError(number, os.strerror(number), path)

    with monkeypatch.context() as patch:
        before_each_read(patch, fail)
        yield


def before_each_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[str], None]) -> None:
    """Do ``act``, which may raise, before an attribute is read, whether it is opened for that or has been kept open."""
    read, read_whole, pread = attributes_module._read, attributes_module.read_whole, os.pread
    content = attributes_module.Attribute.content

    def reading(path: Path, size: int) -> bytes:
        act(str(path))
        return read(path, size)

    def reading_below(attribute: attributes_module.Attribute) -> bytes:
        act(str(attribute))
        return content(attribute)

    def reading_whole(path: Path, size: int) -> bytes:
        act(str(path))
        return read_whole(path, size)

    def preading(descriptor: int, size: int, offset: int) -> bytes:
        act(name_of(descriptor))
        return pread(descriptor, size, offset)

    monkeypatch.setattr(attributes_module, "_read", reading)
    monkeypatch.setattr(attributes_module.Attribute, "content", reading_below)
    monkeypatch.setattr(attributes_module, "read_whole", reading_whole)
    monkeypatch.setattr(os, "pread", preading)


def name_of(descriptor: int, readlink: Callable[[str], str] = os.readlink) -> str:
    """The path of what is open; where that is gone, it ends in `` (deleted)``."""
    return readlink(f"/proc/self/fd/{descriptor}")


def place_of(place: Any, directory: int | None = None, readlink: Callable[[str], str] = os.readlink) -> str:
    """The path of what is read: of an open file, or of a path, which may begin in an open ``directory``."""
    if isinstance(place, int):
        return name_of(place, readlink)
    return str(place) if directory is None else f"{name_of(directory, readlink)}/{place}"


def kernfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reads of an open attribute fail if its object is gone, as the kernel does (kernfs_get_active())."""

    def gone(path: str) -> None:
        if path.endswith(" (deleted)"):
            raise OSError(errno.ENODEV, "No such device", path)

    before_each_read(monkeypatch, gone)


class Meddler:
    """Does something just before the ``nth`` access below ``root``, counting opens, kept reads, listings and links."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self._root = str(root)
        self._nth = 0
        self._act: Callable[[str], None] = lambda _path: None
        self._readlink = os.readlink
        self.accesses: list[str] = []
        for name in ("open", "listdir", "readlink", "pread"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def at(self, nth: int, act: Callable[[str], None]) -> None:
        """Do ``act`` at the ``nth`` access from now on."""
        self.accesses, self._nth, self._act = [], nth, act

    def _wrap(self, genuine: Callable[..., Any]) -> Callable[..., Any]:
        def call(place: Any, *args: Any, **options: Any) -> Any:
            path = place_of(place, options.get("dir_fd"), self._readlink)
            if path.startswith(self._root):
                self.accesses.append(path)
                if len(self.accesses) == self._nth:
                    self._nth = 0
                    self._act(path)
            return genuine(place, *args, **options)

        return call
