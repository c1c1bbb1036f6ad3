"""The settings of each map, and the budget that the timeouts of its sessions result in."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.state import MapState


def reports(host: Host, maps: Iterable[MapState]) -> dict[str, MapReport]:
    """A report for each of ``maps``, by WWID."""
    return {map_.wwid: _report(host, map_) for map_ in maps}


def _report(host: Host, map_: MapState) -> MapReport:
    settings = host.settings[map_.wwid]
    layer = layers.of(map_.layer)
    polling, longest = settings.polling_interval.value, settings.max_polling_interval.value
    recheck = None if layer.checks is None else layer.checks.interval(polling, longest, host.configuration.version)
    return MapReport(settings, _budget(host, map_), recheck, layer.reinstated_within(recheck))


def _budget(host: Host, map_: MapState) -> Budget | None:
    """From the best of the paths to the worst; a session that is missing has no budget."""
    found: list[Budget] = []
    for path in map_.paths.values():
        session = host.session(path)
        if session is None:
            continue
        bounds = session.facts.budget
        if bounds is None:
            return None
        found.append(bounds)
    if not found:
        return None
    return Budget(
        min(each.detection_best for each in found),
        max(each.detection_worst for each in found),
        min(each.failover_best for each in found),
        max(each.failover_worst for each in found),
    )
