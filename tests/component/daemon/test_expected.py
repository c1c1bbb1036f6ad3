"""What the daemon expects after a restart, as a process; what ``check`` makes of it, and ``forget``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpathd_watch.store.expected import read_expected
from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.sysfs import FakeSysfs, healthy_san

MISSING = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="missing"} 1.0'
SETTINGS = "learn_seconds = 0\nstart_grace_seconds = 1\n"


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def start(tmp_path: Path, san: FakeSysfs) -> Iterator[Callable[[], Daemon]]:  # noqa: ARG001  # the SAN must be there
    started: list[Daemon] = []
    (tmp_path / "config.toml").write_text(SETTINGS, encoding="utf-8")

    def starter() -> Daemon:
        (tmp_path / "notify").unlink(missing_ok=True)
        started.append(Daemon(tmp_path))
        started[-1].wait_notified(r"^READY=1$")
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


def command(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "mpathd_watch", *words]
    return subprocess.run(line, env=daemon.environ, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program


def learned(directory: Path) -> list[str]:
    return sorted(path for map_ in read_expected(directory).values() for path in map_.paths)


def after_learning(start: Callable[[], Daemon], state: Path) -> None:
    daemon = start()
    until(lambda: len(learned(state)) == 2 or None, "two paths in the store")
    assert daemon.stop() == 0


def test_a_path_that_did_not_come_back_is_missing_until_it_is_forgotten(
    start: Callable[[], Daemon], san: FakeSysfs, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    after_learning(start, state)
    san.logout(san.sessions[1])
    daemon = start()
    daemon.wait_scraped(MISSING)
    assert 'mpathd_watch_map_paths_expected{map="mpio"} 2.0' in daemon.scrape()
    assert "mpathd_watch_maps_expected 1.0" in daemon.scrape()
    check = command(daemon, "check", "--paths", "--sysfs", str(tmp_path / "sys"), "--config", str(daemon.config))
    assert "192.168.2.1:3260 missing" in check.stdout
    assert check.returncode in (1, 2)  # whether multipathd runs where this test does is another matter
    refused = command(daemon, "forget", "--map", "mpio", "--path", "192.168.1.1:3260")
    assert (refused.returncode, "is in the map" in refused.stderr) == (1, True)
    done = command(daemon, "forget", "--map", "mpio", "--path", "192.168.2.1:3260")
    assert (done.returncode, done.stdout) == (0, "mpio: path is no longer expected: 192.168.2.1:3260.\n")
    assert MISSING not in daemon.scrape()
    until(lambda: learned(state) == ["192.168.1.1:3260"] or None, "one path in the store")
    assert daemon.stop() == 0
    daemon = start()
    assert 'mpathd_watch_map_paths_expected{map="mpio"} 1.0' in daemon.scrape()


def test_a_map_that_did_not_come_back_is_lost_and_forgotten_without_a_daemon(
    start: Callable[[], Daemon], san: FakeSysfs, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    after_learning(start, state)
    san.remove_map(san.maps[0])
    daemon = start()
    daemon.wait_scraped('mpathd_watch_map_health{map="mpio",state="lost"} 1.0')
    (entry,) = daemon.status()["maps"]
    assert (entry["map"], entry["exists"], entry["expected"], entry["sysfs_name"]) == ("mpio", False, 2, None)
    assert daemon.stop() == 0
    done = command(daemon, "forget", "--map", "mpio")
    assert (done.returncode, done.stdout) == (0, "mpio: the map is no longer expected.\n")
    daemon = start()
    assert daemon.status()["maps"] == []
