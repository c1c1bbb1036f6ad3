"""Those who ask the daemon all the time, each as a process: ``python -m benchmarks.soak.clients KIND PORT SECONDS``.

Each writes a line of JSON for each answer: the kind, the seconds since 1970, how many seconds it took, and what was
wrong with it, ``""`` if nothing was. It asks again after so many SECONDS, and ends with who started it.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape

PATIENCE = 10.0
"""Seconds after which an answer has failed, as with Prometheus' scrape_timeout."""
OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
PLAIN = "text/plain;version=0.0.4"
LINKS_EVERY = 3
"""The browser follows a link after so many pages; otherwise the page is renewed by itself."""

_REFRESH = re.compile(r'<meta http-equiv="refresh" content="(\d+)">')
_LINK = re.compile(r'<a href="(/[^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    kind: str
    at: float
    seconds: float
    problem: str = ""

    def line(self) -> str:
        """As text."""
        return json.dumps([self.kind, self.at, self.seconds, self.problem])

    @classmethod
    def of(cls, line: str) -> Answer:
        """The answer in a line."""
        return cls(*json.loads(line))


class Connection:
    """A connection that is kept as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def get(self, page: str, accept: str, *, compressed: bool) -> tuple[str, http.client.HTTPMessage]:
        """The body and the headers. Raises ``OSError`` or ``HTTPException`` if there is none, or another than 200."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip" if compressed else "identity"}
        reused = self._connection.sock is not None
        try:
            answer = self._asked(page, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The server may end a connection between two requests; a client then asks once more on a new one.
            self._connection.close()
            if not reused:
                raise
            answer = self._asked(page, headers)
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return body.decode(), answer.headers

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def _asked(self, page: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request("GET", page, headers=headers)
        return self._connection.getresponse()


def complaint(text: str, content_type: str, wanted: str) -> str:
    """What is wrong with a scrape; ``""`` if nothing is."""
    if not content_type.startswith(wanted.partition(";")[0]):
        return f"content type {content_type}"
    if not text.endswith("\n"):
        return "the last line is cut off"
    if wanted == OPEN_METRICS and not text.endswith("\n# EOF\n"):
        return "no # EOF at the end"
    if "\nmpathd_watch_map_health{" not in text:
        return "no health of a map"
    return ""


def gzip_scraper(port: int) -> Iterator[str]:
    """Keeps its connection, as Prometheus does, and asks for a compressed text."""
    connection = Connection(port)
    while True:
        text, headers = connection.get("/metrics", PLAIN, compressed=True)
        yield complaint(text, headers.get("Content-Type", ""), PLAIN)


def openmetrics_scraper(port: int) -> Iterator[str]:
    """Connects for each scrape, and asks for OpenMetrics without compression."""
    while True:
        with contextlib.closing(Connection(port)) as connection:
            text, headers = connection.get("/metrics", OPEN_METRICS, compressed=False)
        yield complaint(text, headers.get("Content-Type", ""), OPEN_METRICS)


def browser(port: int) -> Iterator[str]:
    """Keeps its connection, renews the page as the page asks it to, and follows its links in turn."""
    connection, page = Connection(port), "/"
    for number in itertools.count(1):
        text, _ = connection.get(page, "text/html", compressed=True)
        links = [unescape(each) for each in _LINK.findall(text) if not each.startswith("/metrics")]
        renewed = _REFRESH.search(text)
        complete = text.endswith("</html>\n") and links and (renewed or page == "/?search")
        if number % LINKS_EVERY == 0 and links:
            page = links[number // LINKS_EVERY % len(links)]
        yield "" if complete else f"the page {page} is not complete"


KINDS: dict[str, Callable[[int], Iterator[str]]] = {
    "gzip": gzip_scraper,
    "openmetrics": openmetrics_scraper,
    "browser": browser,
}
SCRAPERS = ("gzip", "openmetrics")


def ask(kind: str, port: int, every: float) -> Iterator[Answer]:
    """Ask on and on, every so many seconds."""
    asking, due = KINDS[kind](port), time.monotonic()
    while True:
        at, began = time.time(), time.monotonic()
        try:
            problem = next(asking)
        except (OSError, EOFError, UnicodeDecodeError, http.client.HTTPException) as error:
            problem, asking = f"{type(error).__name__}: {error}", KINDS[kind](port)
        yield Answer(kind, at, time.monotonic() - began, problem)
        due = max(due + every, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


@dataclass(slots=True)
class Clients:
    """The processes that ask, and what they have reported."""

    processes: Sequence[subprocess.Popen[bytes]]
    _rest: dict[int, bytes] = field(default_factory=dict)

    def answers(self) -> list[Answer]:
        """What has been reported since the last call."""
        found = list[Answer]()
        for each in self.processes:
            assert each.stdout is not None  # noqa: S101  # it was asked for
            number = each.stdout.fileno()
            text = self._rest.get(number, b"")
            with contextlib.suppress(BlockingIOError):
                while more := os.read(number, 1 << 16):
                    text += more
            *lines, self._rest[number] = text.split(b"\n")
            found += [Answer.of(line.decode()) for line in lines]
        return found


@contextlib.contextmanager
def asking(port: int, scrapes: float, refresh: float) -> Iterator[Clients]:
    """Two scrapers and a browser until the end of the block."""
    every = {**dict.fromkeys(SCRAPERS, scrapes), "browser": refresh}
    processes = list[subprocess.Popen[bytes]]()
    try:
        for kind, seconds in every.items():
            command = [sys.executable, "-m", "benchmarks.soak.clients", kind, str(port), str(seconds)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            processes.append(process)
            assert process.stdout is not None  # noqa: S101  # it was asked for
            os.set_blocking(process.stdout.fileno(), False)
        yield Clients(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


if __name__ == "__main__":
    parent = os.getppid()
    for answer in ask(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])):
        if os.getppid() != parent:
            break
        print(answer.line(), flush=True)
