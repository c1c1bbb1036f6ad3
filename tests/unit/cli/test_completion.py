"""The completion for bash: names of maps and paths."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_path, make_state

COMPLETION = Path(__file__).parents[3] / "debian" / "completions" / "mpathd-watch"
PROGRAM = """
__ltrim_colon_completions() { :; }
_init_completion()
{
    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
}
source "$1"
status=$2
shift 2
mpathd-watch() { printf '%s' "$status"; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_mpathd_watch
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(status: str, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "-c", PROGRAM, "bash", str(COMPLETION), status, "mpathd-watch", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    return done.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def status() -> str:
    gone = make_path("192.168.2.1:3260", "sdb", member=False)
    maps = [
        make_map("mpio", paths=[make_path(), gone]),
        make_map("whole one"),
        make_map("lost", paths=[], sysfs_name=""),
    ]
    return json.dumps(document(View(make_state(maps), NOW)))


def test_forget_offers_what_is_missing_and_check_every_map(status: str) -> None:
    assert offered(status, "forget", "--map", "") == ["lost", "mpio"]
    assert offered(status, "check", "--map", "") == ["lost", "mpio", "'whole one'"]
    assert offered(status, "check", "--map", "m") == ["mpio"]
    assert offered(status, "forget", "--map", "mpio", "--path", "") == ["192.168.2.1:3260"]
    assert offered(status, "forget", "--map", "mpio", "--path", "x") == [""]
    assert offered(status, "forg") == ["forget"]


def test_without_a_daemon_nothing_is_offered() -> None:
    assert offered("", "forget", "--map", "") == [""]
