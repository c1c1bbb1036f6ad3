"""A drill that was made is handed to the daemon, or written without one."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mpathd_watch.cli.drill_kept import keep
from mpathd_watch.core.drill.result import DrillRecord, Ending
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.control.message import MOST_OF_DRILL, DrillMade, Reply, decode_request, encode_reply
from mpathd_watch.sinks.drill.document import document
from mpathd_watch.store.drills import read_drills
from tests.unit.cli.daemon import control_socket, hang_up
from tests.unit.sinks.drill.test_report import record

if TYPE_CHECKING:
    import pytest


def handed_on(state: Path, made: DrillRecord, reply: Reply) -> tuple[Reply, bytes]:
    """What becomes of the drill beside a daemon with this reply, and the line that the daemon receives."""
    received = b""

    def answer(client: socket.socket) -> None:
        nonlocal received
        while not received.endswith(b"\n"):
            received += client.recv(65536)
        client.sendall(encode_reply(reply))

    with control_socket(state, answer):
        replied = keep(made)
    return replied, received


def test_a_running_daemon_receives_the_whole_report(state: Path) -> None:
    replied, received = handed_on(state, record(), Reply(done=False, text="no"))
    assert replied == Reply(done=False, text="no")
    assert decode_request(received) == DrillMade(json.loads(json.dumps(document(record()))))
    assert list(state.iterdir()) == []


def test_a_report_that_is_too_long_is_sent_without_what_was_measured(state: Path) -> None:
    (path,) = record().paths
    many = replace(record(), paths=tuple(replace(path, wwid=f"3600{number:028x}") for number in range(2000)))
    assert len(json.dumps(document(many))) > MOST_OF_DRILL
    _, received = handed_on(state, many, Reply(done=True, text="yes"))
    assert len(received) <= MOST_OF_DRILL
    request = decode_request(received)
    assert isinstance(request, DrillMade)
    paths = request.report["paths"]
    assert isinstance(paths, list)
    assert len(paths) == 2000
    assert paths[-1].keys() == {"map", "wwid", "path", "expected", "health", "back", "proven"}


def test_without_a_daemon_the_store_is_written(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: record().ended.wall)
    made = record()
    assert keep(made) == Reply(done=True, text=f"drill {made.id} is kept in the history")
    with closing(sqlite3.connect(state / "state.db")) as database:
        assert [(drill.id, drill.outcome) for drill in read_drills(database)] == [(made.id, "passed")]


def test_where_nothing_can_be_written_the_reply_is_the_reason(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: record().ended.wall)
    (state / "state.db").write_bytes(b"nonsense " * 1000)
    assert keep(record(Ending.STOPPED)).text.startswith(f"{state / 'state.db'}: ")
    monkeypatch.setenv("STATE_DIRECTORY", str(state / "none"))
    assert keep(record()) == Reply(done=False, text=f"{state / 'none'}: No such file or directory")


def test_a_daemon_that_refuses_is_the_last_word(state: Path) -> None:
    with control_socket(state, hang_up):
        reply = keep(record())
    assert not reply.done
    assert "too busy; try again as root" in reply.text
    assert list(state.iterdir()) == []
