"""The network below the iSCSI sessions, as the kernel tells it by netlink(7): interfaces, routes, TCP connections."""

from mpathd_watch.sources.network.addresses import Interface, interfaces
from mpathd_watch.sources.network.source import NetworkSource

__all__ = ["Interface", "NetworkSource", "interfaces"]
