"""A SCSI disk: one LUN as seen through one session."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from mpathd_watch.core.model.vocabulary import AccessState, DeviceState
from tests.sim.world.changes import Changes, What
from tests.sim.world.sessions import Session

CLOSED = frozenset({AccessState.STANDBY, AccessState.UNAVAILABLE, AccessState.OFFLINE})


class Outcome(Enum):
    """What becomes of I/O that is sent to a disk now."""

    DONE = auto()
    HELD = auto()
    FAILED = auto()


class Disk:
    """One disk. ``truth``: the array's state of its port group; ``access``: what the kernel knows of it.

    ``errors``: I/O that the LUN has refused. ``in_flight``: commands that have no answer yet.
    """

    def __init__(self, changes: Changes, name: str, number: int, session: Session, lun: int) -> None:
        self.name = name
        self.number = number
        self.dev_t = f"{8 if number < 16 else 64 + number // 16}:{16 * (number % 16)}"  # drivers/scsi/sd.c, sd_major()
        self.session = session
        self.lun = lun
        self.state = DeviceState.RUNNING
        self.errors = 0
        self.served = 0
        self.truth: AccessState | None = None
        self.access: AccessState | None = None
        self.access_changed = float("-inf")
        self.attention: Callable[[], None] | None = None
        """What follows when the next command brings the array's unit attention."""
        self._changes = changes

    @property
    def hctl(self) -> str:
        """Its SCSI address."""
        return f"{self.session.sid}:0:0:{self.lun}"

    @property
    def in_flight(self) -> int:
        """Commands without an answer."""
        return int(self.session.waits)

    def command(self) -> None:
        """A command is sent there."""
        self.session.command()
        if self.attention is not None and self.session.answers:
            report, self.attention = self.attention, None
            report()

    def outcome(self) -> Outcome:
        """What becomes of I/O sent there now."""
        if self.state in (DeviceState.BLOCKED, DeviceState.QUIESCE):
            return Outcome.HELD
        if self.state is not DeviceState.RUNNING:
            return Outcome.FAILED
        if not self.session.answers:
            return Outcome.HELD
        if self.lun in self.session.portal.unready or self.truth in CLOSED:
            return Outcome.FAILED
        return Outcome.HELD if self.truth is AccessState.TRANSITIONING else Outcome.DONE

    def follow(self, state: str) -> None:
        """Take the state that the session brings; one that is offline stays so (scsi_internal_device_unblock())."""
        if self.state is not DeviceState.OFFLINE:
            self.set(DeviceState(state))

    def set(self, state: DeviceState) -> None:
        """Take a state."""
        if state is not self.state:
            self.state = state
            self._changes.report(What.DISK, self)
