"""A disk's errors over time: whether the disk refused commands when dm failed its path.

The kernel counts a command that comes back with anything but success (scsi_complete() in drivers/scsi/scsi_lib.c), and
multipathd's own checks with it. So a path that dm has failed while nothing was counted and nothing is still on its way
was failed on purpose: somebody asked dm to.
"""

from __future__ import annotations

from mpathd_watch.core.model.outage import Count
from mpathd_watch.immutable import immutable

SETTLED = 3.0
"""Seconds before an outage at which a count is none of its own. multipathd collects the answer of a check up to a
second after the disk has counted it, and may fail the path in dm at the next turn of its loop, a second later
(checkerloop() in multipathd/main.c). The third second is for a busy host."""

COLLECTED = 15.0
"""Seconds after which multipathd has collected the answer of a check that a disk has counted, or is known to hang. Its
lists are requested every 5 s, and an answer is awaited for 4 s: a multipathd that is stopped for less, with a check
under way, fails the path when it goes on, up to ``SETTLED`` later."""


@immutable
class ErrorCounts:
    """The last count, and the last one that is at least ``SETTLED`` older."""

    before: Count | None = None
    last: Count | None = None

    def read(self, at: float, errors: int, timeouts: int) -> ErrorCounts:
        """With one more reading; the same object if nothing is new."""
        last = self.last
        if last is not None and (last.errors, last.timeouts) == (errors, timeouts):
            return self
        new = Count(at, errors, timeouts)
        if last is None:
            return ErrorCounts(None, new)
        return ErrorCounts(last if at - last.at >= SETTLED or self.before is None else self.before, new)

    def up_to(self, began: float) -> Count | None:
        """The count that an outage which began at this second had nothing to do with; ``None`` if there is none."""
        return next((count for count in (self.last, self.before) if count and began - count.at >= SETTLED), None)
