"""Every key of the web configuration: what it may hold, and what is refused by name."""

from __future__ import annotations

import pytest

from mpathd_watch.config.web.model import ClientAuth, Pem, RateLimit, Tls, Version, WebConfig, WebConfigError
from mpathd_watch.config.web.reading import read

HASH = "$2y$10$" + "a" * 53
TLS = "tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n"
CA = "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n"


def tls(*lines: str, start: str = TLS) -> Tls:
    """The TLS that these lines configure, in the part ``tls_server_config``."""
    found = read((start + "".join(f"  {line}\n" for line in lines)).encode()).tls
    assert found is not None
    return found


def fault(text: str | bytes) -> str:
    """Why a text is refused, in one line."""
    with pytest.raises(WebConfigError) as caught:
        read(text.encode() if isinstance(text, str) else text)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~", "tls_server_config:\nrate_limit: ~\n"])
def test_a_file_without_a_key_changes_nothing(text: str) -> None:
    assert read(text.encode()) == WebConfig()


def test_cert_and_key_are_files() -> None:
    assert tls() == Tls(Pem("cert_file", path="a.crt"), Pem("key_file", path="a.key"))


def test_cert_and_key_are_texts() -> None:
    start = "tls_server_config:\n  cert: |\n    -----BEGIN\n    xyz\n  key: 'k'\n"
    assert tls(start=start) == Tls(Pem("cert", "-----BEGIN\nxyz\n"), Pem("key", "k"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  cert_file: a\n", "key or key_file is missing"),
        ("  key_file: a\n", "cert or cert_file is missing"),
        ("  cert_file: ''\n  key_file: a\n", "cert or cert_file is missing"),
        ("  min_version: TLS13\n", "cert or cert_file is missing"),
        ("  cert_file: a\n  cert: b\n  key_file: a\n", "give either cert or cert_file"),
        ("  cert_file: [a]\n  key_file: a\n", "line 2: tls_server_config.cert_file must be a text"),
        ('  cert_file: "a\\0b"\n  key_file: a\n', "cert_file must be a text"),
    ],
)
def test_a_certificate_needs_its_key(text: str, expected: str) -> None:
    assert expected in fault(f"tls_server_config:\n{text}")


def test_no_secret_is_shown() -> None:
    start = "tls_server_config:\n  cert: b\n  key: geheim\n  key_file: a\nbasic_auth_users:\n  ann: geheim\n"
    assert "geheim" not in fault(start)
    good = read(f"tls_server_config:\n  cert: b\n  key: geheim\nbasic_auth_users:\n  ann: {HASH}\n".encode())
    assert "geheim" not in repr(good)
    assert HASH not in repr(good)


@pytest.mark.parametrize("name", ["NoClientCert", "RequestClientCert", "''"])
def test_client_auth_types_that_need_no_ca(name: str) -> None:
    assert tls(f"client_auth_type: {name}").client_auth is ClientAuth(name.strip("'") or "NoClientCert")


