"""The one table of the metrics, in the order in which they are exported. docs/metrics.md is made from it.

What a later transport exports is a block of its own in ``nexuses``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mpathd_watch.sinks.metrics.daemon import BUILD, COUNTERS, HISTORY, HOOKS, MAILS, OUTLETS, SOURCES
from mpathd_watch.sinks.metrics.map import MAPS
from mpathd_watch.sinks.metrics.nexuses import NEXUSES
from mpathd_watch.sinks.metrics.path import PATHS
from mpathd_watch.sinks.metrics.row import Block, Point, Row
from mpathd_watch.sinks.view import View

# Any: each block knows what kind of object its own rows read.
BLOCKS: Final[tuple[Block[Any], ...]] = (
    BUILD,
    SOURCES,
    OUTLETS,
    MAILS,
    HOOKS,
    HISTORY,
    COUNTERS,
    MAPS,
    PATHS,
    *NEXUSES,
)


def families(view: View) -> Iterator[tuple[Row[Any], Iterator[Point]]]:
    """Every metric with its samples, both in a settled order."""
    for block in BLOCKS:
        yield from block.families(view)
