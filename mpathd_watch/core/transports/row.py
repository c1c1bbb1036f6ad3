"""A transport as a row: how an I_T nexus of it is read, judged and named, and what messages call it.

What a path goes through is an I_T nexus in SCSI's architecture model: an iSCSI session, an FC remote port on a host
port, an NVMe-oF controller. The rest of the core works with ``Nexus``, ``Liveness`` and the words of the row, and never
with one transport. A new transport is one file that makes a row, and one line in ``table``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from math import inf
from typing import Any

from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import DeviceFacts, TcpFacts
from mpathd_watch.core.model.identity import numbered
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.vocabulary import Cause, Liveness, SourceName, Transport, Word
from mpathd_watch.immutable import immutable


@immutable
class LocalEnd:
    """This host's end of a nexus: its address, the network interface that carries it, the address's subnet.

    ``routed`` is the interface of the route from there to the portal; a nexus may be bound to another one.
    """

    address: str = ""
    netdev: str = ""
    network: str = ""
    routed: str = ""


@immutable
class Timing:
    """What the timeouts in force mean, in seconds.

    ``silent_after``: how long a living nexus may give no sign of life, without any grace; ``None`` where silence proves
    nothing. ``dropped_after``: how long after the last sign of life the kernel takes the nexus down at the latest;
    ``None`` where nothing is promised. ``held``: how long the kernel holds I/O then; ``inf`` where it is not known, or
    nothing ends it (``never_released``).
    """

    silent_after: float | None = None
    dropped_after: float | None = None
    held: float = inf
    never_released: bool = False


@immutable
class Nexus:
    """One I_T nexus as its source has read it, in the words that all transports share.

    ``handle`` is the kernel's present name for it, by which disks name it; ``identity`` is what else must stay the same
    for it to be the same nexus. ``base`` is its label if it is the first of its kind. ``status`` is the state that the
    kernel reports. ``timeouts`` are the live ones in seconds, by the names of their settings: ``None`` where one can't
    be read, ``inf`` where it is off. ``budget`` is ``None`` where they can't be read. ``heard`` is the last proof of
    life from the target (CLOCK_MONOTONIC seconds). ``heard`` and ``tcp`` change all the time: two readings that differ
    in nothing else are equal. ``portal_group`` is the tag of the group that ``portal`` belongs to, ``current_portal``
    where the connection leads, empty where that is not known: a target may redirect a login. ``managed``: it returns
    only if a daemon of its transport runs; ``None`` where that is not known. ``luns``: two nexuses in which this is
    equal reach the same disk under the same LUN; ``None`` where nothing is known about that.
    """

    handle: Hashable
    identity: Hashable
    base: str
    status: Word
    target: str = ""
    portal: str = ""
    iface: str = ""
    initiator: str = ""
    local: LocalEnd = LocalEnd()
    timeouts: Mapping[str, float | None] = field(default_factory=empty)
    timing: Timing = Timing()
    budget: Budget | None = None
    heard: float | None = field(default=None, compare=False)
    tcp: TcpFacts | None = field(default=None, compare=False)
    portal_group: int | None = None
    current_portal: str = ""
    managed: bool | None = False
    luns: Hashable = None

    @property
    def leads_to(self) -> str:
        """The portal that the connection leads to, as far as it is known."""
        return self.current_portal or self.portal


@immutable
class Reading:
    """All nexuses of a transport, asked for at ``requested`` (CLOCK_MONOTONIC seconds; 0 where that is not known)."""

    nexuses: tuple[Nexus, ...]
    requested: float = 0.0


@immutable
class Tie:
    """Something that several nexuses can share, so that they fail together.

    ``phrase`` names it in a message, as in ``through {}``. ``value`` gives it for a nexus and the lowest network
    interface that carries this nexus; it is empty where it is not known.
    """

    phrase: str
    value: Callable[[Nexus, str], str]


@immutable
class Failure:
    """The kernel reports that the connection of the nexus ``handle`` failed, and why."""

    handle: Hashable
    reason: Word


@immutable
class Words:
    """What messages call things of a transport.

    ``noun`` is a nexus in the middle of a sentence, ``title`` at its beginning, ``journal_field`` the journal field
    that names one. ``gone``: what happened to a nexus that has vanished; ``restored``: what one is that is back.
    ``detection`` and ``hold``: the timeouts that detect a failure and that hold I/O, as documentation names them.
    """

    noun: str = "path"
    title: str = "Path"
    journal_field: str = "NEXUS"
    gone: str = "removed"
    restored: str = "up"
    detection: str = "its timeouts"
    hold: str = "its timeout"


@immutable
class Causes:
    """Why a nexus of a transport may be lost.

    ``reasons``: the causes that the kernel's own reasons show. ``lost``: the cause where it gives none. ``gone``: the
    cause where the nexus has vanished. ``reported_by``: the source that passes the kernel's reasons on.
    """

    reasons: Mapping[Word, Cause] = field(default_factory=empty)
    lost: Cause = Cause.CONNECTION_ERROR
    gone: Cause = Cause.REMOVED
    reported_by: SourceName | None = None

    def of(self, liveness: Liveness, reason: Word | None, *, unreachable: bool) -> Cause:
        """What took a nexus that no longer carries I/O; ``unreachable``: no network interface carries it now."""
        if liveness is Liveness.GONE:
            return self.gone
        known = None if reason is None else self.reasons.get(reason)
        return known or (Cause.CARRIER_LOST if unreachable else self.lost)


@immutable
class FastIoFail:
    """What multipathd's fast_io_fail_tmo does to paths of a transport.

    ``ignored``: the values with which it does nothing, and ``instead``: what counts then. ``below_dev_loss``: it must
    be less than dev_loss_tmo, else multipathd turns it off.
    """

    ignored: frozenset[int | str]
    instead: str
    below_dev_loss: bool = False


def _nothing(_: object) -> None:
    return None


@immutable
class TransportRow:
    """One transport. What is left at its default does not exist there.

    ``protocol``: how multipath.conf(5) spells it. ``states``: the kernel's words for a nexus, with ``missing`` and
    ``unknown``; ``liveness``: what each of them means. ``lost_alert`` and ``restored_alert``: the alerts for a nexus.

    ``read``: all nexuses that an event shows, ``None`` if it shows none. ``failure``: the failure that an event
    reports. ``handle``: the nexus that a disk hangs off. ``name``: the label of the Nth nexus of a base. ``path``: what
    a path through the nexus of this label is called. ``ties``: what several can share, the nearest to this host first.
    ``remedies``: what fixes a finding there, where that is not the catalog's remedy. ``node_records``: open-iscsi's
    node records configure its nexuses. ``host_for_each``: each nexus has a SCSI host of its own, which is no adapter
    that several share.
    """

    transport: Transport
    protocol: str = ""
    words: Words = Words()
    states: type[Word] = Word
    liveness: Mapping[Word, Liveness] = field(default_factory=empty)
    causes: Causes = Causes()
    lost_alert: AlertKind = AlertKind.SESSION_LOST
    restored_alert: AlertKind = AlertKind.SESSION_RESTORED
    fast_io_fail: FastIoFail | None = None
    read: Callable[[Any], Reading | None] = _nothing
    failure: Callable[[Any], Failure | None] = _nothing
    handle: Callable[[DeviceFacts], Hashable | None] = _nothing
    name: Callable[[str, int], str] = numbered
    path: Callable[[str], str] = str
    ties: tuple[Tie, ...] = ()
    remedies: Mapping[FindingKind, str] = field(default_factory=empty)
    node_records: bool = False
    host_for_each: bool = False
