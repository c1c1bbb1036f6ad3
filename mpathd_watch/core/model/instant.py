"""A moment on both clocks of the host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """One moment: ``monotonic`` for every duration, ``wall`` for people and Prometheus. Both in seconds.

    ``monotonic`` is CLOCK_MONOTONIC, which stands still while the host is suspended; so do the kernel's own iSCSI
    timers, which count jiffies (drivers/scsi/libiscsi.c). A step of the wall clock therefore changes no duration.
    """

    monotonic: float
    wall: float

    def later(self, seconds: float) -> Instant:
        """The moment ``seconds`` after this one, if nobody sets the wall clock meanwhile."""
        return Instant(self.monotonic + seconds, self.wall + seconds)

    def earlier(self, seconds: float) -> Instant:
        """The moment ``seconds`` before this one."""
        return self.later(-seconds)

    def since(self, earlier: Instant) -> float:
        """Seconds from ``earlier`` to this moment, never negative."""
        return max(0.0, self.monotonic - earlier.monotonic)
