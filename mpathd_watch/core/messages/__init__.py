"""The alerts in words: one sentence or two that a tired person understands, and the fields a machine wants.

What to do about it stands in the catalog (``journalctl -x``, ``alerts.py``).
"""

from mpathd_watch.core.messages.fields import CAUSES
from mpathd_watch.core.messages.findings import config_finding, more_findings
from mpathd_watch.core.messages.maps import map_changed
from mpathd_watch.core.messages.paths import path_added, path_cause, path_changed, path_overdue, path_removed
from mpathd_watch.core.messages.quality import path_flapping, path_slow, path_steady
from mpathd_watch.core.messages.scene import Scene
from mpathd_watch.core.messages.sessions import session_lost, session_restored
from mpathd_watch.core.messages.sources import events_lost, source_down, source_up

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
