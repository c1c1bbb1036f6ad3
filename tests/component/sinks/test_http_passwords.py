"""Passwords, rate limit and headers by the web configuration, against real clients."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest

from mpathd_watch.sinks.http.server import HttpServer
from tests.component.sinks.securing import Pki, Secured, ask, ask_unix, basic, hashed, pki, refused, secured, trusting

__all__ = ["pki", "secured"]
LONG = "x" * 100


def users(**passwords: str) -> str:
    return "basic_auth_users:\n" + "".join(f"  {name}: {hashed(each)}\n" for name, each in passwords.items())


def status(server: HttpServer, user: str, password: str | bytes) -> int:
    return ask(server, None, **basic(user, password)).status


def raw(server: HttpServer, authorization: bytes) -> bytes:
    """The first bytes of the answer to a request with this header."""
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n" % authorization
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        client.sendall(request)
        return client.recv(12)


def read_to(client: socket.socket, end: bytes) -> bytes:
    """What comes up to these bytes."""
    got = b""
    while not got.endswith(end):
        piece = client.recv(4096)
        assert piece
        got += piece
    return got


def test_only_users_with_their_passwords_get_answers(secured: Secured) -> None:
    server = secured.start(users(ann="secret", bob="geheim", long=LONG[:72]))
    reply = ask(server, None)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="mpathd-watch", charset="UTF-8"'
    assert (status(server, "ann", "secret"), status(server, "bob", "geheim")) == (200, 200)
    assert (status(server, "ann", "geheim"), status(server, "eve", "secret"), status(server, "", "")) == (401, 401, 401)
    # As Go and htpasswd have it, 72 bytes count.
    assert status(server, "long", LONG) == 200
    for page in ("/", "/healthz", "/readyz", "/none"):
        assert ask(server, None, page).status == 401
    assert server.errors["password"] == 8


def test_users_over_tls_with_a_client_certificate(secured: Secured, pki: Pki) -> None:
    tls = pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}")
    server = secured.start(tls + users(ann="secret"))
    context = trusting(pki.ours, pki.client)
    assert ask(server, context, **basic("ann", "secret")).status == 200
    assert ask(server, context, **basic("ann", "wrong")).status == 401
    assert refused(server, trusting(pki.ours))


def test_names_and_passwords_in_utf_8(secured: Secured) -> None:
    server = secured.start(users(änn="s\u00ebcret \U0001f511"))
    assert status(server, "\u00e4nn", "s\u00ebcret \U0001f511") == 200
    assert status(server, "\u00e4nn", "s\u00ebcret") == 401


@pytest.mark.parametrize(
    "authorization",
    [
        b"Basic " + b"QUJD",  # ABC: no colon
        b"Basic",
        b"Basic =",
        b"Basic !!!!",
        b"Basic YW5uOnNlY3JldA",  # without its padding
        b"Basic YW5uOnNlY3JldAA=",  # ann:secret, and NUL
        b"Basic /zpzZWNyZXQ=",  # a name that is not UTF-8
        b"Basic YW5uOv8=",  # a password that is not UTF-8
        b"Basic Og==",
        b"Bearer YW5uOnNlY3JldA==",
        b"Basic YW5uOnNlY3JldA==\r\nAuthorization: Basic YW5uOnNlY3JldA==",
        b"Basic " + b"QUJD" * 1500,
    ],
)
def test_whatever_is_not_name_and_password_is_refused(secured: Secured, authorization: bytes) -> None:
    server = secured.start(users(ann="secret"))
    assert raw(server, authorization) == b"HTTP/1.1 401"
    assert raw(server, b"basic  YW5uOnNlY3JldA==") == b"HTTP/1.1 200"


def test_16_kib_of_authorization_are_too_much(secured: Secured) -> None:
    server = secured.start(users(ann="secret"))
    assert raw(server, b"Basic " + b"A" * 16384) in (b"HTTP/1.1 431", b"")
    assert status(server, "ann", "secret") == 200


def test_a_changed_password_counts_at_once_for_open_connections_too(secured: Secured) -> None:
    server = secured.start(users(ann="secret"))
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        client.sendall(request)
        assert read_to(client, b"\r\n\r\nok\n").startswith(b"HTTP/1.1 200")
        secured.write(users(ann="other"))
        assert status(server, "ann", "other") == 200
        client.sendall(request)
        assert client.recv(4096).startswith(b"HTTP/1.1 401")


def test_an_unknown_user_takes_as_long_as_a_known_one(secured: Secured) -> None:
    server = secured.start(f"basic_auth_users:\n  ann: {hashed('secret', 9)}\n  bob: {hashed('secret', 4)}\n")

    # Processor time of this process, in which both the server and the client are: other work of the machine changes how
    # long an answer takes, but not what it costs.
    def seconds(user: str, number: int) -> float:
        began = time.process_time()
        assert status(server, user, f"wrong{number}") == 401
        return time.process_time() - began

    times = {user: median(seconds(user, number) for number in range(3)) for user in ("ann", "eve")}
    assert times["ann"] > 0.01
    assert 0.5 < times["eve"] / times["ann"] < 2


def test_a_password_is_checked_once(secured: Secured) -> None:
    server = secured.start(f"basic_auth_users:\n  ann: {hashed('geheimnis', 11)}\n")
    began = time.process_time()
    assert status(server, "ann", "geheimnis") == 200
    first = time.process_time() - began
    began = time.process_time()
    for _ in range(5):
        assert status(server, "ann", "geheimnis") == 200
    assert (time.process_time() - began) / 5 < first / 2


def test_guesses_are_limited_and_those_who_know_the_password_notice_nothing(secured: Secured) -> None:
    server = secured.start(users(ann="secret"))
    assert status(server, "ann", "secret") == 200
    found = [status(server, "ann", f"guess {number}") for number in range(20)]
    assert found[:9] == [401] * 9
    assert found[11:] == [429] * 9
    assert ask(server, None, **basic("ann", "another guess")).headers["Retry-After"] == "6"
    assert status(server, "ann", "secret") == 200
    # One that has been tried before costs nothing, and shows nothing new.
    assert status(server, "ann", "guess 0") == 401
    assert server.errors["guesses"] >= 9


def test_checking_passwords_delays_no_other_answer(secured: Secured) -> None:
    server = secured.start(f"basic_auth_users:\n  ann: {hashed('secret', 4)}\n  bob: {hashed('secret', 13)}\n")
    assert status(server, "ann", "secret") == 200
    with ThreadPoolExecutor(8) as pool:
        guesses = [pool.submit(status, server, "bob", f"guess {number}") for number in range(8)]
        time.sleep(0.1)
        times = []
        for _ in range(10):
            began = time.monotonic()
            assert status(server, "ann", "secret") == 200
            times.append(time.monotonic() - began)
        assert not all(each.done() for each in guesses)
        assert median(times) < 0.2
        # So many of one address may wait.
        assert sorted(each.result() for each in guesses) == [401] * 4 + [429] * 4


def test_the_rate_limit_is_for_each_address(secured: Secured) -> None:
    server = secured.start("rate_limit: {interval: 1h, burst: 3}\n")
    assert [ask(server, None).status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert ask(server, None).headers["Retry-After"] == "1"
    with socket.create_connection(("127.0.0.1", server.address.port), 5, ("127.0.0.2", 0)) as other:
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert other.recv(12) == b"HTTP/1.1 200"
    secured.write("rate_limit: {interval: 0, burst: 3}\n")
    assert ask(server, None).status == 200
    assert server.errors["rate_limit"] == 3


def test_headers_are_added_to_every_answer(secured: Secured) -> None:
    text = """\
http_server_config:
  headers:
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy: default-src 'self'
"""
    server = secured.start(text)
    for page in ("/metrics", "/", "/healthz", "/none"):
        headers = ask(server, None, page).headers
        assert headers["X-Frame-Options"] == "deny"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-XSS-Protection"] == "1; mode=block"
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert headers["Content-Security-Policy"] == "default-src 'self'"
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        client.sendall(b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"\r\nX-Frame-Options: deny\r\n" in read_to(client, b"405 method not allowed\n")


def test_a_unix_socket_needs_no_password_and_has_no_limit(secured: Secured) -> None:
    secured.start(users(ann="secret") + "rate_limit: {interval: 1h, burst: 1}\n")
    path = secured.file.parent / "http.sock"
    assert [ask_unix(path).status for _ in range(3)] == [200] * 3
