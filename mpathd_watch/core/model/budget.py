"""How long the parts of an outage may take, in seconds: what the timeouts in force promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import inf, isinf

from mpathd_watch.core.model.vocabulary import Phase
from mpathd_watch.immutable import immutable

_PUNCTUAL = 16.0
"""Seconds up to which a timer of the kernel is late by less than polling is, whatever HZ is."""


def timer_lateness(seconds: float) -> float:
    """The seconds by which a timer of the kernel may expire late that was set to this many.

    The kernel sorts its timers into a wheel whose slots grow with the distance: at each level, a slot is an eighth of
    the shortest time that falls into the level (kernel/time/timer.c, LVL_GRAN). With HZ 250 a timer of 120 s expires up
    to 2.05 s late.
    """
    return seconds / 8 if _PUNCTUAL < seconds < inf else 0.0


TRANSITION_TIMEOUT = 60.0
"""Seconds for which an array may change the state of a port group before the kernel takes the group for standby
(ALUA_FAILOVER_TIMEOUT and alua_rtpg() in drivers/scsi/device_handler/scsi_dh_alua.c). It is the default: an array may
name another time, which the kernel does not show, and while the array answers TEST UNIT READY with the transition, the
kernel goes on asking (alua_rtpg_work())."""
TRANSITION_LATENESS = 4.0
"""Seconds: the kernel asks the array every 2 s whether it is done (ALUA_RTPG_RETRY_DELAY there), and waits for its
answer."""


@immutable
class Budget:
    """Seconds from the break of a link, at best and at worst; ``inf`` where nothing bounds them."""

    detection_best: float
    detection_worst: float
    failover_best: float
    failover_worst: float

    def finite(self) -> Mapping[str, float | None]:
        """The same by name, as JSON can spell it: ``None`` where nothing bounds it."""
        return {name: None if isinf(seconds) else seconds for name, seconds in asdict(self).items()}


@immutable
class Bounds:
    """The most seconds that each phase of one outage may take; ``inf`` where nothing is promised, or it is not known.

    They are those of the moment at which the outage began: timeouts that change later promise nothing for it.
    """

    detection: float = inf
    replacement: float = inf
    failover: float = inf
    reinstatement: float = inf
    transition: float = TRANSITION_TIMEOUT

    def of(self, phase: Phase) -> float:
        """The bound of ``phase``."""
        return {
            Phase.DETECTION: self.detection,
            Phase.REPLACEMENT: self.replacement,
            Phase.FAILOVER: self.failover,
            Phase.TRANSITION: self.transition,
            Phase.REINSTATEMENT: self.reinstatement,
        }[phase]

    def lateness(self, phase: Phase) -> float:
        """The seconds by which the kernel's timers may end ``phase`` after its bound; multipathd has other timers."""
        late = {each: timer_lateness(self.of(each)) for each in (Phase.DETECTION, Phase.REPLACEMENT)}
        if phase is Phase.TRANSITION:
            return TRANSITION_LATENESS
        return sum(late.values()) if phase is Phase.FAILOVER else late.get(phase, 0.0)
