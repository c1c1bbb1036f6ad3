"""How ``status`` ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mpathd_watch import cli
from mpathd_watch.cli import status, status_once
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


def test_one_map_or_the_problems_are_shown_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = [make_map("a", health=MapHealth.LOST), make_map("b")]
    found = document(View(make_state(maps), NOW))
    monkeypatch.setattr(status, "_ask", lambda: (found, ""))
    assert cli.main(["status", "--json", "--map", "b"]) == 0
    assert [entry["map"] for entry in json.loads(capsys.readouterr().out)["maps"]] == ["b"]
    assert cli.main(["status", "--json", "--problems"]) == 0
    assert [entry["map"] for entry in json.loads(capsys.readouterr().out)["maps"]] == ["a"]
    assert cli.main(["status", "--map", "wwid-of-b"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 maps: 1 healthy, 1 lost\n\nb  HEALTHY")


@pytest.mark.parametrize(("name", "expected"), [("a", 2), ("b", 0), ("c", 2)])
def test_the_exit_status_is_that_of_the_map_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: int
) -> None:
    maps = [make_map("a", health=MapHealth.LOST), make_map("b")]
    found = document(View(make_state(maps), NOW))
    monkeypatch.setattr(status, "_ask", lambda: (found, ""))
    assert cli.main(["status", "--exit-status", "--map", name]) == expected
    assert cli.main(["status", "--exit-status", "--map", name, "--problems"]) == expected


@pytest.mark.parametrize(
    "option", [["--sysfs", "/sys"], ["--root", "/"], ["--multipathd-socket", "x"], ["--exit-status"]]
)
def test_what_cannot_be_watched_is_refused(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    assert cli.main(["status", "--watch", *option]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_who_may_not_ask_the_daemon_sees_the_host_read_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Root may write to any socket: for others the kernel's answer is put in its place."""
    seen = status_once.Shown(document(View(make_state([make_map("a")]), NOW)), (), {})
    (tmp_path / "status.sock").touch()
    monkeypatch.setattr(status, "runtime_directory", lambda: tmp_path)
    monkeypatch.setattr(status, "replay_sockets", list)
    monkeypatch.setattr(status_once, "shown", lambda _options: seen)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path / "status.sock")
    reason = f"Only root and members of its group may ask the daemon on {tmp_path}/status.sock"
    assert cli.main(["status"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"{reason}; the host was read once.\n"
    assert shown.out.startswith("1 map: 1 healthy")
    assert cli.main(["status", "--watch"]) == 1
    assert capsys.readouterr().err == f"mpathd-watch: {reason}\n"
