"""Maps that are not used as their array asks for it (asymmetric access, ALUA).

An array with two controllers reports of each port group how it serves a LUN. scsi_dh_alua, the kernel's device
handler, keeps this report and goes by it; multipathd gives each path a priority by it, and puts the paths of one
priority into one path group. Of disks with another device handler (rdac, emc, hp_sw) nothing is reported here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, remark
from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.catalog.findings import FindingKind, Severity
from mpathd_watch.core.formats.multipath_conf import Resolved
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.model.vocabulary import USABLE, AccessState, Liveness
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.immutable import replace

_OPTIMIZED = (AccessState.OPTIMIZED,)
_SLOWER = (AccessState.NON_OPTIMIZED, AccessState.STANDBY)
"""The states of paths that should be used only while no other one is active/optimized."""

_BY_PRIORITY = ("failover", "group_by_prio", "group_by_tpg")
"""The policies that never put paths of different priorities into one path group."""

_ALUA = ("", "alua")
"""The device handlers of disks that are compared; empty where none is attached."""


class _Reason(NamedTuple):
    """A setting that explains a finding, and its line."""

    text: str
    where: str


def findings(host: Host, maps: Iterable[MapState]) -> Iterator[Sighting]:
    """Each of ``maps``. That the access states are ignored explains by itself which paths are used."""
    for map_ in maps:
        ignored = _ignored(host, map_) or _ignored_later(host, map_)
        if ignored is not None:
            yield ignored
        else:
            yield from _unused(host, map_)
        yield from _without_handler(map_)


# --- the access states are ignored ------------------------------------------------------------------------------------


def _ignored(host: Host, map_: MapState) -> Sighting | None:
    """By the priorities and path groups that multipathd lists; where it lists none, by its settings.

    The array may have changed the states a moment ago, and multipathd follow at its next checks. So the daemon waits
    until it must have followed. A check, which looks only once, believes what a setting explains.
    """
    optimized, slower = _usable(map_, _OPTIMIZED), _usable(map_, _SLOWER)
    if not optimized or not slower:
        return None
    settings = host.settings[map_.wwid]
    reason, later = _reason_of_priorities(settings), None
    if paths := _alike(optimized, slower, lambda path: path.checker.priority):
        text = f"{paths} have the same priority"
    elif paths := _alike(optimized, slower, lambda path: path.checker.group):
        text = f"{paths} are in one path group"
        reason, later = _reason_of_groups(settings), _reason_of_failback(settings)
    elif reason is not None and all(path.checker.priority is None for path in (*optimized, *slower)):
        text = f"{_named(optimized)} and {_named(slower)} get the same priority"
    else:
        return None
    use = host.state.auditing.access.get(map_.wwid)
    certain = reason is not None if use is None else use.settled
    return _ignoring(map_, text, reason or later) if certain else None


def _ignored_later(host: Host, map_: MapState) -> Sighting | None:
    """The array serves all port groups alike now, which is how many do it for good: only an explicit setting counts."""
    paths = [path.disk.access for path in map_.paths.values() if path.member]
    groups = {access.group for access in paths}
    settings = host.settings[map_.wwid]
    reason = _reason_of_priorities(settings)
    if reason is None or not line(settings.detect_prio.origin) or None in groups or len(groups) < 2:
        return None
    if {access.state for access in paths} != {AccessState.OPTIMIZED}:
        return None
    text = "all its port groups are active/optimized, but multipathd will not follow once the array changes that"
    return replace(_ignoring(map_, text, reason), level=Severity.INFO)


def _ignoring(map_: MapState, text: str, reason: _Reason | None) -> Sighting:
    several = "multipathd does not go by what the array reports of the paths of {} maps"
    why, where = ("", "") if reason is None else (f": {reason.text}", reason.where)
    return replace(example(FindingKind.ALUA_IGNORED, map_.label, f"{text}{why}", several), where=where)


def _alike(optimized: Sequence[PathState], slower: Sequence[PathState], of: Callable[[PathState], int | None]) -> str:
    """The paths of both kinds that have the same number; empty if there are none.

    multipathd lists the priority -1 for a path of which it has none (PRIO_UNDEF).
    """
    for path in optimized:
        number = of(path)
        same = [other for other in slower if of(other) == number]
        if number is not None and number >= 0 and same:
            return f"{_named([each for each in optimized if of(each) == number])} and {_named(same)}"
    return ""


def _reason_of_priorities(settings: Resolved) -> _Reason | None:
    """Without a prioritizer all paths have the same priority, unless multipathd may detect one (select_prio())."""
    prio, detect = settings.prio, settings.detect_prio
    if detect.value or prio.value != "const":
        return None
    return _Reason(f"detect_prio is no, and prio const{remark(prio.origin)}", line(detect.origin))


def _reason_of_groups(settings: Resolved) -> _Reason | None:
    policy = settings.path_grouping_policy
    if policy.value in _BY_PRIORITY:
        return None
    return _Reason(f"path_grouping_policy is {policy.value}{remark(policy.origin)}", line(policy.origin))


def _reason_of_failback(settings: Resolved) -> _Reason | None:
    """When priorities change, multipathd groups the paths again only with immediate (update_mpp_prio() in main.c)."""
    failback = settings.failback
    if failback.value == "immediate":
        return None
    text = f"failback is {failback.value}{remark(failback.origin)}, so they stay there"
    return _Reason(text, line(failback.origin))


# --- I/O takes other paths --------------------------------------------------------------------------------------------


def _unused(host: Host, map_: MapState) -> Iterator[Sighting]:
    """By the disks' own counters (``verdicts.access_use``); there are none before the daemon has read them twice."""
    use, optimized = host.state.auditing.access.get(map_.wwid), _usable(map_, _OPTIMIZED)
    if use is None or not optimized:
        return
    failback = host.settings[map_.wwid].failback
    if use.overdue(failback.value if isinstance(failback.value, int) else 0):
        slower = _named([map_.paths[label] for label in use.labels])
        text = f"{use.share:.0%} of its I/O goes over {slower}, although {_named(optimized)} can be used"
        where = ""
        if failback.value == "manual":
            text, where = f"{text}: failback is manual{remark(failback.origin)}", line(failback.origin)
        several = "I/O of {} maps does not use the active/optimized paths"
        yield replace(example(FindingKind.OPTIMIZED_PATH_UNUSED, map_.label, text, several), where=where)


# --- the kernel does not go by them -----------------------------------------------------------------------------------


def _without_handler(map_: MapState) -> Iterator[Sighting]:
    """A disk that is going away has no handler any more (scsi_dh_release_device())."""
    bare = [
        path.place.dev
        for path in map_.paths.values()
        if path.member
        and path.disk.access.grouped
        and not path.disk.access.handler
        and path.disk.state.liveness is not Liveness.GIVEN_UP
    ]
    if bare:
        text = f"{listed(bare)} {'has' if len(bare) == 1 else 'have'} no device handler: dh_state is detached"
        yield example(FindingKind.NO_HANDLER, map_.label, text, "disks of {} maps have no device handler")


def _usable(map_: MapState, states: Collection[AccessState]) -> list[PathState]:
    """The paths in these states over which I/O can go."""
    return [
        path
        for path in map_.paths.values()
        if path.member
        and path.health in USABLE
        and path.disk.access.state in states
        and path.disk.access.handler in _ALUA
    ]


def _named(paths: Sequence[PathState]) -> str:
    """The disks with their access states: ``sda, sdb (active/optimized)``."""
    states = sorted({path.disk.access.state or "" for path in paths})
    return f"{listed([path.place.dev for path in paths])} ({', '.join(states)})"
