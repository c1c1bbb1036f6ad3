"""A collector that asks multipathd at each scrape: ``python -m benchmarks.peers.multipathd_collector PORT SOCKET``."""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from benchmarks.peers.serving import serve

_LENGTH = struct.Struct("@N")


class Maps(Collector):
    """The maps that multipathd lists on the socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Everything, as it is now."""
        info = GaugeMetricFamily(
            "multipath_map_info", "Always 1.", labels=["map", "uuid", "sysfs", "vendor", "product"]
        )
        paths = GaugeMetricFamily("multipath_map_paths", "Paths.", labels=["map"])
        usable = GaugeMetricFamily("multipath_map_paths_usable", "Usable paths.", labels=["map"])
        labels = ["map", "path", "dev_t"]
        dm = GaugeMetricFamily("multipath_path_dm", "1 for the state.", labels=[*labels, "state"])
        checker = GaugeMetricFamily("multipath_path_checker", "1 for the state.", labels=[*labels, "state"])
        device = GaugeMetricFamily("multipath_path_device", "1 for the state.", labels=[*labels, "state"])
        priority = GaugeMetricFamily("multipath_path_priority", "Priority.", labels=labels)
        for each in json.loads(ask(self._path, "show maps json"))["maps"]:
            name, members = each["name"], [path for group in each["path_groups"] for path in group["paths"]]
            info.add_metric([name, each["uuid"], each["sysfs"], each["vend"], each["prod"]], 1)
            paths.add_metric([name], each["paths"])
            usable.add_metric([name], sum(path["dm_st"] == "active" for path in members))
            for path in members:
                identity = [name, path["dev"], path["dev_t"]]
                dm.add_metric([*identity, path["dm_st"]], 1)
                checker.add_metric([*identity, path["chk_st"]], 1)
                device.add_metric([*identity, path["dev_st"]], 1)
                priority.add_metric(identity, path["pri"])
        return (info, paths, usable, dm, checker, device, priority)


def ask(path: str, command: str) -> bytes:
    """What multipathd answers, without the NUL at its end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(path)
        request = command.encode() + b"\0"
        client.sendall(_LENGTH.pack(len(request)) + request)
        with client.makefile("rb") as answer:
            (length,) = _LENGTH.unpack(answer.read(_LENGTH.size))
            return answer.read(length)[:-1]


if __name__ == "__main__":
    serve(Maps(sys.argv[2]), int(sys.argv[1]))
