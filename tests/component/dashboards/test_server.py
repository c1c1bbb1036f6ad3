"""A real Prometheus that scrapes ``mpathd-watch replay``, asked by its HTTP interface as Grafana asks it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from mpathd_watch.daemon.replay import SHIPPED
from tests.component.dashboards.asked import CASES, DASHBOARDS, Case
from tests.component.process import PATIENCE, until

RULES: Final = Path(__file__).resolve().parents[3] / "docs/prometheus"
INSTANCE: Final = "article:10068"
MAP: Final = "mpio"
SPEED: Final = 6
"""So the recording takes 13 s, with 3 s after its end."""
CONFIGURATION: Final = """\
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [{rules}/rules.yml, {rules}/fleet.yml]
scrape_configs:
  - job_name: mpathd-watch
    static_configs: [{{ targets: ["{target}"], labels: {{ instance: "{instance}" }} }}]
"""

NOTHING: Final = {
    "Reports that have not arrived": "a replay reports to its terminal only",
    "I/O fails in": "the recorded host keeps a path",
}
"""Panels of the host and its map that a replay leaves empty."""
ABSENT: Final = {("Maps", "D"): "the array of the recording has no ALUA"}


@dataclass(frozen=True, slots=True)
class Server:
    """The running Prometheus, and the seconds (Unix time) of which it has samples."""

    url: str
    begin: float
    end: float

    def get(self, path: str, **parameters: object) -> Any:
        """The data of an answer. Raises ``HTTPError`` if the server takes the question for wrong."""
        asked = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310  # loopback
            return json.load(answer)["data"]

    def series(self, query: str) -> int:
        """How many series the query has in the time of the recording."""
        return len(self.get("/api/v1/query_range", query=query, start=self.begin, end=self.end, step=1)["result"])


@contextlib.contextmanager
def _process(command: list[str], log: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, **environ})  # noqa: S603  # programs of ours and of this machine
        try:
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE)


def _address(log: Path, pattern: str) -> str:
    """What the program has logged of the address on which it listens."""

    def look() -> str | None:
        match = re.search(pattern, log.read_text(encoding="utf-8"))
        return match[1] if match else None

    return until(look, lambda: f"an address in:\n{log.read_text(encoding='utf-8')}")


def _scrapes(url: str) -> bool | None:
    """Whether the server has tried a scrape: it takes its targets up only 5 s after its start."""
    try:
        return bool(Server(url, 0, 0).get("/api/v1/query", query="up")["result"]) or None
    except OSError:
        return None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Prometheus, once the replay is over."""
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("NOT TESTED: prometheus is not installed (Debian: prometheus); no dashboard was tried on a server")
    work = tmp_path_factory.mktemp("prometheus")
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = f"127.0.0.1:{free.getsockname()[1]}"
    text = CONFIGURATION.format(rules=RULES, target=target, instance=INSTANCE)
    (work / "prometheus.yml").write_text(text, encoding="utf-8")
    serve = [prometheus, f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data"]
    serve += ["--web.listen-address=127.0.0.1:0"]
    replay = [sys.executable, "-m", "mpathd_watch", "replay", str(_longer(work)), "--speed", str(SPEED)]
    replay += ["--web.listen-address", target]
    with _process(serve, work / "prometheus.log"):
        url = "http://" + _address(work / "prometheus.log", r"Listening on.* address=(127\.0\.0\.1:\d+)")
        until(lambda: _scrapes(url), "a scrape")
        begin = time.time()
        with _process(replay, work / "replay.log", RUNTIME_DIRECTORY=str(work / "run")) as playing:
            assert playing.wait(PATIENCE + 80 / SPEED) == 0
        yield Server(url, begin, time.time())


def _longer(work: Path) -> Path:
    """The shipped recording, and the 16 s after it: the last thing that happens must be scraped, too."""
    lines = (files("mpathd_watch") / "recordings" / SHIPPED).read_text(encoding="utf-8")
    monotonic, wall = json.loads(lines.splitlines()[-1])["at"]
    ticks = [{"at": [monotonic + second, wall + second], "event": "Tick"} for second in range(4, 20, 4)]
    path = work / "longer.jsonl"
    path.write_text(lines + "".join(f"{json.dumps(tick)}\n" for tick in ticks), encoding="utf-8")
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_replay_exports_fills_the_panels(case: Case, server: Server) -> None:
    # At this speed a state lasts less than the step in which states are added up.
    query = case.asked(INSTANCE, MAP, step="1s", rate="4s", span="30s").replace(":15s]", ":1s]")
    found = server.series(query)
    if case.title in NOTHING or (case.title, case.letter) in ABSENT:
        assert not found, "it has data: remove its excuse"
    elif case.dashboard != "fleet" or not case.empty:
        assert found


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_each_list_to_choose_from_has_the_values(path: Path, server: Server) -> None:
    expected = {"instance": [INSTANCE], "map": [MAP], "site": []}
    found = {}
    for variable in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
        if variable["type"] == "query":
            query = variable["query"]["query"].replace("$instance", INSTANCE)
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
            assert match is not None
            found[variable["name"]] = server.get(
                f"/api/v1/label/{match[2]}/values", **{"match[]": match[1], "start": server.begin, "end": server.end}
            )
    assert found == {name: expected[name] for name in found}
    assert found
