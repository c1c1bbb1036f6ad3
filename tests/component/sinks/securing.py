"""A server with a web configuration, and clients that use TLS."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import pytest

from mpathd_watch.config.listen_address import ListenAddress, Place
from mpathd_watch.core.state import State
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer, Limits
from mpathd_watch.sinks.http.web import WebSecurity
from mpathd_watch.sinks.view import View
from tests.component.sinks.certificates import SERVER_NAMES, Authority, Pair
from tests.factories import NOW, article_state

LOOPBACK = ListenAddress("127.0.0.1", 0)


@dataclass
class Pki:
    """Two CAs: of the server and its clients, and one that is not trusted."""

    ours: Authority = field(default_factory=lambda: Authority("ours"))
    other: Authority = field(default_factory=lambda: Authority("other"))

    @property
    def server(self) -> Pair:
        return self.ours.issue("server", SERVER_NAMES)

    @property
    def client(self) -> Pair:
        return self.ours.issue("client", "DNS:prometheus.example,email:a@b.example", usage="clientAuth")

    def tls(self, *lines: str, server: Pair | None = None) -> str:
        """The part ``tls_server_config`` with these lines."""
        pair = server or self.server
        parts = (f"cert_file: {pair.cert}", f"key_file: {pair.key}", *lines)
        return "tls_server_config:\n" + "".join(f"  {line}\n" for line in parts)


@pytest.fixture(scope="session")
def pki() -> Iterator[Pki]:
    made = Pki()
    yield made
    made.ours.remove()
    made.other.remove()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    with closing(Secured(tmp_path / "web.yml")) as made:
        yield made


class Secured:
    """A server whose web configuration is in ``file``, and what it has reported."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.reports: list[tuple[str, str]] = []
        self.complaints: list[str] = []
        self.state: State = article_state()
        self._server: HttpServer | None = None

    def start(self, text: str, *places: Place, **limits: float) -> HttpServer:
        self.write(text)
        view = View(self.state, NOW)
        web = WebSecurity(self.file, lambda reason, detail: self.reports.append((reason, detail)))
        self._server = HttpServer(
            Endpoints(places or (LOOPBACK,), own=self.file.parent / "http.sock"),
            lambda: view,
            lambda: 0.0,
            self.complaints.append,
            Limits(**limits),  # type: ignore[arg-type]
            web=web,
        )
        self._server.start()
        return self._server

    def write(self, text: str) -> None:
        """Replace the file as an editor does."""
        new = self.file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.file)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
        assert self.complaints == []


@dataclass(frozen=True)
class Reply:
    """What a client got, and by which version and cipher of TLS."""

    status: int
    headers: dict[str, str]
    body: bytes
    version: str = ""
    cipher: str = ""


def trusting(authority: Authority, client: Pair | None = None) -> ssl.SSLContext:
    """The context of a client that trusts this CA, and has this certificate."""
    context = ssl.create_default_context(cafile=str(authority.cert))
    if client is not None:
        context.load_cert_chain(client.cert, client.key)
    return context


def ask(
    server: HttpServer, context: ssl.SSLContext | None, path: str = "/metrics", host: str = "127.0.0.1", **headers: str
) -> Reply:
    """One request. Raises ``OSError`` if there is no answer."""
    port = server.address.port
    client = (
        http.client.HTTPConnection(host, port, timeout=10)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=10, context=context)
    )
    with closing(client):
        client.request("GET", path, headers=headers)
        sock = client.sock
        version, cipher = "", ""
        if isinstance(sock, ssl.SSLSocket):
            version, cipher = sock.version() or "", (sock.cipher() or ("",))[0]
        response = client.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read(), version, cipher)


def refused(server: HttpServer, context: ssl.SSLContext) -> bool:
    """Whether a client gets no answer."""
    try:
        ask(server, context)
    except (OSError, http.client.HTTPException):
        return True
    return False


def counted(server: HttpServer, kind: str, number: int) -> bool:
    """Whether the server counts so many errors of a kind: it may do so after the client has noticed."""
    deadline = time.monotonic() + 10.0
    while server.errors[kind] < number and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.errors[kind] == number


def ask_unix(path: Path, page: str = "/metrics") -> Reply:
    """One request over a unix socket."""
    client = http.client.HTTPConnection("localhost", timeout=10)
    with closing(client), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        client.sock = sock
        client.request("GET", page)
        response = client.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())


def hashed(password: str, cost: int = 4) -> str:
    """A hash of bcrypt, as htpasswd -B makes it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode().replace("$2b$", "$2y$")


def basic(user: str, password: str | bytes) -> dict[str, str]:
    """The header of a name and a password."""
    given = password if isinstance(password, bytes) else password.encode()
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + given).decode()}