@pytest.mark.parametrize("name", ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
def test_client_auth_types_that_need_a_ca(name: str) -> None:
    found = tls(f"client_auth_type: {name}", "client_ca: pem")
    assert (found.client_auth, found.client_ca) == (ClientAuth(name), Pem("client_ca", "pem"))
    assert found.pems == (Pem("cert_file", path="a.crt"), Pem("key_file", path="a.key"), Pem("client_ca", "pem"))
    assert f"{name} needs client_ca or client_ca_file" in fault(f"{TLS}  client_auth_type: {name}\n")


def test_client_ca_is_a_file() -> None:
    assert tls(start=TLS + CA).client_ca == Pem("client_ca_file", path="ca.crt")


@pytest.mark.parametrize("name", ["RequireAnyClientCert", "RequireClientCert"])
def test_a_type_that_lets_in_any_certificate_is_refused(name: str) -> None:
    assert f"{name} lets in any certificate" in fault(f"{TLS}  client_auth_type: {name}\n")


def test_a_client_auth_type_that_go_does_not_know() -> None:
    assert "must be one of NoClientCert, RequestClientCert, " in fault(f"{TLS}  client_auth_type: x\n")


def test_a_ca_without_a_client_auth_type_would_have_no_effect() -> None:
    assert "client_ca_file has no effect without client_auth_type" in fault(f"{TLS}  client_ca_file: ca\n")


def test_client_allowed_sans() -> None:
    start = TLS + CA
    assert tls(start=start).allowed_names is None
    assert tls("client_allowed_sans: [a.example, '::1']", start=start).allowed_names == frozenset({"a.example", "::1"})
    assert tls("client_allowed_sans: []", start=start).allowed_names == frozenset()
    assert "client_allowed_sans must be a list of texts" in fault(f"{start}  client_allowed_sans: a\n")
    assert "client_allowed_sans must be a list of texts" in fault(f"{start}  client_allowed_sans: [[a]]\n")


@pytest.mark.parametrize("name", ["NoClientCert", "RequestClientCert"])
def test_allowed_names_need_a_certificate_that_is_verified(name: str) -> None:
    text = f"{TLS}  client_auth_type: {name}\n  client_allowed_sans: [a]\n"
    assert "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert" in fault(text)


def test_min_version_and_max_version() -> None:
    assert (tls().oldest, tls().newest) == (Version.TLS12, Version.TLS13)
    found = tls("min_version: TLS10", "max_version: TLS11")
    assert (found.oldest, found.newest) == (Version.TLS10, Version.TLS11)
    assert "min_version must be one of TLS10, TLS11, TLS12, TLS13, not 'TLS14'" in fault(f"{TLS}  min_version: TLS14\n")
    assert "no version is left from TLS12 to TLS11" in fault(f"{TLS}  max_version: TLS11\n")


def test_cipher_suites_have_gos_names() -> None:
    assert tls().ciphers == ()
    found = tls(
        "cipher_suites:",
        "- TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "- TLS_AES_128_GCM_SHA256",
        "- TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    )
    assert found.ciphers == ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")
    assert found.oldest is Version.TLS12


@pytest.mark.parametrize("name", ["TLS_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES256-GCM-SHA384", "TLS_NULL"])
def test_other_cipher_suites_are_refused(name: str) -> None:
    assert f"'{name}' is unknown or insecure" in fault(f"{TLS}  cipher_suites: [{name}]\n")


def test_suites_of_tls13_alone_leave_no_other_version() -> None:
    assert tls("cipher_suites: [TLS_AES_256_GCM_SHA384]").oldest is Version.TLS13
    text = f"{TLS}  cipher_suites: [TLS_AES_256_GCM_SHA384]\n  max_version: TLS12\n"
    assert "no version is left from TLS13 to TLS12" in fault(text)


def test_prefer_server_cipher_suites() -> None:
    assert tls().server_chooses
    assert not tls("prefer_server_cipher_suites: false").server_chooses
    assert "prefer_server_cipher_suites must be true or false" in fault(f"{TLS}  prefer_server_cipher_suites: 2\n")


def test_curve_preferences_have_gos_names() -> None:
    assert tls().curves == ()
    assert tls("curve_preferences: [X25519, CurveP256, CurveP384, CurveP521]").curves == (29, 23, 24, 25)
    assert "'CurveP257' is unknown or insecure" in fault(f"{TLS}  curve_preferences: [CurveP257]\n")


@pytest.mark.parametrize("value", ["true", "false", "No"])
def test_http2_is_accepted_and_has_no_effect(value: str) -> None:
    assert read(f"http_server_config:\n  http2: {value}\n".encode()) == WebConfig()


def test_http2_is_true_or_false() -> None:
    assert "http_server_config.http2 must be true or false, not 'h2'" in fault("http_server_config: {http2: h2}")


def test_headers() -> None:
    text = """\
http_server_config:
  headers:
    X-XSS-Protection: 1
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    Content-Security-Policy: "default-src 'self'"
"""
    assert dict(read(text.encode()).headers) == {
        "Content-Security-Policy": "default-src 'self'",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "1",
    }
    assert read(b"http_server_config: {headers: {X-Frame-Options: ''}}").headers == ()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("{Server: x}", "http_server_config.headers.Server: unknown key"),
        ("{x-frame-options: deny}", "did you mean X-Frame-Options?"),
        ("{X-Frame-Options: allow}", "X-Frame-Options must be deny or sameorigin, not 'allow'"),
        ("{X-Content-Type-Options: sniff}", "must be nosniff, not 'sniff'"),
        ('{Content-Security-Policy: "a\\r\\nSet-Cookie: b"}', "a line of printable ASCII characters"),
        ('{X-XSS-Protection: "\\u00e9"}', "a line of printable ASCII characters"),
        ("[]", "http_server_config.headers must be a table"),
    ],
)
def test_other_headers_are_refused(headers: str, expected: str) -> None:
    assert expected in fault(f"http_server_config:\n  headers: {headers}\n")


