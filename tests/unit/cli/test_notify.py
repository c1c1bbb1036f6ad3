"""``mpathd-watch notify --test``: it notifies everybody, and prints what became of each."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mpathd_watch import cli
from tests.fakes.smtp import SmtpServer


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_everybody_gets_one_and_the_result_is_printed(
    state: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SmtpServer() as server:
        config.write_text(
            f'[mail]\nto = ["root", "b@example.com"]\nserver = "{server.address}"\npriority = "crit"\n'
            f'[[hook]]\ncommand = ["/bin/sh", "-c", "cat > {state}/got"]\nevents = ["map_lost"]\n'
        )
        assert cli.main(["notify", "--test", "--config", str(config)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("As user ")
    assert shown[1:] == ["mail to root, b@example.com: ok", "hook /bin/sh: ok"]
    (got,) = server.received
    assert got.mail["Subject"].endswith(
        "test: This is a test of mpathd-watch. Nothing has happened, and nothing needs to be done."
    )
    assert '"MPATHD_WATCH_NOTICE": "test"' in (state / "got").read_text()


def test_a_failure_is_printed_with_the_remedy(state: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert state.is_dir()
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    config.write_text(f'[mail]\nto = ["root"]\nserver = "127.0.0.1:{port}"\n[[hook]]\ncommand = ["/bin/false"]\n')
    assert cli.main(["notify", "--test", "--config", str(config)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].startswith(
        f"mail to root: deferred: 127.0.0.1:{port}: Connection refused. Check that a mail server"
    )
    assert shown[2] == "hook /bin/false: failed: /bin/false ended with status 1"


def test_without_anybody_and_with_a_mistake_it_is_wrong_usage(
    state: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert state.is_dir()
    config.touch()
    assert cli.main(["notify", "--test", "--config", str(config)]) == 2
    assert "has neither [mail] nor [[hook]]" in capsys.readouterr().err
    config.write_text("[mail]\n")
    assert cli.main(["notify", "--test", "--config", str(config)]) == 2
    assert "mail: no to" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        cli.main(["notify"])
    assert ended.value.code == 2


def test_root_runs_no_hook_where_it_is_not_known_who_runs_the_daemon(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "none"))
    config.write_text(f'[[hook]]\ncommand = ["/bin/touch", "{tmp_path}/ran"]\n')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cli.main(["notify", "--test", "--config", str(config)]) == 1
    assert "run this as the user that runs the daemon" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    assert cli.main(["notify", "--test", "--config", str(config)]) == 0
    assert capsys.readouterr().out.startswith("As user 4000000000:\n")
    assert (tmp_path / "ran").exists()
