"""Command lines of the first release (commit 05ca54e): each is understood, and an old name is reported in one line."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpathd_watch.cli import main
from mpathd_watch.cli.parser import parser
from mpathd_watch.cli.renamed import COMMANDS, OPTIONS, renamed

HOST = "--config /f --sysfs /s --multipathd-socket @x"
OF_THE_FIRST_RELEASE = (
    f"run {HOST} --listen :1 --state-dir /d --record /r --root /",
    "run --listen=[::1]:9",
    f"status {HOST} --json",
    f"check {HOST} --json --root /",
    "records",
    "records --output /run/mpathd-watch/records.json --root /",
    "replay",
    "replay /f --speed 4 --listen 127.0.0.1:1",
)


@pytest.mark.parametrize("line", OF_THE_FIRST_RELEASE)
def test_a_command_line_of_the_first_release_is_understood(line: str) -> None:
    words, notes = renamed(shlex.split(line))
    options = parser().parse_args(words)
    assert len(notes) == ("--listen" in line or "records" in line)
    if "--listen" in line:
        value = line.partition("--listen")[2].split()[0].lstrip(" =")
        assert options.listen in (value, [value])
        assert "--web.listen-address" in notes[0]
    if line.startswith("records"):
        assert options.command == "export-config"
        assert "export-config" in notes[0]
        assert "root-only.json" in notes[0]


@pytest.mark.parametrize(
    "line", ["", "--version", "run --record x --web.listen-address :1", "replay -- --listen", "status --listen :1"]
)
def test_anything_else_stays_as_it_is(line: str) -> None:
    assert renamed(shlex.split(line)) == (shlex.split(line), [])


def test_an_option_that_is_repeated_is_reported_once() -> None:
    words, notes = renamed(["run", "--listen", ":1", "--listen=:2"])
    assert words == ["run", "--web.listen-address", ":1", "--web.listen-address=:2"]
    assert len(notes) == 1


def test_no_old_name_is_one_of_today() -> None:
    (action,) = (each for each in parser()._actions if hasattr(each, "choices") and each.choices)
    today = dict(action.choices or {})
    assert not COMMANDS.keys() & today.keys()
    assert {new for new, _ in COMMANDS.values()} <= today.keys()
    for command, options in OPTIONS.items():
        known = {option for each in today[command]._actions for option in each.option_strings}
        assert not options.keys() & known
        assert set(options.values()) <= known


def test_the_line_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[tuple[str, argparse.Namespace]] = []

    def imported(name: str) -> SimpleNamespace:
        def run(options: argparse.Namespace) -> int:
            done.append((name, options))
            return 0

        return SimpleNamespace(run=run)

    monkeypatch.setattr("mpathd_watch.cli.import_module", imported)
    assert main(["records", "--output", str(tmp_path / "records.json")]) == 0
    [(name, options)] = done
    assert (name, options.output) == ("mpathd_watch.cli.export_config", tmp_path / "records.json")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("mpathd-watch: the command records is called export-config now")
