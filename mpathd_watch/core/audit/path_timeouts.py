"""Settings of multipathd and timeouts of the disks that do not fit the time in which a path is given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import FC, ISCSI, line, protocol, remark, whence
from mpathd_watch.core.audit.grouping import Grouped
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.state import MapState
from mpathd_watch.core.verdicts.budget import reinstatement


def findings(host: Host, reports: Mapping[str, MapReport]) -> Iterator[Finding]:
    """All maps; those with the same finding together."""
    grouped = Grouped()
    for map_ in host.maps:
        report = reports[map_.wwid]
        _checks(grouped, map_, report)
        _commands(grouped, map_, report)
        _fast_io_fail(grouped, map_, report)
    yield from grouped.findings()


def _checks(grouped: Grouped, map_: MapState, report: MapReport) -> None:
    if report.budget is None or report.recheck_interval is None:
        return
    back, out = reinstatement(report.recheck_interval)[1], report.budget.failover_worst
    if back > out:
        name, interval = "polling_interval", report.settings.polling_interval
        if report.recheck_interval > interval.value:
            name, interval = "max_polling_interval", report.settings.max_polling_interval
        text = (
            f"{name} is {interval.value} s{remark(interval.origin)}: reinstatement takes up to {back:.0f} s, but "
            f"failover only {out:.0f} s"
        )
        grouped.add(FindingKind.SLOW_REINSTATEMENT, map_.label, text, line(interval.origin))


def _commands(grouped: Grouped, map_: MapState, report: MapReport) -> None:
    """The longest timeout of the map's iSCSI disks (/sys/block/sdX/device/timeout)."""
    if report.budget is None:
        return
    longest = max((path.timeout for path in map_.paths.values() if path.timeout is not None), default=0)
    bound = report.budget.failover_worst
    if longest > bound:
        text = f"a SCSI command may take {longest} s, longer than a failover ({bound:.0f} s)"
        grouped.add(FindingKind.LONG_DEVICE_TIMEOUT, map_.label, text)


def _fast_io_fail(grouped: Grouped, map_: MapState, report: MapReport) -> None:
    fast, lost = report.settings.fast_io_fail_tmo, report.settings.dev_loss_tmo
    transport = protocol(map_)
    if transport == ISCSI and fast.value in ("off", 0):
        text = f"fast_io_fail_tmo is {fast.value}{remark(fast.origin)}: replacement_timeout of each record applies"
        grouped.add(FindingKind.FAST_IO_FAIL_OFF, map_.label, text, line(fast.origin))
    elif transport == FC and fast.value == "off":
        text = f"fast_io_fail_tmo is off{remark(fast.origin)}: a path is given up only after dev_loss_tmo"
        grouped.add(FindingKind.FAST_IO_FAIL_OFF, map_.label, text, line(fast.origin))
    elif transport == FC and isinstance(fast.value, int) and isinstance(lost.value, int) and fast.value >= lost.value:
        text = (
            f"fast_io_fail_tmo is {fast.value} s{remark(fast.origin)}, not below dev_loss_tmo, {lost.value} s "
            f"({whence(lost.origin)}): multipathd turns it off"
        )
        grouped.add(FindingKind.FAST_IO_FAIL_TOO_LONG, map_.label, text, line(fast.origin))
