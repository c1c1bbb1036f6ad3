"""A real Prometheus scrapes the daemon over TLS, with a client certificate and a password.

It is the one on PATH, or those that the variable PROMETHEUS names, with a colon between two.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.component.process import PATIENCE, Daemon, until
from tests.component.sinks.securing import Pki, hashed, pki
from tests.fakes.sysfs import healthy_san

__all__ = ["pki"]
FOUND = os.environ.get("PROMETHEUS", shutil.which("prometheus") or "")
SERVERS = [each for each in FOUND.split(":") if each]
WEB = """
basic_auth_users:
  prometheus: {hash}
"""
SCRAPING = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: mpathd-watch
    scheme: https
    tls_config: {{ca_file: {ca}, cert_file: {cert}, key_file: {key}, server_name: 127.0.0.1}}
    basic_auth: {{username: prometheus, password: {password}}}
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; empty while the server does not answer."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            url = f"http://127.0.0.1:{self.port}/api/v1/query?{query}"
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # loopback
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return found

    def waits_for(self, expression: str, value: str) -> None:
        """Wait until the expression has one result with this value."""

        def look() -> bool | None:
            found = self.ask(expression)
            return (len(found) == 1 and found[0]["value"][1] == value) or None

        until(look, lambda: f"{expression} = {value}, it is {self.ask(expression)}")


@contextmanager
def running(server: str, directory: Path, scraping: str) -> Iterator[Prometheus]:
    directory.mkdir()
    (directory / "prometheus.yml").write_text(scraping)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # a server that the caller names
            [server, *words, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.parametrize("server", SERVERS or [""])
def test_it_scrapes_over_tls_with_a_client_certificate_and_a_password(server: str, pki: Pki, tmp_path: Path) -> None:
    if not server:
        pytest.skip("NOT TESTED: there is no prometheus on this machine")
    san = healthy_san(tmp_path / "sys")
    web = tmp_path / "web.yml"
    asked = ("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}")
    web.write_text(pki.tls(*asked) + WEB.format(hash=hashed("secret")))
    daemon = Daemon(tmp_path, "--web.config.file", str(web))
    try:
        daemon.wait_notified(r"^READY=1$")
        target, client = daemon.url().removeprefix("http://"), pki.client
        names = {"ca": pki.ours.cert, "cert": client.cert, "key": client.key, "target": target}
        right, wrong = (SCRAPING.format(password=password, **names) for password in ("secret", "guess"))
        with running(server, tmp_path / "right", right) as prometheus:
            prometheus.waits_for('up{job="mpathd-watch"}', "1")
            health = 'mpathd_watch_path_health{path="192.168.2.1:3260",state="stalled"}'
            prometheus.waits_for(health, "0")
            san.sessions[1].fail()
            prometheus.waits_for(health, "1")
            prometheus.waits_for(f'min_over_time(up{{instance="{target}"}}[1m])', "1")
        with running(server, tmp_path / "wrong", wrong) as prometheus:
            prometheus.waits_for('up{job="mpathd-watch"}', "0")
    finally:
        daemon.close()
