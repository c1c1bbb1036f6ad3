"""Many runs on all processors, and one run again with its story."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tests.sim.run import SECONDS, Plan, Result, play, seeds
from tests.sim.shrink import shortened

Played = TypeVar("Played", bound=Result)
SHOWN = 2
"""Runs in which something is wrong that are shortened and shown."""
STORY = 60.0
CLOSE = frozenset("ab")
"""Rules in which the oracle must judge how late the product may know something."""


@dataclass(slots=True)
class Totals:
    """What all runs came to."""

    runs: int = 0
    seconds: float = 0.0
    steps: int = 0
    outages: int = 0
    alerts: int = 0
    faults: int = 0
    restarts: int = 0

    def add(self, result: Result) -> None:
        """Add a run."""
        self.runs += 1
        self.seconds += result.seconds
        self.steps += result.steps
        self.outages += result.outages
        self.alerts += result.alerts
        self.faults += len(result.plan.faults)
        self.restarts += result.restarts


def run(seed: str, hours: float, processes: int = 0, allowed: int = 0) -> int:
    """Simulate so many hours and print a summary; 1 if the oracle has found something.

    ``allowed``: in how many runs only a health or an outage may be wrong (``CLOSE``). A fresh seed finds such a case
    now and then that no change has brought about: it is shown, and must not stop the change.
    """
    print(f"simulating {hours:g} h; the seed is {seed}", flush=True)
    began, totals, wrong = time.monotonic(), Totals(), list[Result]()
    wanted = seeds(seed, hours)
    for result in played(wanted, processes, _played):
        totals.add(result)
        if result.violations:
            wrong.append(result)
            _erase()
            print(f"{result.plan.seed}: {result.violations[0].text}", flush=True)
        _show_progress(totals.runs, len(wanted), len(wrong))
    _erase()
    took = time.monotonic() - began
    print(
        f"{totals.seconds / 3600:.1f} h simulated in {took:.0f} s ({totals.seconds / took:.0f} times as fast as time): "
        f"{totals.runs} runs, {totals.faults} faults, {totals.outages} outages, {totals.alerts} alerts, "
        f"{totals.restarts} restarts, {totals.steps} steps of the core"
    )
    for result in wrong[:SHOWN]:
        print()
        show(result.plan, STORY)
    if not wrong:
        print("nothing is wrong")
        return 0
    print(f"wrong: {len(wrong)} of {totals.runs} runs (seed {seed})")
    if len(wrong) > allowed or not all(map(_is_close, wrong)):
        return 1
    print(f"NOT A FAILURE: {allowed} of the runs may be wrong. Each is a bug of the product or of the oracle.")
    return 0


def _is_close(result: Result) -> bool:
    return all(each.rule in CLOSE for each in result.violations)


def until(seed: str, hours: float) -> int:
    """Simulate until something is wrong, at most so many hours, and print how many it took; 1 if something was."""
    seconds = 0.0
    for number, each in enumerate(seeds(seed, hours)):
        result = _played(each)
        seconds += result.violations[0].at if result.violations else result.seconds
        if result.violations:
            print(f"{each}: {result.violations[0].text}; found in run {number + 1} after {seconds / 3600:.2f} h")
            return 1
    print(f"nothing is wrong after {seconds / 3600:.2f} h")
    return 0


def repeat(seed: str, seconds: float, *, whole: bool) -> int:
    """Play one run again and print its story; 1 if the oracle finds something."""
    plan = Plan.drawn(seed)
    if not play(plan).violations:
        print(f"{seed}: nothing is wrong")
        return 0
    show(plan, seconds, whole=whole)
    return 1


def show(plan: Plan, seconds: float, *, whole: bool = False) -> None:
    """Print the story of a run in which something is wrong, with as few faults as bring that about."""
    short = plan if whole else shortened(plan)
    result = play(short, told=True)
    first = result.violations[0]
    print(f"--- {plan.seed}: rule ({first.rule}) does not hold at {first.at:.1f} s: {first.text}")
    print(f"repeat it: python -m tests.sim repeat {plan.seed}")
    print(short.shape)
    print(f"faults ({len(short.faults)} of {len(plan.faults)}):")
    for fault in short.faults:
        print(f"  {fault}")
    if result.chronicle is not None:
        for line in result.chronicle.around(first.at, seconds, 2.0):
            print(line)


def played(wanted: list[str], processes: int, play_one: Callable[[str], Played]) -> Iterator[Played]:
    """The results of the runs of these seeds, on so many processors; with 0 on all."""
    number = processes or os.cpu_count() or 1
    if number == 1:
        yield from map(play_one, wanted)
        return
    with multiprocessing.get_context("forkserver").Pool(number) as pool:
        yield from pool.imap_unordered(play_one, wanted, chunksize=4)


def fresh_seed() -> str:
    """Eight hexadecimal digits."""
    return secrets.token_hex(4)


def with_fixed_hashes(module: str) -> None:
    """Start the command again, unless its sets of texts have the same order each time: a run must be repeatable."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        again = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606  # this program itself


def _played(seed: str) -> Result:
    return play(Plan.drawn(seed))


def _show_progress(done: int, whole: int, wrong: int) -> None:
    if not sys.stderr.isatty():
        if done * 10 // whole > (done - 1) * 10 // whole:
            print(f"{done * SECONDS / 3600:.0f} h, {wrong} wrong", flush=True)
    else:
        width = 40 * done // whole
        hours = done * SECONDS / 3600
        print(f"\r[{'#' * width:40}] {hours:.0f} h, {wrong} wrong", end="", file=sys.stderr, flush=True)


def _erase() -> None:
    if sys.stderr.isatty():
        print("\r" + " " * 72 + "\r", end="", file=sys.stderr, flush=True)
