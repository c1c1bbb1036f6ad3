"""What the collectors share: prometheus_client's own server."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


def serve(collector: Collector, port: int) -> None:
    """Serve what it collects on loopback, for ever."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    start_http_server(port, "127.0.0.1", registry)
    while True:
        signal.pause()
