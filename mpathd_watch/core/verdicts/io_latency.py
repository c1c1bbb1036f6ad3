"""Whether the I/O of one path takes longer than that of its siblings: the evidence for it, window by window.

A window lies between two readings of the disks of one map, and is the same for all of its paths. In it, each path is
compared with its siblings, the usable paths of the same path group and access state: what its I/Os took, with what
they would have taken at the siblings' pace. Like is compared with like: reads with reads, writes with writes, and an
I/O of twice the size may take twice as long. What a window shows of a path is one ``Finding``.

Evidence against a verdict is gathered over windows in a row. A path is slow after ``SECONDS`` of worse windows,
``COUNT`` of them at least, if its I/Os in all of them together took ``SLOW`` times as long. A stark window counts
``STARK_SECONDS`` times as long, and ``STARK_COUNT`` times. So a path that takes three times as long is slow after five
windows, and one that takes ten times as long after four short ones, and never after less. A window that finds it well
drops the evidence. An unclear one changes nothing, but the gaps between worse windows must not be longer in all than
these. ``STEADY_SECONDS`` of windows that all find a slow path well end it.

A window ends as soon as it is stark, else after ``WINDOW``. While it has too few I/Os to decide, it goes on, up to
``LONGEST``. Without a result for ``FORGET`` seconds, the verdict and the evidence are dropped.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import Enum, auto

from mpathd_watch.core.model.facts import IoFacts
from mpathd_watch.core.verdicts.comparison import Comparison, Measure, median
from mpathd_watch.immutable import immutable, replace

WINDOW = 4.5
"""Seconds of a window at least, slightly less than the time between two readings of the disks."""

LONGEST = 9.5
"""Seconds after which a window ends in any case, slightly less than two such times."""

SHORTEST = 0.8
"""Seconds of a stark window at least, slightly less than between two readings of a map that is watched."""

ENOUGH = 20
"""I/Os of the path, and of a sibling, for a mean."""

FEW = 10
"""The same for a stark window: what odd I/Os may take is so much for each of ten that it needs no more."""

SLOW = 2.5
"""Times the siblings' latency. The mean of a path that takes three times as long is hardly ever below this."""

WORSE = 2.0
"""The same of one window. Path selectors and caches make paths of one disk differ by as much now and then."""

EXCESS = 0.005
"""Seconds an I/O that a slow path is above its siblings at least: 5 ms are a seek of a disk. 0.6 ms are three times
0.2 ms, and nobody's trouble. Below half of that a path is well."""

STARK = 6.0
"""Times the siblings' latency. The mean of a path that takes ten times as long is below this in few windows."""

STARK_EXCESS = 0.030
"""Seconds an I/O. Losing 4 % of the packets each way costs 17 ms: 8 % of small I/Os wait for a retransmission, which
comes after 200 ms (TCP_RTO_MIN in include/net/tcp.h)."""

ODD = 1.0
"""Seconds that odd I/Os may take in a window beside the rest: a path is not slow because one of 20 waited for that."""

RETRANSMISSION = 0.5
"""Seconds that one retransmitted segment excuses: the I/O that waited for it, at least 200 ms, and as probably another
one whose answer the target had to send again, which this host does not count."""

EXCUSED = 0.040
"""Seconds an I/O that retransmissions excuse at most. On a busy connection they cost less than they excuse, and a link
that delays as well as loses shall not hide behind its losses."""

SECONDS = 22.0
COUNT = 5.0
STARK_SECONDS = 4.0
STARK_COUNT = 1.5
"""Evidence for a slow path, see above. Five windows of ``WINDOW`` make ``SECONDS``; four stark ones make ``COUNT``."""

STEADY_SECONDS = 55.0

FORGET = 300.0
"""Seconds without a result: an alert about last night's load must not stand through an idle weekend."""

_LONGEST_MS = 1 << 33
"""Milliseconds: two counters of 32 bits (part_stat_show() in block/genhd.c). A window with more shows nothing."""


@immutable
class Reading:
    """What is known of one usable path of a map when its disks have been read.

    ``io``: the totals of its disk. ``kin``: only paths of equal ``kin`` are siblings. ``retransmits``: the segments
    that its session has sent again, ever.
    """

    io: IoFacts | None
    kin: Hashable = None
    retransmits: int = 0


@immutable
class Window:
    """When it began (CLOCK_MONOTONIC seconds), and the totals then."""

    began: float
    io: IoFacts
    retransmits: int


