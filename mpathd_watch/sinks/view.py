"""What a sink shows: one immutable state, and the moment for which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import State
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.hooks.results import Deliveries


@immutable
class View:
    """``state`` at the moment ``now``: every duration that is shown ends there. ``outlets`` by their names.

    ``history`` is how many outages are stored, ``None`` where that is not known. ``deliveries`` are
    the mails and hooks so far.
    """

    state: State
    now: Instant
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    history: int | None = None
    deliveries: Deliveries = field(default=Deliveries())


Views: TypeAlias = Callable[[], View]
"""Returns the current view. Any thread may call it, so it must only read a reference that the loop replaces."""
