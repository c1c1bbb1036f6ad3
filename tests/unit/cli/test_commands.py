"""The command line: every command has a module, and no command waits for what another one needs."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mpathd_watch import __version__
from mpathd_watch.cli import main
from mpathd_watch.cli.parser import parser


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("command", commands())
def test_every_command_has_a_module_of_its_name(command: str) -> None:
    assert callable(import_module(f"mpathd_watch.cli.{command.replace('-', '_')}").run)


@pytest.mark.parametrize("command", commands())
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: mpathd-watch {command}" in capsys.readouterr().out


def test_the_version_is_printed_without_loading_any_command() -> None:
    program = (
        "import sys, mpathd_watch.cli\n"
        "try: mpathd_watch.cli.main(['--version'])\n"
        "except SystemExit: print(*(name for name in sys.modules if name.startswith('mpathd_watch')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    version, loaded = done.stdout.splitlines()
    assert version == f"mpathd-watch {__version__}"
    command_line = {f"mpathd_watch.cli.{name}" for name in ("collector", "parser", "renamed")}
    assert set(loaded.split()) == {"mpathd_watch", "mpathd_watch.cli", *command_line}


def test_the_manual_page_has_every_command_with_exactly_its_options() -> None:
    page = Path(__file__).parents[3].joinpath("docs/mpathd-watch.8").read_text(encoding="utf-8").replace("\\-", "-")
    synopsis = page.partition(".SH SYNOPSIS\n")[2].partition(".SH ")[0]
    described = set(re.findall(r"^\.BI? (--[\w.-]+)", page, re.MULTILINE))
    for name, command in commands().items():
        options = {option for action in command._actions for option in action.option_strings} - {"-h", "--help"}
        (usage,) = (each for each in synopsis.split(".br\n") if each.startswith(f".B mpathd-watch {name}\n"))
        assert set(re.findall(r"--[\w.-]+", usage)) == options, name
        assert options - {"--json"} <= described, name
        assert f".TP\n.B {name}\n" in page
