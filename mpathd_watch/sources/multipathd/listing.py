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

SETTLE = 0.1
"""Seconds without a wake after which a request follows. Paths fail by the hundred: a listing that is requested at the
first of their uevents is out of date when it comes, and another one must follow."""
LONGEST_SETTLE = 1.0
"""Seconds after which a request follows although wakes go on."""
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

    A request follows once no wake has come for ``settle`` seconds, at most ``longest_settle`` after the first one.
    Requests after wakes are at least ``wake_spacing`` apart. A reply may take ``deadline``. ``last`` is the last reply;
    with ``None``, the next one is reported whatever it holds.
    """

    command: str
    parse: Callable[[str], Parsed[T]]
    event: Callable[[tuple[T, ...], float], Event]
    every: float
    wake_spacing: float
    deadline: float
    settle: float = SETTLE
    longest_settle: float = LONGEST_SETTLE
    routine: float = -math.inf
    wakes: tuple[float, float] | None = None
    """The first and the last wake since the last request."""
    last_woken: float = -math.inf
    last: Reply | None = None

    def wake(self, now: float) -> None:
        """Have it requested soon, and reported whatever it holds."""
        self.wakes = (now if self.wakes is None else self.wakes[0], now)

    def due(self) -> float:
        """The time of the next request."""
        if self.wakes is None:
            return self.routine
        first, last = self.wakes
        settled = min(last + self.settle, first + self.longest_settle)
        return min(self.routine, max(settled, self.last_woken + self.wake_spacing))

    def begin(self, now: float) -> Reply | None:
        """Note a request at ``now``. Return the last reply; ``None`` if this one must be reported in any case."""
        previous = self.last if self.wakes is None else None
        if self.wakes is not None:
            self.last_woken = now
        self.wakes = None
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
