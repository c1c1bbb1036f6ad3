"""Folding unit attentions: what targets report about their LUNs."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.events import UnitAttentions


def unit_attentions(draft: Draft, event: UnitAttentions) -> None:
    """Count them, and have read what they are about."""
    del draft, event
