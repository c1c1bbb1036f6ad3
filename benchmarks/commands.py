"""How long commands take as whole processes: ``python -m benchmarks.commands [--paths N ...] [--rounds N]``.

Each runs on a simulated host with a daemon and a multipathd. The rounds alternate between all commands and an empty
interpreter, which is the yardstick: the same machine, at the same time. Modules are compiled before, as the package
does when it is installed. Printed are medians in milliseconds, and how many empty interpreters that is.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.host.listing import Listing
from benchmarks.host.multipathd import multipathd
from benchmarks.host.tree import grown

MPATHD_WATCH = (sys.executable, "-m", "mpathd_watch")
YARDSTICK = "empty interpreter"
PATIENCE = 120.0
"""Seconds until the daemon has read the host."""


def main() -> None:
    """Measure hosts of the given sizes, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--paths", type=int, nargs="+", default=[2, 10_000])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for paths in options.paths:
        with tempfile.TemporaryDirectory(dir=_in_memory()) as directory:
            measure(Path(directory), paths, options.rounds)


def measure(directory: Path, paths: int, rounds: int) -> None:
    """Measure all commands on a host with this number of paths, and print the figures."""
    tree = grown(directory / "sys", paths)
    (directory / "config.toml").touch()
    options = ["--config", str(directory / "config.toml"), "--sysfs", str(directory / "sys")]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(directory)}
    with multipathd(directory, Listing(tree.maps), pidfile=None) as serving:
        options += ["--multipathd-socket", str(serving.socket)]
        with daemon([*MPATHD_WATCH, "run", *options], environ, directory / "status.sock"):
            found = medians(directory, options, environ, rounds)
    yardstick = found[YARDSTICK]
    for name, median in found.items():
        print(f"{paths} paths, {name}: {median * 1e3:.0f} ms, {median / yardstick:.1f} times", flush=True)


def medians(directory: Path, options: list[str], environ: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The seconds of each command, of the yardstick, too.

    ``options`` name the host that the commands read, ``environ`` the daemon that they ask. What is made of compiled
    modules and files on the way is in ``directory``.
    """
    environ = {
        **{name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPYCACHEPREFIX": str(directory / "compiled"),
    }
    empty = directory / "empty"
    empty.mkdir()
    commands = {
        YARDSTICK: [sys.executable, "-c", "pass"],
        "--version": [*MPATHD_WATCH, "--version"],
        "--help": [*MPATHD_WATCH, "--help"],
        "status of the daemon": [*MPATHD_WATCH, "status"],
        "status without a daemon": [*MPATHD_WATCH, "status", *options],
        "check": [*MPATHD_WATCH, "check", *options],
        "check --root": [*MPATHD_WATCH, "check", "--root", str(empty), *options],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            seconds = duration(command, environ)
            if number:  # the first round compiles
                took[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def duration(command: list[str], environ: Mapping[str, str]) -> float:
    """Seconds until the process has ended."""
    began = time.monotonic()
    done = subprocess.run(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )  # our own program
    if b"Traceback" in done.stderr:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return time.monotonic() - began


@contextlib.contextmanager
def daemon(command: list[str], environ: Mapping[str, str], served: Path) -> Iterator[None]:
    """The daemon, once it has read the host."""
    listening = [*command, "--web.listen-address", "127.0.0.1:0"]
    process = subprocess.Popen(
        listening, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # our own program
    try:
        deadline = time.monotonic() + PATIENCE
        while not (served.exists() and _started(environ)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the daemon has not read the host within {PATIENCE:g} s")
            time.sleep(1.0)
        yield
    finally:
        process.kill()
        process.wait()


def _started(environ: Mapping[str, str]) -> bool:
    """Whether the daemon has read the host: until then no health is known."""
    asking = [sys.executable, "-m", "mpathd_watch", "status", "--exit-status"]
    return subprocess.run(asking, env=environ, capture_output=True, check=False).returncode < 3  # our own program


def _in_memory() -> Path | None:
    """Where files are in memory, as sysfs is; ``None``: where temporary files are."""
    memory = Path("/dev/shm")  # noqa: S108  # its content goes away with the directory made there
    return memory if memory.is_dir() else None


if __name__ == "__main__":
    main()
