"""Settings of multipathd and timeouts of the disks that do not fit the time in which a path is given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, remark, transport, whence
from mpathd_watch.core.audit.grouping import Grouped
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.state import MapState


def findings(host: Host, reports: Mapping[str, MapReport]) -> Iterator[Finding]:
    """All maps; those with the same finding together."""
    grouped = Grouped()
    for map_ in host.maps:
        report = reports[map_.wwid]
        _checks(host, grouped, map_, report)
        _commands(grouped, map_, report)
        _fast_io_fail(grouped, map_, report)
    yield from grouped.findings()


def _checks(host: Host, grouped: Grouped, map_: MapState, report: MapReport) -> None:
    if report.budget is None or report.recheck_interval is None:
        return
    back, out = report.reinstatement_worst, report.budget.failover_worst
    if back > out:
        name, interval = "polling_interval", report.settings.polling_interval
        depends = ""
        if report.recheck_interval > interval.value:
            name, interval = "max_polling_interval", report.settings.max_polling_interval
            depends = " with some versions of multipath-tools" if host.configuration.version is None else ""
        text = (
            f"{name} is {interval.value} s{remark(interval.origin)}: reinstatement takes up to {back:.0f} s"
            f"{depends}, but failover only {out:.0f} s"
        )
        grouped.add(FindingKind.SLOW_REINSTATEMENT, map_.label, text, line(interval.origin))


def _commands(grouped: Grouped, map_: MapState, report: MapReport) -> None:
    """The longest timeout of the map's iSCSI disks (/sys/block/sdX/device/timeout)."""
    if report.budget is None:
        return
    longest = max((path.disk.timeout for path in map_.paths.values() if path.disk.timeout is not None), default=0)
    bound = report.budget.failover_worst
    if longest > bound:
        text = f"a SCSI command may take {longest} s, longer than a failover ({bound:.0f} s)"
        grouped.add(FindingKind.LONG_DEVICE_TIMEOUT, map_.label, text)


def _fast_io_fail(grouped: Grouped, map_: MapState, report: MapReport) -> None:
    fast, lost = report.settings.fast_io_fail_tmo, report.settings.dev_loss_tmo
    rule = transport(map_).fast_io_fail
    if rule is None:
        return
    if fast.value in rule.ignored:
        text = f"fast_io_fail_tmo is {fast.value}{remark(fast.origin)}: {rule.instead}"
        grouped.add(FindingKind.FAST_IO_FAIL_OFF, map_.label, text, line(fast.origin))
    elif not rule.below_dev_loss or not isinstance(fast.value, int) or not isinstance(lost.value, int):
        return
    elif fast.value >= lost.value:
        text = (
            f"fast_io_fail_tmo is {fast.value} s{remark(fast.origin)}, not below dev_loss_tmo, {lost.value} s "
            f"({whence(lost.origin)}): multipathd turns it off"
        )
        grouped.add(FindingKind.FAST_IO_FAIL_TOO_LONG, map_.label, text, line(fast.origin))
