"""What ``mpathd-watch check`` takes from root's export, and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpathd_watch.cli import check, places


@pytest.mark.parametrize(("user", "root", "taken"), [(1000, "/", True), (1000, "/mnt/rescue", False), (0, "/", False)])
def test_roots_export_is_for_other_users_and_for_this_host_alone(
    user: int, root: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert check.handed_over(Path(root)) == (tmp_path / places.ROOT_ONLY if taken else None)
