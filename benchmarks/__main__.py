"""Measure, and write docs/performance.md with its plots: ``make bench``, or ``python -m benchmarks`` with options."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.effort import FULL, QUICK
from benchmarks.host.namespace import enter
from benchmarks.page.writer import files
from benchmarks.progress import Progress
from benchmarks.runner import MEASUREMENTS, run, steps

PAGE = Path(__file__).parent.parent / "docs/performance.md"


def main() -> None:
    """Measure what the command line asks for."""
    keys = [each.key for each in MEASUREMENTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small hosts and few rounds: shows that everything works")
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, help="measure only these")
    parser.add_argument("--sizes", nargs="+", type=int, metavar="PATHS", help="the hosts, by their number of paths")
    parser.add_argument("--seconds", type=float, help="how long idleness is watched")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write (default: docs/performance.md)")
    options = parser.parse_args()
    if not options.page.parent.is_dir():
        parser.error(f"no directory {options.page.parent}")
    effort = QUICK if options.quick else FULL
    if options.sizes:
        effort = replace(effort, sizes=tuple(options.sizes))
    if options.seconds:
        effort = replace(effort, seconds=options.seconds)
    enter("benchmarks", sys.argv[1:])
    wanted = [each for each in MEASUREMENTS if each.key in options.only]
    count = sum(1 + len(here) for _, here in steps(wanted, effort))
    report = run(effort, options.only, Progress(count, sys.stderr))
    for name, text in files(report, options.page.stem).items():
        (options.page.parent / name).write_text(text, encoding="utf-8")
    print(f"written: {options.page}")
    if not report.sections:
        sys.exit("benchmarks: nothing was measured")


if __name__ == "__main__":
    main()
