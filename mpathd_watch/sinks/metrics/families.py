"""The one table of metric families: names, types, labels and HELP texts.

The collector fills these families and no others, and docs/metrics.md is made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from mpathd_watch.core.model.vocabulary import (
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
    Word,
)

PREFIX = "mpathd_watch_"


class Kind(StrEnum):
    """The Prometheus types in use."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a family looks like.

    ``words``: for a state set, the vocabulary of its label ``state``; every word is exported always, 1 for the one that
    holds and 0 for the others. ``absent`` says when there is no series although the object exists.
    """

    kind: Kind
    labels: tuple[str, ...]
    help: str
    words: type[Word] | None = None
    absent: str = ""


_MAP = ("map",)
_PATH = ("map", "path")
_SESSION = ("session",)


def _gauge(labels: tuple[str, ...], text: str, absent: str = "") -> Shape:
    return Shape(Kind.GAUGE, labels, text, absent=absent)


def _counter(labels: tuple[str, ...], text: str, absent: str = "") -> Shape:
    return Shape(Kind.COUNTER, labels, text, absent=absent)


def _states(labels: tuple[str, ...], words: type[Word], text: str) -> Shape:
    return Shape(Kind.GAUGE, (*labels, "state"), text, words)


class Family(Enum):
    """Every family, in the order in which it is exported; the member's name in lower case is the metric's."""

    BUILD_INFO = _gauge(("version", "python"), "Always 1; which mpathd-watch runs on which Python.")

    SOURCE_UP = _gauge(
        ("source",),
        "Whether the source answers (1) or not (0).",
        absent="before its first answer or failure",
    )
    SOURCE_LAST_SUCCESS_TIMESTAMP_SECONDS = _gauge(
        ("source",), "When the source last answered, in Unix time.", absent="before its first answer"
    )
    SOURCE_ERRORS_TOTAL = _counter(
        ("source", "reason"), "What the source could not read or understand, and how often it went down, by reason."
    )
    UEVENTS_TOTAL = _counter(("action",), "Kernel uevents of block devices received, by ACTION (or DM_ACTION).")
    UEVENT_OVERFLOWS_TOTAL = _counter(
        (), "How often the kernel dropped uevents because the socket's buffer was full (ENOBUFS)."
    )
    RESYNCS_TOTAL = _counter(("reason",), "How often everything was read anew, by reason.")

    OUTAGE_PHASE_SECONDS = Shape(
        Kind.HISTOGRAM,
        ("phase",),
        "How long the phases of past outages took: detection (last proof of life to session FAILED), replacement "
        "(FAILED to the path's failure), failover (both), reinstatement (transport back to path up).",
    )
    OUTAGES_TOTAL = _counter(
        ("verdict",), "Past outages, by whether they kept to what the timeouts in force promised; no_budget: nothing."
    )
    CONFIG_FINDINGS = _gauge(
        ("severity", "code"),
        "How many things of this kind the audit has found (docs/findings.md), as mpathd-watch check does.",
        absent="until the first audit, some seconds after the start",
    )

    MAP_INFO = _gauge(
        ("map", "wwid", "sysfs_name", "vendor", "product"),
        "Always 1; the WWID (dm/uuid without mpath-), the kernel's dm-N and the SCSI inquiry strings of the map.",
    )
    MAP_HEALTH = _states(_MAP, MapHealth, "How much redundancy the map has left: 1 for the health that holds.")
    MAP_PATHS = _gauge(_MAP, "Paths in the map's table now (its slaves/ in sysfs).")
    MAP_PATHS_USABLE = _gauge(_MAP, "Paths of the map whose health is up or suspect.")
    MAP_PATHS_EXPECTED = _gauge(_MAP, "Paths the map should have: all it has had, also those that are missing.")
    MAP_QUEUEING = _gauge(
        _MAP,
        "Whether I/O waits (1) or fails (0) once no path is usable, from multipathd's queueing word (%Q).",
        absent="while multipathd does not tell",
    )
    MAP_SUSPENDED = _gauge(
        _MAP, "Whether the dm device is suspended (dm/suspended in sysfs).", absent="while it can't be read"
    )

    PATH_INFO = _gauge(
        ("map", "path", "dev", "hctl", "transport", "target", "portal", "iface"),
        "Always 1; the disk, SCSI address and iSCSI session behind the path, the last known ones while it is missing.",
    )
    PATH_HEALTH = _states(_PATH, Health, "The verdict on the path, the worst of all views of it: 1 for what holds.")
    PATH_DM_STATE = _states(_PATH, DmState, "The kernel's view of the path (A or F in the dm status, DM_ACTION).")
    PATH_CHECKER_STATE = _states(_PATH, CheckerState, "multipathd's view of the path (chk_st, %T).")
    PATH_DEVICE_STATE = _states(_PATH, DeviceState, "The SCSI device's state (device/state in sysfs).")
    PATH_HEALTH_SINCE_TIMESTAMP_SECONDS = _gauge(_PATH, "Since when the path has its present health, in Unix time.")
    PATH_FAILURES_TOTAL = _counter((*_PATH, "cause"), "Outages of the path in which it failed or went, by cause.")
    PATH_REINSTATEMENTS_TOTAL = _counter(_PATH, "How often the path came back up after an outage.")
    PATH_FLAPPING = _gauge(_PATH, "Whether the path fails and returns again and again (1): path_flapping was told.")
    PATH_SLOW = _gauge(_PATH, "Whether the path is persistently slower than its siblings (1): path_slow was told.")
    PATH_MARGINAL = _gauge(
        _PATH,
        "Whether multipathd calls the path marginal (marginal_st, %M), which it does with marginal_pathgroups; without "
        "it a path that is distrusted is held back, and its checker state is delayed.",
        absent="while multipathd does not tell",
    )
    PATH_MULTIPATHD_FAILURES_TOTAL = _counter(
        _PATH,
        "How often dm has failed the path since the map's table was loaded, as multipathd last read it (%0).",
        absent="while multipathd does not tell",
    )
    PATH_DEADLINE_TIMESTAMP_SECONDS = _gauge(
        _PATH,
        "When the path's present phase must be over (it failed, or was reinstated), in Unix time.",
        absent="while nothing bounds what it is in",
    )
    PATH_OVERDUE = _gauge(_PATH, "Whether the path's present phase has taken longer than it may (1), with some slack.")
    PATH_IO_ERRORS_TOTAL = _counter(
        _PATH, "I/O errors of the path's disks (device/ioerr_cnt in sysfs) since first seen."
    )
    PATH_IO_TIMEOUTS_TOTAL = _counter(
        _PATH, "I/O timeouts of the path's disks (device/iotmo_cnt in sysfs) since first seen."
    )

    PATH_IOS_TOTAL = _counter(
        (*_PATH, "operation"),
        "I/Os that the path's disk has completed since it appeared on this host (stat in sysfs).",
        absent="while it can't be read",
    )
    PATH_IO_SECONDS_TOTAL = _counter(
        (*_PATH, "operation"),
        "The time that those I/Os took, all together; divided by path_ios_total, rates of both, their mean latency.",
        absent="while it can't be read",
    )

    SESSION_INFO = _gauge(
        ("session", "target", "portal", "iface", "initiator"),
        "Always 1; names of the iSCSI session (targetname, persistent_address and _port, ifacename, initiatorname).",
    )
    SESSION_STATE = _states(
        _SESSION, SessionStatus, "The iSCSI session's state (iscsi_session/*/state in sysfs; missing is ours)."
    )
    SESSION_TIMEOUT_SECONDS = _gauge(
        ("session", "timeout", "origin"),
        "The session's timeouts. effective: in force (recv_tmo, ping_tmo, 0 = off, and recovery_tmo, +Inf = off, in "
        "sysfs); configured: by its node record.",
        absent="while it can't be read, and while the session is missing",
    )
    SESSION_FAILOVER_BUDGET_SECONDS = _gauge(
        _SESSION,
        "How long I/O may hang at worst when the session's link breaks: noop_out_interval + noop_out_timeout + 1 s + "
        "recovery_tmo, all live; +Inf when pings are off or recovery_tmo is off.",
        absent="while the timeouts can't be read, and while the session is missing",
    )
    SESSION_SILENCE_SECONDS = _gauge(
        _SESSION,
        "For how long nothing had been heard from the target when the session was read last, every 5 s at least: by "
        "exp_statsn and by TCP. Idle sessions hear an answer every noop_out_interval.",
        absent="while nobody knows, and while the session is missing",
    )
    SESSION_TCP_RTT_SECONDS = _gauge(
        _SESSION, "Smoothed round-trip time of the session's TCP connection.", absent="while the kernel shows none"
    )
    SESSION_TCP_BACKOFF = _gauge(
        _SESSION,
        "How often TCP has doubled its retransmission timer for want of an answer; 0 on a healthy connection.",
        absent="while the kernel shows none",
    )
    SESSION_TCP_RETRANSMITS_TOTAL = _counter(
        _SESSION, "Segments that the session's TCP connections have sent again, since the first was seen."
    )
    SESSION_CONNECTION_ERRORS_TOTAL = _counter(
        ("session", "error"),
        "How often the kernel gave up a connection of the session, also one in the making, by its reason (enum "
        "iscsi_err); counted while the source iscsi is up. nop_timedout and tcp_conn_close are always there, the "
        "others once seen.",
    )

    @property
    def metric(self) -> str:
        """The full name, as queries write it."""
        return PREFIX + self.name.lower()
