"""How the parts of the world report to those who watch it that something has changed."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any


class What(Enum):
    """What has changed."""

    SESSION = auto()
    DISK = auto()
    DM = auto()
    CHECKER = auto()
    LINK = auto()
    ANSWERS = auto()
    """Whether a session's target can be reached."""
    MEMBERS = auto()
    """Disks, sessions or maps have come or gone."""
    ARRAY = auto()
    """What the array says of a port group; the kernel does not know it yet."""
    MULTIPATHD = auto()
    """Its process, or whether it answers."""
    UEVENT = auto()
    ERROR = auto()
    """The kernel has given up a connection."""
    CLOCK = auto()
    SOURCE = auto()
    """What one of the daemon's sources can receive."""


class Changes:
    """Passes changes on to those who listen."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[What, Any], None]] = []

    def listen(self, listener: Callable[[What, Any], None]) -> None:
        """Call ``listener`` with each change and what has changed."""
        self._listeners.append(listener)

    def silence(self, listener: Callable[[What, Any], None]) -> None:
        """Call it no longer."""
        self._listeners.remove(listener)

    def report(self, what: What, thing: Any = None) -> None:
        """Report a change."""
        for listener in tuple(self._listeners):
            listener(what, thing)
