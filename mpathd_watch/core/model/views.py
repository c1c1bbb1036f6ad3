"""What is known of a path, one record for each who reports it: what no longer holds is replaced as a whole."""

from __future__ import annotations

from dataclasses import field

from mpathd_watch.core.model.facts import AccessFacts, BlockFacts, IoFacts
from mpathd_watch.core.model.vocabulary import CheckerState, DeviceState, DmState, Transport
from mpathd_watch.immutable import immutable


@immutable
class Place:
    """Where a path leads: its disk, and what it goes through. While the path is missing, the last known place.

    ``dev`` is the kernel's name of the disk, ``dev_t`` its ``MAJOR:MINOR``, ``hctl`` its SCSI address. ``nexus`` is the
    label of the I_T nexus, empty where the transport has none that is read.
    """

    dev: str = ""
    dev_t: str = ""
    hctl: str = ""
    transport: Transport = Transport.UNKNOWN
    nexus: str = ""
    target: str = ""
    portal: str = ""
    iface: str = ""

    @property
    def device(self) -> tuple[str, str, str]:
        """What tells one disk from another: a name alone may be given to the next disk."""
        return self.dev, self.dev_t, self.hctl

    @property
    def host(self) -> str:
        """The SCSI host that the disk hangs off, in words; empty if it is not known."""
        number = self.hctl.partition(":")[0]
        return f"SCSI host {number}" if number else ""


@immutable
class DmView:
    """What device-mapper reports of a path.

    ``changed``: the CLOCK_MONOTONIC second of its last uevent. ``seqnum``: its DM_SEQNUM. ``missed``: the path
    came while uevents were received, and those that came before it was known were of no use.
    """

    state: DmState = DmState.UNKNOWN
    changed: float | None = None
    seqnum: int | None = None
    missed: bool = False


@immutable
class CheckerView:
    """What multipathd reports of a path.

    ``name``: which checker it uses. ``read``: the CLOCK_MONOTONIC second of the request that ``state`` answers.
    ``overruled``: dm has reinstated the path since, and multipathd has not reported anything but faulty yet.
    ``marginal``, ``failures``, ``group`` and ``priority``: see ``PathListing``.
    """

    state: CheckerState = CheckerState.UNKNOWN
    name: str = ""
    read: float | None = None
    overruled: bool = False
    marginal: bool | None = None
    failures: int | None = None
    group: int | None = None
    priority: int | None = None

    @property
    def verdict(self) -> CheckerState:
        """The state that counts: none while dm has overruled it."""
        return CheckerState.UNKNOWN if self.overruled else self.state


@immutable
class DiskView:
    """What sysfs and udev show of a path's disk.

    ``access_since``: the CLOCK_MONOTONIC second at which ``access.state`` was first read as it is. ``was``: the
    kernel's name of the LUN that was there first (``BlockFacts.wwid``), if it has another one for the same disk now.
    The rest of the fields: see ``DeviceFacts``.
    """

    state: DeviceState = DeviceState.UNKNOWN
    timeout: int | None = None
    wwid: str = ""
    io: IoFacts | None = None
    block: BlockFacts = field(default=BlockFacts())
    access: AccessFacts = field(default=AccessFacts())
    access_since: float | None = None
    was: str = ""
