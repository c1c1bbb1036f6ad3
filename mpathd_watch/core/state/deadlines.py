"""What is to be looked at again, and whose it is."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Wait(StrEnum):
    """What a deadline of the core is for."""

    SETTLE = "settle"
    CAUSE = "cause"
    OVERDUE = "overdue"
    AUDIT = "audit"
    NEXUSES = "nexuses"
    SILENCE = "silence"
    LOOK = "look"
    STEADY = "steady"
    SLOW_PATHS = "slow_paths"
    WATCH = "watch"
    ACCESS = "access"
    ATTENTIONS = "attentions"
    LUNS = "luns"
    MOVES = "moves"
    RESIZES = "resizes"


class Due(NamedTuple):
    """Whose deadline: of a path, of a map (no ``path``), or of all there is (no ``wwid`` either)."""

    wait: Wait
    wwid: str = ""
    path: str = ""
