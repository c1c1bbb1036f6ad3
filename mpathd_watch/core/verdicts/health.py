"""The health model: pure verdicts on a path from its raw states, and on a map from its paths.

dm is the last to know: a standby path is still active in dm until the next checker run, for ever while multipathd is
stopped. So a path's health is the worst of what dm, the checker, the disk and the nexus report.

Missing knowledge is not bad news. A disk without a ``state``, a word that is not in the vocabulary, a multipathd that
does not answer: the path is judged by those that do report something, as long as one of them shows that it works.
Otherwise it is ``unknown``. A path that is out stays so until everybody who has seen it fail reports that it is back.

What the array says of a path (ALUA) explains a failure and does not make one: dm and the checker find out for
themselves. Only while the array is changing the state of its port group does the kernel hold the I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from mpathd_watch.core.model.vocabulary import (
    USABLE,
    AccessState,
    Cause,
    CheckerState,
    DeviceState,
    Health,
    Liveness,
    MapHealth,
    Standing,
    Suspicion,
)
from mpathd_watch.immutable import immutable

# multipathd fails a path in dm for each of these (check_path() in multipathd/main.c).
CONDEMNED_BY_CHECKER = frozenset({CheckerState.FAULTY, CheckerState.TIMEOUT, CheckerState.DISCONNECTED})
# The answer of a path that works (libmultipath/checkers.h): a ghost path takes commands, and I/O after a failover.
_APPROVED_BY_CHECKER = frozenset({CheckerState.READY, CheckerState.GHOST})
CLOSED: Mapping[AccessState, Cause] = MappingProxyType(
    {
        AccessState.STANDBY: Cause.ARRAY_STANDBY,
        AccessState.UNAVAILABLE: Cause.ARRAY_UNAVAILABLE,
        AccessState.TRANSITIONING: Cause.ARRAY_TRANSITIONING,
        AccessState.OFFLINE: Cause.ARRAY_OFFLINE,
    }
)
"""The access states of a path over which the kernel sends no I/O (alua_prep_fn() in scsi_dh_alua.c), as causes."""
BY_ARRAY = frozenset(CLOSED.values())


@immutable
class RawStates:
    """The raw states a path's health follows from; ``nexus`` is ``None`` where the transport has none that is read.

    ``standing``: what joins the paths reports. ``checker`` is ``unknown`` where dm has overruled it
    (``CheckerView.overruled``). ``nexus_cause``: what took the nexus, if something did. ``suspicion``: why the nexus is
    suspect that still carries I/O. ``counters``: the cause that the disk's own counters show (``judging.paths``),
    ``unknown`` where they show none. ``unmanaged``: who knows the standing has never answered, and nothing has changed
    it since. ``unread``: sysfs, which shows the disk and its nexus, does not answer. ``closed``: what the array says of
    the path, if that can explain why it takes no I/O (``judging.paths``), else ``None``. ``confirmed``: that was read
    since the path failed, if it has. ``awaited``: the path is only expected (``PathState.awaited``).
    """

    member: bool
    standing: Standing
    checker: CheckerState
    device: DeviceState
    nexus: Liveness | None
    nexus_cause: Cause = Cause.UNKNOWN
    suspicion: Suspicion | None = None
    counters: Cause = Cause.UNKNOWN
    unmanaged: bool = False
    unread: bool = False
    closed: AccessState | None = None
    confirmed: bool = True
    awaited: bool = False

    @property
    def transitioning(self) -> bool:
        """Whether the array is changing the state of the path's port group, and the kernel retries I/O meanwhile."""
        return self.closed is AccessState.TRANSITIONING


@immutable
class Evidence:
    """What the raw states show beside the health: the way to the disk, and the cause they point to.

    The way is lost, too, where the array closes it: nothing can reinstate the path before the array opens it again.
    """

    transport_good: bool
    transport_lost: bool
    cause: Cause


