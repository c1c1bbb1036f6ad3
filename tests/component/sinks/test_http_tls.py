"""TLS by the web configuration, against real clients and with certificates of openssl."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from mpathd_watch.config.listen_address import ListenAddress, UnixPath
from mpathd_watch.config.web import WebConfigError
from mpathd_watch.sinks.http import web_files
from mpathd_watch.sinks.http.server import HttpServer
from mpathd_watch.sinks.http.tls import context as tls_context
from mpathd_watch.sinks.http.web_files import WebFiles
from tests.component.sinks.certificates import SERVER_NAMES, Pair, openssl
from tests.component.sinks.securing import Pki, Secured, ask, ask_unix, counted, pki, refused, secured, trusting
from tests.factories import big_state

__all__ = ["pki", "secured"]
PATIENCE = 15.0


def limited(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The same client with one version of TLS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = min(version, context.minimum_version)
        context.maximum_version = version
        context.minimum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def fault(path: Path) -> str:
    """Why the configuration is refused at the start, in one line without the name of the file."""
    with pytest.raises(WebConfigError) as caught:
        WebFiles(path).load()
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def until(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if look():
            return
        time.sleep(0.05)
    pytest.fail(f"waited {PATIENCE:g} s for {what}")


# --- certificates -----------------------------------------------------------------------------------------------------


def test_metrics_are_served_over_tls(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    reply = ask(server, trusting(pki.ours))
    assert (reply.status, reply.version) == (200, "TLSv1.3")
    assert reply.body.startswith(b"# HELP")
    assert ask(server, trusting(pki.ours), host="localhost").status == 200


def test_certificate_and_key_may_be_in_the_file(secured: Secured, pki: Pki) -> None:
    def inline(path: Path) -> str:
        return "|\n" + "".join(f"    {line}\n" for line in path.read_text().splitlines())

    text = f"tls_server_config:\n  cert: {inline(pki.server.cert)}  key: {inline(pki.server.key)}"
    text += f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca: {inline(pki.ours.cert)}"
    server = secured.start(text)
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert refused(server, trusting(pki.ours))


def test_files_are_relative_to_the_web_configuration(secured: Secured, pki: Pki) -> None:
    for name, file in (("s.crt", pki.server.cert), ("s.key", pki.server.key)):
        (secured.file.parent / name).write_bytes(file.read_bytes())
    server = secured.start("tls_server_config:\n  cert_file: s.crt\n  key_file: s.key\n")
    assert ask(server, trusting(pki.ours)).status == 200


def test_a_file_may_hold_a_text_in_utf_8_beside_the_certificate(secured: Secured, pki: Pki, tmp_path: Path) -> None:
    mine, ca = Pair(tmp_path / "my.crt", pki.server.key), tmp_path / "ca.crt"
    mine.cert.write_bytes("Aussteller: M\u00fcnchen\n".encode() + pki.server.cert.read_bytes())
    ca.write_bytes("Aussteller: M\u00fcnchen\n".encode() + pki.ours.cert.read_bytes() + pki.other.cert.read_bytes())
    server = secured.start(
        pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {ca}", server=mine)
    )
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert ask(server, trusting(pki.ours, pki.other.issue("client", usage="clientAuth"))).status == 200


def test_a_certificate_of_rsa(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls(server=pki.ours.issue("server", SERVER_NAMES, rsa=True)))
    context = limited(trusting(pki.ours), ssl.TLSVersion.TLSv1_2)
    assert ask(server, context).cipher.startswith("ECDHE-RSA-")


def test_a_client_finds_out_that_the_certificate_is_of_another_name(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls(server=pki.ours.issue("server", "DNS:other.example")))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        ask(server, trusting(pki.ours))


@pytest.mark.parametrize("name", ["cert_file", "key_file", "client_ca_file"])
def test_a_missing_file_is_named(secured: Secured, pki: Pki, name: str) -> None:
    text = pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}")
    secured.write(re.sub(rf"{name}: \S+", f"{name}: none.pem", text))
    assert fault(secured.file) == f"{name} none.pem: No such file or directory"


@pytest.mark.parametrize(("name", "noun"), [("cert_file", "certificate"), ("key_file", "private key")])
def test_a_file_of_something_else_is_named(secured: Secured, pki: Pki, name: str, noun: str) -> None:
    (secured.file.parent / "junk").write_bytes(os.urandom(4000))
    secured.write(re.sub(rf"{name}: \S+", f"{name}: junk", pki.tls()))
    assert fault(secured.file) == f"{name} junk holds no {noun} in PEM"


@pytest.mark.parametrize("name", ["cert_file", "client_ca_file"])
def test_a_broken_certificate_is_named(secured: Secured, pki: Pki, name: str) -> None:
    (secured.file.parent / "junk").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    text = pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}")
    secured.write(re.sub(rf"{name}: \S+", f"{name}: junk", text))
    assert re.match(rf"{name} junk (and key_file \S+ )?can't be used: ", fault(secured.file))


def test_a_certificate_without_its_key(secured: Secured, pki: Pki) -> None:
    mixed = Pair(pki.server.cert, pki.client.key)
    secured.write(pki.tls(server=mixed))
    assert fault(secured.file) == f"key_file {mixed.key} does not belong to cert_file {mixed.cert}"


def test_a_key_with_a_passphrase(secured: Secured, pki: Pki, tmp_path: Path) -> None:
    locked = Pair(pki.server.cert, tmp_path / "locked.key")
    openssl("pkey", "-in", pki.server.key, "-aes256", "-passout", "pass:geheim", "-out", locked.key)
    secured.write(pki.tls(server=locked))
    assert fault(secured.file).startswith(f"key_file {locked.key} is protected by a passphrase; ")


def test_a_certificate_that_no_cipher_suite_fits(secured: Secured, pki: Pki) -> None:
    secured.write(pki.tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", "max_version: TLS12"))
    assert fault(secured.file).startswith("no client could connect: ")


# --- clients' certificates --------------------------------------------------------------------------------------------


def test_a_client_certificate_is_required(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}"))
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert refused(server, trusting(pki.ours))
    assert refused(server, trusting(pki.ours, pki.other.issue("client", usage="clientAuth")))
    assert refused(server, trusting(pki.ours, pki.ours.issue("old", usage="clientAuth", days=-1)))
    assert refused(server, trusting(pki.ours, pki.server))  # which is for servers only
    assert counted(server, "tls", 4)
    assert ask(server, trusting(pki.ours, pki.client)).status == 200


def test_a_client_certificate_is_verified_if_it_is_given(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls("client_auth_type: VerifyClientCertIfGiven", f"client_ca_file: {pki.ours.cert}"))
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert ask(server, trusting(pki.ours)).status == 200
    assert refused(server, trusting(pki.ours, pki.other.issue("client", usage="clientAuth")))


@pytest.mark.parametrize("name", ["NoClientCert", "RequestClientCert"])
def test_no_client_certificate_is_needed(secured: Secured, pki: Pki, name: str) -> None:
    server = secured.start(pki.tls(f"client_auth_type: {name}"))
    assert ask(server, trusting(pki.ours)).status == 200
    assert ask(server, trusting(pki.ours, pki.other.issue("client", usage="clientAuth"))).status == 200


@pytest.mark.parametrize(
    ("allowed", "names", "good"),
    [
        ("prometheus.example", "DNS:prometheus.example", True),
        ("a@b.example", "email:a@b.example", True),
        ("spiffe://x/y", "URI:spiffe://x/y", True),
        ("192.0.2.7", "IP:192.0.2.7", True),
        ("2001:db8::7", "IP:2001:db8::7", True),
        ("other.example", "DNS:prometheus.example,email:a@b.example", False),
        ("example", "DNS:prometheus.example", False),
        ("client", "", False),
    ],
)
def test_only_clients_of_these_names_are_let_in(
    secured: Secured, pki: Pki, allowed: str, names: str, good: bool
) -> None:
    server = secured.start(
        pki.tls(
            "client_auth_type: RequireAndVerifyClientCert",
            f"client_ca_file: {pki.ours.cert}",
            f"client_allowed_sans: ['{allowed}', 'nobody.example']",
        )
    )
    assert refused(server, trusting(pki.ours, pki.ours.issue("client", names, usage="clientAuth"))) is not good
    assert ("tls_name" in server.errors) is not good


def test_a_ca_that_has_not_signed_itself_may_be_trusted(secured: Secured, pki: Pki) -> None:
    """As in Go, where the certificate of a single client may be the CA."""
    server = secured.start(
        pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.client.cert}")
    )
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert refused(server, trusting(pki.ours, pki.ours.issue("another", usage="clientAuth")))


# --- versions, ciphers, curves ----------------------------------------------------------------------------------------

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


@pytest.mark.parametrize(
    ("lines", "accepted"),
    [
        ((), "TLS12 TLS13"),
        (("min_version: TLS13",), "TLS13"),
        (("max_version: TLS12",), "TLS12"),
        (("min_version: TLS10",), "TLS10 TLS11 TLS12 TLS13"),
        (("min_version: TLS11", "max_version: TLS12"), "TLS11 TLS12"),
        (("cipher_suites: [TLS_AES_128_GCM_SHA256]",), "TLS13"),
    ],
)
def test_versions(secured: Secured, pki: Pki, lines: tuple[str, ...], accepted: str) -> None:
    server = secured.start(pki.tls(*lines))
    found = [name for name, each in VERSIONS.items() if not refused(server, limited(trusting(pki.ours), each))]
    assert found == accepted.split()


def test_cipher_suites_and_their_order(secured: Secured, pki: Pki) -> None:
    wanted = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"

    def chosen(server: HttpServer, *ciphers: str) -> str:
        context = limited(trusting(pki.ours), ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(":".join(ciphers))
        return ask(server, context).cipher

    both = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")
    server = secured.start(pki.tls(wanted))
    assert chosen(server, *both) == both[1]
    assert chosen(server, both[0]) == both[0]
    with pytest.raises(OSError, match=r"(?i)handshake"):
        chosen(server, "ECDHE-ECDSA-CHACHA20-POLY1305")
    secured.write(pki.tls(wanted, "prefer_server_cipher_suites: false"))
    assert chosen(server, *both) == both[0]


def test_the_default_cipher_suites_have_authenticated_encryption(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    context = limited(trusting(pki.ours), ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:AES128-GCM-SHA256")
    assert refused(server, context)


def can_choose(curve: str) -> bool:
    """Whether this Python can set the curve: 3.11.2 can't set X25519."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ecdh_curve(curve)
    except ssl.SSLError:
        return False
    return True


