"""``mpathd-watch forget``, with a daemon and without."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch import cli
from mpathd_watch.cli.state_owner import become_owner_of
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath
from mpathd_watch.sinks.control.message import DrillMade, Reply, Request, decode_request, encode_reply
from mpathd_watch.store.directly import replace_expected
from mpathd_watch.store.expected import read_expected
from tests.unit.cli.daemon import control_socket, hang_up

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
KNOWN = ExpectedMap("mpatha", frozen({FIRST: ExpectedPath(), SECOND: ExpectedPath()}))


def test_a_running_daemon_is_asked(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[Request | DrillMade] = []

    def answering(reply: Reply) -> Callable[[socket.socket], None]:
        def answer(client: socket.socket) -> None:
            taken.append(decode_request(client.recv(4096)))
            client.sendall(encode_reply(reply))

        return answer

    forgotten, refused = Reply(done=True, text="mpatha: it is forgotten"), Reply(done=False, text="mpatha: it is there")
    with control_socket(state, answering(forgotten), answering(refused)):
        assert cli.main(["forget", "--map", "mpatha", "--path", FIRST]) == 0
        assert cli.main(["forget", "--map", "mpatha"]) == 1
    assert taken == [Request("mpatha", FIRST), Request("mpatha", "")]
    shown = capsys.readouterr()
    assert shown.out == "mpatha: it is forgotten.\n"
    assert shown.err == "mpathd-watch: mpatha: it is there\n"


def test_a_daemon_that_is_too_busy_is_one_line(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with control_socket(state, hang_up):
        assert cli.main(["forget", "--map", "mpatha"]) == 1
    assert "too busy; try again as root" in capsys.readouterr().err


def test_without_a_daemon_what_it_has_kept_is_changed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace_expected(state, "3600", KNOWN)
    assert cli.main(["forget", "--map", "mpatha", "--path", "x"]) == 1
    assert f"no path 'x' is expected; there are: {FIRST}, {SECOND}" in capsys.readouterr().err
    assert cli.main(["forget", "--map", "mpatha", "--path", SECOND]) == 0
    assert capsys.readouterr().out == f"mpatha: path is no longer expected: {SECOND}.\n"
    assert read_expected(state) == {"3600": ExpectedMap("mpatha", frozen({FIRST: ExpectedPath()}))}
    assert cli.main(["forget", "--map", "3600"]) == 0
    assert read_expected(state) == {}
    assert cli.main(["forget", "--map", "mpatha"]) == 1
    assert "no map 'mpatha' is expected" in capsys.readouterr().err


def test_the_last_path_takes_the_map_along(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace_expected(state, "3600", ExpectedMap("mpatha", frozen({FIRST: ExpectedPath()})))
    assert cli.main(["forget", "--map", "mpatha", "--path", FIRST]) == 0
    assert capsys.readouterr().out == "mpatha: the map is no longer expected.\n"
    assert read_expected(state) == {}


def test_a_state_directory_that_is_not_there_is_one_line(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(state / "none"))
    assert cli.main(["forget", "--map", "mpatha"]) == 1
    assert capsys.readouterr().err == f"mpathd-watch: {state / 'none'}: No such file or directory\n"


def test_a_store_that_can_not_be_read_is_one_line(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "state.db").write_bytes(b"nonsense " * 1000)
    assert cli.main(["forget", "--map", "mpatha"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"mpathd-watch: {state / 'state.db'}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(("user", "owner", "dropped"), [(0, 77, True), (0, 0, False), (1000, 77, False)])
def test_root_works_as_the_owner_of_the_directory(
    state: Path, monkeypatch: pytest.MonkeyPatch, user: int, owner: int, dropped: bool
) -> None:
    done: list[tuple[str, object]] = []
    found = list(os.stat(state))  # noqa: PTH116
    found[4], found[5] = owner, 88
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "stat", lambda _: os.stat_result(found))
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: done.append((name, value)))
    become_owner_of(state)
    monkeypatch.undo()
    assert done == ([("setgroups", []), ("setgid", 88), ("setuid", 77)] if dropped else [])
