"""What the oracle reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """The rule that does not hold, at which CLOCK_MONOTONIC second, and what is wrong in a sentence."""

    rule: str
    at: float
    text: str


Accuse = Callable[[str, str], None]
"""Reports a violation now: its rule, and what is wrong."""
