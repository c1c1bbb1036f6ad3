"""What a web configuration says, with Go's names replaced by OpenSSL's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from types import MappingProxyType
from typing import Final

from mpathd_watch.immutable import immutable

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class WebConfigError(Exception):
    """One line that names every mistake, without any secret. It does not begin with the file's name."""


class ClientAuth(Enum):
    """Whether clients need a certificate, by the names of Go's crypto/tls."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"

    @property
    def verifies(self) -> bool:
        """Whether a certificate is compared with those of the CAs."""
        return self in (ClientAuth.VERIFY_IF_GIVEN, ClientAuth.REQUIRE_AND_VERIFY)


class Version(Enum):
    """A version of TLS, by Go's names."""

    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304


@immutable
class Pem:
    """Text in PEM: as it is in the file, or the ``path`` to read it from. ``key`` is what it is called there."""

    key: str
    text: str = field(default="", repr=False)
    path: str = ""


@immutable
class Tls:
    """How the server uses TLS.

    ``ciphers`` (OpenSSL's names) are those of TLS 1.2 and before; empty: our own choice. ``curves`` are numbers of the
    registry of TLS (RFC 8446, 4.2.7), the preferred one first; empty: OpenSSL's choice. ``allowed_names`` are the
    subject alternative names of which a client's certificate must have one; ``None``: any.
    """

    cert: Pem
    key: Pem
    client_ca: Pem | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    allowed_names: frozenset[str] | None = None
    oldest: Version = Version.TLS12
    newest: Version = Version.TLS13
    ciphers: tuple[str, ...] = ()
    server_chooses: bool = True
    curves: tuple[int, ...] = ()

    @property
    def pems(self) -> tuple[Pem, ...]:
        """All that is read."""
        return tuple(each for each in (self.cert, self.key, self.client_ca) if each is not None)


@immutable
class RateLimit:
    """A request each ``interval`` seconds, and ``burst`` of them at once after a pause."""

    interval: float
    burst: int


@immutable
class WebConfig:
    """The whole file. ``users`` are names with bcrypt's hashes; without any, nobody is asked for a password."""

    tls: Tls | None = None
    headers: tuple[tuple[str, str], ...] = ()
    users: Mapping[str, str] = field(default_factory=lambda: NOBODY, repr=False)
    rate_limit: RateLimit | None = None