def test_a_curve_that_python_can_not_choose_is_named(
    secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_context, "_CURVES", {**tls_context._CURVES, 29: "no such curve"})
    secured.write(pki.tls("curve_preferences: [CurveP256, X25519]"))
    assert fault(secured.file).startswith("curve_preferences: this Python can't choose X25519; ")


CURVES = {"X25519": "X25519", "CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}


@pytest.mark.parametrize(
    ("preferences", "accepted"),
    [
        ("CurveP384", "CurveP384"),
        ("CurveP521, CurveP256", "CurveP256 CurveP521"),
        ("CurveP521, X25519", "X25519 CurveP521"),
        ("X25519, CurveP256, CurveP384, CurveP521", "X25519 CurveP256 CurveP384 CurveP521"),
    ],
)
@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_curves(secured: Secured, pki: Pki, version: str, preferences: str, accepted: str) -> None:
    if not can_choose("X25519") and "X25519" in preferences:
        pytest.skip("NOT TESTED: this Python can't choose X25519")
    server = secured.start(
        pki.tls(f"curve_preferences: [{preferences}]", server=pki.ours.issue("s", SERVER_NAMES, rsa=True))
    )
    found = []
    for name, curve in CURVES.items():
        if not can_choose(curve):
            continue
        context = limited(trusting(pki.ours), VERSIONS[version])
        context.set_ecdh_curve(curve)
        if not refused(server, context):
            found.append(name)
    assert found == accepted.split()
    # A client that offers all gets the preferred one, after a HelloRetryRequest if need be.
    assert ask(server, limited(trusting(pki.ours), VERSIONS[version])).status == 200


def test_no_session_is_resumed_and_nothing_is_renegotiated(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    context = limited(trusting(pki.ours), ssl.TLSVersion.TLSv1_2)
    session = None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", server.address.port), 5) as raw,
            context.wrap_socket(raw, server_hostname="localhost", session=session) as client,
        ):
            assert not client.session_reused
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            session = client.session
            assert session is not None
            assert not session.has_ticket
        time.sleep(0.3)


def test_http_1_1_is_negotiated(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls() + "http_server_config: {http2: true}\n")
    context = trusting(pki.ours)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", server.address.port), 5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as client,
    ):
        assert client.selected_alpn_protocol() == "http/1.1"


