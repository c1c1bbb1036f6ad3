"""How long commands take as whole processes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.commands import YARDSTICK, medians
from benchmarks.effort import Effort
from benchmarks.figures import Figure, Plot
from benchmarks.host.host import Host
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers import INTERPRETER


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Run all in rotation."""
    with host.watched() as daemon:
        time.sleep(effort.settle)
        found = medians(host.directory, host.options, daemon.environ, effort.commands)
    yardstick = {INTERPRETER: found.pop(YARDSTICK) * 1e3}
    return [Figure(name, "ms", host.paths, seconds * 1e3, yardstick) for name, seconds in found.items()]


def plots(_figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """None: most do not depend on the host."""
    return ()


MEASUREMENT = Measurement(
    "commands",
    "Commands",
    "Whole processes, from start to end, with compiled modules as in the package.",
    lambda effort: effort.of_commands,
    measure,
    plots,
    ("status of the daemon", "check"),
)
