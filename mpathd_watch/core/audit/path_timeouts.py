"""Settings of multipathd and timeouts of the disks that do not fit the time in which a path is given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, remark, transport, whence
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.audit_report import MapReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.state import MapState


def findings(host: Host, maps: Iterable[MapState], reports: Mapping[str, MapReport]) -> Iterator[Finding]:
    """Each of ``maps``; ``reports`` has theirs, by WWID."""
    for map_ in maps:
        report = reports[map_.wwid]
        yield from _checks(host, map_, report)
        yield from _commands(map_, report)
        yield from _fast_io_fail(map_, report)


def _checks(host: Host, map_: MapState, report: MapReport) -> Iterator[Finding]:
    if report.budget is None or report.recheck_interval is None:
        return
    back, out = report.reinstatement_worst, report.budget.failover_worst
    if back > out:
        name, interval = "polling_interval", report.settings.polling_interval
        depends = ""
        if report.recheck_interval > interval.value:
            name, interval = "max_polling_interval", report.settings.max_polling_interval
            depends = " with some versions of multipath-tools" if host.configuration.version is None else ""
        where = line(interval.origin)
        took = f"reinstatement takes up to {back:.0f} s{depends}"
        kept = f"{name} is {interval.value} s{remark(interval.origin)}: {took}, but"

        def told(failovers: Sequence[str]) -> str:
            return f"{kept} failover only {listed(failovers)}"

        parts = (f"{out:.0f} s",)
        kind = FindingKind.SLOW_REINSTATEMENT
        yield Sighting(kind, map_.label, told(parts), where, cause=(kept, where), parts=parts, told=told)


def _commands(map_: MapState, report: MapReport) -> Iterator[Finding]:
    """The longest timeout of the map's iSCSI disks (/sys/block/sdX/device/timeout)."""
    if report.budget is None:
        return
    longest = max((path.disk.timeout for path in map_.paths.values() if path.disk.timeout is not None), default=0)
    bound = report.budget.failover_worst
    if longest > bound:

        def told(failovers: Sequence[str]) -> str:
            return f"a SCSI command may take {longest} s, longer than a failover ({listed(failovers)})"

        parts = (f"{bound:.0f} s",)
        yield Sighting(FindingKind.LONG_DEVICE_TIMEOUT, map_.label, told(parts), cause=longest, parts=parts, told=told)


def _fast_io_fail(map_: MapState, report: MapReport) -> Iterator[Finding]:
    fast, lost = report.settings.fast_io_fail_tmo, report.settings.dev_loss_tmo
    rule = transport(map_).fast_io_fail
    if rule is None:
        return
    if fast.value in rule.ignored:
        text = f"fast_io_fail_tmo is {fast.value}{remark(fast.origin)}: {rule.instead}"
        yield Finding(FindingKind.FAST_IO_FAIL_OFF, map_.label, text, line(fast.origin))
    elif not rule.below_dev_loss or not isinstance(fast.value, int) or not isinstance(lost.value, int):
        return
    elif fast.value >= lost.value:
        text = (
            f"fast_io_fail_tmo is {fast.value} s{remark(fast.origin)}, not below dev_loss_tmo, {lost.value} s "
            f"({whence(lost.origin)}): multipathd turns it off"
        )
        yield Finding(FindingKind.FAST_IO_FAIL_TOO_LONG, map_.label, text, line(fast.origin))
