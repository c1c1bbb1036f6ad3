"""What the tests of commands share that change the daemon's state."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The daemon's state directory; its runtime directory is ``run`` beside it."""
    directory, run = tmp_path / "state", tmp_path / "run"
    directory.mkdir()
    run.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(directory))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(run))
    return directory
