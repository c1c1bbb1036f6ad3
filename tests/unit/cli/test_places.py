"""Where a replay serves its status, so that no daemon is in its way, nor it in a daemon's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpathd_watch.cli.places import replay_socket, replay_sockets, runtime_directory


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("mpathd_watch.cli.places.RUNTIME_DIRECTORY", tmp_path / "run")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / "run"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own runtime directory."""
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "user"))
    return tmp_path / "user/mpathd-watch"


def test_a_directory_that_can_be_made_is_made_and_removed_afterwards(usual: Path, own: Path) -> None:
    assert runtime_directory() is None
    with replay_socket() as socket:
        assert socket == usual / "replay.sock"
        assert usual.stat().st_mode & 0o777 == 0o755
        assert socket in replay_sockets()
    assert not usual.exists()
    assert not own.exists()


def test_a_directory_that_was_there_or_is_used_by_now_stays(usual: Path) -> None:
    with replay_socket() as socket:
        assert socket is not None
        (usual / "status.sock").touch()
    assert usual.is_dir()
    with replay_socket():
        pass
    assert usual.is_dir()
    assert runtime_directory() == usual


def test_what_systemd_has_made_comes_before_the_usual_place(
    usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/given:{tmp_path}/more")
    with replay_socket() as socket:
        assert socket == tmp_path / "given/replay.sock"
    assert not usual.exists()


def test_a_directory_of_somebody_else_is_left_alone_for_the_user_s_own(
    usual: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual.mkdir()
    theirs = usual.stat()
    lstat = Path.lstat

    def somebody_else(path: Path) -> os.stat_result:
        return os.stat_result((*theirs[:4], theirs.st_uid + 1, *theirs[5:])) if path == usual else lstat(path)

    monkeypatch.setattr(Path, "lstat", somebody_else)
    with replay_socket() as socket:
        assert socket == own / "replay.sock"
        assert socket in replay_sockets()


def test_a_directory_that_others_may_write_to_or_a_link_is_not_used(usual: Path, tmp_path: Path) -> None:
    usual.mkdir()
    usual.chmod(0o777)
    with replay_socket() as socket:
        assert socket is None
    usual.rmdir()
    (tmp_path / "elsewhere").mkdir()
    usual.symlink_to(tmp_path / "elsewhere")
    with replay_socket() as socket:
        assert socket is None


def test_where_no_directory_can_be_made_there_is_no_status(
    usual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "no/such"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    with replay_socket() as socket:
        assert socket is None
    assert not usual.exists()


def test_a_directory_that_can_not_be_looked_at_is_none(usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(usual / ("x" * 300)))  # ENAMETOOLONG, for root as well
    assert runtime_directory() is None
