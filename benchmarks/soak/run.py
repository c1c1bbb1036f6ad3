"""One soak: a host, a daemon, those who ask it, and the schedule of what is done to them."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.host.crowd import crowd
from benchmarks.host.daemon import PROGRAM, Daemon, running
from benchmarks.host.host import host
from benchmarks.host.process import children, descriptors, pages, thread_names, wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.host.tree import PATHS_OF_A_MAP
from benchmarks.host.uevents import Uevents
from benchmarks.progress import Progress
from benchmarks.soak import exposed
from benchmarks.soak.clients import SCRAPERS, Clients, asking
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.load import Load, small_disk
from benchmarks.soak.outcome import Answers, Outcome, Quiet, Sample
from benchmarks.soak.plan import Action, Course, Deed, Pace, rehearsal, schedule
from benchmarks.soak.verdict import more
from mpathd_watch.sinks.http.page.page import REFRESH_SECONDS

SLOW = ("one_byte_a_second", "reading_nothing", "idle")
SLOW_CLIENTS = 20
"""Of each kind."""
DISK = 64
"""MiB of the disk with the state directory."""
PARTS = 4
"""Steps that the progress shows."""
PATIENCE = 20.0
"""Seconds until what is over must be over in the daemon, too."""
LOOK = 0.5
SEED = 1

Alarm = tuple[float, int, Callable[[], None]]


@dataclass(slots=True)
class Rig:
    """What a soak consists of while it runs, and what it gathers."""

    load: Load
    place: Path
    samples: list[Sample] = field(default_factory=list)
    answers: dict[str, Answers] = field(default_factory=lambda: defaultdict(Answers))
    latencies: list[float] = field(default_factory=list)
    blackouts: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def daemon(self) -> Daemon:
        """The daemon."""
        return self.load.daemon

    def gather(self, clients: Clients | None, at: float) -> None:
        """Look at everything once; ``at`` so many seconds after the load began."""
        ledger = self.load.ledger
        ledger.enter(self.load.host.journald.taken())
        events = ledger.taken()
        self.latencies += events
        took: dict[str, list[float]] = defaultdict(list)
        for answer in clients.answers() if clients is not None else ():
            if answer.problem:
                self.answers[answer.kind].problems.append(answer.problem)
            else:
                self.answers[answer.kind].seconds.append(answer.seconds)
                took["scrapes" if answer.kind in SCRAPERS else "pages"].append(answer.seconds * 1e3)
        rss, pss = pages(self.daemon.pid)
        self.samples.append(
            Sample(
                at,
                rss,
                pss,
                len(descriptors(self.daemon.pid)),
                len(thread_names(self.daemon.pid)),
                len(children(self.daemon.pid)),
                _size(self.load.disk, "state.db*"),
                _size(self.place, "recording*"),
                _summary(took["scrapes"]),
                _summary(took["pages"]),
                _summary(events),
            )
        )

    def quiet(self) -> Quiet:
        """What the daemon has now."""
        pid = self.daemon.pid
        return Quiet(descriptors(pid), thread_names(pid), children(pid))


def soak(course: Course, pace: Pace, progress: Progress, program: Sequence[str] = PROGRAM) -> Outcome:
    """Run once. Raises ``RuntimeError`` if the daemon does not start, or ends by itself."""
    progress.begin("a host, and the daemon")
    with contextlib.ExitStack() as stack:
        simulated = stack.enter_context(host(pace.luns * PATHS_OF_A_MAP))
        config = f"history_mib = {pace.history}\nrecord_mib = {pace.record}\n"
        (simulated.directory / "config.toml").write_text(config, encoding="utf-8")
        disk = stack.enter_context(small_disk(simulated.directory / "state", DISK))
        place = simulated.directory / "recordings"
        place.mkdir()
        options = [*simulated.options, "--root", str(simulated.root), "--state-dir", str(disk)]
        options += ["--record", str(place / "recording")]
        daemon = stack.enter_context(running(simulated.directory, options, program=program))
        uevents = stack.enter_context(contextlib.closing(Uevents()))
        return _run(Rig(Load(simulated, daemon, uevents, Ledger(), disk), place), course, pace, progress)


def _run(rig: Rig, course: Course, pace: Pace, progress: Progress) -> Outcome:
    progress.begin(f"rehearsal, {course.rehearsal:.0f} s")
    with _asked(rig, pace) as clients:
        _play(rig, rehearsal(pace, course.rehearsal, SEED), course.rehearsal, pace, clients)
    wait_quiet(rig.daemon.pid)
    before = _settled(rig, None)
    rig.samples.clear()
    rig.blackouts.clear()
    progress.begin("load")
    with _asked(rig, pace) as clients:
        actions = schedule(pace, course.load, SEED + 1)
        _play(rig, actions, course.load, pace, clients, progress=progress)
    progress.begin("the state in the end")
    disagreements = _compared(rig)
    after = _settled(rig, before)
    rig.load.ledger.enter(rig.load.host.journald.taken())
    text = scrape(rig.daemon.port).text.decode()
    return Outcome(
        course,
        pace,
        rig.samples,
        rig.answers,
        rig.latencies,
        rig.load.ledger,
        rig.load.done,
        before,
        after,
        exposed.numbers(text),
        disagreements,
        rig.daemon.errors.read_text(encoding="utf-8", errors="replace"),
        rig.blackouts,
    )


@contextlib.contextmanager
def _asked(rig: Rig, pace: Pace) -> Iterator[Clients]:
    """Scrapers, a browser and slow clients until the end of the block."""
    with contextlib.ExitStack() as stack:
        for kind in SLOW:
            stack.enter_context(crowd(kind, rig.daemon.port, SLOW_CLIENTS))
        yield stack.enter_context(asking(rig.daemon.port, pace.scrapes, REFRESH_SECONDS))


def _play(
    rig: Rig,
    actions: Sequence[Action],
    seconds: float,
    pace: Pace,
    clients: Clients,
    *,
    progress: Progress | None = None,
) -> None:
    """Carry the actions out, each at its moment, and gather samples, for so many seconds."""
    began, numbers = time.monotonic(), itertools.count()
    due: list[Alarm] = []
    for action in actions:
        for after, step in rig.load.steps(action):
            heapq.heappush(due, (action.at + after, next(numbers), step))
        if action.deed in (Deed.DISK, Deed.JOURNALD):
            rig.blackouts[action.deed.name].append((action.at, action.at + action.lasts))

    def look() -> None:
        at = time.monotonic() - began
        rig.gather(clients, at)
        if progress is not None:
            progress.share(at / seconds, f"load, {at:.0f} of {seconds:.0f} s, {rig.load.ledger.sent:,} uevents")

    for number in range(int(seconds / pace.sample) + 1):
        heapq.heappush(due, (number * pace.sample, next(numbers), look))
    while due:
        at, _, step = heapq.heappop(due)
        time.sleep(max(0.0, began + at - time.monotonic()))
        if rig.daemon.status is not None:
            raise RuntimeError("the daemon has ended")
        step()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    rig.gather(clients, time.monotonic() - began)


def _compared(rig: Rig) -> list[str]:
    """Where the daemon differs from the host, at first with a session lost, then with all of them restored."""
    load = rig.load
    load.fail(0, counts=False)
    found = _differs(rig, load.health(failed=[0]))
    load.reinstate(0, counts=False)
    return found + _differs(rig, load.health())


def _differs(rig: Rig, expected: Mapping[tuple[str, str], str]) -> list[str]:
    """Where the paths are not what they must be, once they are, or after a while."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = exposed.disagreements(exposed.paths(scrape(rig.daemon.port).text.decode()), expected)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(LOOK)


def _settled(rig: Rig, before: Quiet | None) -> Quiet:
    """What the daemon has once nobody asks any more: no more than ``before``, or the same as a moment ago."""
    deadline, last = time.monotonic() + PATIENCE, rig.quiet()
    while time.monotonic() < deadline:
        time.sleep(LOOK)
        now = rig.quiet()
        settled = not more(last, now) and not more(now, last) and not now.children
        if (before is None and settled) or (before is not None and not more(before, now)):
            return now
        last = now
    return rig.quiet()


def _summary(milliseconds: Sequence[float]) -> tuple[float, ...]:
    return (statistics.median(milliseconds), max(milliseconds)) if milliseconds else ()


def _size(place: Path, pattern: str) -> int:
    """Bytes of the files with such names."""
    found = 0
    for each in place.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # it has been renamed meanwhile
            found += each.stat().st_size
    return found
