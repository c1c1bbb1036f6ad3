"""What Prometheus and Alertmanager talk to: the hosts' metrics on one port, and a webhook that keeps what it gets."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.fleet.simulated import SimulatedHost


@dataclass(frozen=True, slots=True)
class Notification:
    """What Alertmanager has sent: when (CLOCK_MONOTONIC seconds), to whom, and the alerts in it."""

    at: float
    receiver: str
    status: str
    alerts: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> str:
        """The names of its alerts, each with how many there are."""
        names = [each["labels"]["alertname"] for each in self.alerts]
        return ", ".join(f"{names.count(name)} x {name}" for name in sorted(set(names)))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing of clients that go while they are answered; Prometheus does when it ends. All else is a bug."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Print nothing: there are thousands of requests."""


class Fleet:
    """All hosts, at ``/NAME/metrics``. ``seconds`` is the processor time that their answers took."""

    def __init__(self, hosts: Mapping[str, SimulatedHost]) -> None:
        self._hosts = hosts
        self._lock = threading.Lock()
        self.answers = self.bytes = 0
        self.seconds = 0.0
        fleet = self

        class Handler(_Quiet):
            def do_GET(self) -> None:  # the name that http.server calls
                fleet._answer(self)

        self._server = _Server(Handler)
        self.port = self._server.port

    def lose(self, names: Mapping[str, tuple[str, ...]]) -> None:
        """Each of these hosts loses these portals; all others have all of theirs."""
        with self._lock:
            for name, host in self._hosts.items():
                host.lose(names.get(name, ()))

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        host = self._hosts.get(request.path.split("/")[1])
        if host is None:
            request.send_error(HTTPStatus.NOT_FOUND)
            return
        accept, encoding = (request.headers.get(name, "") for name in ("Accept", "Accept-Encoding"))
        with self._lock:  # a host is one thread's at a time, and one core is all there is
            began = time.thread_time()
            wanted, parts = host.metrics(accept, encoding)
            body = b"".join(parts)
            self.seconds += time.thread_time() - began
            self.answers += 1
            self.bytes += len(body)
        request.send_response(HTTPStatus.OK)
        request.send_header("Content-Type", wanted.content_type)
        if wanted.gzipped:
            request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


class Webhook:
    """Keeps every notification. The receiver is the last part of the address."""

    def __init__(self) -> None:
        self.received: list[Notification] = []
        webhook = self

        class Handler(_Quiet):
            def do_POST(self) -> None:  # the name that http.server calls
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver = self.path.rpartition("/")[2]
                webhook.received.append(Notification(time.monotonic(), receiver, body["status"], tuple(body["alerts"])))
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = _Server(Handler)
        self.port = self._server.port

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
