"""`python -m tests.fuzz [--minutes M] [--structured | --bytes] [--keep] [TARGET ...]`: fuzz the parsers.

`--again FILE TARGET` gives a target one input once more, and needs no atheris.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import Campaign, instrumented, summary
from tests.fuzz.limits import parse
from tests.fuzz.seeds import CHECKOUT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together (default 10)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--structured", action="store_true", help="only inputs that almost make sense, by Hypothesis")
    kind.add_argument("--bytes", action="store_true", help="only bytes as they come")
    parser.add_argument(
        "--keep", action="store_true", help="write some inputs of the corpus to tests/fuzz/corpus at the end"
    )
    parser.add_argument("--again", type=Path, metavar="FILE", help="only read this input")
    parser.add_argument("--fresh", action="store_true", help="begin with the kept corpus alone, and leave only finds")
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".fuzz", help="corpus and finds (default .fuzz)")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    if options.again:
        from tests.fuzz.table import TARGETS  # noqa: PLC0415  # loaded otherwise below

        parse(TARGETS[options.targets[0]], options.again.read_bytes())
        return 0
    table = instrumented()
    unknown = [name for name in options.targets if name not in table]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(table)}")
    chosen = [table[name] for name in options.targets or table]
    kinds = [False] if options.bytes else [True] if options.structured else [False, True]
    seconds = options.minutes * 60 / len(chosen) / len(kinds)
    results = []
    for structured in kinds:
        print("inputs that almost make sense:" if structured else "bytes:", flush=True)
        campaign = Campaign(options.directory, seconds, structured=structured, fresh=options.fresh)
        results += campaign.run(chosen)
        if options.keep and not structured:
            campaign.keep(chosen)
    return min(1, summary(results, sys.stdout))


if __name__ == "__main__":
    sys.exit(main())
