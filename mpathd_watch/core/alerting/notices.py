"""What one receiver of mails or one hook gets, and when: entries, their all-clear, reminders, summaries of too many.

All of it is values in, values out. What is sent is a ``Notice``; what must be known to send the next one is in the
``Ledger`` of the receiver.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final

from mpathd_watch.core.alerting.pairs import (
    Entry,
    after_restart,
    begins_again,
    ended_by,
    ends_suspicion,
    topic,
    unknown,
)
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.immutable import immutable, replace

HOUR: Final = 3600.0
MOST: Final = 30
"""Notices about single entries within an hour. What is more goes into summaries."""
RESERVED: Final = 10
"""How many of these are kept for entries of priority crit."""
SUMMARY_AFTER: Final = 600.0
"""Seconds from the first entry that finds no room to the summary: at most six of them an hour."""
QUOTED: Final = 50
"""Entries that a summary quotes, the worst first. The others are counted."""
FOLLOWED: Final = 1024
"""Topics that may stand at a time for one receiver. What is more is sent, but has neither reminder nor all-clear."""
SETTLED_AFTER: Final = 60.0
"""Seconds after a suspect path is up again until that is the all-clear, if its incident has not ended by then."""
CONFIRMED_WITHIN: Final = 300.0
"""Seconds after a restart within which a source that is still down has been reported again."""
SUMMARY: Final = "summary"
"""The event of a summary."""
TEST: Final = "test"
"""The event of a notice that only shows that it arrives."""


class Step(StrEnum):
    """Why a notice is sent."""

    ALERT = "alert"
    REMINDER = "reminder"
    ALL_CLEAR = "all_clear"
    DROPPED = "dropped"
    SUMMARY = "summary"
    TEST = "test"


@immutable
class Wish:
    """What a receiver wants: entries of this ``priority`` or worse, and of these ``events`` unless there are none.

    ``repeat`` is how many seconds pass between two reminders of what stands; with 0 there are none.
    """

    priority: Priority
    events: frozenset[str]
    repeat: float

    def fits(self, entry: Entry) -> bool:
        """Whether the receiver wants the entry for its own sake."""
        return entry.priority <= self.priority and (not self.events or entry.event in self.events)


@immutable
class Notice:
    """One message. ``thread`` is shared by all about one thing, of which this is number ``number``, from 0 on.

    ``topics`` are what it is about, as far as that stands. A summary has the ``quoted`` entries.
    """

    step: Step
    entry: Entry
    at: Instant
    thread: str
    number: int = 0
    topics: frozenset[str] = frozenset()
    quoted: tuple[Entry, ...] = ()

    @property
    def priority(self) -> Priority:
        """How urgent the notice is: an all-clear is a notice, however the entry that it is made from is rated."""
        return max(self.entry.priority, Priority.NOTICE) if self.step is Step.ALL_CLEAR else self.entry.priority


@immutable
class Standing:
    """A topic that the receiver knows of, and that has not ended: what began it ``since``, and the worst ``entry``.

    ``made`` counts the notices about it, of which the last was made at ``sent``; it has been ``delivered``, or given
    up. ``end`` is the entry that ends the topic, at ``settles`` (CLOCK_MONOTONIC) at the latest.
    """

    entry: Entry
    since: Instant
    sent: Instant
    made: int = 1
    delivered: bool = False
    again: bool = False
    """Whether the last notice was lost with the daemon that made it."""
    end: Entry | None = None
    settles: float | None = None


@immutable
class Withheld:
    """What the next summary is about: how many notices of which kind since when, and the worst of them.

    ``missed`` entries came faster than they could be taken. ``unfollowed`` ones were sent, but no room was left to
    follow them.
    """

    since: float
    counts: Mapping[str, int] = field(default_factory=dict)
    quoted: tuple[Entry, ...] = ()
    topics: frozenset[str] = frozenset()
    missed: int = 0
    unfollowed: int = 0


@immutable
class Ledger:
    """What one receiver has been sent: the topics that stand, when single notices were made, what waits for a summary.

    Every method returns the next ledger with the notices to send now. ``busy``: so many of them wait already that
    another one had better be part of a summary.
    """

    standing: Mapping[str, Standing] = field(default_factory=dict)
    made: tuple[float, ...] = ()
    withheld: Withheld | None = None

    def take(self, wish: Wish, entry: Entry, now: Instant, *, busy: bool = False) -> tuple[Ledger, tuple[Notice, ...]]:
        """An entry has come."""
        ended = ended_by(entry)
        if known := self.standing.get(ended):
            return self._end(ended, known, entry, now, busy=busy)
        name = topic(entry)
        known = self.standing.get(name)
        if known is not None and known.end is None and ends_suspicion(entry, known.entry):
            waiting = replace(known, end=entry, settles=now.monotonic + SETTLED_AFTER)
            return self._with(name, waiting), ()
        if known is not None and known.settles is not None and begins_again(entry, known.entry):
            return self._with(name, replace(known, end=None, settles=None)), ()
        if not wish.fits(entry):
            return self, ()
        # What has only recovered once its incident had ended begins no new topic.
        over = known is None or (known.end is not None and known.settles is None)
        if not name or (over and ended):
            return self._pass_on(
                Notice(Step.ALERT, entry, now, _thread(f"{entry.message} {sorted(entry.fields.items())}", now)),
                now,
                busy=busy,
            )
        return self._begin(name, known, entry, now, busy=busy)

    def miss(self, count: int, now: Instant) -> Ledger:
        """So many entries came faster than they could be taken."""
        withheld = self.withheld or Withheld(now.monotonic)
        return replace(self, withheld=replace(withheld, missed=withheld.missed + count))

    def due(self, wish: Wish, now: Instant, *, busy: bool = False) -> tuple[Ledger, tuple[Notice, ...]]:
        """Time has passed: reminders, and the summary."""
        ledger, notices = self, list[Notice]()
        for name, known in self.standing.items():
            moment = _next_of(known, wish)
            if moment is None or moment > now.monotonic:
                continue
            if known.end is not None and (known.settles is None or not known.again):
                ledger, more = ledger._end(name, known, known.end, now, busy=busy)
            else:
                step = Step.ALERT if known.again else Step.REMINDER
                ledger, more = ledger._repeat(step, name, known, now, busy=busy)
            notices += more
        ledger, more = ledger._summarise(now, busy=busy)
        return ledger, (*notices, *more)

    def next_due(self, wish: Wish) -> float | None:
        """When ``due`` has something to do at the earliest, in CLOCK_MONOTONIC seconds; ``None``: never."""
        moments = [_next_of(known, wish) for known in self.standing.values()]
        if self.withheld is not None:
            moments.append(self.withheld.since + SUMMARY_AFTER)
        return min((moment for moment in moments if moment is not None), default=None)

    def done(self, notice: Notice) -> Ledger:
        """The notice has been delivered, or given up."""
        standing = dict(self.standing)
        for name in notice.topics & standing.keys():
            known = standing[name]
            if known.end is None or known.settles is not None:
                standing[name] = replace(known, delivered=True)
            elif notice.step in (Step.ALL_CLEAR, Step.DROPPED, Step.SUMMARY):
                del standing[name]
        return replace(self, standing=standing)

    # --- one entry ----------------------------------------------------------------------------------------------------

    def _begin(
        self, name: str, known: Standing | None, entry: Entry, now: Instant, *, busy: bool
    ) -> tuple[Ledger, tuple[Notice, ...]]:
        """The topic stands, or there is more to report of it."""
        ledger, topics = self, frozenset({name})
        if known is None or (known.end is not None and known.settles is None):
            known = Standing(entry, now, now, 0)
            if name not in self.standing and len(self.standing) >= FOLLOWED:
                withheld = self.withheld or Withheld(now.monotonic)
                ledger = replace(self, withheld=replace(withheld, unfollowed=withheld.unfollowed + 1))
                topics = frozenset()
        worse = entry if entry.priority <= known.entry.priority else known.entry
        notice = Notice(Step.ALERT, entry, now, _thread(name, known.since), known.made, topics)
        fresh = replace(
            known, entry=worse, sent=now, made=known.made + 1, delivered=False, again=False, end=None, settles=None
        )
        return (ledger._with(name, fresh) if topics else ledger)._pass_on(notice, now, busy=busy)

    def _end(
        self, name: str, known: Standing, entry: Entry, now: Instant, *, busy: bool
    ) -> tuple[Ledger, tuple[Notice, ...]]:
        """The topic has ended, or is not followed any more. Until that has been delivered it is kept."""
        if known.end is not None and known.settles is None and not known.again:
            return self, ()
        step = Step.DROPPED if entry.event == known.entry.event else Step.ALL_CLEAR
        notice = Notice(step, entry, now, _thread(name, known.since), known.made, frozenset({name}))
        over = replace(known, sent=now, made=known.made + 1, delivered=False, again=False, end=entry, settles=None)
        return self._with(name, over)._pass_on(notice, now, busy=busy)

    def _repeat(
        self, step: Step, name: str, known: Standing, now: Instant, *, busy: bool
    ) -> tuple[Ledger, tuple[Notice, ...]]:
        """The topic still stands."""
        entry = known.entry
        if step is Step.REMINDER:
            lasted = duration(now.since(known.since))
            entry = replace(entry, message=f"This still stands after {lasted}: {entry.message}")
        notice = Notice(step, entry, now, _thread(name, known.since), known.made, frozenset({name}))
        fresh = replace(known, sent=now, made=known.made + 1, delivered=False, again=False)
        return self._with(name, fresh)._pass_on(notice, now, busy=busy)

    def _with(self, name: str, standing: Standing) -> Ledger:
        return replace(self, standing={**self.standing, name: standing})

    # --- too many -----------------------------------------------------------------------------------------------------

    def _pass_on(self, notice: Notice, now: Instant, *, busy: bool) -> tuple[Ledger, tuple[Notice, ...]]:
        """The notice, unless there are too many: then it becomes a part of the next summary."""
        recent = tuple(moment for moment in self.made if now.monotonic - moment < HOUR)
        urgent = notice.priority <= Priority.CRIT
        room = MOST if urgent else MOST - RESERVED
        if not busy and len(recent) < room and (self.withheld is None or urgent):
            return replace(self, made=(*recent, now.monotonic)), (notice,)
        withheld = self.withheld or Withheld(now.monotonic)
        kind = notice.entry.event if notice.step is Step.ALERT else f"{notice.entry.event} ({notice.step})"
        withheld = replace(
            withheld,
            counts={**withheld.counts, kind: withheld.counts.get(kind, 0) + 1},
            quoted=tuple(sorted((*withheld.quoted, notice.entry), key=lambda each: each.priority)[:QUOTED]),
            topics=withheld.topics | notice.topics,
        )
        return replace(self, made=recent, withheld=withheld), ()

    def _summarise(self, now: Instant, *, busy: bool) -> tuple[Ledger, tuple[Notice, ...]]:
        withheld = self.withheld
        if withheld is None or busy or now.monotonic < withheld.since + SUMMARY_AFTER:
            return self, ()
        total = sum(withheld.counts.values())
        worst = min((each.priority for each in withheld.quoted), default=Priority.WARNING)
        message = " ".join(_sentences(withheld, total, now))
        entry = Entry(SUMMARY, worst, message, {"COUNT": str(total + withheld.missed)})
        notice = Notice(Step.SUMMARY, entry, now, _thread(SUMMARY, now), topics=withheld.topics, quoted=withheld.quoted)
        return replace(self, withheld=None), (notice,)


def sample(now: Instant) -> Notice:
    """What is sent to show that it arrives."""
    message = "This is a test of mpathd-watch. Nothing has happened, and nothing needs to be done."
    return Notice(Step.TEST, Entry(TEST, Priority.NOTICE, message, {}), now, _thread(TEST, now))


def restored(standing: Mapping[str, Standing], now: Instant, incidents: Collection[str] | None = None) -> Ledger:
    """The ledger of a daemon that has just started. The wall clock connects its moments with those of the last one.

    ``incidents``: the ids of all that the daemon goes on with; ``None`` if that is not known. Others are reported once
    more, and dropped: their end will never be reported.
    """
    return Ledger(dict(_restored(standing.items(), now, incidents)))


def _restored(
    standing: Iterable[tuple[str, Standing]], now: Instant, incidents: Collection[str] | None
) -> Iterator[tuple[str, Standing]]:
    def moment(then: Instant) -> Instant:
        return Instant(now.monotonic - max(0.0, now.wall - then.wall), then.wall)

    for name, known in standing:
        end, settles = known.end, None if known.settles is None else now.monotonic + SETTLED_AFTER
        over = after_restart(known.entry)
        if over is not None and (end is None or settles is not None):
            end, settles = over, now.monotonic + CONFIRMED_WITHIN
        dropped = None if incidents is None else unknown(known.entry, incidents)
        if dropped is not None and (end is None or settles is not None):
            end, settles = dropped, None
        yield (
            name,
            replace(
                known,
                since=moment(known.since),
                sent=moment(known.sent),
                again=not known.delivered or (dropped is not None and end is dropped),
                end=end,
                settles=settles,
            ),
        )


def _next_of(known: Standing, wish: Wish) -> float | None:
    """When the next notice about the topic is to be made, if nothing comes."""
    if known.again:
        return known.sent.monotonic
    if known.end is not None:
        return known.settles
    return known.sent.monotonic + wish.repeat if wish.repeat else None


def _sentences(withheld: Withheld, total: int, now: Instant) -> Iterator[str]:
    """What the summary is about."""
    kinds = sorted(withheld.counts.items(), key=lambda each: (-each[1], each[0]))
    if total:
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds)
        yield f"{plural(total, 'more message')} within {duration(now.monotonic - withheld.since)}: {counted}."
        yield f"The worst: {withheld.quoted[0].message}"
    if withheld.missed:
        yield f"Entries that came too fast to be sent: {withheld.missed}; the journal has them."
    if withheld.unfollowed:
        yield (
            f"Too much stands at the same time: {withheld.unfollowed} of it will have no reminder and no all-clear; "
            "run mpathd-watch status."
        )


def _thread(name: str, since: Instant) -> str:
    """A short name for a topic that began at this moment: the same after a restart."""
    return hashlib.sha256(f"{name} {since.wall:.3f}".encode()).hexdigest()[:16]
