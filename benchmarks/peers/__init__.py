"""What a user would run instead: small programs, each a process of its own as ours is.

They are as short as such a program can be, so what they take is the least.
"""

from collections.abc import Mapping
from typing import Final

SYSFS: Final = "sysfs collector"
MULTIPATHD: Final = "multipathd collector"
PLAIN: Final = "prometheus_client"
NODE_EXPORTER: Final = "node_exporter"
BARE: Final = "bare reader"
INTERPRETER: Final = "empty interpreter"

ABOUT: Final[Mapping[str, str]] = {
    SYSFS: "reads at each scrape the maps and the states of their disks in sysfs, as node_exporter's `dmmultipath` "
    "does, and exports about 3 series a path (`benchmarks/peers/sysfs_collector.py`)",
    MULTIPATHD: "asks multipathd for `show maps json` at each scrape, and exports about 5 series a path "
    "(`benchmarks/peers/multipathd_collector.py`)",
    PLAIN: "has all of mpathd-watch's series in memory already and only has prometheus_client write them "
    "(`benchmarks/peers/ready_samples.py`)",
    NODE_EXPORTER: "Prometheus' exporter for hosts: with its collector `dmmultipath` alone, on the simulated sysfs, if "
    "it has one (its name says so here); otherwise with its default collectors, which read this machine and know "
    "nothing of multipath",
    BARE: "a loop that receives uevents from netlink and sends one line to journald for each of dm's; it knows no "
    "state (`benchmarks/peers/netlink_reader.py`)",
    INTERPRETER: "Python itself, started to do nothing",
}
"""What each peer is, for the page."""


def about(peer: str) -> str:
    """What a peer is. Its version and its collectors may follow its name."""
    return ABOUT.get(peer) or ABOUT.get(peer.partition(" ")[0], "")
