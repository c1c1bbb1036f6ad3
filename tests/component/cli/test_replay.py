"""``mpathd-watch replay`` as a process, and what ``mpathd-watch status`` shows meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch.sources.recording import read
from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.sysfs import healthy_san
from tests.golden.test_article import RECORDING

HEADER = '{"recording":"mpathd-watch","format":1,"version":"0"}\n'
TICK = '{"at":[1.0,2.0],"event":"Tick"}\n'
NOTE = "No daemon answers; this is what a running 'mpathd-watch replay' shows, not this host.\n"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mpathd_watch", *arguments]


def replay(recording: Path, *options: str) -> tuple[int, str, str]:
    """A replay that nobody watches on a terminal: exit status, output, errors."""
    whole = command("replay", str(recording), "--web.listen-address", "127.0.0.1:0", *options)
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(recording.parent / "run")}
    done = subprocess.run(whole, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    return done.returncode, done.stdout, done.stderr


class OnTerminal:
    """A replay of a recording on a terminal of its own."""

    def __init__(self, recording: Path, environ: dict[str, str]) -> None:
        self._main, terminal = pty.openpty()
        whole = command("replay", str(recording), "--web.listen-address", "127.0.0.1:0", "--speed", "1000")
        self.process = subprocess.Popen(whole, env=environ, stdin=terminal, stdout=terminal, stderr=terminal)  # noqa: S603  # our own program
        os.close(terminal)
        self.printed = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the end of the last process on the terminal
            while chunk := os.read(self._main, 65536):
                self.printed += chunk.decode()

    def wait_printed(self, text: str) -> None:
        until(lambda: text in self.printed or None, f"{text!r} on the terminal:\n{self.printed}")

    def page(self, of: str) -> str:
        (url,) = set(re.findall(r"http://[\d.:]+/", self.printed))
        with urllib.request.urlopen(f"{url}?map={of}", timeout=PATIENCE) as answer:  # noqa: S310  # loopback
            text: str = answer.read().decode()
        return text

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        os.close(self._main)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path / "run")}


@pytest.fixture
def on_terminal(environ: dict[str, str]) -> Iterator[OnTerminal]:
    """A replay of the shipped recording that has come to its end."""
    started = OnTerminal(RECORDING, environ)
    try:
        started.wait_printed("Ctrl-C")
        yield started
    finally:
        started.close()


def status(environ: dict[str, str]) -> tuple[str, str]:
    """The name of the first map that the status shows, and what is noted beside it."""
    done = subprocess.run(command("status", "--json"), env=environ, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    return json.loads(done.stdout)["maps"][0]["wwid"], done.stderr


@pytest.mark.parametrize("content", ["", "no recording\n", '{"recording":"of another program"}\n', HEADER, None])
def test_a_file_that_is_no_recording_is_one_line_and_nothing_else(tmp_path: Path, content: str | None) -> None:
    recording = tmp_path / "none.jsonl"
    if content is not None:
        recording.write_text(content, encoding="utf-8")
    done, printed, errors = replay(recording)
    assert (done, printed) == (1, "")
    assert len(errors.splitlines()) == 1
    assert str(recording) in errors


def test_a_recording_cut_in_mid_line_plays_what_is_whole_and_reports_where_it_ends(tmp_path: Path) -> None:
    recording = tmp_path / "cut.jsonl"
    recording.write_text(HEADER + TICK + TICK[:9], encoding="utf-8")
    done, printed, errors = replay(recording)
    assert done == 1
    assert len(printed.splitlines()) > 1
    assert len(errors.splitlines()) == 1
    assert "line 3" in errors


def test_a_long_pause_is_skipped(tmp_path: Path) -> None:
    """A later part of a recording begins with readings that may be days old."""
    recording = tmp_path / "paused.jsonl"
    later = '{"at":[90000,1800090000],"event":"Tick"}\n'
    recording.write_text(HEADER + TICK + later, encoding="utf-8")
    done, _printed, errors = replay(recording, "--speed", "1")
    assert (done, errors) == (0, "")


@pytest.mark.parametrize(
    ("speed", "words"), [("1", "at its own speed;"), ("0.5", "0.5 times as fast as it was recorded;")]
)
def test_the_first_line_says_how_fast_it_plays(tmp_path: Path, speed: str, words: str) -> None:
    recording = tmp_path / "short.jsonl"
    recording.write_text(HEADER + TICK, encoding="utf-8")
    done, printed, errors = replay(recording, "--speed", speed)
    assert (done, errors) == (0, "")
    assert printed.splitlines()[0].startswith(
        f"Playing {recording} {words} metrics and a page are on http://127.0.0.1:"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_on_a_terminal_it_serves_on_until_it_is_interrupted_and_leaves_nothing_behind(
    on_terminal: OnTerminal, environ: dict[str, str], number: signal.Signals
) -> None:
    wwid = next(iter(maps_of(RECORDING)))
    assert status(environ) == (wwid, NOTE)
    assert wwid in on_terminal.page(wwid)
    assert on_terminal.stop(number) == 0
    assert "Traceback" not in on_terminal.printed
    assert not Path(environ["RUNTIME_DIRECTORY"]).exists()


def test_a_real_daemon_comes_before_a_replay(tmp_path: Path, environ: dict[str, str]) -> None:
    healthy_san(tmp_path / "sys")
    daemon = Daemon(tmp_path)
    replay = OnTerminal(RECORDING, environ)
    try:
        daemon.wait_notified(r"^READY=1$")
        replay.wait_printed("Ctrl-C")
        assert "'mpathd-watch status' shows its state" in replay.printed
        real, note = status(environ)
        assert note == ""
        assert daemon.stop() == 0
        played, note = status(environ)
        assert note == NOTE
        assert played != real
    finally:
        daemon.close()
        replay.close()


def maps_of(recording: Path) -> set[str]:
    """The WWIDs of all maps in a recording."""
    return {each.wwid for event, _ in read(recording) for each in getattr(event, "maps", ())}
