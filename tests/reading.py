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
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mpathd_watch.core.facts import DeviceFacts, MapFacts, SessionFacts
from mpathd_watch.core.vocabulary import DeviceState, SessionStatus, Transport
from mpathd_watch.sources.network import Interface
from mpathd_watch.sources.sysfs import attributes as attributes_module
from mpathd_watch.sources.sysfs.attributes import Attributes
from mpathd_watch.sources.sysfs.disks import Disks
from mpathd_watch.sources.sysfs.ends import LocalEnd, LocalEnds
from mpathd_watch.sources.sysfs.sessions import Sessions
from tests.fakes.sysfs import INITIATOR, TARGET, WWID, FakeSysfs

if TYPE_CHECKING:
    import pytest

Found = TypeVar("Found")
FC_PLACE = "pci0000:00/0000:00:05.0/host5/rport-5:0-1/target5:0:0/5:0:0:1"
MPIO = MapFacts(wwid=WWID, name="mpio", sysfs_name="dm-0", suspended=False, slaves=("sda", "sdb"))
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
)
INTERFACES = {
    "192.168.1.2": Interface("eth1", "192.168.1.0/24"),
    "192.168.2.2": Interface("eth2", "192.168.2.0/24"),
    "fd00::2": Interface("eth6", "fd00::/64"),
}
UNREADABLE = [errno.EINVAL, errno.ENOTCONN, errno.EIO, errno.EACCES]


class Look:
    """The readers, and what they found each time they were used."""

    def __init__(self, san: FakeSysfs) -> None:
        self.now = 100.0
        self.disks = Disks(san.root, san.run)
        self.sessions = Sessions(san.root, lambda: self.now)
        self.ends = LocalEnds(san.root, lambda: INTERFACES)
        self.problems: dict[str, int] = {}

    def at_maps(self) -> tuple[MapFacts, ...]:
        """Read all maps."""
        return self._read(self.disks.maps)

    def at_devices(self, *names: str) -> tuple[DeviceFacts, ...]:
        """Read the named disks whole."""
        return self._read(lambda attributes: self.disks.devices(attributes, names))

    def again(self, *known: DeviceFacts, counters: bool = False) -> tuple[tuple[DeviceFacts, ...], tuple[str, ...]]:
        """Read what may have changed of these disks."""
        return self._read(lambda attributes: self.disks.again(attributes, known, counters=counters))

    def at_unmapped(self, *members: DeviceFacts) -> tuple[DeviceFacts, ...]:
        """Read the iSCSI disks that are not among ``members``."""
        return self._read(lambda attributes: self.disks.unmapped(attributes, members))

    def at_ends(self) -> Mapping[int, LocalEnd]:
        """Read the local ends of the sessions."""
        return self._read(self.ends.read)

    def at_sessions(
        self, *, afresh: bool = False, ends: Mapping[int, LocalEnd] | None = None
    ) -> tuple[SessionFacts, ...]:
        """Read the sessions."""
        return self._read(lambda attributes: self.sessions.read(attributes, afresh=afresh, ends=ends))

    def _read(self, reading: Callable[[Attributes], Found]) -> Found:
        attributes = Attributes()
        found = reading(attributes)
        self.problems = dict(attributes.problems)
        return found


@contextmanager
def unreadable(monkeypatch: pytest.MonkeyPatch, number: int, *endings: str) -> Iterator[None]:
    """Reads of attributes with these endings fail."""
    read = attributes_module._read

    def failing(path: Path, size: int) -> bytes:
        if str(path).endswith(endings):
            raise OSError(number, os.strerror(number), str(path))
        return read(path, size)

    with monkeypatch.context() as patch:
        patch.setattr(attributes_module, "_read", failing)
        yield


class Meddler:
    """Does something just before the ``nth`` access below ``root``, counting opens, listings and links."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self._root = str(root)
        self._nth = 0
        self._act: Callable[[str], None] = lambda _path: None
        self.accesses: list[str] = []
        for name in ("open", "listdir", "readlink"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def at(self, nth: int, act: Callable[[str], None]) -> None:
        """Do ``act`` at the ``nth`` access from now on."""
        self.accesses, self._nth, self._act = [], nth, act

    def _wrap(self, genuine: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **options: Any) -> Any:
            if str(path).startswith(self._root):
                self.accesses.append(str(path))
                if len(self.accesses) == self._nth:
                    self._nth = 0
                    self._act(str(path))
            return genuine(path, *args, **options)

        return call
