"""``mpathd-watch status --watch`` as a process: on a terminal, without one, and with a daemon that comes and goes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.core.model.vocabulary import Health, MapHealth
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.component.cli.watching import ENTER, LEAVE, OnTerminal, answering
from tests.component.process import PATIENCE, until
from tests.factories import NOW, at, make_map, make_outage, make_path, make_state

LEFT = re.compile(r"([0-9.]+) s left")


def status() -> Document:
    """A map with a path whose phase has half a minute left, and one that is healthy."""
    stalled = make_path("192.168.2.1:3260", "sdb", health=Health.STALLED, deadline=at(30), outage=make_outage(1))
    troubled = make_map("mpathb", [make_path(), stalled], health=MapHealth.AT_RISK)
    return document(View(make_state([make_map("mpatha"), troubled]), NOW))


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


@pytest.fixture
def environ(runtime: Path) -> dict[str, str]:
    return {"RUNTIME_DIRECTORY": str(runtime), "XDG_RUNTIME_DIR": ""}


@pytest.fixture
def terminal(runtime: Path, environ: dict[str, str]) -> Iterator[OnTerminal]:
    """A terminal that shows the status of a daemon that answers."""
    with OnTerminal("status", "--watch", environ=environ) as shown, answering(runtime, status):
        shown.wait("192.168.2.1:3260")
        yield shown


def assert_left(terminal: OnTerminal) -> None:
    until(lambda: terminal.text.endswith(LEAVE) or None, lambda: f"the end of:\n{terminal.text[-500:]!r}")
    assert terminal.text.startswith(ENTER)
    assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l")
    assert terminal.mode_now == terminal.mode


def test_the_count_down_runs_between_two_answers(runtime: Path, environ: dict[str, str]) -> None:
    once = status()

    def slow() -> Document:
        time.sleep(0.3)
        return once

    with OnTerminal("status", "--watch", environ=environ) as terminal, answering(runtime, slow):
        until(lambda: len(LEFT.findall(terminal.text)) >= 8 or None, "eight frames with a count-down")
        left = [float(seconds) for seconds in LEFT.findall(terminal.text)]
    assert 20 < min(left) < max(left) <= 30
    assert len(set(left)) >= 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(terminal: OnTerminal, number: signal.Signals) -> None:
    terminal.send(number)
    assert terminal.ended() == (0 if number == signal.SIGINT else 128 + number)
    assert_left(terminal)


def test_ctrl_c_ends_it_and_the_terminal_is_as_it_was(terminal: OnTerminal) -> None:
    terminal.type(b"\x03")
    assert terminal.ended() == 0
    assert_left(terminal)


def test_ctrl_z_gives_the_screen_back_and_it_goes_on_later(runtime: Path, environ: dict[str, str]) -> None:
    # The kernel stops no process that no shell could continue, such as this one: it goes on at once.
    with OnTerminal("status", "--watch", environ=environ) as terminal, answering(runtime, status):
        terminal.wait("192.168.2.1:3260")
        terminal.send(signal.SIGTSTP)
        until(lambda: LEAVE in terminal.text or None, "the shell's screen")
        terminal.send(signal.SIGCONT)
        until(lambda: terminal.text.count(ENTER) == 2 or None, "the status once more")
        frames = len(terminal.frames)
        terminal.wait("192.168.2.1:3260", after=frames)
        terminal.send(signal.SIGINT)
        assert terminal.ended() == 0
        assert_left(terminal)


def test_an_error_leaves_the_terminal_as_it_was(runtime: Path, environ: dict[str, str]) -> None:
    broken = status()
    del broken["maps"][0]["health"]  # type: ignore[misc]  # as no daemon answers
    with OnTerminal("status", "--watch", environ=environ) as terminal, answering(runtime, lambda: broken):
        assert terminal.ended() == 1
        until(lambda: "KeyError" in terminal.text or None, "the report of the error")
        before, _, after = terminal.text.partition(LEAVE)
    assert before.startswith(ENTER)
    assert "KeyError" in after
    assert "KeyError" not in before


def test_a_daemon_that_goes_away_and_comes_back(runtime: Path, environ: dict[str, str]) -> None:
    with OnTerminal("status", "--watch", environ=environ) as terminal:
        terminal.wait("no daemon answers; waiting for one")
        with answering(runtime, status):
            terminal.wait("29.")
        frames = len(terminal.frames)
        terminal.wait("the daemon has not answered for", after=frames)
        assert "mpathb" in terminal.frames[-2]
        frames = len(terminal.frames)
        healthy = document(View(make_state([make_map("mpatha")]), NOW))
        with answering(runtime, lambda: healthy):
            terminal.wait("1 map: 1 healthy", after=frames)
            frames = len(terminal.frames)
            terminal.wait("mpatha", after=frames)
            assert "has not answered" not in terminal.frames[frames]


def test_a_window_that_shrinks_gets_what_fits(terminal: OnTerminal) -> None:
    frames = len(terminal.frames)
    termios.tcsetwinsize(terminal.terminal, (5, 40))
    terminal.send(signal.SIGWINCH)
    until(lambda: len(terminal.frames) > frames + 3 or None, "three more frames")
    lines = re.split("\r+\n", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.frames[frames + 2]))
    assert len(lines) == 5
    assert max(map(len, lines)) < 40  # the last column stays empty: a full line is wrapped by some terminals
    assert "more lines" in lines[-1]


def test_a_terminal_that_reads_nothing_does_not_keep_it_from_ending(runtime: Path, environ: dict[str, str]) -> None:
    main, slave = os.openpty()
    command = [sys.executable, "-m", "mpathd_watch", "status", "--watch"]
    wide = make_state([make_map(f"lun{number}", [make_path()], health=MapHealth.LOST) for number in range(200)])
    termios.tcsetwinsize(slave, (400, 200))
    with answering(runtime, lambda: document(View(wide, NOW))):
        process = subprocess.Popen(  # noqa: S603  # our own program
            command, env={**os.environ, **environ, "TERM": "xterm"}, stdout=slave, start_new_session=True
        )
        try:
            time.sleep(3)
            process.terminate()
            assert process.wait(PATIENCE) == 128 + signal.SIGTERM
        finally:
            process.kill()
            os.close(slave)
            os.close(main)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_a_terminal_it_prints_again_and_again(
    runtime: Path, environ: dict[str, str], options: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "mpathd_watch", "status", "--watch", "--problems", *options]
    with (
        answering(runtime, status),
        subprocess.Popen(  # noqa: S603  # our own program
            command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        if options:
            printed = [json.loads(process.stdout.readline()) for _ in range(2)]
            assert [[entry["map"] for entry in each["maps"]] for each in printed] == [["mpathb"]] * 2
        else:
            shown = ""
            while shown.count("2 maps: 1 healthy, 1 at risk\n") < 2:
                shown += process.stdout.readline()
            assert "\x1b" not in shown
            assert "mpatha" not in shown
        process.terminate()


def test_the_end_of_the_reader_ends_it(runtime: Path, environ: dict[str, str]) -> None:
    program = f"{sys.executable} -m mpathd_watch status --watch | head -n 1; echo ${{PIPESTATUS[0]}}"
    with answering(runtime, status):
        done = subprocess.run(  # noqa: S603  # our own program
            ["bash", "-c", program],  # noqa: S607
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""
