"""The health model: pure verdicts on a path from its raw states, and on a map from its paths.

dm is the last to know: a standby path is still active in dm until the next checker run, for ever while multipathd is
stopped. So a path's health is the worst of what dm, the checker, the SCSI device and the session say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mpathd_watch.core.model.vocabulary import (
    DOWN_SESSION,
    LOST_SESSION,
    USABLE,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Doubt,
    Health,
    IscsiError,
    MapHealth,
    SessionStatus,
)

# multipathd fails a path in dm for each of these (check_path() in multipathd/main.c).
CONDEMNED_BY_CHECKER = frozenset({CheckerState.FAULTY, CheckerState.TIMEOUT, CheckerState.DISCONNECTED})
# I/O is held, neither failed nor completed (scsi_device_state_check() in drivers/scsi/scsi_lib.c).
_HOLDING = frozenset({DeviceState.BLOCKED, DeviceState.CREATED_BLOCKED, DeviceState.QUIESCE})
# I/O fails at once.
_DEAD = frozenset({DeviceState.OFFLINE, DeviceState.TRANSPORT_OFFLINE, DeviceState.CANCEL, DeviceState.DELETED})
_SPECIFIC: Mapping[IscsiError | None, Cause] = {
    IscsiError.NOP_TIMEDOUT: Cause.NOP_TIMEOUT,
    IscsiError.TCP_CONN_CLOSE: Cause.CONNECTION_CLOSED,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The raw states a path's health follows from; ``session`` is ``None`` where the transport is not iSCSI.

    ``checker`` is ``unknown`` where dm has overruled it (``PathState.checker_overruled``). ``error``: what the kernel
    gave as the reason when the session was lost. ``doubt``: why the session is doubted that is still LOGGED_IN.
    ``unreachable``: no network interface carries it now. ``told``: what the disk's own counters say of dm's verdict
    (``judging``), ``unknown`` where they say nothing.
    """

    member: bool
    dm: DmState
    checker: CheckerState
    device: DeviceState
    session: SessionStatus | None
    error: IscsiError | None = None
    doubt: Doubt | None = None
    unreachable: bool = False
    told: Cause = Cause.UNKNOWN


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the raw states show beside the health: the way to the disk, and the cause they point to."""

    transport_good: bool
    transport_lost: bool
    cause: Cause


def evidence(facts: Facts) -> Evidence:
    """Read the raw states for what an outage wants to know."""
    lost = not facts.member or facts.session in LOST_SESSION or facts.device in _DEAD or facts.device in _HOLDING
    good = facts.device is DeviceState.RUNNING and facts.session in (None, SessionStatus.LOGGED_IN)
    return Evidence(transport_good=good and not lost, transport_lost=lost, cause=_cause(facts))


def _cause(facts: Facts) -> Cause:
    if facts.session is SessionStatus.MISSING:
        return Cause.LOGOUT
    if facts.session in DOWN_SESSION:
        # The kernel leaves LOGGED_IN for these only after iscsi_conn_failure() (drivers/scsi/libiscsi.c).
        return _SPECIFIC.get(facts.error, Cause.CARRIER_LOST if facts.unreachable else Cause.CONNECTION_ERROR)
    if not facts.member:
        return Cause.REMOVED
    if facts.device is DeviceState.OFFLINE:
        return Cause.DEVICE_OFFLINE
    if facts.doubt is Doubt.CARRIER:
        return Cause.CARRIER_LOST
    if facts.checker in CONDEMNED_BY_CHECKER and facts.device is DeviceState.RUNNING and facts.dm is DmState.ACTIVE:
        # Once dm has failed a path, multipathd calls it faulty for that alone (update_multipath_strings() and below).
        return Cause.CHECKER
    return facts.told


def path_health(facts: Facts, *, transport_was_lost: bool) -> Health:
    """Judge one path; ``transport_was_lost`` tells whether its open outage has seen the way to the disk gone."""
    if not facts.member or facts.session is SessionStatus.MISSING:
        # A session takes its devices with it when it goes (iscsi_remove_session() in scsi_transport_iscsi.c).
        return Health.MISSING
    if facts.device in _DEAD or facts.session is SessionStatus.FREE:
        return Health.FAILED
    held = facts.session is SessionStatus.FAILED or facts.device in _HOLDING
    if facts.dm is DmState.FAILED or facts.checker in CONDEMNED_BY_CHECKER:
        returned = transport_was_lost and evidence(facts).transport_good
        return Health.RECOVERING if returned else Health.FAILED
    if held:
        return Health.STALLED
    if facts.dm is DmState.UNKNOWN or facts.device is DeviceState.UNKNOWN or facts.session is SessionStatus.UNKNOWN:
        return Health.UNKNOWN
    return Health.UP if facts.doubt is None else Health.SUSPECT


def map_health(paths: Iterable[Health], *, single_path_ok: bool) -> MapHealth:
    """Judge a map by its expected paths.

    Where some are ``unknown``, the verdict is the one that holds whatever they turn out to be, else ``unknown``.
    """
    known = tuple(paths)
    best = _graded(tuple(Health.UP if path is Health.UNKNOWN else path for path in known), single_path_ok)
    worst = _graded(tuple(Health.FAILED if path is Health.UNKNOWN else path for path in known), single_path_ok)
    return best if best is worst else MapHealth.UNKNOWN


def _graded(paths: tuple[Health, ...], single_path_ok: bool) -> MapHealth:
    usable = sum(path in USABLE for path in paths)
    if usable == 0:
        return MapHealth.LOST
    if usable == 1 and not (single_path_ok and len(paths) == 1):
        return MapHealth.AT_RISK
    if all(path is Health.UP for path in paths):
        return MapHealth.HEALTHY
    return MapHealth.DEGRADED
