"""The HTTP server beside 500 clients that mean harm: a scraper that behaves gets every answer."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.component.sinks.hostile import KINDS

SECONDS = 4.0
SOON = 2.0
"""Seconds within which each scrape must be answered on a busy machine; the benchmarks have the real figures."""
MOST_THREADS = 16
MOST_MIB = 30.0


@contextmanager
def child(module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs a module until it is left, and the first line that it has written."""
    command = [sys.executable, "-m", f"tests.component.sinks.{module}", *arguments]
    with subprocess.Popen(  # noqa: S603  # a module of these tests
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def in_use(process: subprocess.Popen[str]) -> tuple[int, float]:
    """The threads of a process, and its memory in MiB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return int(fields["Threads"]), int(fields["VmRSS"].split()[0]) / 1024


def scrape(port: int) -> float:
    """Scrape once, and return the seconds that it took."""
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request("GET", "/metrics")
        response = client.getresponse()
        body = response.read()
    assert response.status == 200
    assert body.startswith(b"# HELP mpathd_watch_build_info")
    return time.monotonic() - began


@pytest.mark.parametrize("kind", KINDS)
def test_every_scrape_is_answered(kind: str) -> None:
    with child("serving") as (server, line):
        port = int(line)
        for _ in range(3):
            scrape(port)
        _, before = in_use(server)
        with child("hostile", kind, line) as (clients, begun):
            assert begun == "begins"
            times, threads, memory = [], 0, 0.0
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                times.append(scrape(port))
                now = in_use(server)
                threads, memory = max(threads, now[0]), max(memory, now[1])
                time.sleep(0.1)
            assert clients.poll() is None
        scrape(port)
    assert server.returncode == 0
    assert max(times) < SOON
    assert threads <= MOST_THREADS
    assert memory - before < MOST_MIB
    print(f"{kind}: {len(times)} scrapes, the slowest {max(times) * 1e3:.0f} ms; {threads} threads")