def test_basic_auth_users() -> None:
    other = HASH.replace("y$10", "b$04")
    assert read(f"basic_auth_users:\n  ann: {HASH}\n  'b\u00f6b': {other}\n".encode()).users == {
        "ann": HASH,
        "b\u00f6b": other,
    }
    assert read(b"basic_auth_users: {}\n").users == {}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("ann: secret", "ann must be a hash of bcrypt"),
        ("ann:", "ann must be a hash of bcrypt"),
        (f"'a:b': {HASH}", "a name can hold neither a colon"),
        (f'"a\\0b": {HASH}', "a name can hold neither a colon"),
        (f"ann: {HASH.replace('$10', '$19')}", "the cost of the hash must be from 4 to 18, not 19"),
        (f"ann: {HASH.replace('$10', '$03')}", "not 3"),
        (f"ann: {HASH}\n  ann: {HASH}", "line 3: the key 'ann' is there twice"),
    ],
)
def test_users_that_are_refused(user: str, expected: str) -> None:
    assert expected in fault(f"basic_auth_users:\n  {user}\n")


def test_there_are_only_so_many_users() -> None:
    lines = "".join(f"  user{number}: {HASH}\n" for number in range(513))
    assert "more than 512 users" in fault(f"basic_auth_users:\n{lines}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{interval: 1s, burst: 5}", RateLimit(1.0, 5)),
        ("{interval: 1m0.5s, burst: 1}", RateLimit(60.5, 1)),
        ("{interval: 0, burst: 5}", None),
        ("{burst: 5}", None),
        ("{}", None),
    ],
)
def test_rate_limit(text: str, expected: RateLimit | None) -> None:
    assert read(f"rate_limit: {text}\n".encode()).rate_limit == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{interval: 1s}", "rate_limit.burst must be at least 1"),
        ("{interval: 1, burst: 1}", "rate_limit.interval must be a duration"),
        ("{interval: -1s, burst: 1}", "rate_limit.interval must be a duration"),
        ("{interval: 1s, burst: many}", "rate_limit.burst must be a whole number, not 'many'"),
        ("{interval: [1s], burst: 1}", "rate_limit.interval must be a duration"),
    ],
)
def test_rate_limits_that_are_refused(text: str, expected: str) -> None:
    assert expected in fault(f"rate_limit: {text}\n")


def test_all_mistakes_are_reported_at_once() -> None:
    text = "tls_server_config:\n  cert_filse: server.crt\n  min_version: SSL3\nhttp2: true\nrate_limits: {}\n"
    found = fault(text)
    assert "line 2: tls_server_config.cert_filse: unknown key (did you mean cert_file?)" in found
    assert "min_version must be" in found
    assert "line 4: http2: unknown key (known: basic_auth_users, http_server_config, rate_limit," in found
    assert "line 5: rate_limits: unknown key (did you mean rate_limit?)" in found


@pytest.mark.parametrize("text", ["junk\nmore junk\n", "[]", "1"])
def test_a_file_that_is_no_table(text: str) -> None:
    assert "the file must be a table of tls_server_config" in fault(text)


def test_a_part_that_is_no_table() -> None:
    assert "tls_server_config must be a table" in fault("tls_server_config: yes\n")
