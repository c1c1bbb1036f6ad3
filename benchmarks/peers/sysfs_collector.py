"""A collector that reads sysfs at each scrape: ``python -m benchmarks.peers.sysfs_collector PORT SYSFS``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from benchmarks.peers.serving import serve

USABLE = frozenset({"running", "active", "live"})


class Maps(Collector):
    """The maps below ``sysfs``, and the states of the disks under them."""

    def __init__(self, sysfs: Path) -> None:
        self._block = sysfs / "block"

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Everything, as it is now."""
        info = GaugeMetricFamily("multipath_device_info", "Always 1.", labels=["device", "name", "uuid"])
        active = GaugeMetricFamily("multipath_device_active", "1 unless suspended.", labels=["device"])
        size = GaugeMetricFamily("multipath_device_size_bytes", "Size.", labels=["device"])
        paths = GaugeMetricFamily("multipath_device_paths", "Paths by state.", labels=["device", "state"])
        usable = GaugeMetricFamily("multipath_device_paths_usable", "Usable paths.", labels=["device"])
        state = GaugeMetricFamily("multipath_path_state", "1 for the state.", labels=["device", "path", "state"])
        path_active = GaugeMetricFamily("multipath_path_usable", "1 if usable.", labels=["device", "path"])
        for place in sorted(self._block.glob("dm-*")):
            uuid = _read(place / "dm/uuid")
            if not uuid.startswith("mpath-"):
                continue
            device, states = place.name, Counter[str]()
            info.add_metric([device, _read(place / "dm/name"), uuid], 1)
            active.add_metric([device], _read(place / "dm/suspended") == "0")
            size.add_metric([device], int(_read(place / "size")) * 512)
            for disk in sorted((place / "slaves").iterdir()):
                found = _read(disk / "device/state")
                states[found] += 1
                state.add_metric([device, disk.name, found], 1)
                path_active.add_metric([device, disk.name], found in USABLE)
            for found, count in states.items():
                paths.add_metric([device, found], count)
            usable.add_metric([device], sum(count for found, count in states.items() if found in USABLE))
        return (info, active, size, paths, usable, state, path_active)


def _read(attribute: Path) -> str:
    with attribute.open(encoding="utf-8", errors="replace") as file:
        return file.read().strip()


if __name__ == "__main__":
    serve(Maps(Path(sys.argv[2])), int(sys.argv[1]))
