"""node_exporter, which is no program of ours: it is measured if it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.peers import NODE_EXPORTER

PROGRAM: Final = "NODE_EXPORTER"
"""The environment variable that names the program if it is not in PATH."""
NAMES: Final = ("node_exporter", "prometheus-node-exporter")
"""Upstream's name, and Debian's."""
NOT_INSTALLED: Final = f"not installed: neither {' nor '.join(NAMES)} is in PATH; {PROGRAM}= names the program"


class Exporter(NamedTuple):
    """Its name on the page, and the command that starts it."""

    name: str
    command: Sequence[str]


def program() -> str | None:
    """Where it is; ``None`` if it is not installed."""
    return next(filter(None, map(shutil.which, (os.environ.get(PROGRAM, ""), *NAMES))), None)


def exporter(found: str, port: int, sysfs: Path) -> Exporter:
    """How to start it with the collectors that are to be measured."""
    version = re.search(r"version (\S+)", _output(found, "--version"))
    name = f"{NODE_EXPORTER} {version[1].rstrip(',') if version else '(unknown version)'}"
    command = [found, f"--web.listen-address=127.0.0.1:{port}"]
    if re.search(r"--(\[no-\])?collector\.dmmultipath", _output(found, "--help")):
        only = ["--collector.disable-defaults", "--collector.dmmultipath", f"--path.sysfs={sysfs}"]
        return Exporter(f"{name}, dmmultipath", [*command, *only])
    return Exporter(f"{name}, default collectors", command)


def _output(*command: str) -> str:
    """What it writes about itself, some versions to standard error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr
