"""Have the daemon work hard for hours, and judge it: ``make soak HOURS=1``, or ``python -m benchmarks.soak``.

The exit status is 1 if a bound is broken, with one line for each.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.host.daemon import PROGRAM
from benchmarks.host.namespace import enter
from benchmarks.machine import this_machine
from benchmarks.progress import Progress
from benchmarks.soak.page import Made, plot, section, write
from benchmarks.soak.plan import LUNS, MOST_PACE, QUICK, bad_week, course, quick
from benchmarks.soak.planted import PLANTED, leaking
from benchmarks.soak.run import PARTS, soak
from benchmarks.soak.verdict import LONG, SHORT, broken


def main() -> int:
    """Run what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0, help="the load, in hours at pace 1 (default: 1)")
    parser.add_argument(
        "--pace",
        type=int,
        default=1,
        choices=range(1, MOST_PACE + 1),
        metavar=f"1..{MOST_PACE}",
        help="so many times the events, scrapes and disturbances, in so much less time (default: 1)",
    )
    parser.add_argument("--quick", action="store_true", help="two minutes, as in CI")
    parser.add_argument("--page", type=Path, help="the page whose section is written: docs/soak.md")
    parser.add_argument("--load", type=float, metavar="SECONDS", help="with --quick: the load, at least 20 s")
    parser.add_argument("--plant", choices=PLANTED, nargs="+", help="plant leaks into the daemon: they must be found")
    options = parser.parse_args()
    enter("benchmarks.soak", sys.argv[1:])
    if options.quick:
        load = options.load or QUICK.load
        parts, pace, bounds = replace(QUICK, load=load, warm_up=min(QUICK.warm_up, load / 4)), quick(load), SHORT
    else:
        parts, pace = course(options.hours / options.pace), bad_week(options.pace)
        # So many times as many paths fail at once, and half of them wait for the others.
        bounds = replace(LONG, event_median=LONG.event_median * pace.luns / LUNS)
    program = leaking(options.plant) if options.plant else PROGRAM
    progress = Progress(PARTS, sys.stderr)
    try:
        outcome = soak(parts, pace, progress, program)
    except (OSError, RuntimeError) as error:
        sys.exit(f"soak: {error}")
    progress.end()
    lines = broken(outcome, bounds)
    key = "hour" if pace.luns == bad_week().luns else "accelerated"
    made = Made(this_machine(), _command(options), f"{options.page.stem if options.page else 'soak'}-{key}.svg")
    text = section(outcome, bounds, lines, made)
    print(text)
    if options.page:
        write(options.page, key, text)
        (options.page.parent / made.image).write_text(plot(outcome), encoding="utf-8")
    for line in lines:
        print(f"soak: {line}", file=sys.stderr)
    return 1 if lines else 0


def _command(options: argparse.Namespace) -> str:
    if options.quick:
        return "make soak-quick"
    return f"make soak HOURS={options.hours:g}" + (f" PACE={options.pace}" if options.pace > 1 else "")


if __name__ == "__main__":
    sys.exit(main())