@immutable
class Evidence:
    """What contradicts the verdict on a path: windows in a row, of which the first began at ``since``.

    ``count`` and ``weight`` (seconds) as in the module's docstring. The ``seconds`` of the windows, the path's ``ios``
    in them, the seconds that these ``took``, and the seconds ``expected`` by the siblings' pace.
    """

    since: float
    count: float = 0.0
    weight: float = 0.0
    seconds: float = 0.0
    ios: int = 0
    took: float = 0.0
    expected: float = 0.0

    @property
    def comparison(self) -> Comparison:
        """All of the windows as one."""
        return Comparison(Measure.LATENCY, self.took / self.ios, self.expected / self.ios, self.seconds, self.ios)


@immutable
class Latency:
    """The verdict on a path by its latency.

    ``evidence`` against it. ``compared``: what made the path slow or, later, the last window; or what has just found
    it well. ``seen``: when a window last had a result (CLOCK_MONOTONIC seconds).
    """

    slow: bool = False
    window: Window | None = None
    evidence: Evidence | None = None
    compared: Comparison | None = None
    seen: float = 0.0

    def forgotten(self, now: float) -> Latency:
        """The same, or without the verdict and the evidence if these are too old."""
        if not (self.slow or self.evidence) or now - self.seen < FORGET:
            return self
        return Latency(window=self.window)


class Grade(Enum):
    """What a window shows of a path."""

    STARK = auto()
    WORSE = auto()
    UNCLEAR = auto()
    """It may stand out, or there are odd or too few I/Os."""
    WELL = auto()


@immutable
class Finding:
    """A path's I/Os in a window: how many, the seconds that they took, and those ``expected`` by the siblings' pace.

    ``excused``: the seconds that retransmissions may have taken. They excuse a path, and are no sign of its recovery.
    """

    ios: int
    took: float
    expected: float
    excused: float = 0.0

    @property
    def grade(self) -> Grade:
        """How the path compares."""
        took = self.took - min(self.excused, EXCUSED * self.ios)
        excess = took - self.expected
        if took >= STARK * self.expected and excess >= STARK_EXCESS * self.ios + ODD:
            return Grade.STARK
        if self.ios < ENOUGH:
            return Grade.UNCLEAR
        if took < WORSE * self.expected or excess < EXCESS / 2 * self.ios:
            return Grade.WELL
        return Grade.WORSE if excess >= EXCESS * self.ios + ODD else Grade.UNCLEAR

    @property
    def recovered(self) -> bool:
        """Whether a slow path is well, without any excuse."""
        return replace(self, excused=0.0).grade is Grade.WELL


@immutable
class _Kind:
    """The reads or the writes of one path in a window. ``size``: the mean one in sectors, 0 if it is not known."""

    ios: int
    took: float
    size: float

    def pace(self, size: float) -> float:
        """The seconds that one I/O of that mean size would take here."""
        each = self.took / self.ios
        return each * max(1.0, size / self.size) if self.size else each


@immutable
class _Done:
    """What one path did in a window."""

    kin: Hashable
    kinds: tuple[_Kind, _Kind]
    excused: float


def judge(
    before: Mapping[str, Latency], readings: Mapping[str, Reading], now: float
) -> tuple[dict[str, Latency], dict[str, float] | None]:
    """The verdict on each of these paths of one map, by label, once its disks have been read at ``now``.

    ``before`` is the result of the last call. Beside it: if a window has ended here, the seconds that an I/O took on
    each path with enough of them. Counters that stepped back, as those of a new disk or one that wrapped, show nothing.
    """
    found = {label: before.get(label, Latency()) for label in readings}
    began = {latency.window.began if latency.window else None for label, latency in found.items() if readings[label].io}
    if len(began) != 1 or None in began:
        # Windows of different times can't be compared: a path has come, or could not be read.
        return {label: _reopened(found[label], readings[label], now) for label in readings}, None
    done = {label: _done(found[label].window, reading) for label, reading in readings.items()}
    findings = {label: _finding(label, done) for label in done}
    age = now - min(moment for moment in began if moment is not None)
    if not _ended(age, done, findings):
        return {label: latency.forgotten(now) for label, latency in found.items()}, None
    after = {
        label: _reopened(_advanced(found[label], findings[label], age, now), reading, now)
        for label, reading in readings.items()
    }
    return after, {label: _mean(did) for label, did in done.items() if did and _ios(did) >= ENOUGH}


def in_window(before: IoFacts | None, now: IoFacts | None) -> int:
    """The I/Os between two readings of a disk's totals; 0 without data."""
    kinds = _kinds(before, now)
    return sum(kind.ios for kind in kinds) if kinds else 0


_IDLE = _Kind(0, 0.0, 0.0)


