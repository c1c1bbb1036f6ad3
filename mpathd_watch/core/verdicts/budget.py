"""How long the parts of an outage may take, from the live timeouts.

Detection: the kernel gives up on a silent session R + P seconds after the last word from the target, up to 1 s late,
where R is noop_out_interval and P noop_out_timeout (iscsi_check_transport_timeouts() in drivers/scsi/libiscsi.c). The
link may break just before a ping is due or just after a pong came, so the best case is P.

Replacement: the session is FAILED for recovery_tmo, then its devices are given up (session_recovery_timedout() in
drivers/scsi/scsi_transport_iscsi.c).

Reinstatement: multipathd checks a failed path at an interval of its own (``recheck_interval``). The first check after
the return may collect the answer of one that was on its way when the path was lost (libmultipath/checkers/tur.c): then
the second one finds it up. multipathd's loop turns once a second, and a checker that has no answer at once is looked at
a second later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isinf
from typing import Protocol

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.model.facts import RECOVERY_OFF
from mpathd_watch.core.model.vocabulary import Phase

TIMER_LATENESS = 1.0
"""Seconds: a timer that finds a ping pending is armed again for one second."""

CHECKS = 2
"""Checks until a path whose transport is back is found up, at most."""

CHECK_LATENESS = 2.0
"""Seconds that a check may come and be answered later than its interval says."""


class Live(Protocol):
    """What has the timeouts of a session, in the units of ``SessionFacts``."""

    @property
    def recv_tmo(self) -> int | None:
        """noop_out_interval."""

    @property
    def ping_tmo(self) -> int | None:
        """noop_out_timeout."""

    @property
    def recovery_tmo(self) -> int | None:
        """replacement_timeout."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds from the break of a link, at best and at worst; ``inf`` where nothing bounds them."""

    detection_best: float
    detection_worst: float
    failover_best: float
    failover_worst: float

    def finite(self) -> Mapping[str, float | None]:
        """The same by name, as JSON can spell it: ``None`` where nothing bounds it."""
        return {name: None if isinf(seconds) else seconds for name, seconds in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The timeouts that an outage is measured against, in seconds (see ``SessionFacts``).

    ``recheck_interval`` is that of multipathd's checks of a failed path, ``None`` where it is not known.
    """

    recv_tmo: int | None
    ping_tmo: int | None
    recovery_tmo: int | None
    recheck_interval: int | None = None


def budget(live: Live) -> Budget | None:
    """What the live timeouts promise; ``None`` where they can't be read."""
    interval, timeout, recovery = live.recv_tmo, live.ping_tmo, live.recovery_tmo
    if interval is None or timeout is None or recovery is None:
        return None
    pings = interval and timeout
    detection = (float(timeout), interval + timeout + TIMER_LATENESS) if pings else (inf, inf)
    held = inf if recovery == RECOVERY_OFF else float(recovery)
    return Budget(*detection, detection[0] + held, detection[1] + held)


def recheck_interval(polling_interval: int, max_polling_interval: int, version: Version | None) -> int:
    """Seconds between multipathd's checks of a failed path; ``version`` is its own, ``None`` if it is not known.

    Meant is polling_interval. From 0.10.0 on, the interval that had grown to max_polling_interval while the path was up
    is reset only when the checker itself sees the path go down: where I/O fails first and dm tells, as on a path in
    use, the failed path is checked every max_polling_interval. Mended in 0.10.4 and 0.12.0, not in Debian 13's 0.11.1
    (update_path() in multipathd/main.c).
    """
    if version is None or (0, 10, 0) <= version < (0, 10, 4) or (0, 11, 0) <= version < (0, 12, 0):
        return max(polling_interval, max_polling_interval)
    return polling_interval


def reinstatement(recheck: int) -> tuple[float, float]:
    """Seconds from the return of the transport to the path's reinstatement, at best and at worst."""
    return 0.0, CHECKS * recheck + CHECK_LATENESS


def bound(phase: Phase, timeouts: Timeouts) -> float:
    """The most seconds that ``phase`` may take; ``inf`` where nothing is promised, or it is not known what."""
    if phase is Phase.REINSTATEMENT:
        return inf if timeouts.recheck_interval is None else reinstatement(timeouts.recheck_interval)[1]
    if phase is Phase.REPLACEMENT:
        tmo = timeouts.recovery_tmo
        return inf if tmo is None or tmo == RECOVERY_OFF else float(tmo)
    promised = budget(timeouts)
    if promised is None:
        return inf
    return promised.detection_worst if phase is Phase.DETECTION else promised.failover_worst
