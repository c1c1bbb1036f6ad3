"""What decides who may read: the web configuration, passwords, and the first message of TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress

from mpathd_watch.config.web.model import WebConfigError
from mpathd_watch.config.web.reading import read
from mpathd_watch.sinks.http.passwords import credentials
from mpathd_watch.sinks.http.tls import hello
from tests.fuzz.target import Target, must

_KEYS = (
    *(b"tls_server_config:\n", b"  cert_file: a.crt\n", b"  key_file: a.key\n", b"  client_auth_type: NoClientCert\n"),
    *(b"  min_version: TLS12\n", b"  cipher_suites:\n", b"  - TLS_AES_128_GCM_SHA256\n", b"basic_auth_users:\n"),
    *(b"http_server_config:\n", b"  headers:\n", b"rate_limit:\n", b"  interval: 1s\n", b"  burst: 5\n"),
    *(b"a: ", b"&a ", b"*a", b"- ", b"? ", b"!!python/object ", b"|\n", b"\t", b"<<: ", b"---\n", b"'", b'"', b"#"),
)


def web_configuration(data: bytes) -> None:
    """Read the file."""
    try:
        read(data)
    except WebConfigError as error:
        must("\n" not in str(error), "a mistake of several lines")
        raise


def configuration_seeds() -> Iterable[bytes]:
    yield b"".join(_KEYS[:5])
    yield b"http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n"
    yield b"rate_limit:\n  interval: 1s\n  burst: 20\n"


def authorization(data: bytes) -> None:
    """Take name and password from the header."""
    found = credentials(data.decode("latin-1"))
    must(found is None or ":" not in found.user, "the name")


def authorization_seeds() -> Iterable[bytes]:
    yield b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    yield b"basic  Og=="
    yield b"Bearer x"


def client_hello(data: bytes) -> None:
    """Find the curves that a client offers, also while its message comes in parts."""
    for length in (len(data) // 2, len(data)):
        hello.curves(data[:length])


def hello_seeds() -> Iterable[bytes]:
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    yield outgoing.read()


TARGETS = (
    Target("web_configuration", web_configuration, configuration_seeds, _KEYS, (b"[", b"{", b"- "), (WebConfigError,)),
    Target("authorization", authorization, authorization_seeds, (b"Basic ", b"QQ==", b"Og==", b" ", b"\x00", b"=")),
    Target(
        "client_hello", client_hello, hello_seeds, (b"\x16\x03\x01", b"\x01\x00", b"\x00\x0a", b"\x00\x1d", b"\xff")
    ),
)
