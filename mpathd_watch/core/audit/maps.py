"""What each map is set to, and what its sessions' timeouts promise."""

from __future__ import annotations

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.state import MapState


def reports(host: Host) -> dict[str, MapReport]:
    """Every map's, by WWID, in the order of their labels."""
    return {known.wwid: _report(host, known) for known in host.maps}


def _report(host: Host, known: MapState) -> MapReport:
    settings = host.settings[known.wwid]
    layer = layers.of(known.layer)
    polling, longest = settings.polling_interval.value, settings.max_polling_interval.value
    recheck = None if layer.checks is None else layer.checks.interval(polling, longest, host.configuration.version)
    return MapReport(settings, _budget(host, known), recheck, layer.reinstated_within(recheck))


def _budget(host: Host, known: MapState) -> Budget | None:
    """From the best of the paths to the worst; a session that is missing promises nothing."""
    found: list[Budget] = []
    for path in known.paths.values():
        session = host.session(path)
        if session is None:
            continue
        promised = session.facts.budget
        if promised is None:
            return None
        found.append(promised)
    if not found:
        return None
    return Budget(
        min(each.detection_best for each in found),
        max(each.detection_worst for each in found),
        min(each.failover_best for each in found),
        max(each.failover_worst for each in found),
    )
