"""A thread that delivers notices to receivers of one kind, one at a time: nothing else waits for it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mpathd_watch.core.alerting.notices import Ledger, Notice, Standing, Wish, restored
from mpathd_watch.core.alerting.pairs import ENDING, Entry, entry_of
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.hooks.outcome import Outcome, Result

INBOX: Final = 4096
"""Entries that may wait until the thread takes them. More come only in a storm; they are counted."""
OUTBOX: Final = 30
"""Notices that may wait for delivery one by one. While there are so many, further ones go into a summary."""
RETRIES: Final = (30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0)
"""Seconds to the next attempt; the last one repeats. Greylisting usually ends after 1 to 15 minutes. What is new waits
for the first of them at most: its receiver may be back long before it is tried again for something old."""
GIVEN_UP_AFTER: Final = 24 * 3600.0
"""Seconds from the first attempt to the last."""
AFTER_BUG: Final = 10.0
"""Seconds of pause after a bug of ours, which may come again at once."""

Standings = Mapping[str, Mapping[str, Standing]]
"""What stands, by the keys of the receivers and the topics."""


@immutable
class Receiver:
    """Whom to notify: ``key`` stays the same over restarts, ``label`` is for people. ``deliver`` may take a minute."""

    key: str
    label: str
    wish: Wish
    deliver: Callable[[Notice], Outcome]


@dataclass(slots=True)
class _Item:
    """A notice that waits for delivery to a receiver, at ``due`` (CLOCK_MONOTONIC) at the earliest."""

    receiver: Receiver
    notice: Notice
    due: float
    attempts: int = 0
    first: float | None = None


@dataclass(slots=True)
class _Inbox:
    """What other threads have left for this one."""

    entries: deque[Entry] = field(default_factory=deque)
    missed: int = 0
    receivers: Sequence[Receiver] | None = None
    ending: bool = False


@dataclass(slots=True)
class _Tally:
    """What is counted: results by the label of the receiver, and what will never arrive.

    ``trouble`` is why notices are deferred, which is logged once; nothing is sent before ``blocked``, except for what
    is new. ``tried`` is the last attempt (both CLOCK_MONOTONIC).
    """

    results: Counter[tuple[str, Result]] = field(default_factory=Counter)
    lost: int = 0
    trouble: str = ""
    blocked: float = 0.0
    tried: float = 0.0


class Post:
    """Notifies ``receivers`` of what they want, on a daemon thread named ``name``. Any thread may call it.

    ``standing`` is what they knew of when the last daemon ended, and ``incidents`` what this one goes on with (see
    ``restored``); ``keep`` gets what stands whenever that changes, on the thread.
    ``noun`` is what people call one message.
    """

    def __init__(
        self,
        name: str,
        noun: str,
        now: Callable[[], Instant],
        log: Callable[[Priority, str], None],
        *,
        standing: Standings,
        incidents: Collection[str] | None = None,
        keep: Callable[[Standings], None] = lambda _: None,
    ) -> None:
        self._noun = noun
        self._now = now
        self._log = log
        self._keep = keep
        self._changed = threading.Condition()
        self._inbox = _Inbox()
        self._least = Priority.CRIT
        self._tally = _Tally()
        self._ledgers = {key: restored(each, now(), incidents) for key, each in standing.items()}
        self._receivers: tuple[Receiver, ...] = ()
        self._items: list[_Item] = []
        self._kept = standing
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_used(self) -> bool:
        """Whether there has been a receiver."""
        return self._thread.ident is not None

    @property
    def outlet(self) -> Outlet:
        """What was not delivered, as of now."""
        waiting = len(self._inbox.entries) + len(self._items)
        return Outlet(self._tally.lost, waiting, bool(self._tally.trouble))

    @property
    def results(self) -> Mapping[tuple[str, Result], int]:
        """How many attempts had which result, by the label of the receiver."""
        return dict(self._tally.results)

    def notify(self, receivers: Sequence[Receiver]) -> None:
        """Notify these receivers from now on, and no others. Returns at once."""
        with self._changed:
            self._inbox.receivers = receivers
            self._least = max((each.wish.priority for each in receivers), default=Priority.CRIT)
            for each in receivers:
                for result in (Result.OK, Result.FAILED):
                    self._tally.results.setdefault((each.label, result), 0)
            if receivers and not self._thread.ident:
                self._thread.start()
            self._changed.notify()

    def alert(self, alert: Alert) -> None:
        """Take an alert, if it may concern anybody. Returns at once."""
        if not self._thread.ident or (alert.priority > self._least and alert.kind.event not in ENDING):
            return
        with self._changed:
            if len(self._inbox.entries) < INBOX:
                self._inbox.entries.append(entry_of(alert))
            else:
                self._inbox.missed += 1
            self._changed.notify()

    def stop(self, deadline: float) -> bool:
        """Deliver what is due, for at most ``deadline`` seconds. Returns whether nothing is left."""
        if not self._thread.ident:
            return True
        with self._changed:
            self._inbox.ending = True
            self._changed.notify()
        self._thread.join(deadline)
        left = [item for item in list(self._items) if not item.notice.topics]  # others are sent after the next start
        self._tally.lost += len(left)
        if left:
            self._log(Priority.WARNING, f"{plural(len(left), self._noun)} not sent: mpathd-watch ends.")
        return not left and not self._thread.is_alive()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001  # a bug must not end the thread: what comes later is delivered
                detail = f"{type(error).__name__}: {error}"
                self._log(Priority.ERR, f"Internal error in mail or hooks ({detail}). Please report this.")
                time.sleep(AFTER_BUG)

    def _work(self) -> None:
        """Take what has come, make what is due, and attempt one delivery."""
        now = self._now()
        self._take(now)
        for receiver in self._receivers:
            ledger = self._ledgers[receiver.key]
            self._put(receiver, ledger.due(receiver.wish, now, busy=self._is_busy(receiver)), now)
        self._save()
        item = self._next()
        if item is not None and item.due <= now.monotonic:
            self._attempt(item)
            self._save()

    def _wait(self) -> bool:
        """Wait until there is something to do. Returns whether to go on."""
        with self._changed:
            while True:
                inbox = self._inbox
                if inbox.entries or inbox.receivers is not None or inbox.missed:
                    return True
                seconds = self._seconds_to_next()
                if seconds is not None and seconds <= 0:
                    return True
                if inbox.ending:
                    return False
                self._changed.wait(seconds)

    def _seconds_to_next(self) -> float | None:
        # Where there is no room, reminders and summaries wait until there is.
        free = [each for each in self._receivers if not self._is_busy(each)]
        moments = [self._ledgers[each.key].next_due(each.wish) for each in free]
        if (item := self._next()) is not None:
            moments.append(item.due)
        soonest = min((each for each in moments if each is not None), default=None)
        return None if soonest is None else soonest - self._now().monotonic

    def _is_busy(self, receiver: Receiver) -> bool:
        return sum(item.receiver is receiver for item in self._items) >= OUTBOX

    def _next(self) -> _Item | None:
        return min(self._items, key=lambda item: item.due, default=None)

    def _take(self, now: Instant) -> None:
        """Take over what other threads have left."""
        with self._changed:
            inbox, self._inbox = self._inbox, _Inbox(ending=self._inbox.ending)
        if inbox.receivers is not None:
            self._receivers = tuple(inbox.receivers)
            self._ledgers = {each.key: self._ledgers.get(each.key, Ledger()) for each in self._receivers}
            fresh = {each.key: each for each in self._receivers}
            self._items = [item for item in self._items if item.receiver.key in fresh]
            for item in self._items:
                item.receiver, item.due = fresh[item.receiver.key], now.monotonic
            self._tally.blocked = 0.0
        for receiver in self._receivers:
            for entry in inbox.entries:
                ledger = self._ledgers[receiver.key]
                self._put(receiver, ledger.take(receiver.wish, entry, now, busy=self._is_busy(receiver)), now)
            if inbox.missed:
                self._ledgers[receiver.key] = self._ledgers[receiver.key].miss(inbox.missed, now)

    def _put(self, receiver: Receiver, made: tuple[Ledger, Sequence[Notice]], now: Instant) -> None:
        self._ledgers[receiver.key] = made[0]
        due = max(now.monotonic, min(self._tally.blocked, self._tally.tried + RETRIES[0]))
        self._items += [_Item(receiver, notice, due) for notice in made[1]]

    def _attempt(self, item: _Item) -> None:
        began = self._now().monotonic
        try:
            outcome = item.receiver.deliver(item.notice)
        except Exception as error:  # noqa: BLE001  # a bug must not end the thread: what comes later is delivered
            outcome = Outcome(Result.FAILED, f"internal error, {type(error).__name__}: {error}. Please report this")
        self._tally.results[item.receiver.label, outcome.result] += 1
        item.first = began if item.first is None else item.first
        now = self._tally.tried = self._now().monotonic
        if outcome.result is Result.DEFERRED and now - item.first < GIVEN_UP_AFTER:
            self._defer(item, outcome, now)
            return
        self._items.remove(item)
        self._ledgers[item.receiver.key] = self._ledgers[item.receiver.key].done(item.notice)
        if outcome.result is Result.OK:
            self._succeeded(now)
            return
        self._tally.lost += 1
        final = f" It was tried for {duration(now - item.first)}, and is given up." if item.attempts else ""
        advice = "To try again: mpathd-watch notify --test."
        self._log(Priority.WARNING, f"A {self._noun} failed: {outcome.detail}.{final} {advice}")

    def _succeeded(self, now: float) -> None:
        """What was deferred can go out now, unless the receiver has deferred only that."""
        if self._tally.blocked:
            self._tally.blocked = 0.0
            for each in self._items:
                each.due = min(each.due, now)
        if self._tally.trouble and not any(each.attempts for each in self._items):
            self._tally.trouble = ""
            self._log(Priority.NOTICE, f"Each {self._noun} that was deferred has been delivered, or given up.")

    def _defer(self, item: _Item, outcome: Outcome, now: float) -> None:
        """Try again later: this one, or all of them."""
        pause = RETRIES[min(item.attempts, len(RETRIES) - 1)]
        item.attempts += 1
        item.due = now + pause
        if outcome.everything:
            self._tally.blocked = item.due
            for each in self._items:
                each.due = max(each.due, item.due)
        if (trouble := outcome.detail) != self._tally.trouble:
            self._tally.trouble = trouble
            self._log(
                Priority.WARNING,
                f"A {self._noun} is deferred: {trouble}. It is tried again after {duration(pause)}, then less often, "
                f"for {duration(GIVEN_UP_AFTER)}.",
            )

    def _save(self) -> None:
        standing = {key: ledger.standing for key, ledger in self._ledgers.items() if ledger.standing}
        if standing != self._kept:
            self._kept = standing
            self._keep(standing)
