"""Judges the core by simulated traffic: ``python -m tests.traffic healthy HOURS`` and ``python -m tests.traffic slow``.

``healthy`` plays each kind of healthy traffic for so many hours, with fresh seeds, which it prints with whatever was
reported; exit status 1 if anything was. ``slow`` prints how soon slow paths are found.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from dataclasses import replace

from tests.traffic.healthy import KINDS, alarms
from tests.traffic.slow import LOADS, detection, faults

HOURS_EACH = 7.0
"""Simulated hours of one host; then another one is drawn."""


def healthy(hours: float, seed: int, only: str) -> int:
    """Play the kinds whose names contain ``only``; return how many alerts there were."""
    total = 0
    for kind in KINDS:
        if only not in kind:
            continue
        count, left, host = 0, hours, seed
        while left > 0:
            played = min(left, HOURS_EACH)
            for alarm in alarms(kind, host, played):
                count += 1
                print(f"    seed {host}, after {alarm.at:.0f} s: {alarm.message}")
            left, host = left - played, host + 1
        print(f"{kind}: {count} false alarms in {hours:g} h", flush=True)
        total += count
    return total


def slow(runs: int) -> None:
    """Print a row for each fault: median and worst of the seconds until it was found, at each load."""
    print(f"| fault | {' | '.join(LOADS)} |")
    print("|---|" + "---|" * len(LOADS))
    over: list[float] = []
    for fault, case in faults():
        cells = []
        for rate, depth in LOADS.values():
            times = [detection(replace(case, rate=rate, depth=depth), seed) for seed in range(runs)]
            found = [after for after, _ in times if after is not None]
            over += [after for _, after in times if after is not None]
            figures = f"{statistics.median(found):.0f} / {max(found):.0f}" if found else "-"
            cells.append(figures if len(found) in (0, runs) else f"{figures} ({len(found)} of {runs})")
        print(f"| {fault} | {' | '.join(cells)} |", flush=True)
    print(f"path_steady: median {statistics.median(over):.0f} s, worst {max(over):.0f} s")


def main() -> int:
    """Run one of both."""
    parser = argparse.ArgumentParser(prog="python -m tests.traffic")
    commands = parser.add_subparsers(dest="command", required=True)
    of_healthy = commands.add_parser("healthy", help="count false alarms")
    of_healthy.add_argument("hours", type=float)
    of_healthy.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    of_healthy.add_argument("--only", default="", help="the kinds whose names contain this")
    of_slow = commands.add_parser("slow", help="measure how soon slow paths are found")
    of_slow.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    if options.command == "slow":
        slow(options.runs)
        return 0
    print(f"seed {options.seed}")
    return 1 if healthy(options.hours, options.seed, options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
