"""What the timeouts in force when an outage begins promise for each of its phases."""

from __future__ import annotations

from math import inf

from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.transports.row import Nexus


def bounds(nexus: Nexus, layer: LayerRow, recheck_interval: int | None) -> Bounds:
    """The bounds of an outage that begins now.

    ``recheck_interval`` is that of the checks of a failed path in seconds, ``None`` where it is not known.
    """
    promised = nexus.budget
    return Bounds(
        detection=inf if promised is None else promised.detection_worst,
        replacement=nexus.timing.held,
        failover=inf if promised is None else promised.failover_worst,
        reinstatement=layer.reinstated_within(recheck_interval),
    )
