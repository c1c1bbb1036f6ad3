"""The completion of bash: it offers the commands that there are, and the words that options take."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from mpathd_watch.cli.parser import parser
from mpathd_watch.core.model.vocabulary import Verdict

COMPLETION = Path(__file__).parents[3] / "debian/completions/mpathd-watch"
STUBS = """
_init_completion() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }
_filedir() { COMPREPLY=("FILE$*"); }
mpathd-watch() { if [[ $* == *--help* ]]; then echo "  --json --plot FILE [--plot]"; else echo 00000000000000aa; fi; }
"""
"""What bash-completion provides, and a program that answers at once."""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def offered(*words: str) -> list[str]:
    """What is offered for the last of the words."""
    script = (
        f"{STUBS}\nsource {COMPLETION}\nCOMP_WORDS=(mpathd-watch {' '.join(repr(word) for word in words)})\n"
        f"COMP_CWORD={len(words)}\n_mpathd_watch\n" + 'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603, S607
    assert done.stderr == ""
    return done.stdout.split()


def test_every_command_is_offered() -> None:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    assert set(offered("")) == {*action.choices, "--help", "--version"}
    assert offered("hi") == ["history"]


def test_options_and_their_words_are_offered() -> None:
    assert offered("history", "--") == ["--json", "--plot"]
    assert set(offered("history", "--verdict", "")) == {*(verdict.value for verdict in Verdict), "open"}
    assert offered("check", "--at-risk", "c") == ["critical"]
    assert offered("run", "--config", "") == ["FILE"]
    assert offered("history", "--state-dir", "") == ["FILE-d"]


def test_the_ids_of_outages_are_offered() -> None:
    assert offered("history", "") == ["show"]
    assert offered("history", "show", "0") == ["00000000000000aa"]
    assert offered("history", "show", "aa", "--pl") == ["--plot"]
