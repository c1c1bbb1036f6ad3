"""What a sink looks at: one immutable state and the moment at which it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import State


@dataclass(frozen=True, slots=True)
class View:
    """``state`` as it is at ``now``: every duration shown is measured up to ``now``."""

    state: State
    now: Instant


Views: TypeAlias = Callable[[], View]
"""Gives the present view; called from any thread, so it must only read a reference that the loop replaces."""
