"""How ``status`` ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpathd_watch import cli
from mpathd_watch.cli import status
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_state


@pytest.mark.parametrize(
    ("healths", "started", "expected"),
    [
        ((), True, 0),
        ((MapHealth.HEALTHY,), True, 0),
        ((MapHealth.HEALTHY, MapHealth.DEGRADED), True, 1),
        ((MapHealth.AT_RISK, MapHealth.LOST), True, 2),
        ((MapHealth.UNKNOWN,), True, 3),
        ((), False, 3),
    ],
)
def test_the_exit_status_is_that_of_the_maps_if_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, healths: tuple[MapHealth, ...], started: bool, expected: int
) -> None:
    maps = [make_map(f"map{number}", health=health) for number, health in enumerate(healths)]
    found = document(View(make_state(maps=maps, started=started), NOW))
    monkeypatch.setattr(status, "_ask", lambda: (found, ""))
    assert cli.main(["status"]) == 0
    assert cli.main(["status", "--exit-status"]) == expected


def test_a_host_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    arguments = ["status", "--config", str(tmp_path / "config.toml"), "--sysfs", str(tmp_path / "none")]
    assert cli.main([*arguments, "--exit-status"]) == 3
    assert cli.main(arguments) == 0
