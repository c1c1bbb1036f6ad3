"""The HTTP server with TLS beside 500 clients whose handshakes stall, or never end: every scrape gets its answer."""

from __future__ import annotations

import http.client
import ssl
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.component.sinks.hostile_tls import KINDS
from tests.component.sinks.securing import Pki, pki, trusting
from tests.component.sinks.test_http_hostile import MOST_THREADS, SECONDS, SOON, child, in_use

__all__ = ["pki"]
MOST_MIB = 48.0
"""OpenSSL takes 60 KiB for a handshake that has begun; 500 of them are 30 MiB."""


def scrape(port: int, context: ssl.SSLContext) -> float:
    """Scrape once over a connection of its own, and return the seconds that it took."""
    began = time.monotonic()
    with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)) as client:
        client.request("GET", "/metrics")
        response = client.getresponse()
        body = response.read()
    assert response.status == 200
    assert body.startswith(b"# HELP mpathd_watch_build_info")
    return time.monotonic() - began


@pytest.mark.parametrize("kind", KINDS)
def test_every_scrape_is_answered(kind: str, pki: Pki, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}"))
    context = trusting(pki.ours, pki.client)
    with child("serving", str(web)) as (server, line):
        port = int(line)
        alone = [scrape(port, context) for _ in range(5)]
        _, before = in_use(server)
        with child("hostile_tls", kind, line) as (clients, begun):
            assert begun == "begins"
            times, threads, memory = [], 0, 0.0
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                times.append(scrape(port, context))
                now = in_use(server)
                threads, memory = max(threads, now[0]), max(memory, now[1])
                time.sleep(0.1)
            assert clients.poll() is None
        scrape(port, context)
    assert server.returncode == 0
    assert max(times) < SOON
    assert threads <= MOST_THREADS
    assert memory - before < MOST_MIB
    print(
        f"{kind}: {len(times)} scrapes, median {sorted(times)[len(times) // 2] * 1e3:.0f} ms, the slowest "
        f"{max(times) * 1e3:.0f} ms (alone {min(alone) * 1e3:.0f} ms); {threads} threads, {memory - before:.1f} MiB"
    )
