"""The command: ``python -m tests.sim hours``, ``repeat`` and ``bugs``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.sim import bugs, campaign


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if the oracle has found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Simulate hours of a host with a SAN.")
    commands = parser.add_subparsers(required=True)

    hours = commands.add_parser("hours", help="simulate so many hours, on all processors")
    hours.add_argument("hours", type=float)
    hours.add_argument("--seed", default="", help="a seed, by default a fresh one")
    hours.add_argument("--processes", type=int, default=0, help="by default one for each processor")
    hours.add_argument("--allow", type=int, default=0, help="runs in which a health or an outage may be wrong")
    hours.set_defaults(
        run=lambda given: campaign.run(given.seed or campaign.fresh_seed(), given.hours, given.processes, given.allow)
    )

    until = commands.add_parser("until", help="simulate until something is wrong")
    until.add_argument("hours", type=float, help="at most")
    until.add_argument("--seed", default="")
    until.set_defaults(run=lambda given: campaign.until(given.seed or campaign.fresh_seed(), given.hours))

    repeat = commands.add_parser("repeat", help="play one run again, with its story")
    repeat.add_argument("seed", help="the seed of the run")
    repeat.add_argument("--whole", action="store_true", help="do not shorten its list of faults")
    repeat.add_argument("--seconds", type=float, default=60.0, help="of the story before what is wrong")
    repeat.set_defaults(run=lambda given: campaign.repeat(given.seed, given.seconds, whole=given.whole))

    planted = commands.add_parser("bugs", help="plant each of the known bugs, and simulate until it is found")
    planted.add_argument("names", nargs="*", help="by default all")
    planted.add_argument("--hours", type=float, default=100.0, help="that may pass at most")
    planted.add_argument("--seed", default="planted")
    planted.set_defaults(run=lambda given: bugs.run(given.names, given.seed, given.hours))

    given = parser.parse_args(arguments)
    found: int = given.run(given)
    return found


if __name__ == "__main__":
    campaign.with_fixed_hashes("tests.sim")
    sys.exit(main())
