"""A real disk that is full: in the end all that still counts is written, in room for a part of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20


def fill(directory: Path, left: int) -> None:
    """Leave so many bytes of the disk."""
    found = os.statvfs(directory)
    (directory / "filling").write_bytes(bytes(max(0, found.f_bavail * found.f_frsize - left)))


def story(directory: Path) -> None:
    """Runs as root in a mount namespace, on a disk of 16 MiB."""
    from mpathd_watch.store.database import StoreError  # noqa: PLC0415
    from mpathd_watch.store.pruning import Limits  # noqa: PLC0415
    from tests.unit.store.test_store import NOW, Store, ended, outage  # noqa: PLC0415

    store = Store(directory, Limits(36_500, 2)).keep(ended(outage(0)))
    fill(directory, 0)
    words = set()
    for number in range(20_000):
        store.pending.put(ended(outage(number, failed=NOW)))
    for _ in range(3):
        try:
            store.keep()
        except StoreError as error:
            words.add(error.reason)
    print("full:", words, store.pending.waiting)
    (directory / "filling").unlink()
    fill(directory, 4 * MIB)
    for turn in range(100):
        if not store.pending.waiting:
            break
        try:
            store.keep(at=NOW.later(turn))
        except StoreError as error:
            print(error)
    print("room for a part:", store.pending.waiting)
    (used,) = [sum(file.stat().st_size for file in directory.glob("state.db*")) / MIB]
    print("used:", used < 8, store.rows("SELECT max(began) FROM outages") == [(int(NOW.later(19_999).wall * 1e6),)])


def story_of_freed_pages(directory: Path) -> None:
    """As above: the history has been larger than it may be."""
    from mpathd_watch.store.pruning import Limits  # noqa: PLC0415
    from tests.unit.store.test_store import NOW, Store, ended, outage  # noqa: PLC0415

    store = Store(directory, Limits(36_500, 2))
    for number in range(6_000):
        store.pending.put(ended(outage(number, failed=NOW)))
        if number % 100 == 99:
            store.keep(at=NOW.later(number))
    fill(directory, 0)
    for number in range(6_000, 6_600):
        store.pending.put(ended(outage(number, failed=NOW)))
        if number % 100 == 99:
            store.keep(at=NOW.later(number))
    print("written:", store.rows("SELECT max(began) FROM outages") == [(int(NOW.later(6_599).wall * 1e6),)])


def test_what_waits_is_written_in_room_for_a_part_of_it(tmp_path: Path) -> None:
    assert played("story", tmp_path) == ["full: {'disk_full'} 20000", "room for a part: 0", "used: True True"]


def test_pages_that_the_history_has_freed_need_no_room(tmp_path: Path) -> None:
    assert played("story_of_freed_pages", tmp_path) == ["written: True"]


def played(story: str, place: Path) -> list[str]:
    """What a story has printed, on a disk of its own at ``place``."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: a disk can be mounted by root only")
    module = "tests.component.test_full_disk"
    program = f"from pathlib import Path; from {module} import {story}; {story}(Path({str(place)!r}))"
    script = 'mount -t tmpfs -o size=16m tmpfs "$1" && shift && exec "$@"'
    command = ["unshare", "--mount", "sh", "-euc", script, "sh", str(place), sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
