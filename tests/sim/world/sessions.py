"""An iSCSI session: its TCP connection, the kernel's pings and timers, and iscsid that logs in again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from mpathd_watch.core.model.vocabulary import SessionStatus
from tests.sim.clock import Clock, Timer
from tests.sim.laws import Laws
from tests.sim.world.changes import Changes, What
from tests.sim.world.links import Portal
from tests.sim.world.shape import OFF

if TYPE_CHECKING:
    from tests.sim.world.disks import Disk

CONN_FAILED, CONN_CLOSED, NOP_TIMEDOUT = 1011, 1020, 1022
"""Of enum iscsi_err (include/scsi/iscsi_if.h)."""
BLINK = 0.7
FIRST_RTO = 0.2
LONGEST_RTO = 120.0


class Fate(StrEnum):
    """Why a session is down, as the world knows it."""

    PINGS = "nop_timeout"
    CLOSED = "connection_closed"
    ERROR = "connection_error"


@dataclass(slots=True)
class Timeouts:
    """The timeouts in force, in seconds; ``recovery`` may be ``OFF``."""

    recv: int
    ping: int
    recovery: int

    @property
    def pings(self) -> bool:
        """Whether the kernel pings the target."""
        return self.recv > 0 and self.ping > 0


class Session:
    """One session to a portal. ``busy``: commands are under way all the time."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        laws: Laws,
        changes: Changes,
        *,
        sid: int,
        portal: Portal,
        timeouts: Timeouts,
    ) -> None:
        self.sid = sid
        self.portal = portal
        self.timeouts = timeouts
        self.disks: list[Disk] = []
        self.state = SessionStatus.LOGGED_IN
        self.fate: Fate | None = None
        self.gone = False
        self.busy = False
        self.retransmits = 0
        self.blinked = float("-inf")
        """When it failed again so soon after a login that no poll need have found it logged in."""
        self.heard_again = float("-inf")
        """When it answered again after a silence."""
        self.iscsid = True
        self._clock = clock
        self._random = random
        self._laws = laws
        self._changes = changes
        self._connected = True
        self._login = clock.now
        self._answers = portal.answers
        self._anchor = clock.now
        """While it answers: when an answer came. Otherwise: the last one."""
        self._waiting_since: float | None = None
        """While it does not answer: since when data is sent that is not acknowledged."""
        self._drop: Timer | None = None
        self._answer: Timer | None = None
        self._recovery: Timer | None = None
        self._attempt: Timer | None = None

    # --- what the kernel knows ----------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether its connection stands."""
        return self._connected

    @property
    def answers(self) -> bool:
        """Whether commands over it are answered now."""
        return self._connected and self._answers

    @property
    def heard(self) -> float:
        """When the last answer came (CLOCK_MONOTONIC seconds): an idle one comes after each ping."""
        if not self.answers:
            return self._anchor
        now = self._clock.now
        if self.busy:
            return now
        if not self.timeouts.pings:
            return self._anchor
        return self._anchor + (now - self._anchor) // self.timeouts.recv * self.timeouts.recv

    @property
    def silent_since(self) -> float | None:
        """Since when nothing is answered although the connection stands; ``None`` while something would be."""
        return self._anchor if self._connected and not self._answers else None

    @property
    def waits(self) -> bool:
        """Whether a command is under way that has no answer."""
        return self._connected and not self._answers and (self.busy or self._waiting_since is not None)

    def command(self) -> None:
        """A command is sent: if it is answered, the kernel need not ping for a while; if not, TCP sends it again."""
        if self.answers:
            self._anchor = self._clock.now
        elif self._connected and self._waiting_since is None:
            self._waiting_since = self._clock.now

    # --- what happens to it -------------------------------------------------------------------------------------------

    def network_changed(self) -> None:
        """Its link or portal has changed."""
        before, answers = self._answers, self.portal.answers
        if self._connected and self.portal.link.passes and not self.portal.listening:
            # Whatever is sent there is answered with a reset.
            self.fail(CONN_CLOSED, Fate.CLOSED)
            return
        if not answers and before and self._connected:
            self._anchor = self.heard
        self._answers = answers if not self._connected or not answers else before
        if not self._connected:
            return
        if not answers and before:
            self._cut()
        elif answers and not before:
            self._uncut()
        self._changes.report(What.ANSWERS, self)

    def set_busy(self, *, busy: bool) -> None:
        """I/O begins to flow over it, or ends."""
        if busy is not self.busy:
            if self.answers:
                self._anchor = self.heard
            self.busy = busy

    def fail(self, error: int, fate: Fate) -> None:
        """The kernel gives the connection up."""
        if not self._connected or self.gone:
            return
        self._anchor = self.heard
        self._connected = False
        self._waiting_since = None
        self._cancel()
        self._changes.report(What.ERROR, (self, error))
        self._clock.after(self._random.uniform(*self._laws.session_down), lambda: self._failed(fate))

    def log_out(self) -> None:
        """It is gone for good, and its disks with it."""
        self.gone = True
        self._connected = False
        self._cancel()

    def iscsid_changed(self, *, runs: bool) -> None:
        """Follow iscsid, which has ended, or runs again and goes on with what it has to do."""
        self.iscsid = runs
        if runs and not self._connected and not self.gone and self._attempt is None:
            self._attempt = self._clock.after(self._laws.time_to_wait, self._connect)

    # --- pings --------------------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None
        self._waiting_since = self._clock.now if self.busy else None
        if self.timeouts.pings:
            late = self._random.uniform(*self._laws.ping_timer_lateness)
            drop = self._anchor + self.timeouts.recv + self.timeouts.ping + late
            if self._drop is None:
                self._drop = self._clock.at(drop, lambda: self.fail(NOP_TIMEDOUT, Fate.PINGS))

    def _uncut(self) -> None:
        """TCP gets through with its next retransmission, if it has anything to send."""
        now, began = self._clock.now, self._waiting_since
        pinged = self._anchor + self.timeouts.recv if self.timeouts.pings else None
        if pinged is not None and pinged <= now:
            began = pinged if began is None else min(began, pinged)
        if began is None:
            self._heard_again()
            return
        moment, pause = began, FIRST_RTO
        while moment < now:
            moment, pause = moment + pause, min(2 * pause, LONGEST_RTO)
            self.retransmits += 1
        self._answer = self._clock.at(moment + 0.001, self._heard_again)

    def _heard_again(self) -> None:
        self._answer = None
        if not self._connected or not self.portal.answers:
            return
        if self._waiting_since is not None or self._clock.now > self._anchor + self.timeouts.recv:
            self._anchor = self._clock.now
        self._waiting_since = None
        self._answers = True
        self.heard_again = self._clock.now
        if self._drop is not None:
            self._drop.cancel()
            self._drop = None
        self._changes.report(What.ANSWERS, self)

    # --- down and up again --------------------------------------------------------------------------------------------

    def _failed(self, fate: Fate) -> None:
        if self.gone:
            return
        self.fate = fate
        if self._clock.now - self._login < BLINK:
            self.blinked = self._clock.now
        self._enter(SessionStatus.FAILED, "blocked")
        if self.timeouts.recovery != OFF:
            late = self._laws.timer_lateness(self._random, self.timeouts.recovery)
            self._recovery = self._clock.after(self.timeouts.recovery + late, self._given_up)
        if self.iscsid:
            self._attempt = self._clock.after(self._laws.time_to_wait, self._connect)

    def _given_up(self) -> None:
        self._recovery = None
        self._enter(SessionStatus.FREE, "transport-offline")

    def _connect(self) -> None:
        """TCP sends its SYN several times; nobody answers it, or the portal refuses."""
        self._attempt = None
        if self.gone or not self.iscsid:
            return
        self._syn(self._clock.now, 0)

    def _syn(self, began: float, number: int) -> None:
        self._attempt = None
        if self.gone or not self.iscsid:
            return
        link = self.portal.link
        if link.passes and self.portal.listening:
            self._attempt = self._clock.after(self._random.uniform(*self._laws.login), self._logged_in)
        elif link.passes:
            self._attempt = self._clock.after(self._laws.retry, self._connect)
        elif number + 1 < len(self._laws.syn_retries):
            later = began + self._laws.syn_retries[number + 1]
            self._attempt = self._clock.at(later, lambda: self._syn(began, number + 1))
        else:
            self._attempt = self._clock.at(began + self._laws.login_timeout, self._connect)

    def _logged_in(self) -> None:
        self._attempt = None
        if self.gone:
            return
        if not self.portal.answers:
            self._attempt = self._clock.after(self._laws.retry, self._connect)
            return
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None
        self._connected = self._answers = True
        self._anchor = self._clock.now
        self.fate = None
        self._login = self._clock.now
        self._enter(SessionStatus.LOGGED_IN, "running")

    def _enter(self, state: SessionStatus, disks: str) -> None:
        self.state = state
        self._changes.report(What.SESSION, self)
        self._clock.after(self._random.uniform(*self._laws.disks_follow), lambda: self._lead(state, disks))

    def _lead(self, state: SessionStatus, disks: str) -> None:
        if self.state is state and not self.gone:
            for disk in self.disks:
                disk.follow(disks)

    def _cancel(self) -> None:
        for timer in (self._drop, self._answer, self._recovery, self._attempt):
            if timer is not None:
                timer.cancel()
        self._drop = self._answer = self._recovery = self._attempt = None
