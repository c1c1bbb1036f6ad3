"""When one of multipathd's listings is requested, and what it held last."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from mpathd_watch.core.events import Event
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.multipathd.replies import Parsed

T = TypeVar("T")

_DIGESTED_AT_ONCE = 1 << 16
"""Characters, of which there need not be another copy for a digest."""


@immutable
class Reply:
    """What is kept of a reply: a digest of its text, and the problems in it. A large host's listings take 10 MB."""

    digest: bytes
    problems: Mapping[str, int]


def digest(text: str, grammar: object) -> bytes:
    """What two texts differ in that are read by these grammars."""
    found = blake2b(digest_size=16)
    for start in range(0, len(text), _DIGESTED_AT_ONCE):
        found.update(text[start : start + _DIGESTED_AT_ONCE].encode("utf-8", "backslashreplace"))
    found.update(repr(grammar).encode())
    return found.digest()


@dataclass(slots=True)
class Listing(Generic[T]):
    """The listing that ``command`` requests, at intervals of ``every`` seconds, and sooner after a wake.

    Requests after wakes are at least ``wake_spacing`` seconds apart. A reply may take ``deadline`` seconds. ``last`` is
    the last reply; with ``None``, the next one is reported whatever it holds.
    """

    command: str
    parse: Callable[[str], Parsed[T]]
    event: Callable[[tuple[T, ...], float], Event]
    every: float
    wake_spacing: float
    deadline: float
    routine: float = -math.inf
    woken: bool = False
    last_woken: float = -math.inf
    last: Reply | None = None

    def due(self) -> float:
        """The time of the next request."""
        return min(self.routine, self.last_woken + self.wake_spacing) if self.woken else self.routine

    def begin(self, now: float) -> Reply | None:
        """Note a request at ``now``. Return the last reply; ``None`` if this one must be reported in any case."""
        previous = None if self.woken else self.last
        if self.woken:
            self.last_woken = now
        self.woken = False
        self.routine = now + self.every
        self.last = None
        return previous

    def forget(self) -> None:
        """Request it as soon as possible, and report whatever it holds then."""
        self.routine = -math.inf
        self.last = None

    def read(self, text: str, grammar: object, previous: Reply | None) -> tuple[Reply, tuple[T, ...] | None]:
        """A reply, and its items; without them if it is the ``previous`` one again, which is most of the time.

        Raises ``BadReply``.
        """
        found = digest(text, grammar)
        if previous is not None and previous.digest == found:
            return previous, None
        parsed = self.parse(text)
        return Reply(found, parsed.problems), parsed.items
