"""What the host's own files say about its start: immutable records, empty where nothing is known."""

from __future__ import annotations

from mpathd_watch.immutable import immutable

MULTIPATHD_UNITS = ("multipathd.service", "multipathd.socket", "multipath-tools.service")
"""Each of these starts multipathd at boot: udev's rules ask it, and so use its socket. The last is another name of the
first on Debian."""
LOGIN_UNITS = ("open-iscsi.service", "iscsi.service", "iscsi-starter.service")
"""Each of these logs in the sessions whose records are automatic: the first on Debian and Ubuntu, iscsi.service
elsewhere, which iscsi-starter.service starts on Fedora."""
ISCSID = "iscsid.service"
"""iscsiadm and its socket start it on demand, unless it is masked."""


@immutable
class Unit:
    """A unit of systemd that is installed.

    ``started``: something starts it at boot, or may do so. ``masked`` is the link that masks it for good, ``""`` if
    none does. ``active``: processes of it run now; ``None`` if that is not known.
    """

    name: str
    started: bool
    masked: str = ""
    active: bool | None = None


@immutable
class Mount:
    """A file system on a multipath map that systemd mounts at boot as if it were on a local disk.

    ``maps`` are the WWIDs of the maps below it, ``where`` is the line or the file that declares it. ``nofail``: the
    boot does not wait for it.
    """

    target: str
    source: str
    where: str
    nofail: bool
    maps: tuple[str, ...]


@immutable
class BootImage:
    """The initramfs of the running kernel. ``older_than``: the files of multipath-tools that were changed later."""

    path: str
    older_than: tuple[str, ...] = ()


@immutable
class System:
    """What the host's own files say.

    ``units``: the units that serve maps and sessions; ``None`` where systemd does not start the host, or it is not
    known. ``mounts``: see ``Mount``. ``root_maps``: the WWIDs of the maps that / and /usr are on. ``image``: known only
    where / or /usr is on a map. ``products``: the kernel modules of other multipath products that are loaded.
    ``native``: the block devices that the kernel's own NVMe multipathing joins.
    """

    units: tuple[Unit, ...] | None = None
    mounts: tuple[Mount, ...] = ()
    root_maps: tuple[str, ...] = ()
    image: BootImage | None = None
    products: tuple[str, ...] = ()
    native: tuple[str, ...] = ()
