"""iSCSI: the nexus is a session.

Detection: the kernel drops a session R + P seconds after the last sign of life from the target, up to 1 s late, where R
is noop_out_interval and P noop_out_timeout (iscsi_check_transport_timeouts() in drivers/scsi/libiscsi.c). The link may
break just before a ping is due or just after its answer came, so the best case is P. An idle session gets an answer
every R seconds; without pings silence proves nothing.

Replacement: the session is FAILED for recovery_tmo, then its devices are given up (session_recovery_timedout() in
drivers/scsi/scsi_transport_iscsi.c).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.events import ConnectionFailed, SessionsRead, SystemRead
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import RECOVERY_OFF, DeviceFacts, SessionFacts
from mpathd_watch.core.model.vocabulary import Cause, IscsiError, Liveness, SessionStatus, SourceName, Transport
from mpathd_watch.core.transports.row import (
    Causes,
    Failure,
    FastIoFail,
    LocalEnd,
    Nexus,
    Reading,
    Tie,
    Timing,
    TransportRow,
    Words,
)
from mpathd_watch.immutable import immutable

_INTERVAL, _TIMEOUT, _REPLACEMENT = keys.TIMEOUTS

NOBODY = 0
"""``creator`` of a session that a process has created is above; the kernel itself has -1."""

_OWN_SESSIONS = frozenset({"qla4xxx"})
"""Drivers whose adapters keep sessions of their own."""

TIMER_LATENESS = 1.0
"""Seconds: a timer that finds a ping pending is armed again for one second."""


@immutable
class _Identity:
    """What makes a session the same session: its number, and what the number was given for."""

    sid: int
    target: str
    tpgt: int | None
    connection: str
    initiator: str


def nexus(session: SessionFacts) -> Nexus:
    """The session in the words that all transports share."""
    connection, portal = identity.connection_label(session), identity.portal(session.address, session.port)
    timeouts = {
        _INTERVAL: session.recv_tmo,
        _TIMEOUT: session.ping_tmo,
        _REPLACEMENT: inf if session.recovery_tmo == RECOVERY_OFF else session.recovery_tmo,
    }
    return Nexus(
        handle=session.sid,
        identity=_Identity(session.sid, session.target, session.tpgt, connection, session.initiator),
        base=identity.session_base(session),
        status=session.state,
        target=session.target,
        portal=portal,
        iface=session.iface,
        initiator=session.initiator,
        local=LocalEnd(session.local_address, session.netdev, session.local_network, session.routed),
        timeouts=MappingProxyType(timeouts),
        timing=_timing(session),
        budget=budget(timeouts),
        heard=session.heard,
        tcp=session.tcp,
        portal_group=session.tpgt,
        current_portal=session.current_portal,
        managed=_managed(session),
        # The portal, too: two hosts may be set up as one target, and number their disks differently.
        luns=None if session.tpgt is None else (session.target, session.tpgt, portal, session.initiator),
    )


def _managed(session: SessionFacts) -> bool | None:
    """Whether iscsid logs the session in again.

    It leaves those alone that the kernel has created, as qla4xxx does from its flash memory (sync_session() in
    usr/iscsid.c and iscsi_sysfs_session_user_created() in usr/iscsi_sysfs.c of open-iscsi 2.1.11). Of other sessions of
    such an adapter it is not known.
    """
    if session.creator is not None and session.creator <= NOBODY:
        return False
    return None if session.driver in _OWN_SESSIONS else True


def _timing(session: SessionFacts) -> Timing:
    recovery, interval, timeout = session.recovery_tmo, session.recv_tmo, session.ping_tmo
    never = recovery == RECOVERY_OFF
    held = inf if recovery is None or never else float(recovery)
    if not interval or not timeout:
        return Timing(held=held, never_released=never)
    return Timing(interval, interval + timeout + TIMER_LATENESS, held, never)


def budget(timeouts: Mapping[str, float | None]) -> Budget | None:
    """What a session's live timeouts promise; ``None`` where they can't be read."""
    interval, timeout, held = (timeouts[name] for name in (_INTERVAL, _TIMEOUT, _REPLACEMENT))
    if interval is None or timeout is None or held is None:
        return None
    pings = interval and timeout
    detection = (float(timeout), interval + timeout + TIMER_LATENESS) if pings else (inf, inf)
    return Budget(*detection, detection[0] + held, detection[1] + held)


def _read(event: object) -> Reading | None:
    if not isinstance(event, SystemRead | SessionsRead):
        return None
    sessions = sorted(event.sessions, key=lambda session: session.sid)
    return Reading(tuple(map(nexus, sessions)), event.requested)


def _failure(event: object) -> Failure | None:
    return Failure(event.sid, IscsiError.numbered(event.error)) if isinstance(event, ConnectionFailed) else None


def _handle(device: DeviceFacts) -> int | None:
    return device.sid


ISCSI = TransportRow(
    transport=Transport.ISCSI,
    protocol="scsi:iscsi",
    words=Words(
        noun="session",
        title="iSCSI session",
        journal_field="SESSION",
        gone="logged out",
        restored="logged in",
        detection="noop_out_interval and noop_out_timeout",
        hold="recovery_tmo",
    ),
    states=SessionStatus,
    liveness=MappingProxyType(
        {
            SessionStatus.LOGGED_IN: Liveness.CARRYING,
            SessionStatus.FAILED: Liveness.HOLDING,
            SessionStatus.FREE: Liveness.GIVEN_UP,
            SessionStatus.MISSING: Liveness.GONE,
            SessionStatus.UNKNOWN: Liveness.UNKNOWN,
        }
    ),
    causes=Causes(
        reasons=MappingProxyType(
            {
                IscsiError.NOP_TIMEDOUT: Cause.NOP_TIMEOUT,
                IscsiError.TCP_CONN_CLOSE: Cause.CONNECTION_CLOSED,
            }
        ),
        # The kernel leaves LOGGED_IN for FAILED only after iscsi_conn_failure() (drivers/scsi/libiscsi.c).
        lost=Cause.CONNECTION_ERROR,
        gone=Cause.LOGOUT,
        reported_by=SourceName.ISCSI,
    ),
    # multipathd writes neither "off" nor 0 to recovery_tmo (sysfs_set_session_tmo() in libmultipath/discovery.c).
    fast_io_fail=FastIoFail(frozenset({"off", 0}), "replacement_timeout of each record applies"),
    read=_read,
    failure=_failure,
    handle=_handle,
    name=identity.session_name,
    path=identity.connection_of,
    ties=(
        Tie("through {}", lambda _, nic: nic),
        Tie("of subnet {}", lambda nexus, _: nexus.local.network),
        Tie("to {}", lambda nexus, _: nexus.leads_to),
        Tie("to {}", lambda nexus, _: nexus.target),
    ),
    remedies=MappingProxyType(
        {
            FindingKind.SINGLE_PATH: "Log in through a second portal. If one path is intended, add the map to "
            "single_path_ok in /etc/mpathd-watch/config.toml.",
            FindingKind.MAP_WITHOUT_PATH: "Log in the map's sessions. If the LUN is gone for good, run 'multipath -f "
            "MAP' once nothing uses the map.",
            FindingKind.WWID_DIFFERS: "Stop everything that writes to the map. Check 'multipathd show paths' and the "
            "LUN mapping of the array. Then delete the disk and rescan the session: echo 1 > "
            "/sys/block/sdX/device/delete; iscsiadm -m session --rescan",
        }
    ),
    node_records=True,
    # iscsi_tcp allocates a SCSI host for each session (drivers/scsi/iscsi_tcp.c).
    host_for_each=True,
)
