"""Writing as root into a directory that somebody else owns: nothing that was laid there is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.store.files import WriteError, replace_file

DATA = b'{"format": 1}\n'
OWNERS = {os.geteuid()}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "run"
    found.mkdir(mode=0o755)
    return found


@pytest.fixture
def target(directory: Path) -> Path:
    return directory / "root-only.json"


@pytest.fixture
def shadow(tmp_path: Path) -> Iterator[Path]:
    """A file that must not be touched."""
    file = tmp_path / "shadow"
    file.write_text("root's own")
    file.chmod(0o600)
    yield file
    assert file.read_text() == "root's own"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.is_symlink()


def is_written(target: Path) -> bool:
    found = target.lstat()
    whole = stat.S_ISREG(found.st_mode) and target.read_bytes() == DATA
    return whole and stat.S_IMODE(found.st_mode) == 0o644 and [*target.parent.iterdir()] == [target]


@pytest.mark.parametrize("mask", [0, 0o22, 0o77, 0o777])
def test_it_is_there_for_everybody_to_read(target: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        replace_file(target, DATA, OWNERS)
    finally:
        os.umask(before)
    assert is_written(target)
    assert target.stat().st_uid == os.geteuid()


def test_an_older_one_is_replaced_and_never_seen_half(target: Path) -> None:
    target.write_text("old")
    with target.open("rb") as reading:
        replace_file(target, DATA, OWNERS)
        assert reading.read() == b"old"
    assert is_written(target)


@pytest.mark.parametrize("name", ["root-only.json", ".root-only.json.new"])
@pytest.mark.parametrize("kind", ["link", "dangling", "hard", "fifo", "file"])
def test_what_was_laid_there_is_replaced_and_not_followed(target: Path, shadow: Path, name: str, kind: str) -> None:
    trap = target.parent / name
    lay: dict[str, Callable[[], Any]] = {
        "link": lambda: trap.symlink_to(shadow),
        "dangling": lambda: trap.symlink_to(shadow.parent / "nothing"),
        "hard": lambda: trap.hardlink_to(shadow),
        "fifo": lambda: os.mkfifo(trap),
        "file": lambda: trap.write_text("x"),
    }
    lay[kind]()
    replace_file(target, DATA, OWNERS)
    assert is_written(target)
    assert not (shadow.parent / "nothing").exists()


@pytest.mark.parametrize("name", ["root-only.json", ".root-only.json.new"])
def test_a_directory_in_the_way_is_one_line(target: Path, name: str) -> None:
    (target.parent / name).mkdir()
    with pytest.raises(WriteError, match="Is a directory") as caught:
        replace_file(target, DATA, OWNERS)
    assert len(str(caught.value).splitlines()) == 1
    assert [each.name for each in target.parent.iterdir()] == [name]


def test_a_link_laid_at_the_last_moment_is_not_followed(
    target: Path, shadow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = target.parent / ".root-only.json.new"
    real = os.open

    def race(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & os.O_CREAT:
            draft.symlink_to(shadow)
        return real(path, flags, *arguments, **named)

    target.write_text("old")
    monkeypatch.setattr(os, "open", race)
    with pytest.raises(WriteError, match="File exists"):
        replace_file(target, DATA, OWNERS)
    # Old facts must not pass for new ones.
    assert not target.exists()


def test_a_name_exchanged_while_it_is_written_gives_nothing_away(
    target: Path, shadow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = target.parent / ".root-only.json.new"
    real = os.fchmod

    def race(descriptor: int, mode: int) -> None:
        draft.unlink()
        draft.symlink_to(shadow)
        real(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", race)
    replace_file(target, DATA, OWNERS)
    # The owner of the directory has put something of its own there: it could do so at any time.
    assert target.is_symlink()


@pytest.mark.parametrize("kind", ["link", "file", "missing"])
def test_a_directory_that_is_none_is_refused(target: Path, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    match kind:
        case "link":
            elsewhere.symlink_to(target.parent)
        case "file":
            elsewhere.touch()
    with pytest.raises(WriteError, match=str(elsewhere)) as caught:
        replace_file(elsewhere / "root-only.json", DATA, OWNERS)
    assert len(str(caught.value).splitlines()) == 1
    assert list(target.parent.iterdir()) == []


def test_a_directory_of_somebody_else_is_refused(target: Path) -> None:
    with pytest.raises(WriteError, match=f"belongs to user {os.geteuid()}"):
        replace_file(target, DATA, {os.geteuid() + 1})
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(target: Path, mode: int) -> None:
    target.parent.chmod(mode)
    with pytest.raises(WriteError, match="others than its owner"):
        replace_file(target, DATA, OWNERS)
    assert list(target.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any directory")
def test_a_directory_that_is_read_only_is_one_line(target: Path) -> None:
    target.parent.chmod(0o555)
    with pytest.raises(WriteError, match="Permission denied"):
        replace_file(target, DATA, OWNERS)


@pytest.mark.parametrize("call", ["fchmod", "rename"])
def test_a_failure_half_way_leaves_nothing(target: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    target.write_text("old")
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(WriteError, match=r"root-only\.json: No space left on device"):
        replace_file(target, DATA, OWNERS)
    assert list(target.parent.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_path_that_names_no_file_is_one_line(directory: Path) -> None:
    for path in (directory / "..", Path("/")):
        with pytest.raises(WriteError):
            replace_file(path, DATA, OWNERS)
