"""A short soak of a daemon into which leaks are planted: each is found."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak.clients import KINDS, PATIENCE, ask
from benchmarks.soak.planted import PLANTED
from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer, Limits
from mpathd_watch.sinks.view import View
from tests.factories import NOW, article_state

ROOT = Path(__file__).parents[2]
VIEW = View(article_state(), NOW)


def test_planted_leaks_are_found_and_the_plot_is_written(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("NOT TESTED: a soak needs root and unshare")
    if subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("NOT TESTED: no namespaces may be made here")
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: hour --><!-- end: hour -->", encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.soak", "--quick", "--load", "40", "--page", str(page)]
    command += ["--plant", *PLANTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)  # noqa: S603
    assert done.returncode == 1, done.stderr
    lines = [line.removeprefix("soak: ") for line in done.stderr.splitlines() if line.startswith("soak: ")]
    for beginning in ("memory grows by ", "[0-9]+ descriptors ", "[0-9]+ threads ", "[0-9]+ children "):
        assert any(re.match(beginning, line) for line in lines), done.stderr
    assert "| uevents |" in page.read_text(encoding="utf-8")
    assert (tmp_path / "page-hour.svg").read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize("kind", KINDS)
def test_those_who_ask_find_nothing_wrong_with_the_server(kind: str) -> None:
    server = HttpServer(Endpoints((ListenAddress("127.0.0.1", 0),)), lambda: VIEW, lambda: 0.1, print, Limits())
    server.start()
    port = server.address.port
    answers = list(itertools.islice(ask(kind, port, 0.0), 8))
    server.stop()
    assert [each.problem for each in answers] == [""] * 8
    assert all(0.0 < each.seconds < PATIENCE for each in answers)
    (answer,) = itertools.islice(ask(kind, port, 0.0), 1)
    assert answer.problem.startswith("ConnectionRefusedError")
