"""The command: ``python -m tests.sim.daemon HOURS [--seed S]``."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence

from tests.sim.daemon.run import drawn, play
from tests.sim.run import seeds


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate so many hours; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim.daemon", description="Simulate hours of the daemon with its real sources."
    )
    parser.add_argument("hours", type=float)
    parser.add_argument("--seed", default="", help="a seed, by default a fresh one")
    parser.add_argument("--repeat", action="store_true", help="play the one run of this seed, and print its story")
    parser.add_argument("--before", type=float, default=60.0, help="seconds of the story before what is wrong")
    given = parser.parse_args(arguments)
    seed = given.seed or secrets.token_hex(4)
    if given.repeat:
        return repeat(seed, given.before)
    return run(seed, given.hours)


def run(seed: str, hours: float) -> int:
    """Simulate so many hours, and print a summary."""
    print(f"simulating {hours:g} h; the seed is {seed}", flush=True)
    began, seconds, turns, steps, outages, ended, most, wrong = time.monotonic(), 0.0, 0, 0, 0, 0, 0, 0
    wanted = seeds(seed, hours)
    for each in wanted:
        result = play(drawn(each))
        seconds += result.seconds
        turns += result.turns
        steps += result.steps
        outages += result.outages
        ended += result.ended
        most = max(most, result.most_turns)
        wrong += bool(result.violations)
        for violation in result.violations[:1]:
            print(f"{each}: ({violation.rule}) at {violation.at:.1f} s: {violation.text}", flush=True)
    took = time.monotonic() - began
    print(
        f"{seconds / 3600:.1f} h simulated in {took:.0f} s ({seconds / took:.0f} times as fast as time): "
        f"{len(wanted)} runs, {ended} daemons ended, {outages} outages, {steps} events, {turns} turns of the loop, "
        f"at most {most} in a second"
    )
    print(f"wrong: {wrong} of {len(wanted)} runs (seed {seed})" if wrong else "nothing is wrong")
    return int(wrong > 0)


def repeat(seed: str, before: float) -> int:
    """Play one run again, and print its story up to the first violation."""
    result = play(drawn(seed), told=True)
    print(result.plan.shape)
    for fault in result.plan.faults:
        print(f"  {fault}")
    first = result.violations[0].at if result.violations else result.seconds
    if result.chronicle is not None:
        for line in result.chronicle.around(first, before, 2.0):
            print(line)
    for violation in result.violations:
        print(f"({violation.rule}) at {violation.at:.1f} s: {violation.text}")
    return int(bool(result.violations))


if __name__ == "__main__":
    sys.exit(main())
