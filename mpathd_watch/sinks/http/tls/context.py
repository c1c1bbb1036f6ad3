"""What a web configuration says about TLS, as contexts of OpenSSL, tried out before they are used.

Nothing here reads a file: the texts in PEM come from ``WebFiles``. OpenSSL takes a certificate with its key from files
only, so each is written to one that exists in memory alone.
"""

from __future__ import annotations

import os
import re
import ssl
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mpathd_watch.config.web.go import CURVES
from mpathd_watch.config.web.model import ClientAuth, Pem, Tls, Version, WebConfigError
from mpathd_watch.immutable import immutable

SAFE_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of those of TLS 1.2 that Go takes by default, the ones with authenticated encryption."""
OLD_CIPHERS: Final = f"{SAFE_CIPHERS}:ECDHE+AES+SHA1"
"""TLS 1.0 and 1.1 have no others."""

_CURVES: Final[Mapping[int, str]] = {23: "prime256v1", 24: "secp384r1", 25: "secp521r1", 29: "X25519"}
"""OpenSSL's names of the curves."""
_GO_NAMES: Final = {number: name for name, number in CURVES.items()}
_VERIFY: Final = {
    ClientAuth.VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED,
}
_HOLDS: Final = {
    "cert": re.compile(rb"-----BEGIN CERTIFICATE-----"),
    "key": re.compile(rb"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----|-----BEGIN ENCRYPTED PRIVATE KEY-----"),
    "client_ca": re.compile(rb"-----BEGIN CERTIFICATE-----"),
}
_NOUNS: Final = {"cert": "certificate", "key": "private key", "client_ca": "certificate"}
_OUT_OF_TIME: Final = frozenset({9, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_STEPS: Final = 8


class _PassphraseError(Exception):
    """The key needs a passphrase, which OpenSSL would ask for on the terminal."""


@immutable
class ServerTls:
    """TLS as it is in force.

    ``contexts`` by the number of the curve that each has, the preferred one first; by 0 if there is one for all.
    ``allowed_names`` as in ``Tls``. ``expires``: seconds of the wall clock, ``None`` where that is not known. A
    certificate that is not valid at present has the reason in ``invalid``.
    """

    contexts: Mapping[int, ssl.SSLContext]
    allowed_names: frozenset[str] | None
    expires: float | None
    invalid: str

    def context(self, curves: Collection[int]) -> ssl.SSLContext:
        """The context for a client that knows these curves."""
        first = next(iter(self.contexts))
        return self.contexts[next((each for each in self.contexts if each in curves), first)]


def server_tls(tls: Tls, texts: Mapping[Pem, bytes]) -> ServerTls:
    """What ``tls`` asks for, with the texts of its ``pems``. Raises ``WebConfigError``."""
    for pem in tls.pems:
        part = pem.key.removesuffix("_file")
        if not _HOLDS[part].search(texts[pem]):
            raise WebConfigError(f"{named(pem)} holds no {_NOUNS[part]} in PEM")
    try:
        contexts = {curve: _context(tls, texts, curve) for curve in tls.curves or (0,)}
    except ssl.SSLError as error:  # this OpenSSL was built without any of the ciphers
        raise WebConfigError(f"OpenSSL refuses cipher_suites or versions: {error}") from None
    chain = texts[tls.cert]
    for context in contexts.values():
        _try_out(context)
    expires, invalid = _validity(next(iter(contexts.values())), tls.cert, chain)
    for context in contexts.values():
        _verify_clients(context, tls, texts)
    return ServerTls(contexts, tls.allowed_names, expires, invalid)


def named(pem: Pem) -> str:
    """A part of the configuration, for messages: its key, and its file if it has one."""
    return f"{pem.key} {pem.path}" if pem.path else pem.key


def _context(tls: Tls, texts: Mapping[Pem, bytes], curve: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    is_old = tls.oldest.value < Version.TLS12.value
    with warnings.catch_warnings():
        # Python calls TLS 1.0 and 1.1 deprecated. So does the documentation, and who asks for them must have a reason.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion(tls.newest.value)
        context.minimum_version = ssl.TLSVersion(tls.oldest.value)
    ciphers = ":".join(tls.ciphers) or (OLD_CIPHERS if is_old else SAFE_CIPHERS)
    # At any other level of security OpenSSL 3 takes part in no handshake of TLS 1.0 and 1.1, which sign with SHA-1.
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0" if is_old else ciphers)
    # Each connection is to show its certificate again, and to get the configuration that is in force: none is resumed.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    if not tls.server_chooses:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if curve:
        _set_curve(context, curve)
    context.set_alpn_protocols(["http/1.1"])
    _load(context, tls, texts)
    return context


def _set_curve(context: ssl.SSLContext, curve: int) -> None:
    try:
        context.set_ecdh_curve(_CURVES[curve])
    except (ssl.SSLError, ValueError):  # Python 3.11.2 of Debian 12 can't choose X25519
        raise WebConfigError(
            f"curve_preferences: this Python can't choose {_GO_NAMES[curve]}; leave it out of the list, or leave out "
            "the list: OpenSSL prefers X25519"
        ) from None


def _load(context: ssl.SSLContext, tls: Tls, texts: Mapping[Pem, bytes]) -> None:
    """Load the certificate with its key."""
    try:
        with _in_memory(texts[tls.cert]) as cert, _in_memory(texts[tls.key]) as key:
            context.load_cert_chain(cert, key, _no_passphrase)
    except _PassphraseError:
        raise WebConfigError(
            f"{named(tls.key)} is protected by a passphrase; write it without one ('openssl pkey' does), "
            "readable by the daemon only"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise WebConfigError(f"{named(tls.key)} does not belong to {named(tls.cert)}") from None
        raise WebConfigError(f"{named(tls.cert)} and {named(tls.key)} can't be used: {_reason(error)}") from None


def _verify_clients(context: ssl.SSLContext, tls: Tls, texts: Mapping[Pem, bytes]) -> None:
    if tls.client_ca is None or not tls.client_auth.verifies:
        return
    try:
        context.load_verify_locations(cadata=_ascii(texts[tls.client_ca]))
    except ssl.SSLError as error:
        raise WebConfigError(f"{named(tls.client_ca)} can't be used: {_reason(error)}") from None
    # As Go does: what the administrator names is trusted, whether it has signed itself or not.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = _VERIFY[tls.client_auth]


def _no_passphrase() -> str:
    raise _PassphraseError


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """The path of a file that holds the content, and exists in the memory of this process alone."""
    number = os.memfd_create("pem", os.MFD_CLOEXEC)
    with open(number, "wb") as file:  # noqa: PTH123  # it has no name
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{number}"


def _try_out(context: ssl.SSLContext) -> None:
    """Connect once, within the process, as a client that takes whatever it gets."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    try:
        _connect(context, client)
    except ssl.SSLError as error:
        raise WebConfigError(
            f"no client could connect: certificate, cipher_suites, curve_preferences and versions do not go together "
            f"({_reason(error)})"
        ) from None


def _validity(context: ssl.SSLContext, cert: Pem, chain: bytes) -> tuple[float | None, str]:
    """When the certificate expires, and why it is not valid now, if so."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(cadata=_ascii(chain))
        found = _connect(context, client)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OUT_OF_TIME:
            return None, f"{named(cert)}: {error.verify_message}"
        return None, ""  # who may use it, and for what, is the client's decision
    except ssl.SSLError:
        return None, ""
    return ssl.cert_time_to_seconds(found["notAfter"]), ""


def _connect(context: ssl.SSLContext, client_context: ssl.SSLContext) -> dict[str, Any]:
    """Shake hands between a client and a server in memory. Returns the server's certificate."""
    client_context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client_context.minimum_version = ssl.TLSVersion.TLSv1
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(there, back, server_side=True)
    client = client_context.wrap_bio(back, there)
    waiting = [client, server]
    for _ in range(_STEPS):
        for each in tuple(waiting):
            try:
                each.do_handshake()
                waiting.remove(each)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            break
    return client.getpeercert() or {}


def _ascii(text: bytes) -> str:
    """A text in PEM as Python takes it. Only what is between certificates can be anything but ASCII."""
    return text.decode("ascii", "ignore")


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason, in words."""
    return (error.reason or str(error)).replace("_", " ").lower()
