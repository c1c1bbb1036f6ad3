"""The network interfaces, their addresses and the routes, as the kernel reports them by netlink(7)."""

from mpathd_watch.sources.network.addresses import Interface, interfaces
from mpathd_watch.sources.network.source import NetworkSource

__all__ = ["Interface", "NetworkSource", "interfaces"]
