"""The HTTP server against real clients: good ones, slow ones, silent ones and many of them."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.core.state import State
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer, Limits, ListenError
from mpathd_watch.sinks.view import View
from tests.factories import NOW, article_state, big_state

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# prometheus_client's parsers carry no types.
parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families
LOOPBACK = ListenAddress("127.0.0.1", 0)


@dataclass
class Daemon:
    """What the server asks for, to be turned by the tests."""

    state: State = field(default_factory=article_state)
    age: float = 0.1
    broken: bool = False
    complaints: list[str] = field(default_factory=list)

    def views(self) -> View:
        """The state, or an error if the test wants one."""
        if self.broken:
            raise ZeroDivisionError("made by the test")
        return View(self.state, NOW)


Start = Callable[..., HttpServer]


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def start(daemon: Daemon) -> Iterator[Start]:
    with ExitStack() as stack:

        def started(where: ListenAddress = LOOPBACK, **limits: Any) -> HttpServer:
            server = HttpServer(
                Endpoints((where,)),
                daemon.views,
                lambda: daemon.age,
                daemon.complaints.append,
                replace(Limits(), **limits),
            )
            server.start()
            stack.callback(server.stop)
            return server

        yield started


@dataclass(frozen=True)
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(server: HttpServer, path: str, method: str = "GET", host: str = "127.0.0.1", **headers: str) -> Reply:
    with closing(http.client.HTTPConnection(host, server.address.port, timeout=10)) as client:
        client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = client.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())


def raw(server: HttpServer, request: bytes, timeout: float = 10) -> bytes:
    with socket.create_connection(("127.0.0.1", server.address.port), timeout) as client:
        client.sendall(request)
        return everything(client)


def trickle(client: socket.socket) -> bool:
    """Send one more byte; whether the server still takes it."""
    try:
        client.sendall(b"G")
    except OSError:
        return False
    return True


def everything(client: socket.socket) -> bytes:
    chunks = []
    try:
        while chunk := client.recv(65536):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)


def unread_scrape(server: HttpServer) -> socket.socket:
    """A client that asks for more than the kernel buffers for it, and does not read on."""
    server._listeners[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.address.port))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return client


def test_metrics_are_served_as_text(start: Start) -> None:
    reply = ask(start(), "/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'mpathd_watch_map_health{map="mpio",state="at_risk"} 1.0' in reply.body
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_metrics_are_served_as_openmetrics(start: Start) -> None:
    reply = ask(start(), "/metrics?x=1", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.3")
    assert reply.headers["Content-Type"].startswith("application/openmetrics-text")
    assert list(parse_openmetrics(reply.body.decode()))


def test_only_the_metrics_asked_for_are_served(start: Start) -> None:
    server = start()
    reply = ask(server, "/metrics?name[]=mpathd_watch_map_paths&name%5B%5D=process_open_fds&other=1")
    names = {line.split()[2] for line in reply.body.decode().splitlines() if line.startswith("# TYPE")}
    assert names == {"mpathd_watch_map_paths", "process_open_fds"}
    assert ask(server, "/metrics?name[]=nothing").body == b""


def test_metrics_are_compressed_on_request(start: Start) -> None:
    reply = ask(start(), "/metrics", Accept_Encoding="gzip")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(reply.body).startswith(b"# HELP mpathd_watch_build_info")


def test_a_connection_is_kept_alive_for_further_requests(start: Start) -> None:
    server = start()
    with closing(http.client.HTTPConnection("127.0.0.1", server.address.port, timeout=10)) as client:
        for path in ("/metrics", "/healthz", "/metrics"):
            client.request("GET", path)
            sock = client.sock
            assert client.getresponse().read()
            assert client.sock is sock is not None


def test_requests_that_do_not_wait_are_answered_in_their_order(start: Start) -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
    requests = [request % (b"healthz", b""), request % (b"none", b""), request % (b"healthz", b"Connection: close\r\n")]
    reply = raw(start(), b"".join(requests))
    assert [line for line in reply.splitlines() if line.startswith(b"HTTP/1.1")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 200 OK",
    ]


def test_a_client_that_has_sent_its_last_request_still_gets_the_answer(start: Start) -> None:
    with socket.create_connection(("127.0.0.1", start().address.port), 10) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert everything(client).startswith(b"HTTP/1.1 200")


def test_a_body_is_not_read_and_ends_the_connection(start: Start) -> None:
    reply = raw(start(), b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in reply.lower()


def test_a_connection_without_a_request_ends(start: Start) -> None:
    server = start(idle=0.2)
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(client).endswith(b"ok\n")


def test_head_has_the_headers_and_no_body(start: Start) -> None:
    reply = ask(start(), "/", method="HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 1000


def test_the_page_is_html_that_may_load_nothing(start: Start) -> None:
    reply = ask(start(), "/")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert b'<h2><a href="/?map=mpio">mpio</a></h2>' in reply.body


def test_a_page_can_be_about_the_problems_or_one_map(start: Start) -> None:
    server = start()
    assert b"Only the map mpio: 1" in ask(server, "/?map=mpio").body
    assert b"There is no map &lt;b&gt;" in ask(server, "/?map=%3Cb%3E").body
    assert b"Only maps with a problem: 1" in ask(server, "/?problems").body
    assert b"<form" in ask(server, "/?search").body


@pytest.mark.parametrize("path", ["/metrics/", "/favicon.ico", "//etc/passwd", "/%2e%2e", "*"])
def test_anything_else_is_not_found(start: Start, path: str) -> None:
    assert ask(start(), path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(start: Start, method: str) -> None:
    reply = ask(start(), "/metrics", method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_the_server_names_itself_and_nothing_it_is_made_of(start: Start) -> None:
    server = start()
    for reply in (ask(server, "/"), ask(server, "/none"), ask(server, "/", method="PUT")):
        assert reply.headers["Server"] == "mpathd-watch"
        assert b"Python" not in reply.body


def test_health_follows_the_heartbeat(start: Start, daemon: Daemon) -> None:
    server = start()
    assert ask(server, "/healthz").body == b"ok\n"
    daemon.age = 61
    reply = ask(server, "/healthz")
    assert reply.status == 503
    assert b"no sign of life for 61 s" in reply.body


def test_readiness_follows_the_first_look(start: Start, daemon: Daemon) -> None:
    server = start()
    daemon.state = State()
    assert ask(server, "/readyz").status == 503
    assert ask(server, "/metrics").status == 200
    daemon.state = article_state()
    assert ask(server, "/readyz").status == 200


def test_idle_and_slow_clients_stall_nobody(start: Start) -> None:
    server = start()
    address = ("127.0.0.1", server.address.port)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(address))
        slow = stack.enter_context(socket.create_connection(address))
        slow.sendall(b"GET /metrics HTT")
        unread = stack.enter_context(socket.create_connection(address))
        unread.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: ask(server, "/metrics"), range(4)))
        assert time.monotonic() - began < 1
        assert [reply.status for reply in replies] == [200] * 4


def test_a_byte_now_and_then_does_not_prolong_the_deadline(start: Start) -> None:
    server = start(deadline=0.5)
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        began = time.monotonic()
        while time.monotonic() - began < 5 and trickle(client):
            time.sleep(0.05)
        assert 0.4 < time.monotonic() - began < 2
    assert ask(server, "/metrics").status == 200


def test_a_client_that_does_not_read_is_hung_up_on(start: Start, daemon: Daemon) -> None:
    daemon.state = big_state(64, 4)
    server = start(window=0.5)
    with unread_scrape(server) as client:
        time.sleep(2)
        client.settimeout(5)
        got = len(everything(client))
    assert 0 < got < len(ask(server, "/metrics").body) / 2


def test_a_client_that_reads_slowly_but_steadily_gets_all(start: Start, daemon: Daemon) -> None:
    daemon.state = big_state(16, 4)
    server = start(window=0.3, progress=1000)
    with unread_scrape(server) as client:
        client.settimeout(5)
        head, _, body = client.recv(4096).partition(b"\r\n\r\n")
        (length,) = (int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        while len(body) < length:
            time.sleep(0.005)
            body += client.recv(4096)
    assert body.endswith(b"\n")


def test_beyond_the_cap_the_longest_silent_client_makes_room(start: Start) -> None:
    server = start(connections=3)
    address = ("127.0.0.1", server.address.port)
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(3)]
        time.sleep(0.2)
        assert ask(server, "/metrics").status == 200
        assert silent[0].recv(1) == b""
        silent[2].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert silent[2].recv(12) == b"HTTP/1.1 200"


def test_when_all_are_being_served_the_newcomer_is_reported(start: Start, daemon: Daemon) -> None:
    daemon.state = big_state(64, 4)
    server = start(connections=1)
    with unread_scrape(server) as client:
        assert client.recv(12) == b"HTTP/1.1 200"
        assert ask(server, "/metrics").status == 503
    assert server.errors["busy"] == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(120)) + b"\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
    ],
)
def test_a_request_too_large_or_senseless_is_refused(
    start: Start, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    server = start()
    reply = raw(server, request_bytes)
    # The kernel may drop the reply when it closes a connection with unread input.
    assert reply == b"" or reply.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    assert b"Traceback" not in reply
    assert ask(server, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")


def test_an_internal_error_is_logged_once_and_no_client_sees_it(
    start: Start, daemon: Daemon, capfd: pytest.CaptureFixture[str]
) -> None:
    server = start()
    daemon.broken = True
    for _ in range(2):
        reply = ask(server, "/metrics")
        assert (reply.status, reply.body) == (500, b"500 internal error; the journal has more\n")
    daemon.broken = False
    assert ask(server, "/metrics").status == 200
    assert server.errors["ZeroDivisionError"] == 2
    assert daemon.complaints == ["internal error while serving HTTP: ZeroDivisionError: made by the test"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_addresses_means_both_families(start: Start, host: str) -> None:
    if host == "::1" and not socket.has_dualstack_ipv6():
        pytest.skip("this host has no IPv6")
    assert ask(start(ListenAddress("", 0)), "/healthz", host=host).status == 200


def test_a_taken_port_is_known_at_once(start: Start, daemon: Daemon) -> None:
    taken = start().address
    with pytest.raises(ListenError, match="in use"):
        HttpServer(Endpoints((taken,)), daemon.views, lambda: 0.0, daemon.complaints.append)


def test_stopping_waits_for_nobody_and_frees_the_port(start: Start, daemon: Daemon) -> None:
    server = start()
    address = server.address
    with socket.create_connection((address.host, address.port)):
        time.sleep(0.1)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1
    again = HttpServer(Endpoints((address,)), daemon.views, lambda: 0.0, daemon.complaints.append)
    again.stop()
