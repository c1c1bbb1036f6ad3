"""What a soak has found: samples over time, and what there was at the beginning and in the end. Pure records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.soak.ledger import Ledger
from benchmarks.soak.plan import Course, Done, Pace


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen ``at`` so many seconds after the load began.

    Memory in KiB, files in bytes. The latencies are the median and the longest, in milliseconds, since the sample
    before; empty if there was none.
    """

    at: float
    rss: float
    pss: float
    descriptors: int
    threads: int
    children: int
    database: int
    recording: int
    scrapes: tuple[float, ...] = ()
    pages: tuple[float, ...] = ()
    events: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Quiet:
    """What a daemon has that nobody asks and nothing happens to: descriptors, threads by name, children."""

    descriptors: Sequence[str]
    threads: Sequence[str]
    children: Sequence[int]


@dataclass(slots=True)
class Answers:
    """What clients of one kind got: the seconds of each answer, and what was wrong with others."""

    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the daemon has counted by itself: uevents, overflows of their socket, and what each outlet has lost."""

    uevents: int
    overflows: int
    lost: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of it.

    ``disagreements``: where the daemon's state was not that of the host. ``stderr`` is what it has written there.
    ``blackouts`` are the spans, in seconds since the load began, in which the disk was full or there was no journald,
    by what it was.
    """

    course: Course
    pace: Pace
    samples: Sequence[Sample]
    answers: Mapping[str, Answers]
    latencies: Sequence[float]
    ledger: Ledger
    done: Done
    before: Quiet
    after: Quiet
    numbers: Numbers
    disagreements: Sequence[str]
    stderr: str
    blackouts: Mapping[str, Sequence[tuple[float, float]]]