def _kinds(before: IoFacts | None, now: IoFacts | None) -> tuple[_Kind, _Kind] | None:
    if before is None or now is None:
        return None
    if now == before:
        return _IDLE, _IDLE
    ios = (now.reads - before.reads, now.writes - before.writes)
    took = (now.read_ms - before.read_ms, now.write_ms - before.write_ms)
    sectors = (now.read_sectors - before.read_sectors, now.write_sectors - before.write_sectors)
    if min(*ios, *took, *sectors) < 0 or sum(took) > _LONGEST_MS:
        return None
    reads, writes = (
        _Kind(n, ms / 1000, size / n if n else 0.0) for n, ms, size in zip(ios, took, sectors, strict=True)
    )
    return reads, writes


def _done(window: Window | None, reading: Reading) -> _Done | None:
    kinds = _kinds(window.io, reading.io) if window else None
    if window is None or kinds is None:
        return None
    return _Done(reading.kin, kinds, RETRANSMISSION * max(0, reading.retransmits - window.retransmits))


def _ios(done: _Done) -> int:
    return sum(kind.ios for kind in done.kinds)


def _mean(done: _Done) -> float:
    return sum(kind.took for kind in done.kinds) / _ios(done)


def _finding(label: str, done: Mapping[str, _Done | None]) -> Finding | None:
    """How the path compares with its siblings; ``None`` if it has none with enough I/O of a kind that it has itself."""
    own = done[label]
    if own is None:
        return None
    siblings = [did for other, did in done.items() if did and other != label and did.kin == own.kin]
    ios, took, expected = 0, 0.0, 0.0
    for which, kind in enumerate(own.kinds):
        others = [did.kinds[which] for did in siblings if did.kinds[which].ios >= FEW]
        if kind.ios and others:
            ios += kind.ios
            took += kind.took
            expected += kind.ios * median(sorted(other.pace(kind.size) for other in others))
    return Finding(ios, took, expected, own.excused) if ios >= FEW else None


def _ended(age: float, done: Mapping[str, _Done | None], findings: Mapping[str, Finding | None]) -> bool:
    """Whether the window of that many seconds is over."""
    if age >= LONGEST:
        return True
    grades = {found.grade for found in findings.values() if found}
    if Grade.STARK in grades:
        return age >= SHORTEST
    return age >= WINDOW and bool(grades) and Grade.UNCLEAR not in grades and not _awaited(done, findings)


def _awaited(done: Mapping[str, _Done | None], findings: Mapping[str, Finding | None]) -> bool:
    """Whether a path with some I/O has no result yet, although others of its kin have enough."""
    busy = {did.kin for did in done.values() if did and _ios(did) >= ENOUGH}
    return any(did and did.kin in busy and _ios(did) and not findings[label] for label, did in done.items())


def _reopened(latency: Latency, reading: Reading, now: float) -> Latency:
    window = Window(now, reading.io, reading.retransmits) if reading.io else None
    return replace(latency.forgotten(now), window=window)


def _advanced(before: Latency, found: Finding | None, seconds: float, now: float) -> Latency:
    """The verdict after a window of so many seconds."""
    if found is None:
        return before
    grade = found.grade
    if before.slow:
        compared = _added(None, found, seconds, now).comparison
        evidence = _added(before.evidence, found, seconds, now) if found.recovered else None
        needed = STEADY_SECONDS
    else:
        compared, evidence = None, before.evidence
        if grade is Grade.WELL:
            evidence = None
        elif grade in (Grade.STARK, Grade.WORSE):
            evidence = _added(_fresh(before.evidence, seconds, now), found, seconds, now, stark=grade is Grade.STARK)
        needed = SECONDS
    # A path that may be slow is so by all of the evidence.
    ended = evidence and evidence.weight >= needed and evidence.count >= COUNT
    if ended and evidence and (before.slow or evidence.took >= SLOW * evidence.expected):
        return replace(before, slow=not before.slow, evidence=None, compared=evidence.comparison, seen=now)
    return replace(before, evidence=evidence, compared=compared, seen=now)


def _fresh(evidence: Evidence | None, seconds: float, now: float) -> Evidence | None:
    """The evidence, if a window of so many seconds still follows it: the gaps are no longer than the windows."""
    if evidence is None or now - evidence.since > 2 * (evidence.seconds + seconds):
        return None
    return evidence


def _added(evidence: Evidence | None, found: Finding, seconds: float, now: float, *, stark: bool = False) -> Evidence:
    sum_ = evidence or Evidence(now - seconds)
    return Evidence(
        sum_.since,
        sum_.count + (STARK_COUNT if stark else 1.0),
        sum_.weight + (STARK_SECONDS if stark else 1.0) * seconds,
        sum_.seconds + seconds,
        sum_.ios + found.ios,
        sum_.took + found.took,
        sum_.expected + found.expected,
    )
