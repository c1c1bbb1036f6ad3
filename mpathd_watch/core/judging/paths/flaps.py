"""A path flaps once it has failed often, until it has been up for long."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.state import Due, PathState, Wait
from mpathd_watch.core.verdicts import flapping
from mpathd_watch.immutable import replace

LEAST_PAUSE = 0.5
"""Seconds to the next look at a path that may be steady by then."""


def failure_noted(draft: Draft, path: PathState, outage: Outage) -> PathState:
    """The path with its failure remembered, if the outage has just become one."""
    begun = path.outage is not None and path.outage.real
    if begun or not outage.real or outage.inherited:
        return path
    settings = draft.rest.settings
    flaps = flapping.failed(path.flaps, draft.now, settings.flap_failures, settings.flap_window_seconds)
    return replace(path, flaps=flaps)


def steady(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path, not flapping any more if it has been up for long enough."""
    key = Due(Wait.STEADY, wwid, path.label)
    draft.deadlines.drop(key)
    if not path.flaps.flapping or path.health is not Health.UP:
        return path
    window = draft.rest.settings.flap_window_seconds
    flaps = flapping.looked(path.flaps, draft.now, window)
    look = flapping.next_look(flaps, window)
    if look is not None:
        draft.deadlines[key] = max(look, draft.now.monotonic + LEAST_PAUSE)
    return path if flaps == path.flaps else replace(path, flaps=flaps)
