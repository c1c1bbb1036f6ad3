"""Flapping: a path that fails and returns again and again.

A failure is an outage that became real: the path was stalled, failed or missing. Each outage counts once, whatever it
goes through. A path flaps from the Nth failure within the window on (by default the third within 600 s). It is steady
again once it has been up for a whole window without another one. Beginning and end have different conditions, so that a
path that fails now and then does not alternate between the two.

multipath-tools has its own means against such paths, all of them off by default (multipath.conf(5), "Shaky paths
detection"):

* ``san_path_err_threshold``: multipathd counts a path's failures and forgets one after every
  ``san_path_err_forget_rate`` checks that found it up; the failure after the threshold is reached keeps it out for
  ``san_path_err_recovery_time`` seconds (check_path_reinstate_state() in multipathd/main.c).
* ``marginal_path_double_failed_time``: two failures within so many seconds, and multipathd keeps the path out while it
  reads from it ten times a second for ``marginal_path_err_sample_time``; the error rate of these reads decides
  (libmultipath/io_err_stat.c).

Both see only what multipathd sees: not the short break that the session survived while its I/O was held, nor anything
while multipathd is stopped. And both hold the path back, which costs redundancy. This rule sees every outage, needs no
I/O, and only reports. A path that multipathd holds back meanwhile stays in its outage, which counts once.

All seconds are of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.immutable import immutable, replace


@immutable
class Flaps:
    """A path's latest failures, oldest first, and whether it flaps.

    ``instants``: when they came, no more of them than it takes to flap. ``since``: when it began to flap. ``steady``:
    since when a path that flaps has been up again, ``None`` while it is not.
    """

    instants: tuple[float, ...] = ()
    since: Instant | None = None
    steady: float | None = None

    @property
    def flapping(self) -> bool:
        """Whether it flaps."""
        return self.since is not None


def failed(flaps: Flaps, now: Instant, failures: int, window: float) -> Flaps:
    """The flaps after a failure at ``now``; ``failures`` within ``window`` seconds are flapping, 0 of them never."""
    if failures <= 0:
        return Flaps()
    recent = (moment for moment in flaps.instants if now.monotonic - moment <= window)
    instants = (*recent, now.monotonic)[-failures:]
    return Flaps(instants, flaps.since or (now if len(instants) == failures else None))


def looked(flaps: Flaps, now: Instant, window: float) -> Flaps:
    """The flaps after the path was found up at ``now``; not to be called while it is anything else.

    The first look after a failure starts the window, and one at the end of it finds the path steady.
    """
    if not flaps.flapping:
        return flaps
    if flaps.steady is None:
        return replace(flaps, steady=now.monotonic)
    return Flaps() if now.monotonic >= flaps.steady + window else flaps


def next_look(flaps: Flaps, window: float) -> float | None:
    """When a path that is up may be found steady; ``None`` if it does not flap, or has not been found up yet.

    A path that is suspect at that moment is to be looked at when it is up again, and not before.
    """
    return None if flaps.steady is None else flaps.steady + window
