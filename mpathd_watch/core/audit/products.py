"""Products that join paths beside dm-multipath, on the same host or even on the same disks."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.text import listed, plural

MODULES = "/proc/modules"


def findings(host: Host) -> Iterator[Finding]:
    """Loaded modules of other products, then the maps on disks that the kernel's own NVMe multipathing joins."""
    system = host.configuration.system
    if host.maps and system.products:
        verb = "is" if len(system.products) == 1 else "are"
        text = f"{verb} loaded beside dm-multipath, which has {plural(len(host.maps), 'map')}"
        yield Finding(FindingKind.TWO_MULTIPATH_PRODUCTS, listed(system.products), text, MODULES)
    for map_ in host.maps:
        joined = [path.place.dev for path in map_.paths.values() if path.member and path.place.dev in system.native]
        if joined:
            text = "the kernel's own NVMe multipathing (nvme_core.multipath) already joins its namespace"
            yield Finding(FindingKind.TWO_MULTIPATH_PRODUCTS, map_.label, text, f"/sys/block/{joined[0]}")
