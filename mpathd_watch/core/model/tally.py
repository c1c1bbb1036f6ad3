"""A counter that follows one of the kernel's."""

from __future__ import annotations

from mpathd_watch.immutable import immutable

COUNTER_BITS = 0xFFFFFFFF


@immutable
class Tally:
    """A counter of ours that follows a 32-bit counter of the kernel from the value it was first seen at."""

    raw: int | None = None
    total: int = 0

    def follow(self, raw: int | None) -> Tally:
        """The tally after the kernel's counter was read as ``raw``.

        A difference of more than half the range is a step back, not a wrap: sd zeroes ``ioerr_cnt`` when it binds
        (drivers/scsi/sd.c). It moves the baseline and counts nothing.
        """
        if raw is None or raw == self.raw:
            return self
        gained = 0 if self.raw is None else (raw - self.raw) & COUNTER_BITS
        return Tally(raw, self.total + (gained if gained <= COUNTER_BITS // 2 else 0))

    def rebased(self) -> Tally:
        """The tally for another device, whose counter has nothing to do with the old one."""
        return Tally(None, self.total)