# --- HTTP over TLS ----------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_alive_and_answers_are_whole(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", server.address.port), 5) as raw,
        trusting(pki.ours).wrap_socket(raw, server_hostname="localhost") as client,
    ):
        client.sendall(request * 3 + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b"".join(iter(lambda: client.recv(65536), b""))
        # The end of TLS was sent, too: nobody has cut the answer short.
        client.unwrap()
    assert got.count(b"HTTP/1.1 200") == 4
    assert got.endswith(b"ok\n")


def test_a_client_that_ends_its_side_still_gets_the_answer(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(pki.ours).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as raw:

        def pump(act: Callable[[], object]) -> object:
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    incoming.write(raw.recv(65536))

        pump(client.do_handshake)
        client.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        raw.sendall(outgoing.read())
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
        assert len(answer) > 10_000


def test_a_request_without_tls_is_answered_with_a_hint(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls())
    reply = ask(server, None)
    assert (reply.status, reply.body) == (400, b"this port takes https only\n")
    assert counted(server, "tls_plain", 1)


def test_a_unix_socket_needs_no_tls(secured: Secured, pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    secured.start(pki.tls(), ListenAddress("127.0.0.1", 0), UnixPath(str(path)))
    for each in (path, tmp_path / "http.sock"):
        assert ask_unix(each).status == 200
        assert each.stat().st_mode & 0o777 == 0o660


# --- changes ----------------------------------------------------------------------------------------------------------


def serial(server: HttpServer) -> bytes:
    """The certificate that the server shows."""
    return ssl.get_server_certificate(("127.0.0.1", server.address.port)).encode()


def test_a_changed_certificate_counts_from_the_next_connection_on(secured: Secured, pki: Pki, tmp_path: Path) -> None:
    pairs = [pki.ours.issue(f"server{number}", SERVER_NAMES) for number in range(3)]
    mine = Pair(tmp_path / "my.crt", tmp_path / "my.key")
    server = None
    for pair in pairs:
        for new, old in ((mine.cert, pair.cert), (mine.key, pair.key)):
            new.write_bytes(old.read_bytes())
        server = server or secured.start(pki.tls(server=mine))
        assert serial(server) in pair.cert.read_bytes()
    assert secured.reports in ([], [("", "")])


def test_a_changed_ca_counts_from_the_next_connection_on(secured: Secured, pki: Pki, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    theirs = pki.other.issue("client", usage="clientAuth")
    ca.write_bytes(pki.ours.cert.read_bytes())
    server = secured.start(pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {ca}"))
    assert ask(server, trusting(pki.ours, pki.client)).status == 200
    assert refused(server, trusting(pki.ours, theirs))
    ca.write_bytes(pki.other.cert.read_bytes())
    assert refused(server, trusting(pki.ours, pki.client))
    assert ask(server, trusting(pki.ours, theirs)).status == 200


def test_a_change_of_the_file_counts_from_the_next_connection_on(secured: Secured, pki: Pki) -> None:
    server = secured.start("")
    assert ask(server, None).status == 200
    secured.write(pki.tls())
    assert ask(server, trusting(pki.ours)).status == 200
    assert ask(server, None).status == 400
    secured.write("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    assert ask(server, None).headers["X-Frame-Options"] == "deny"


def test_a_broken_file_keeps_the_old_one_in_force_and_is_reported_once(
    secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_files, "EVERY", 0.2)
    monkeypatch.setattr(web_files, "SETTLED", 0.5)
    server = secured.start(pki.tls())
    until(lambda: secured.reports == [("", "")], "the report that nothing is wrong")
    secured.write(pki.tls("min_version: SSL3"))
    for _ in range(3):
        assert ask(server, trusting(pki.ours)).status == 200
    until(lambda: len(secured.reports) == 2, "the mistake")
    reason, detail = secured.reports[1]
    assert reason == "bad_file"
    assert detail.startswith(f"{secured.file}: line 4: tls_server_config.min_version must be one of TLS10, ")
    time.sleep(1)
    assert len(secured.reports) == 2
    secured.write(pki.tls("min_version: TLS13"))
    until(lambda: secured.reports[2:] == [("", "")], "the report that it has been fixed")


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(
    secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = secured.start("")
    secured.write(pki.tls())
    content = web_files._content

    def short(path: Path, name: str = "") -> bytes:
        raise web_files._UnreadableError(f"{path}{name}: Too many open files")

    monkeypatch.setattr(web_files, "_content", short)
    assert ask(server, None).status == 200
    monkeypatch.setattr(web_files, "_content", content)
    assert ask(server, trusting(pki.ours)).status == 200


def test_a_mistake_of_a_moment_is_not_reported(
    secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(web_files, "EVERY", 0.1)
    mine = Pair(tmp_path / "my.crt", tmp_path / "my.key")
    for new, old in ((mine.cert, pki.server.cert), (mine.key, pki.server.key)):
        new.write_bytes(old.read_bytes())
    server = secured.start(pki.tls(server=mine))
    until(lambda: secured.reports == [("", "")], "the report that nothing is wrong")
    other = pki.ours.issue("server7", SERVER_NAMES)
    mine.cert.write_bytes(other.cert.read_bytes())
    time.sleep(0.5)
    assert serial(server) in pki.server.cert.read_bytes()
    mine.key.write_bytes(other.key.read_bytes())
    assert serial(server) in other.cert.read_bytes()
    time.sleep(0.5)
    assert secured.reports == [("", "")]


def test_an_expired_certificate_replaces_no_valid_one(
    secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_files, "EVERY", 0.2)
    monkeypatch.setattr(web_files, "SETTLED", 0.3)
    old = pki.ours.issue("server", SERVER_NAMES, days=-1)
    server = secured.start(pki.tls())
    secured.write(pki.tls(server=old))
    assert ask(server, trusting(pki.ours)).status == 200
    expected = f"cert_file {old.cert}: certificate has expired; fix it, no reload is needed"
    until(lambda: ("bad_file", expected) in secured.reports, "the report")


def test_an_expired_certificate_is_served_if_there_is_no_other_and_reported(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls(server=pki.ours.issue("server", SERVER_NAMES, days=-1)))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        ask(server, trusting(pki.ours))
    until(lambda: [reason for reason, _ in secured.reports] == ["expired"], "the report")


def test_a_file_system_that_hangs_delays_nobody(secured: Secured, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_files, "EVERY", 0.2)
    monkeypatch.setattr(web_files, "READ_WITHIN", 1.0)
    server = secured.start(pki.tls())
    until(lambda: secured.reports == [("", "")], "the report that nothing is wrong")
    fifo = secured.file.with_suffix(".fifo")
    os.mkfifo(fifo)
    fifo.replace(secured.file)
    for _ in range(3):
        began = time.monotonic()
        assert ask(server, trusting(pki.ours)).status == 200
        assert time.monotonic() - began < 2
    until(lambda: [reason for reason, _ in secured.reports] == ["", "timeout"], "the report")
    os.close(os.open(secured.file, os.O_WRONLY))
    secured.write(pki.tls())
    until(lambda: secured.reports[-1] == ("", ""), "the report that it is over")


# --- clients that mean harm -------------------------------------------------------------------------------------------


def test_a_handshake_that_stalls_ends_with_the_deadline(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls(), deadline=0.5)
    for first in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
            began = time.monotonic()
            client.sendall(first)
            assert client.recv(1) == b""
            assert 0.3 < time.monotonic() - began < 3


def test_handshakes_that_stall_have_places_like_other_clients(secured: Secured, pki: Pki) -> None:
    server = secured.start(pki.tls(), connections=4, share=3)
    address = ("127.0.0.1", server.address.port)
    with ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(3)]
        time.sleep(0.7)
        assert ask(server, trusting(pki.ours)).status == 200
        assert stalled[0].recv(1) == b""


def unread_scrape(stack: ExitStack, server: HttpServer, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A client that asks for more than the kernel buffers for it, and does not read on."""
    server._listeners[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    raw = stack.enter_context(socket.socket())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(5)
    raw.connect(("127.0.0.1", server.address.port))
    client = stack.enter_context(context.wrap_socket(raw, server_hostname="localhost"))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    return client


def test_a_client_that_does_not_read_is_hung_up_on(secured: Secured, pki: Pki) -> None:
    secured.state = big_state(64, 4)
    server = secured.start(pki.tls(), window=0.5)
    with ExitStack() as stack:
        client = unread_scrape(stack, server, trusting(pki.ours))
        time.sleep(2)
        got = received(client)
    assert 0 < got < len(ask(server, trusting(pki.ours)).body) / 2


def received(client: ssl.SSLSocket) -> int:
    """How many bytes come until the connection ends, however it does."""
    got = 0
    try:
        while piece := client.recv(65536):
            got += len(piece)
    except OSError:
        pass
    return got


def test_a_client_that_reads_slowly_but_steadily_gets_all(secured: Secured, pki: Pki) -> None:
    secured.state = big_state(16, 4)
    server = secured.start(pki.tls(), window=0.3, progress=1000)
    with ExitStack() as stack:
        client = unread_scrape(stack, server, trusting(pki.ours))
        head, _, body = client.recv(4096).partition(b"\r\n\r\n")
        (length,) = (int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        while len(body) < length:
            time.sleep(0.005)
            body += client.recv(4096)
    assert len(body) == length
    assert body.endswith(b"\n")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\xff\xff" + bytes(70_000),
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        bytes(range(256)) * 100,
        b"\x80\x2e\x01\x03\x01" + bytes(60),
        b"\x15\x03\x03\x00\x02\x02\x28",
    ],
    ids=["zeroes", "empty", "noise", "old", "alert"],
)
@pytest.mark.parametrize("curves", ["", "curve_preferences: [CurveP384, CurveP256]"], ids=["", "curves"])
def test_garbage_ends_the_connection(secured: Secured, pki: Pki, garbage: bytes, curves: str) -> None:
    server = secured.start(pki.tls(*filter(None, (curves,))), deadline=1.0)
    with socket.create_connection(("127.0.0.1", server.address.port), 5) as client:
        try:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass
    assert ask(server, trusting(pki.ours)).status == 200
