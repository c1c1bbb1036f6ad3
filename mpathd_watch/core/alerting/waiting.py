"""How long I/O to a map waits while no path is usable, as far as multipathd and its configuration show."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.layers.row import Waiting
from mpathd_watch.core.state import MapState


def waiting(draft: Draft, map_: MapState) -> Waiting:
    """What is known of it now. The interval of the checks is that of the configuration in force."""
    ends, report = map_.queueing.ends, draft.rest.auditing.report.maps.get(map_.wwid)
    return Waiting(
        map_.queues,
        map_.queueing.text,
        None if ends is None else ends.since(draft.now),
        None if report is None else report.settings.polling_interval.value or None,
    )
