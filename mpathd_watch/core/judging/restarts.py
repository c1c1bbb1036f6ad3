"""Going on with what an earlier daemon knew."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.events import Remembered
from mpathd_watch.immutable import replace


def remembered(draft: Draft, event: Remembered) -> None:
    """Take over what is known from before."""
    draft.rest = replace(draft.rest, memory=event.memory)
