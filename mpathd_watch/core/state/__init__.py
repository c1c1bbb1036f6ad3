"""All that is known at one moment: an immutable tree of maps and their paths, I_T nexuses and sources."""

from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.state.arrays import Again, Arrays, Attention, GroupDown, Move, PortGroup, Resize
from mpathd_watch.core.state.deadlines import Deadlines, Due, Wait
from mpathd_watch.core.state.map import MapState, Queueing
from mpathd_watch.core.state.nexus import ERROR_FRESH, NexusError, NexusState
from mpathd_watch.core.state.path import DiskErrors, PathState, PathVerdict
from mpathd_watch.core.state.source import SourceState
from mpathd_watch.core.state.state import Auditing, Counters, Scan, State

__all__ = [
    "ERROR_FRESH",
    "Again",
    "Arrays",
    "Attention",
    "Auditing",
    "Counters",
    "Deadlines",
    "DiskErrors",
    "Due",
    "GroupDown",
    "MapState",
    "Move",
    "NexusError",
    "NexusState",
    "PathState",
    "PathVerdict",
    "PortGroup",
    "Queueing",
    "Resize",
    "Scan",
    "SourceState",
    "State",
    "Wait",
    "frozen",
]
