"""The completion in interactive shells on a terminal: what is on the command line after Tab."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.component.cli.watching import answering
from tests.component.process import PATIENCE, until
from tests.factories import NOW, make_failed_path, make_map, make_path, make_state

COMPLETIONS = Path(__file__).parents[3] / "completions"
HOSTILE = "evil$(touch${IFS}ran)"
"""A name that creates a file if a shell runs it."""
START = {
    "bash": f"""
source {COMPLETIONS}/mpathd-watch
show() {{ printf '%s' "$READLINE_LINE" >shown.new; mv shown.new shown; }}
bind 'set completion-query-items 0'; bind -x '"\\C-g": show'; echo ready >started
""",
    "zsh": f"""
fpath=({COMPLETIONS} $fpath); autoload -Uz compinit; compinit -u -d $PWD/dump
show() {{ print -rn -- "$BUFFER" >shown.new; mv shown.new shown }}
zle -N show; bindkey '^G' show; echo ready >started
""",
}
COMMAND = {"bash": ("bash", "--norc", "--noprofile", "-i"), "zsh": ("zsh", "-f", "-i")}


def status() -> Document:
    """A map with a path that is missing, one that is whole, and one with a name that is a program."""
    missing = make_failed_path("192.168.2.1:3260", member=False)
    maps = [
        make_map("mpio", [make_path(), missing]),
        make_map("whole", [make_path("[fd00::1]:3260")]),
        make_map(HOSTILE),
    ]
    return document(View(make_state(maps), NOW))


class Shell:
    """An interactive shell in the directory, in which ``mpathd-watch`` is the program of this tree."""

    def __init__(self, name: str, directory: Path) -> None:
        self._directory = directory
        program = directory / "bin" / "mpathd-watch"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mpathd_watch "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        (directory / "start").write_text(START[name], encoding="utf-8")
        self._main, slave = pty.openpty()
        environ = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "RUNTIME_DIRECTORY": str(directory / "run"),
            "MPATHD_WATCH_COMPLETION": str(COMPLETIONS / "mpathd-watch"),
            "TERM": "xterm",
            "HOME": str(directory),
            "ZDOTDIR": str(directory),
        }
        self.printed = ""
        self._process = subprocess.Popen(  # noqa: S603  # a shell of this host
            COMMAND[name], env=environ, cwd=directory, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        threading.Thread(target=self._read, daemon=True).start()
        self._type(" . ./start\r")
        until(lambda: (directory / "started").exists() or None, lambda: self.printed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._main)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(self._main, 65536):
                self.printed += chunk.decode(errors="replace")

    def _type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def completed(self, typed: str) -> str:
        """What the command line is once Tab was pressed behind ``typed``; the line is emptied again."""
        shown = self._directory / "shown"
        shown.unlink(missing_ok=True)
        self._type(f"{typed}\t\x07")
        until(lambda: shown.exists() or None, lambda: f"the line after {typed!r}:\n{self.printed}")
        self._type("\x15")
        return shown.read_text(encoding="utf-8")


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    (tmp_path / "run").mkdir()
    with answering(tmp_path / "run", status), Shell(request.param, tmp_path) as started:
        yield started


def test_commands_options_and_names_are_completed(shell: Shell, tmp_path: Path) -> None:
    assert shell.completed("mpathd-watch stat") == "mpathd-watch status "
    assert shell.completed("mpathd-watch status --prob") == "mpathd-watch status --problems "
    assert shell.completed("mpathd-watch status --watch --map mp") == "mpathd-watch status --watch --map mpio "
    assert shell.completed("mpathd-watch status --map=mp") == "mpathd-watch status --map=mpio "
    assert shell.completed("mpathd-watch forget --map m") == "mpathd-watch forget --map mpio "
    assert shell.completed("mpathd-watch forget --map mpio --path 1") == (
        "mpathd-watch forget --map mpio --path 192.168.2.1:3260 "
    )
    assert shell.completed("mpathd-watch history --path 192.168.1.1:3") == (
        "mpathd-watch history --path 192.168.1.1:3260 "
    )
    (tmp_path / "report.md").touch()
    assert shell.completed("mpathd-watch drill --report rep") == "mpathd-watch drill --report report.md "
    assert shell.completed("mpathd-watch drill --root ru") == "mpathd-watch drill --root run/"


def test_a_name_from_the_san_is_offered_and_never_run(shell: Shell, tmp_path: Path) -> None:
    line = shell.completed("mpathd-watch status --map ev")
    # zsh need not quote an opening brace behind a quoted dollar sign.
    assert line.replace("{", r"\{").replace("}", r"\}").replace("\\\\", "\\") == (
        r"mpathd-watch status --map evil\$\(touch\$\{IFS\}ran\) "
    )
    assert not (tmp_path / "ran").exists()
