"""The bounds of a soak, and which of them an outcome breaks. Pure: figures in, one line for each broken bound out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.figures import quantile
from benchmarks.soak.clients import SCRAPERS
from benchmarks.soak.outcome import Outcome, Quiet
from benchmarks.soak.plan import GIVEN_UP
from benchmarks.soak.trend import HOUR, Trend, trend

SPARE: Counter[str] = Counter({"state/state.db": 2})
"""Descriptors that may be there or not. SQLite can't close one of a database as long as another connection of the
process has a lock on it, and uses it again for the next connection (unixClose() in os_unix.c): at most one for those
that write, and one for those that only read."""
SHOWN = 3
"""Of many objects that break one bound, so many are named."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is allowed: growth in KiB an hour and at once, milliseconds, MiB.

    A process grows at once when it does something for the first time that the rehearsal has not done, or fills a cache.
    """

    growth: float
    growth_at_once: float
    event_median: float
    event_99: float
    scrape_99: float
    database: float
    recording: float


LONG = Bounds(
    growth=1024.0,
    growth_at_once=1024.0,
    event_median=50.0,
    event_99=1000.0,
    scrape_99=1000.0,
    database=48.0,
    recording=2.0,
)
SHORT = Bounds(
    growth=1024.0,
    growth_at_once=6144.0,
    event_median=250.0,
    event_99=4000.0,
    scrape_99=4000.0,
    database=8.0,
    recording=2.0,
)
"""For a machine that may be busy with other things, and a daemon whose caches are not full yet."""


def allowed(bounds: Bounds, seconds: float) -> float:
    """By how many KiB an hour memory may grow, as far as samples of so many seconds can show."""
    return max(bounds.growth, bounds.growth_at_once / seconds * HOUR)


def memory(outcome: Outcome) -> tuple[Trend, float]:
    """How resident memory grows after the warming up, and over how many seconds that was looked at."""
    points = [(each.at, each.rss) for each in outcome.samples if each.at >= outcome.course.warm_up]
    return trend(points), points[-1][0] - points[0][0]


def broken(outcome: Outcome, bounds: Bounds) -> list[str]:
    """The bounds that are broken, a line each."""
    return [line for judge in _JUDGES for line in judge(outcome, bounds)]


def _stderr(outcome: Outcome, _bounds: Bounds) -> Iterator[str]:
    if "Traceback" in outcome.stderr:
        yield f"a traceback on standard error: {outcome.stderr.strip().splitlines()[-1]}"


def _memory(outcome: Outcome, bounds: Bounds) -> Iterator[str]:
    try:
        found, seconds = memory(outcome)
    except (ValueError, IndexError) as error:
        yield f"memory can't be judged: {error}"
        return
    most = allowed(bounds, seconds)
    if found.low > most:
        interval = f"with 95 % certainty by {found.low:,.0f} to {found.high:,.0f}"
        yield f"memory grows by {found.slope:,.0f} KiB an hour, {interval}; allowed are {most:,.0f}"


def more(before: Quiet, after: Quiet) -> dict[str, list[str]]:
    """What the later one has more, by what it is."""
    found = {
        what: list((Counter(read(after)) - Counter(read(before)) - SPARE).elements()) for what, read in _HELD.items()
    }
    return {what: objects for what, objects in found.items() if objects}


def _held(outcome: Outcome, _bounds: Bounds) -> Iterator[str]:
    for what, objects in more(outcome.before, outcome.after).items():
        counts = [len(_HELD[what](quiet)) for quiet in (outcome.before, outcome.after)]
        yield f"{counts[0]} {what} before the load, {counts[1]} after it; more are {_some(objects)}"


def _kind(descriptor: str) -> str:
    """What a descriptor leads to, without what is different each time: numbers of sockets, temporary directories."""
    return "/".join(descriptor.split("/")[-2:]) if descriptor.startswith("/") else descriptor.partition("[")[0]


_HELD: dict[str, Callable[[Quiet], Sequence[str]]] = {
    "descriptors": lambda quiet: list(map(_kind, quiet.descriptors)),
    "threads": lambda quiet: quiet.threads,
    "children": lambda quiet: list(map(str, quiet.children)),
}


def _events(outcome: Outcome, bounds: Bounds) -> Iterator[str]:
    ledger, numbers = outcome.ledger, outcome.numbers
    explained = numbers.overflows or ledger.events["events_lost"]
    # More may be counted: the kernel announces this machine's own devices in this namespace, too
    # (uevent_net_broadcast_untagged() in lib/kobject_uevent.c).
    if numbers.uevents < ledger.sent and not explained:
        yield f"{ledger.sent} uevents were sent, and {numbers.uevents} counted, without a loss being reported"
    if ledger.missing and not explained:
        yield f"{len(ledger.missing)} of {ledger.due} entries are missing: {_some(ledger.missing)}"
    if ledger.extra and not explained and not _was_late(outcome):
        yield f"{ledger.extra.total()} entries about paths that nothing explains: {_some(list(ledger.extra))}"
    if outcome.latencies:
        for share, words, most in ((0.5, "the median", bounds.event_median), (0.99, "99 of 100", bounds.event_99)):
            took = quantile(outcome.latencies, share)
            if took > most:
                yield f"from a uevent to its entry, {words}: {took:,.0f} ms; allowed are {most:,.0f}"
    else:
        yield "no event was measured"


def _was_late(outcome: Outcome) -> bool:
    """Whether the daemon has been late by as much as a path was down.

    Then it may have read in multipathd's listing that a path failed and returned, before the uevents that say the same.
    """
    waited = [each for kind in SCRAPERS if kind in outcome.answers for each in outcome.answers[kind].seconds]
    slowest = max([*waited, *(each / 1e3 for each in outcome.latencies)], default=0.0)
    return slowest > (1 - GIVEN_UP) * outcome.pace.down


def _answers(outcome: Outcome, bounds: Bounds) -> Iterator[str]:
    for kind, each in outcome.answers.items():
        if each.problems:
            of = len(each.problems) + len(each.seconds)
            yield f"{len(each.problems)} of {of} answers to {kind} have failed: {_some(each.problems)}"
        if not each.seconds:
            yield f"no answer to {kind}"
        elif kind in SCRAPERS and (took := quantile(each.seconds, 0.99) * 1e3) > bounds.scrape_99:
            yield f"a scrape ({kind}), 99 of 100: {took:,.0f} ms; allowed are {bounds.scrape_99:,.0f}"


def _state(outcome: Outcome, _bounds: Bounds) -> Iterator[str]:
    if outcome.disagreements:
        yield f"the state is wrong in {len(outcome.disagreements)} places: {_some(outcome.disagreements)}"


def _files(outcome: Outcome, bounds: Bounds) -> Iterator[str]:
    sizes = {"database": bounds.database, "recording": bounds.recording}
    for what, most in sizes.items():
        size = max((getattr(each, what) for each in outcome.samples), default=0) / (1 << 20)
        if size > most:
            yield f"the {what} has grown to {size:.1f} MiB; allowed are {most:g}"
        if not size:
            yield f"there is no {what}"


def _reports(outcome: Outcome, _bounds: Bounds) -> Iterator[str]:
    """Each disturbance is reported, and nothing else is."""
    events, done = outcome.ledger.events, outcome.done
    full, room = events["source_down store disk_full"], events["source_up store"]
    if done.unnoticed:
        yield f"{done.unnoticed} times nothing was written while the disk was full, and that was not reported"
    # The store frees its log when it can't write, so that there may be room for a moment.
    if not done.disk - done.written <= full <= 2 * done.disk:
        yield f"source_down store disk_full: {full} entries for {done.disk} times that the disk was full"
    if room != full:
        yield f"source_up store: {room} entries for {full} of source_down"
    if outcome.ledger.reloads != done.reloads:
        yield f"{done.reloads} reloads were asked for, and {outcome.ledger.reloads} reported"
    sources = {name for name in events if name.startswith("source_down ")} - {"source_down store disk_full"}
    for name in sorted(sources):
        yield f"{name}: {events[name]} entries that nothing explains ({outcome.ledger.messages.get(name, '')})"
    if outcome.ledger.errors:
        yield f"{len(outcome.ledger.errors)} messages of priority err: {_some(outcome.ledger.errors)}"
    for outlet, count in outcome.numbers.lost.items():
        if count:
            yield f"the outlet {outlet} has lost {count} items"


_JUDGES: tuple[Callable[[Outcome, Bounds], Iterator[str]], ...] = (
    _stderr,
    _memory,
    _held,
    _events,
    _answers,
    _state,
    _files,
    _reports,
)


def _some(found: Sequence[object]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    texts = ["/".join(each) if isinstance(each, tuple) else str(each) for each in found[:SHOWN]]
    return ", ".join(texts) + more
