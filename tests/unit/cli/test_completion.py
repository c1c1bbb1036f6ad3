"""The completion in bash: it has every command with its options, and completes names although they have colons."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.cli.parser import parser
from mpathd_watch.core.model.vocabulary import Verdict
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_path, make_state

SCRIPT = Path(__file__).parents[3] / "completions/mpathd-watch"
STATUS = json.dumps(
    document(
        View(
            make_state(
                [
                    make_map("mpio", paths=[make_path(), make_path("192.168.2.1:3260", "sdb", member=False)]),
                    make_map("whole"),
                    make_map("lost", paths=[], sysfs_name=""),
                ]
            ),
            NOW,
        )
    )
)
"""A map with a path that is missing, one that is healthy, and one that is gone."""
PORTALS = ("192.168.1.1:3260", "192.168.2.1:3260", "[fd00::1]:3260", "$(echo hostile):1")


def completed(*words: str, line: str | None = None) -> list[str]:
    """What bash offers for the last word; the names of portals are made up."""
    typed = line if line is not None else " ".join(words)
    program = f"""
        source {shlex.quote(str(SCRIPT))}
        _mpathd_watch_portals() {{ printf '%s\\n' {shlex.join(PORTALS)}; }}
        mpathd-watch() {{
            case $1 in
                status) printf '%s' {shlex.quote(STATUS)} ;;
                history) printf '%s\\n' "00000000000000aa  mpio" "and a line without an id" ;;
            esac
        }}
        COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
        COMP_LINE={shlex.quote(typed)} COMP_POINT={len(typed)}
        _mpathd_watch
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)  # noqa: S603, S607  # our own program
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command with its long options."""
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    for name, command in action.choices.items():
        options = (option for each in command._actions for option in each.option_strings)
        yield name, {option for option in options if option.startswith("--")}


def test_every_command_is_offered() -> None:
    assert set(completed("mpathd-watch", "")) == {name for name, _ in commands()} | {"--help", "--version"}


@pytest.mark.parametrize(("command", "options"), list(commands()))
def test_every_option_of_a_command_is_offered(command: str, options: set[str]) -> None:
    assert set(completed("mpathd-watch", command, "--")) == options


def test_a_portal_is_offered_whole_and_completed_behind_its_colon() -> None:
    assert completed("mpathd-watch", "drill", "--portal", "192.168.2") == ["192.168.2.1:3260"]
    words = ("mpathd-watch", "drill", "--portal", "192.168.2.1", ":", "32")
    assert completed(*words, line="mpathd-watch drill --portal 192.168.2.1:32") == ["3260"]
    assert completed("mpathd-watch", "drill", "--portal", "[fd00:", line="mpathd-watch drill --portal [fd00:") == [
        r":1\]:3260"
    ]


def test_forget_offers_what_is_missing() -> None:
    assert completed("mpathd-watch", "forget", "--map", "") == ["lost", "mpio"]
    assert completed("mpathd-watch", "forget", "--map", "m") == ["mpio"]
    line = "mpathd-watch forget --map mpio --path 192.168.2.1:32"
    assert completed(*line.replace(":", " : ").split(), line=line) == ["3260"]
    assert completed(
        "mpathd-watch", "forget", "--map", "mpio", "--path", "", line="mpathd-watch forget --map mpio --path "
    ) == ["192.168.2.1:3260"]


def test_the_outages_and_filters_of_the_history_are_offered() -> None:
    assert completed("mpathd-watch", "history", "sh") == ["show"]
    assert completed("mpathd-watch", "history", "show", "0") == ["00000000000000aa"]
    assert set(completed("mpathd-watch", "history", "show", "aa", "--")) == {
        "--json",
        "--plot",
        "--state-dir",
        "--help",
    }
    assert set(completed("mpathd-watch", "history", "--verdict", "")) == {*(each.value for each in Verdict), "open"}


def test_a_name_from_the_san_is_never_run() -> None:
    assert r"\$\(echo\ hostile\):1" in completed("mpathd-watch", "drill", "--portal", "")


def test_values_that_are_a_choice_are_offered() -> None:
    assert completed("mpathd-watch", "check", "--at-risk", "") == ["warning", "critical"]
    assert "lo" in completed("mpathd-watch", "drill", "--interface", "")


def test_files_are_offered_where_a_file_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "report.md").touch()
    assert completed("mpathd-watch", "drill", "--report", f"{tmp_path}/re") == [f"{tmp_path}/report.md"]
