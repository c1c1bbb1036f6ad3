"""What each command loads: a module too many costs every user of the command time, and nobody notices."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_state
from tests.histories import add, database, outage

SLOW = {"asyncio", "ssl", "logging", "email", "http", "urllib.request", "unittest", "xml", "multiprocessing"}
"""Modules of the standard library that take long, or bring many others."""
OPTIONAL = {"yaml", "bcrypt"}
LIBRARIES = {"prometheus_client", "structlog", "pyudev", "h11", "systemd", *OPTIONAL}
SERVING = {
    *(
        "mpathd_watch.sinks.metrics",
        "mpathd_watch.sinks.http",
        "mpathd_watch.sinks.console",
        "mpathd_watch.sinks.journal",
    ),
    *("mpathd_watch.daemon.service", "mpathd_watch.daemon.live_sources", "mpathd_watch.daemon.reporters"),
}
"""What only the daemon does."""
READING = {
    *("mpathd_watch.config", "mpathd_watch.daemon", "mpathd_watch.sources", "mpathd_watch.store"),
    *("mpathd_watch.core.state", "mpathd_watch.core.step", "mpathd_watch.core.events", "mpathd_watch.core.audit"),
}
"""What reads a host and judges it."""
BUNDLES = {"mpathd_watch.sources.bundle", "mpathd_watch.daemon.bundles"}

PROGRAM = """
import contextlib, io, sys
from mpathd_watch import cli
with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
    cli.main(sys.argv[1:])
print(shown.getvalue())
print(*sys.modules)
"""
CHECK = """
import mpathd_watch.cli.check
from mpathd_watch.core.configuration import Configuration
mpathd_watch.cli.check.read = lambda root, handed_over: Configuration()  # not the files of the host that runs this test
"""


def loaded(*arguments: str, program: str = PROGRAM, runtime: Path | None = None) -> tuple[str, set[str]]:
    """What the command prints, and every module that it loads."""
    command = [sys.executable, "-c", program, *arguments]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(runtime)} if runtime else None
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)  # noqa: S603  # our own program
    shown, _, modules = done.stdout.rstrip("\n").rpartition("\n")
    return shown, set(modules.split())


def among(modules: set[str], forbidden: set[str]) -> set[str]:
    """Which of the modules are forbidden, or are in a package that is."""
    return {name for name in modules if any(name == each or name.startswith(f"{each}.") for each in forbidden)}


def test_version_and_help_load_only_the_options() -> None:
    for option in ("--version", "--help"):
        shown, modules = loaded(option)
        assert "mpathd-watch" in shown
        assert not among(modules, SLOW | LIBRARIES | SERVING | READING | BUNDLES | {"mpathd_watch.core", "dataclasses"})


def test_status_with_a_daemon_loads_nothing_that_reads_a_host(tmp_path: Path) -> None:
    status = json.dumps(document(View(make_state(maps=[make_map("mpatha")]), NOW))).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "status.sock"))
        server.listen()
        answering = threading.Thread(target=lambda: answer(server, status))
        answering.start()
        shown, modules = loaded("status", "--exit-status", runtime=tmp_path)
        answering.join()
    assert "mpatha" in shown
    assert not among(modules, SLOW | LIBRARIES | SERVING | READING | BUNDLES)


def test_check_of_a_host_loads_neither_what_only_the_daemon_does_nor_what_reads_bundles(tmp_path: Path) -> None:
    arguments = ("check", "--sysfs", str(tmp_path / "sys"), "--multipathd-socket", str(tmp_path / "none"))
    shown, modules = loaded(*arguments, program=CHECK + PROGRAM)
    assert "MPATHD-WATCH" in shown
    # asyncio brings the others.
    assert not among(modules, (SLOW - {"asyncio", "ssl", "logging"}) | LIBRARIES | SERVING | BUNDLES)


def test_history_loads_neither_what_reads_a_host_nor_what_only_one_outage_needs(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        add(connection, (outage(0),))
    shown, modules = loaded("history", "--state-dir", str(tmp_path))
    assert "1 outage: 1 within budget" in shown
    of_one = {"mpathd_watch.sources", "mpathd_watch.sinks.history.plot", "mpathd_watch.sinks.history.timeline"}
    reading = READING - {"mpathd_watch.store"} | {"mpathd_watch.core.verdicts", "mpathd_watch.core.recording"}
    assert not among(modules, SLOW | LIBRARIES | SERVING | reading | BUNDLES | of_one)


def test_a_daemon_without_a_web_configuration_loads_nothing_for_one() -> None:
    _, modules = loaded(program="import sys, mpathd_watch.cli.run\nprint()\nprint(*sys.modules)")
    assert "mpathd_watch.sinks.http.server" in modules
    assert not among(modules, {*OPTIONAL, "mpathd_watch.sinks.http.web", "mpathd_watch.config.web.reading"})


def answer(server: socket.socket, status: bytes) -> None:
    """Answer one client as the daemon does."""
    client, _ = server.accept()
    with client:
        client.sendall(status)
