"""Gathers unit attentions, so that a storm of them costs little: a broken array may send a thousand a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from mpathd_watch.core.events import Event, SourceErrors, UnitAttention, UnitAttentions
from mpathd_watch.core.model.vocabulary import AttentionKind, SourceName
from mpathd_watch.sources.uevent.parse import parse_attention

PAUSE = 0.2
"""Seconds after a report in which others are gathered."""
MOST_KEPT = 16384
"""Different attentions that one report may hold: each kind, from a target with more than two thousand LUNs."""


class Timer(Protocol):
    """As ``asyncio.TimerHandle``."""

    def cancel(self) -> object:
        """Do not call."""


class AttentionGatherer:
    """What has been taken and not yet reported.

    ``emit`` receives the reports. ``call_later`` calls a function after so many seconds, as that of the event loop.
    """

    def __init__(self, emit: Callable[[Event], None], call_later: Callable[[float, Callable[[], None]], Timer]) -> None:
        self._emit = emit
        self._call_later = call_later
        self._counts: dict[tuple[AttentionKind, str], int] = {}
        self._problems: Counter[str] = Counter()
        self._pause: Timer | None = None

    def take(self, sysfs_name: str, word: str) -> None:
        """Keep what the SCSI device ``sysfs_name`` has reported as ``word``. ``report`` comes after the last one."""
        attention = parse_attention(sysfs_name, word)
        if attention is None:
            self._problems["bad_attention"] += 1
            return
        if attention.kind is AttentionKind.UNKNOWN:
            self._problems["unknown_value"] += 1
        key = attention.kind, attention.hctl
        if key in self._counts or len(self._counts) < MOST_KEPT:
            self._counts[key] = self._counts.get(key, 0) + attention.count
        else:
            self._problems["too_many"] += 1

    def report(self) -> None:
        """Report what has been taken: now if the last report is at least ``PAUSE`` seconds old, otherwise then."""
        if self._pause is None and (self._counts or self._problems):
            self._flush()
            self._pause = self._call_later(PAUSE, self._resume)

    def close(self) -> None:
        """Report at once what has been taken; nothing is called later any more."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._flush()

    def _resume(self) -> None:
        self._pause = None
        self.report()

    def _flush(self) -> None:
        counts, self._counts = self._counts, {}
        problems, self._problems = self._problems, Counter()
        if counts:
            self._emit(UnitAttentions(tuple(UnitAttention(*key, count) for key, count in counts.items())))
        for reason, count in sorted(problems.items()):
            self._emit(SourceErrors(SourceName.UEVENT, reason, count))
