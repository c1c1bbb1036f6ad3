"""The alerts in words: one sentence or two that a tired person understands, and the fields a machine wants.

What to do about it stands in the catalog (``journalctl -x``, ``alerts.py``).
"""

from mpathd_watch.core.alerting.messages.context import Scene
from mpathd_watch.core.alerting.messages.fields import CAUSES
from mpathd_watch.core.alerting.messages.findings import config_finding, more_findings
from mpathd_watch.core.alerting.messages.maps import map_changed
from mpathd_watch.core.alerting.messages.paths import path_added, path_cause, path_changed, path_overdue, path_removed
from mpathd_watch.core.alerting.messages.sessions import session_lost, session_restored
from mpathd_watch.core.alerting.messages.sources import events_lost, source_down, source_up
from mpathd_watch.core.alerting.messages.steadiness import path_flapping, path_slow, path_steady

__all__ = [
    "CAUSES",
    "Scene",
    "config_finding",
    "events_lost",
    "map_changed",
    "more_findings",
    "path_added",
    "path_cause",
    "path_changed",
    "path_flapping",
    "path_overdue",
    "path_removed",
    "path_slow",
    "path_steady",
    "session_lost",
    "session_restored",
    "source_down",
    "source_up",
]
