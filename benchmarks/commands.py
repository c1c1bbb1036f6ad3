"""How long commands take as whole processes: ``python -m benchmarks.commands [--paths N ...] [--rounds N]``.

Each runs on a simulated host with a daemon and a multipathd. The rounds alternate between all commands and an empty
interpreter, which is the yardstick: the same machine, at the same time. Modules are compiled before, as the package
does when it is installed. Printed are medians in milliseconds, and how many empty interpreters that is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from tests.fakes.multipathd import FakeMultipathd
from tests.fakes.sysfs import FakeMap, FakeSysfs

PATHS_OF_A_MAP = 4
PATHS_OF_A_SESSION = 160
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
    san = made(directory / "sys", paths)
    environ = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPYCACHEPREFIX": str(directory / "compiled"),
        "RUNTIME_DIRECTORY": str(directory),
    }
    (directory / "config.toml").touch()
    (directory / "root").mkdir()
    host = ["--config", str(directory / "config.toml"), "--sysfs", str(directory / "sys")]
    host += ["--multipathd-socket", str(directory / "multipathd.socket")]
    mpathd_watch = [sys.executable, "-m", "mpathd_watch"]
    commands = {
        "empty interpreter": [sys.executable, "-c", "pass"],
        "--version": [*mpathd_watch, "--version"],
        "--help": [*mpathd_watch, "--help"],
        "status of the daemon": [*mpathd_watch, "status"],
        "status without a daemon": [*mpathd_watch, "status", *host],
        "check": [*mpathd_watch, "check", *host],
        "check --root": [*mpathd_watch, "check", "--root", str(directory / "root"), *host],
    }
    with multipathd(directory, replies(san)), daemon([*mpathd_watch, "run", *host], environ, directory / "status.sock"):
        took: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                seconds = duration(command, environ)
                if number:  # the first round compiles
                    took[name].append(seconds)
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    yardstick = medians["empty interpreter"]
    for name, median in medians.items():
        print(f"{paths} paths, {name}: {median * 1e3:.0f} ms, {median / yardstick:.1f} times", flush=True)


def duration(command: list[str], environ: Mapping[str, str]) -> float:
    """Seconds until the process has ended."""
    began = time.monotonic()
    done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)  # noqa: S603  # our own program
    if b"Traceback" in done.stderr:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return time.monotonic() - began


def made(root: Path, paths: int) -> FakeSysfs:
    """A host whose maps have four paths, each through a session of its own; with fewer paths it has one map."""
    san = FakeSysfs(root)
    width = min(paths, PATHS_OF_A_MAP)
    sessions = max(width, paths // PATHS_OF_A_SESSION // width * width)
    logins = [san.login(f"192.168.{number % 250}.{number // 250 + 1}:3260") for number in range(sessions)]
    for number in range(paths // width):
        first = number * width % sessions
        wwid = f"36001405{number:024x}"
        disks = [san.add_disk(login, lun=number, wwid=wwid) for login in logins[first : first + width]]
        san.add_map(f"mpath{number}", disks, wwid=wwid)
    return san


def replies(san: FakeSysfs) -> dict[str, str]:
    """What multipathd answers of this host."""
    maps, rows = [], []
    for directory in sorted((san.root / "block").glob("dm-*")):
        map_ = FakeMap(san, directory)
        name, wwid = map_.get("dm/name"), map_.get("dm/uuid").removeprefix("mpath-")
        disks = [(disk.name, (disk / "dev").read_text().strip()) for disk in sorted((directory / "slaves").iterdir())]
        paths = [
            {"dev": dev, "dev_t": dev_t, "dm_st": "active", "chk_st": "ready", "checker": "tur"} for dev, dev_t in disks
        ]
        rows += [f"{wwid}|{name}|{dev}|{dev_t}|active|ready|tur|normal|0\n" for dev, dev_t in disks]
        maps.append({"name": name, "uuid": wwid, "sysfs": directory.name, "path_groups": [{"paths": paths}]})
    return {
        MAPS_COMMAND: json.dumps({"major_version": 0, "minor_version": 1, "maps": maps}, indent=3),
        PATHS_COMMAND: "".join(rows),
    }


@contextlib.contextmanager
def multipathd(directory: Path, answers: Mapping[str, str]) -> Iterator[None]:
    """Another process, called multipathd, that answers on a socket in ``directory``."""
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(directory, answers), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _answer(directory: Path, answers: Mapping[str, str]) -> None:
    # By this name it is found, wherever its pidfile is.
    Path("/proc/self/comm").write_text("multipathd")
    with FakeMultipathd(directory, replies=dict(answers)):
        signal.pause()


@contextlib.contextmanager
def daemon(command: list[str], environ: Mapping[str, str], served: Path) -> Iterator[None]:
    """The daemon, once it has read the host."""
    listening = [*command, "--web.listen-address", "127.0.0.1:0"]
    process = subprocess.Popen(listening, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own program
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
    return subprocess.run(asking, env=environ, capture_output=True, check=False).returncode < 3  # noqa: S603  # our own program


def _in_memory() -> Path | None:
    """Where files are in memory, as sysfs is; ``None``: where temporary files are."""
    memory = Path("/dev/shm")  # noqa: S108  # its content goes away with the directory made there
    return memory if memory.is_dir() else None


if __name__ == "__main__":
    main()
