"""What the health of a path is in truth, by docs/health.md, from the raw states of the world."""

from __future__ import annotations

from dataclasses import dataclass

from mpathd_watch.core.model.vocabulary import AccessState, CheckerState, DeviceState, Health, SessionStatus
from tests.sim.world.disks import CLOSED
from tests.sim.world.dm import Map
from tests.sim.world.host import World
from tests.sim.world.links import Portal
from tests.sim.world.sessions import Session

GRACE = 2.0
"""``silence_grace_seconds``."""
WARNS_WITHIN = 1.5
"""Seconds after the grace within which a silent session is suspect: it is read again every half a second."""
DATED_WITHIN = 0.01
"""Seconds by which the last answer may seem to be older: the kernel dates it in milliseconds."""
READ_WITHIN = 1.4
"""Seconds within which a change of the carrier is reported (net/core/link_watch.c), and a new answer is read."""

Words = frozenset[Health]

MISSING = frozenset({Health.MISSING})
FAILED = frozenset({Health.FAILED})
RECOVERING = frozenset({Health.RECOVERING})
STALLED = frozenset({Health.STALLED})
UP = frozenset({Health.UP})
SUSPECT = frozenset({Health.SUSPECT})
USABLE = UP | SUSPECT
OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED})

_GIVEN_UP = frozenset({DeviceState.OFFLINE, DeviceState.TRANSPORT_OFFLINE, DeviceState.CANCEL, DeviceState.DELETED})
_HELD = frozenset({DeviceState.BLOCKED, DeviceState.QUIESCE})
FAULTY = frozenset({CheckerState.FAULTY, CheckerState.TIMEOUT})


def alike(name: str, value: object) -> object:
    """What stands for all values of a raw state that lead to the same words."""
    if name == "disk":
        return (value in _GIVEN_UP, value in _HELD)
    if name == "access" and value not in (AccessState.STANDBY, AccessState.TRANSITIONING):
        return value in CLOSED
    if name == "checker" and value is not CheckerState.GHOST:
        return value in FAULTY
    return value


@dataclass(slots=True)
class Raw:
    """The raw states that decide a path's health.

    ``member``: the map has its disk, and the session is there. ``usable``: the words that are right if nothing else is
    wrong. ``stale``: the kernel has an old ``access`` state, or dm has reinstated the path since. ``lost``: whether the
    way to it was seen to be gone in this outage; ``None`` if that may have been missed.
    """

    member: bool = False
    session: SessionStatus = SessionStatus.MISSING
    disk: DeviceState = DeviceState.DELETED
    access: AccessState | None = None
    stale: bool = False
    failed: bool = False
    checker: CheckerState | None = None
    usable: Words = UP
    lost: bool | None = None

    @property
    def gone(self) -> bool:
        """Whether the way to the disk is gone: session down, disk not running, closed by the array.

        Standby is another matter: see ``words``.
        """
        down = self.session is not SessionStatus.LOGGED_IN or self.disk is not DeviceState.RUNNING
        closed = self.access in CLOSED - {AccessState.STANDBY} or self.access is AccessState.TRANSITIONING
        return not self.member or down or closed


def raw_of(world: World, map_: Map, portal: Portal, *, lost: bool | None, watched_since: float) -> Raw:
    """The raw states of a path now; ``watched_since``: when the daemon started."""
    session = world.session_to(portal)
    disk = next((disk for disk in map_.members if disk in session.disks), None) if session else None
    if session is None or disk is None:
        # A disk that is gone is in the map for a moment more, and dm may fail its path.
        left = next((disk for disk in map_.members if disk.session.portal is portal), None)
        state = SessionStatus.MISSING if session is None else session.state
        return Raw(session=state, failed=left in map_.failed, usable=USABLE, lost=lost)
    return Raw(
        member=True,
        session=session.state,
        disk=disk.state,
        access=disk.access,
        stale=disk.access is not disk.truth or map_.reinstated.get(disk, 0.0) > disk.access_changed,
        failed=disk in map_.failed,
        checker=world.multipathd.state_of(disk),
        # Of a connection that is gone only what was known before may still be reported, and what becomes of its link.
        usable=_usable(world, session, watched_since) if session.connected else USABLE,
        lost=lost,
    )


def words(raw: Raw, *, out: bool) -> Words:
    """The words that are right for a path in these raw states; ``out``: it has been out up to now."""
    if not raw.member:
        return MISSING
    if raw.disk in _GIVEN_UP or raw.session is SessionStatus.FREE:
        return FAILED
    if raw.failed:
        if raw.access is AccessState.STANDBY and raw.session is SessionStatus.LOGGED_IN:
            # Standby explains only a failure that comes soon after it.
            return RECOVERING | FAILED
        if raw.gone or raw.lost is False:
            return FAILED
        return RECOVERING if raw.lost else RECOVERING | FAILED
    judged = FAILED | RECOVERING if raw.checker in FAULTY else frozenset[Health]()
    if raw.session is SessionStatus.FAILED or raw.disk in _HELD:
        return STALLED | judged
    if raw.access is AccessState.TRANSITIONING:
        return STALLED | judged | (raw.usable if raw.stale else frozenset())
    if judged or (out and raw.access in CLOSED and raw.checker is not CheckerState.GHOST):
        # multipathd is about to fail it, or an administrator has had it reinstated, and no check has followed yet.
        return raw.usable | FAILED | RECOVERING
    return raw.usable


def _usable(world: World, session: Session, watched_since: float) -> Words:
    """Whether a session that carries I/O is silent, or its interface carries nothing.

    Both are read a moment after they change. An interface that has never been seen carrying the session is not suspect.
    """
    link, now = session.portal.link, world.clock.now
    just_now = now - max(link.carrier_changed, session.heard_again) < READ_WITHIN
    if not link.carrier:
        return USABLE if just_now or link.carrier_changed < watched_since else SUSPECT
    if session.silent_since is None or not session.timeouts.pings:
        return USABLE if just_now else UP
    silence = now - session.heard
    limit = session.timeouts.recv + GRACE - DATED_WITHIN
    if silence < limit:
        return USABLE if just_now else UP
    return USABLE if silence < limit + WARNS_WITHIN else SUSPECT


def next_change(world: World, portal: Portal) -> float | None:
    """When the words change without anything else that changes, if they do."""
    session = world.session_to(portal)
    if session is None:
        return None
    moments = [max(portal.link.carrier_changed, session.heard_again) + READ_WITHIN]
    if session.silent_since is not None and session.timeouts.pings:
        limit = session.heard + session.timeouts.recv + GRACE - DATED_WITHIN
        moments += [limit, limit + WARNS_WITHIN]
    return min((moment for moment in moments if moment > world.clock.now), default=None)
