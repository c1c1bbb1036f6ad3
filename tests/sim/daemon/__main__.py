"""The command: ``python -m tests.sim.daemon HOURS``, and ``--repeat SEED`` for one run of these."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.sim import campaign
from tests.sim.daemon.run import drawn, play, play_seed
from tests.sim.run import seeds


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate so many hours; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim.daemon", description="Simulate hours of the daemon with its real sources."
    )
    parser.add_argument("hours", type=float, nargs="?", default=1.0)
    parser.add_argument("--seed", default="", help="a seed, by default a fresh one")
    parser.add_argument("--processes", type=int, default=0, help="by default one for each processor")
    parser.add_argument("--repeat", metavar="SEED", help="play the one run of this seed, and print its story")
    parser.add_argument("--before", type=float, default=60.0, help="seconds of the story before what is wrong")
    given = parser.parse_args(arguments)
    if given.repeat:
        return repeat(given.repeat, given.before)
    return run(given.seed or campaign.fresh_seed(), given.hours, given.processes)


def run(seed: str, hours: float, processes: int) -> int:
    """Simulate so many hours, and print a summary."""
    print(f"simulating {hours:g} h of the daemon; the seed is {seed}", flush=True)
    began, seconds, turns, steps, outages, ended, most, wrong = time.monotonic(), 0.0, 0, 0, 0, 0, 0, 0
    wanted = seeds(seed, hours)
    for result in campaign.played(wanted, processes, play_seed):
        seconds += result.seconds
        turns += result.turns
        steps += result.steps
        outages += result.outages
        ended += result.ended
        most = max(most, result.most_turns)
        if result.violations:
            wrong += 1
            first, name = result.violations[0], result.plan.seed
            print(f"{name}: rule ({first.rule}) does not hold at {first.at:.1f} s: {first.text}")
            print(f"repeat it: python -m tests.sim.daemon --repeat {name}", flush=True)
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
    campaign.with_fixed_hashes("tests.sim.daemon")
    sys.exit(main())
