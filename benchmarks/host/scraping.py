"""A scraper, as Prometheus is one."""

from __future__ import annotations

import gzip
import http.client
import time
from dataclasses import dataclass

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Scraped:
    """How long an answer took, and its body as it came."""

    seconds: float
    body: bytes
    compressed: bool

    @property
    def text(self) -> bytes:
        """The body in plain text."""
        return gzip.decompress(self.body) if self.compressed else self.body

    @property
    def series(self) -> int:
        """How many series there are."""
        return sum(1 for line in self.text.splitlines() if line and not line.startswith(b"#"))


def scrape(port: int, page: str = "/metrics", *, compressed: bool = False, patience: float = PATIENCE) -> Scraped:
    """One scrape. Raises ``OSError`` or ``http.client.HTTPException`` if there is no answer or another than 200."""
    headers = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip" if compressed else "identity"}
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", page, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    took = time.monotonic() - began
    if answer.status != http.HTTPStatus.OK:
        raise http.client.HTTPException(f"answered {answer.status}")
    return Scraped(took, body, answer.headers.get("Content-Encoding") == "gzip")


def wait_answering(port: int) -> float:
    """Wait until someone answers there. Returns the seconds that it took."""
    began = time.monotonic()
    while True:
        try:
            scrape(port)
        except OSError:
            if time.monotonic() - began > PATIENCE:
                raise
            time.sleep(0.005)
        else:
            return time.monotonic() - began