def evidence(raw: RawStates) -> Evidence:
    """Read the raw states for what an outage needs.

    An access state that was read before the path failed may have been over by then, so it shows no loss of the way: the
    reading that follows the failure would show a return that has never been.
    """
    closed = raw.closed is not None
    lost = _cut_off(raw) or (closed and raw.confirmed)
    by_nexus = raw.device is DeviceState.NONE and raw.nexus is Liveness.CARRYING
    good = raw.device.liveness is Liveness.CARRYING and raw.nexus in (None, Liveness.CARRYING)
    return Evidence(transport_good=(good or by_nexus) and not (lost or closed), transport_lost=lost, cause=_cause(raw))


def _cut_off(raw: RawStates) -> bool:
    return not raw.member or raw.device.liveness.lost or (raw.nexus is not None and raw.nexus.lost)


def _cause(raw: RawStates) -> Cause:
    if raw.nexus is not None and raw.nexus.lost:
        return raw.nexus_cause
    if not raw.member:
        return Cause.ABSENT if raw.awaited else Cause.REMOVED
    if raw.device is DeviceState.OFFLINE:
        return Cause.DEVICE_OFFLINE
    if raw.suspicion is Suspicion.CARRIER:
        return Cause.CARRIER_LOST
    condemned = raw.checker in CONDEMNED_BY_CHECKER
    works = raw.device is DeviceState.NONE or raw.device.liveness is Liveness.CARRYING
    out = condemned or raw.standing is Standing.FAILED or raw.transitioning
    if raw.closed is not None and works and out:
        return CLOSED[raw.closed]
    if condemned and works and raw.standing is Standing.USABLE:
        # Once dm has failed a path, multipathd calls it faulty for that alone (update_multipath_strings() and below).
        return Cause.CHECKER
    return raw.counters


def path_health(raw: RawStates, *, transport_was_lost: bool, out: bool = False, failed: bool = False) -> Health:
    """Judge one path.

    ``out``: it has an open outage; ``failed``: and was worse than suspect in it; ``transport_was_lost``: and the way to
    it was seen to be gone.
    """
    if not raw.member or raw.nexus is Liveness.GONE:
        # An iSCSI session takes its devices with it when it goes (iscsi_remove_session() in scsi_transport_iscsi.c).
        return Health.MISSING
    if Liveness.GIVEN_UP in (raw.device.liveness, raw.nexus):
        return Health.FAILED
    held = Liveness.HOLDING in (raw.device.liveness, raw.nexus) or raw.transitioning
    if raw.standing is Standing.FAILED or raw.checker in CONDEMNED_BY_CHECKER:
        returned = transport_was_lost and evidence(raw).transport_good
        return Health.RECOVERING if returned else Health.FAILED
    if held:
        return Health.STALLED
    if failed and raw.closed is not None and raw.checker is not CheckerState.GHOST:
        return Health.FAILED
    if not _works(raw, out=out):
        return Health.UNKNOWN
    return Health.UP if raw.suspicion is None else Health.SUSPECT


def _works(raw: RawStates, *, out: bool) -> bool:
    """Whether what is known is enough to call a path usable of which nothing bad is known."""
    unread = raw.device is DeviceState.UNKNOWN or raw.nexus is Liveness.UNKNOWN
    if unread and (raw.unread or out):
        return False
    if raw.standing is Standing.UNKNOWN and not raw.unmanaged:
        return False
    return Liveness.CARRYING in (raw.device.liveness, raw.nexus) or raw.checker in _APPROVED_BY_CHECKER


def map_health(paths: Iterable[Health], *, single_path_ok: bool) -> MapHealth:
    """Judge a map by its expected paths.

    Where some are ``unknown``, the verdict is the one that holds whatever they turn out to be, else ``unknown``.
    """
    all_paths = tuple(paths)
    if Health.UNKNOWN not in all_paths:
        return _graded(all_paths, single_path_ok)
    best = _graded(tuple(Health.UP if path is Health.UNKNOWN else path for path in all_paths), single_path_ok)
    worst = _graded(tuple(Health.FAILED if path is Health.UNKNOWN else path for path in all_paths), single_path_ok)
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
