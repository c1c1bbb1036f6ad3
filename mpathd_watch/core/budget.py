"""How long a failover may take, from the live timeouts.

Detection: the kernel gives up on a silent session R + P seconds after the last word from the target, up to 1 s late,
where R is noop_out_interval and P noop_out_timeout (iscsi_check_transport_timeouts() in drivers/scsi/libiscsi.c). The
link may break just before a ping is due or just after a pong came, so the best case is P.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from mpathd_watch.core.facts import RECOVERY_OFF, SessionFacts

TIMER_LATENESS = 1.0
"""Seconds: a timer that finds a ping pending is armed again for one second."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds from the break of a link, at best and at worst; ``inf`` where nothing bounds them."""

    detection_best: float
    detection_worst: float
    failover_best: float
    failover_worst: float


def budget(session: SessionFacts) -> Budget | None:
    """What the session's live timeouts promise; ``None`` where they can't be read."""
    interval, timeout, recovery = session.recv_tmo, session.ping_tmo, session.recovery_tmo
    if interval is None or timeout is None or recovery is None:
        return None
    pings = interval and timeout
    detection = (float(timeout), interval + timeout + TIMER_LATENESS) if pings else (inf, inf)
    held = inf if recovery == RECOVERY_OFF else float(recovery)
    return Budget(*detection, detection[0] + held, detection[1] + held)
