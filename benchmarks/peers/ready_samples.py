"""prometheus_client with samples that are ready: ``python -m benchmarks.peers.ready_samples PORT FILE``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from benchmarks.peers.serving import serve

if TYPE_CHECKING:
    from prometheus_client import Metric


class Ready(Collector):
    """The metrics in a text."""

    def __init__(self, text: str) -> None:
        self._metrics = list(text_string_to_metric_families(text))

    def collect(self) -> Iterable[Metric]:
        """The same each time."""
        return self._metrics


if __name__ == "__main__":
    ready = Ready(Path(sys.argv[2]).read_text(encoding="utf-8"))
    # The collector of garbage need not look at what stays.
    gc.collect()
    gc.freeze()
    serve(ready, int(sys.argv[1]))
