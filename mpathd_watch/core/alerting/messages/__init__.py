"""The alerts in words: one sentence or two that a tired person understands, and the fields that a machine reads.

What to do about it is in the catalog (``journalctl -x``, ``catalog.alerts``).
"""

from mpathd_watch.core.alerting.messages.arrays import (
    array_moved,
    lun_resized,
    port_group_down,
    port_group_up,
    unit_attention,
)
from mpathd_watch.core.alerting.messages.context import Context
from mpathd_watch.core.alerting.messages.findings import config_finding
from mpathd_watch.core.alerting.messages.incidents import damage, incident, incident_ended, path_name
from mpathd_watch.core.alerting.messages.maps import map_changed, map_forgotten, map_io_fails, map_removed
from mpathd_watch.core.alerting.messages.nexuses import nexus_lost, nexus_restored
from mpathd_watch.core.alerting.messages.paths import (
    path_added,
    path_cause,
    path_changed,
    path_forgotten,
    path_overdue,
    path_removed,
)
from mpathd_watch.core.alerting.messages.sources import events_lost, source_down, source_up
from mpathd_watch.core.alerting.messages.steadiness import path_flapping, path_slow, path_steady

__all__ = [
    "Context",
    "array_moved",
    "config_finding",
    "damage",
    "events_lost",
    "incident",
    "incident_ended",
    "lun_resized",
    "map_changed",
    "map_forgotten",
    "map_io_fails",
    "map_removed",
    "nexus_lost",
    "nexus_restored",
    "path_added",
    "path_cause",
    "path_changed",
    "path_flapping",
    "path_forgotten",
    "path_name",
    "path_overdue",
    "path_removed",
    "path_slow",
    "path_steady",
    "port_group_down",
    "port_group_up",
    "source_down",
    "source_up",
    "unit_attention",
]
