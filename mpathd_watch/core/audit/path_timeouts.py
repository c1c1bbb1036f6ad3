"""Settings of multipathd and of the disks that don't go with how fast a path is given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, transport, whence
from mpathd_watch.core.audit.grouping import Gathered
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.state import MapState


def findings(host: Host, reports: Mapping[str, MapReport]) -> Iterator[Finding]:
    """All maps, those with the same trouble together."""
    gathered = Gathered()
    for known in host.maps:
        report = reports[known.wwid]
        _checks(gathered, known, report)
        _commands(gathered, known, report)
        _fast_io_fail(gathered, known, report)
    yield from gathered.findings()


def _checks(gathered: Gathered, known: MapState, report: MapReport) -> None:
    if report.budget is None or report.recheck_interval is None:
        return
    back, out = report.reinstatement_worst, report.budget.failover_worst
    if back > out:
        settings = report.settings
        slow = settings.polling_interval
        cause = f"polling_interval is {slow.value} s"
        if report.recheck_interval > slow.value:
            slow = settings.max_polling_interval
            cause = f"this multipathd checks a failed path each max_polling_interval, {slow.value} s"
        told = (
            f"{cause} ({whence(slow.origin)}): a path is back up to {back:.0f} s after its link, and given up within "
            f"{out:.0f} s"
        )
        gathered.add(FindingKind.SLOW_REINSTATEMENT, known.label, told, line(slow.origin))


def _commands(gathered: Gathered, known: MapState, report: MapReport) -> None:
    """The longest timeout of the map's iSCSI disks (/sys/block/sdX/device/timeout)."""
    if report.budget is None:
        return
    longest = max((path.disk.timeout for path in known.paths.values() if path.disk.timeout is not None), default=0)
    bound = report.budget.failover_worst
    if longest > bound:
        told = f"its disks wait {longest} s for a command, and a path that is cut off is given up within {bound:.0f} s"
        gathered.add(FindingKind.LONG_DEVICE_TIMEOUT, known.label, told)


def _fast_io_fail(gathered: Gathered, known: MapState, report: MapReport) -> None:
    fast, lost = report.settings.fast_io_fail_tmo, report.settings.dev_loss_tmo
    rule = transport(known).fast_io_fail
    if rule is None:
        return
    if fast.value in rule.ignored:
        told = f"fast_io_fail_tmo is {fast.value} ({whence(fast.origin)}): {rule.instead}"
        gathered.add(FindingKind.FAST_IO_FAIL_OFF, known.label, told, line(fast.origin))
    elif not rule.below_dev_loss or not isinstance(fast.value, int) or not isinstance(lost.value, int):
        return
    elif fast.value >= lost.value:
        told = (
            f"fast_io_fail_tmo is {fast.value} ({whence(fast.origin)}) and dev_loss_tmo {lost.value} "
            f"({whence(lost.origin)}): multipathd turns fast_io_fail_tmo off"
        )
        gathered.add(FindingKind.FAST_IO_FAIL_TOO_LONG, known.label, told, line(fast.origin))
