"""The bugs that show that the simulator finds bugs: each can be planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim import bugs
from tests.sim.bugs import BUGS, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug, tmp_path: Path) -> None:
    bugs.plant(bug, tmp_path)
    text = (tmp_path / "mpathd_watch/core" / bug.file).read_text(encoding="utf-8")
    assert bug.right not in text or bug.right in bug.wrong


def test_a_bug_whose_place_has_changed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its text is 0 times"):
        bugs.plant(Bug("none", "step.py", "not in the file", ""), tmp_path)


def test_a_bug_that_is_no_python_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        bugs.plant(Bug("none", "step.py", "def step(", "def ("), tmp_path)
