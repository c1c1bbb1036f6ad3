"""A Prometheus and an Alertmanager of this machine, with the rules and the routes of docs/prometheus."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "docs/prometheus"
PATIENCE: Final = 60.0
"""Seconds."""
PORT_IN_EXAMPLES: Final = "127.0.0.1:9095"
"""The webhook of the example of routes."""

_PROMETHEUS: Final = """\
global:
  scrape_interval: {interval}s
  evaluation_interval: {interval}s
rule_files: [{examples}/rules.yml, {examples}/fleet.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]
scrape_configs:
  - job_name: mpathd-watch
    static_configs:
      - targets: [{targets}]
{relabelling}"""
_BY_PATH: Final = """\
    relabel_configs:
      - {{source_labels: [__address__], target_label: instance}}
      - {{source_labels: [__address__], regex: "(.+):.+", target_label: __metrics_path__, replacement: "/$1/metrics"}}
      - {{target_label: __address__, replacement: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs, by path."""

    prometheus: str
    alertmanager: str


class Prometheus:
    """The running server."""

    def __init__(self, port: int, pid: int, data: Path) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self.pid = pid
        self._data = data

    def value(self, query: str) -> float:
        """The value of a query that gives one; 0 if it gives none."""
        answer = _get(f"{self._base}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        found = answer["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def groups(self) -> dict[str, float]:
        """The seconds that the last evaluation of each group of rules took."""
        answer = _get(f"{self._base}/api/v1/rules")
        return {group["name"]: float(group["evaluationTime"]) for group in answer["data"]["groups"]}

    def alerts(self) -> int:
        """How many alerts fire."""
        answer = _get(f"{self._base}/api/v1/alerts")
        return sum(1 for alert in answer["data"]["alerts"] if alert["state"] == "firing")

    def own(self, metric: str) -> float:
        """One of its own metrics, summed over its labels."""
        with urllib.request.urlopen(f"{self._base}/metrics", timeout=PATIENCE) as answer:  # noqa: S310  # loopback
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def appended(self) -> float:
        """How many samples it has stored."""
        return self.own("prometheus_tsdb_head_samples_appended_total")

    def written(self) -> int:
        """Bytes of its write-ahead log."""
        return sum(each.stat().st_size for each in (self._data / "wal").rglob("*") if each.is_file())


@dataclass(frozen=True, slots=True)
class Scraped:
    """What is scraped: ``HOST:PORT``, and further lines of the configuration."""

    targets: Sequence[str]
    relabelling: str = ""

    @classmethod
    def by_path(cls, hosts: Sequence[str], port: int) -> Scraped:
        """Hosts that one port of this machine serves, each below a path of its name."""
        return cls([f"{host}:10068" for host in hosts], _BY_PATH.format(port=port))


@contextlib.contextmanager
def running(binaries: Binaries, work: Path, scraped: Scraped, *, webhook: int, interval: int) -> Iterator[Prometheus]:
    """Both servers, which scrape and notify ``webhook``, a port of this machine, until the block ends."""
    own, other = _free_port(), _free_port()
    routes = (EXAMPLES / "alertmanager.yml").read_text(encoding="utf-8")
    (work / "alertmanager.yml").write_text(routes.replace(PORT_IN_EXAMPLES, f"127.0.0.1:{webhook}"), encoding="utf-8")
    text = _PROMETHEUS.format(
        interval=interval,
        examples=EXAMPLES,
        alertmanager=other,
        targets=", ".join(f'"{target}"' for target in scraped.targets),
        relabelling=scraped.relabelling,
    )
    (work / "prometheus.yml").write_text(text, encoding="utf-8")
    data = work / "prometheus"
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _process(
                work / "alertmanager.log",
                binaries.alertmanager,
                f"--config.file={work}/alertmanager.yml",
                f"--storage.path={work}/alertmanager",
                f"--web.listen-address=127.0.0.1:{other}",
                "--cluster.listen-address=",
            )
        )
        process = stack.enter_context(
            _process(
                work / "prometheus.log",
                binaries.prometheus,
                f"--config.file={work}/prometheus.yml",
                f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{own}",
            )
        )
        for each, log in ((other, "alertmanager.log"), (own, "prometheus.log")):
            _wait_ready(each, work / log)
        yield Prometheus(own, process.pid, data)


def found(name: str, *others: str) -> str:
    """The path of a program that has one of these names; none is ``""``."""
    return next(filter(None, map(shutil.which, (name, *others))), "")


@contextlib.contextmanager
def _process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_ready(port: int, log: Path) -> None:
    """Raises ``RuntimeError`` with the end of the log if the server does not become ready."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1):  # loopback
                return
        except OSError as error:
            if time.monotonic() > deadline:
                last = log.read_text(encoding="utf-8").splitlines()[-3:]
                raise RuntimeError("\n".join(["no answer; the last lines of its log:", *last])) from error
            time.sleep(0.1)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310  # loopback
        return json.load(answer)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
