"""Write the dashboards for Grafana to docs/grafana: ``python -m tools.dashboards``.

With ``--check`` it compares them, and fails with one line for each that is stale. It needs grafana-foundation-sdk,
which ``make dashboards`` installs in an environment of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from tools.dashboards import fleet, host
from tools.dashboards import map as one_map
from tools.dashboards.grafana import written

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "docs/grafana"
ALL: Final = (fleet.DASHBOARD, host.DASHBOARD, one_map.DASHBOARD)


def main() -> int:
    """Write or compare; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description="the dashboards for Grafana")
    parser.add_argument("--check", action="store_true", help="compare the files, and write nothing")
    options = parser.parse_args()
    stale = 0
    for content in ALL:
        path, text = DIRECTORY / f"{content.uid}.json", written(content)
        if not options.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"{path.name} is stale: run `make dashboards`\n")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
