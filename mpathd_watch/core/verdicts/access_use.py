"""Which paths carry the I/O of a map whose paths the array serves differently (ALUA).

dm sends I/O over one path group at a time. It should be the one with the active/optimized paths: over the others the
array passes each I/O on from one controller to the other. An array may change the access states at any time, and
multipathd follows at its next checks, or after the time that failback names. So it takes a memory to see that it does
not follow: ``AccessUse``, which is kept only for maps whose paths differ in their access states.

I/O is counted over windows of ``WINDOW`` seconds at least. ``STREAK`` windows in a row show a fault: a failover, a
switch of the path group or the checks of an idle map fill one window at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from math import inf

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.model.mappings import empty, frozen
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.core.verdicts.io_latency import in_window
from mpathd_watch.immutable import immutable, replace

WINDOW = 60.0
"""The least seconds over which I/O is counted."""

STREAK = 2
"""Windows in a row that show a fault. The access states are compared at the end of each window. A short change that
fills most of two windows is going on between them, so that it is seen."""

SETTLED = STREAK * WINDOW
"""Seconds after which multipathd has followed a change of the access states: its checks of a path are 20 s apart at
most unless max_polling_interval is larger, and its lists are read once a minute."""

CARRIES = 2.0
"""I/Os a second that a path carries at least if it counts: the directio checker reads once a second at most."""

SHARE = 0.5
"""The share of the map's I/O that goes over active/non-optimized paths if that counts."""


@immutable
class Reading:
    """What is known of one path of a map.

    ``disk``: what tells its disk from another one. ``preferred``: the array prefers its port group. ``usable_since``:
    since when it has been up (CLOCK_MONOTONIC seconds), ``None`` while it is not. ``io``: the totals of its disk.
    """

    label: str
    disk: tuple[str, str, str]
    state: AccessState | None
    preferred: bool
    usable_since: float | None
    io: IoFacts | None


_States = tuple[tuple[str, tuple[str, str, str], AccessState | None, bool], ...]


@immutable
class AccessUse:
    """How the I/O of one map has been spread since its access states last changed.

    ``states``: what they are. ``since``: when they were first seen (CLOCK_MONOTONIC seconds). ``held``: for how many
    seconds they have not changed. ``began`` and ``totals``: when the present window began, and the totals of the disks
    then. ``streak``: how many windows in a row show a fault. Of the last of them, ``share`` is the share of the I/O
    that went over the active/non-optimized paths ``labels``, and ``lasted`` how many seconds an active/optimized path
    had been usable at its end.
    """

    states: _States
    since: float
    began: float
    totals: Mapping[str, IoFacts | None] = field(default_factory=empty)
    held: float = 0.0
    streak: int = 0
    share: float = 0.0
    labels: tuple[str, ...] = ()
    lasted: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether multipathd has had the time to follow the last change."""
        return self.held >= SETTLED

    def overdue(self, failback: float) -> bool:
        """Whether I/O should be back on the optimized paths, to which multipathd returns ``failback`` seconds late."""
        return self.streak >= STREAK and self.lasted >= failback + SETTLED


def followed(before: AccessUse | None, paths: Sequence[Reading], now: float) -> AccessUse | None:
    """What is to be remembered of one map at ``now``; ``None`` if its paths do not differ in their access states."""
    states = tuple((path.label, path.disk, path.state, path.preferred) for path in paths)
    if len({path.state for path in paths}) < 2:
        return None
    totals = frozen({path.label: path.io for path in paths})
    if before is None or before.states != states:
        return AccessUse(states, since=now, began=now, totals=totals)
    use = replace(before, held=now - before.since)
    if now - use.began < WINDOW:
        return use
    return replace(_judged(use, paths, now), began=now, totals=totals)


def _judged(use: AccessUse, paths: Sequence[Reading], now: float) -> AccessUse:
    """The verdict after the window that ends at ``now``; a window without enough I/O changes nothing."""
    ios = {path.label: in_window(use.totals.get(path.label), path.io) for path in paths}
    enough = CARRIES * (now - use.began)
    if sum(ios.values()) < enough:
        return use
    # multipathd gives a preferred path that is not optimized the highest priority (getprio() in prioritizers/alua.c),
    # so that the array moves the LUN there.
    found = tuple(
        path.label
        for path in paths
        if path.state is AccessState.NON_OPTIMIZED and not path.preferred and ios[path.label] >= enough
    )
    share = sum(ios[label] for label in found) / sum(ios.values())
    optimized = (path.usable_since for path in paths if path.state is AccessState.OPTIMIZED)
    ready = max(use.since, min((since for since in optimized if since is not None), default=inf))
    if share < SHARE or ready > use.began:
        return replace(use, streak=0)
    return replace(use, streak=use.streak + 1, share=share, labels=found, lasted=now - ready)
