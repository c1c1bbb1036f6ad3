"""What the timeouts in force promise for the paths that a drill will lose, in seconds."""

from __future__ import annotations

from math import inf

from mpathd_watch.core.drill.target import Fault
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.state import MapState, PathState, State
from mpathd_watch.immutable import immutable


@immutable
class Promise:
    """From the best to the worst of the paths, counted from the break of the link but for ``back``.

    ``noticed``: the kernel takes the connection down. ``moved``: held I/O goes over the other paths. ``back``: at
    worst, from the return of the connection until the path is in use again. ``inf`` where nothing is promised.
    """

    noticed_best: float = inf
    noticed_worst: float = inf
    moved_best: float = inf
    moved_worst: float = inf
    back: float = inf

    def __str__(self) -> str:
        """As a sentence."""
        return (
            f"noticed after {_span(self.noticed_best, self.noticed_worst)}, "
            f"I/O moves after {_span(self.moved_best, self.moved_worst)}, "
            f"back within {self.back:.0f} s of the new connection"
        )


def of_path(state: State, map_: MapState, path: PathState) -> Promise | None:
    """What is promised for one path; ``None`` where its timeouts are not read, or it goes through no nexus."""
    nexus = state.nexuses.get(path.nexus)
    budget = None if nexus is None else nexus.facts.budget
    if budget is None:
        return None
    report = state.auditing.report.maps.get(map_.wwid)
    recheck = None if report is None else report.recheck_interval
    return Promise(
        budget.detection_best,
        budget.detection_worst,
        budget.failover_best,
        budget.failover_worst,
        layers.of(map_.layer).reinstated_within(recheck),
    )


def of_fault(state: State, fault: Fault) -> Promise:
    """What holds for all paths of ``fault`` of which something is promised."""
    found = [
        promise
        for wwid, label in fault.paths
        if (promise := of_path(state, state.maps[wwid], state.maps[wwid].paths[label])) is not None
    ]
    if not found:
        return Promise()
    return Promise(
        min(each.noticed_best for each in found),
        max(each.noticed_worst for each in found),
        min(each.moved_best for each in found),
        max(each.moved_worst for each in found),
        max(each.back for each in found),
    )


def why_unknown(state: State, map_: MapState, path: PathState) -> str:
    """Why no phase of this path's outage could be judged; empty if all could."""
    nexus = state.nexuses.get(path.nexus)
    promise = of_path(state, map_, path)
    if nexus is None or promise is None:
        return "the timeouts of its connection are not known"
    if promise.noticed_worst == inf:
        return "pings are off, so nothing promises when a failure is noticed"
    if promise.moved_worst == inf:
        return "its replacement timeout is off or not known, so nothing promises when I/O moves"
    if promise.back == inf:
        return "it is not known how often multipathd checks a failed path"
    if nexus.heard is None:
        return f"{clean(nexus.label)} has given no sign of life yet, from which detection could be measured"
    return ""


def _span(best: float, worst: float) -> str:
    return f"{worst:.0f} s" if best == worst else f"{best:.0f} to {worst:.0f} s"
