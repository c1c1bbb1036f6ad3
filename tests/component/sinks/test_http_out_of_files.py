"""The HTTP server of a process that may open no more files: it neither spins nor ends, and goes on once it may."""

from __future__ import annotations

import http.client
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.component.sinks.test_http_hostile import scrape

SECONDS = 2.0
SHARE = 0.2
"""Of a core, at most: the server tries again four times a second."""
SOON = 10.0


@contextmanager
def serving(log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that writes its errors to ``log``, and its port."""
    command = [sys.executable, "-m", "tests.component.sinks.serving"]
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603  # a module of these tests
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(20)


def processor_time(pid: int) -> float:
    """The seconds that a process has used of a processor, exact to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_it_waits_for_descriptors_and_serves_again(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as (server, port):
        scrape(port)
        before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        used = 1 + max(int(each.name) for each in Path(f"/proc/{server.pid}/fd").iterdir())
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as waiting:
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used, before[1]))
            time.sleep(0.5)  # the descriptor of the scrape is closed by now, and is used up by the first of these
            held = [http.client.HTTPConnection("127.0.0.1", port, timeout=0.5) for _ in range(8)]
            for each in held:
                each.connect()
            time.sleep(0.5)
            began = processor_time(server.pid)
            time.sleep(SECONDS)
            spent = processor_time(server.pid) - began
            assert server.poll() is None
            waiting.connect()
            waiting.request("GET", "/metrics")
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
            answer = waiting.getresponse()
            assert answer.status == 200
            answer.read()
            for each in held:
                each.close()
        assert scrape(port) < SOON
        assert spent < SHARE * SECONDS
    assert server.returncode == 0
    found = (tmp_path / "log").read_text()
    assert found == "no HTTP client can be accepted now: Too many open files; raise LimitNOFILE=\n"
