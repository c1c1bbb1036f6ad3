"""Names and durations as Go has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CIPHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    }
)
"""The suites of TLS 1.0 to 1.2 in tls.CipherSuites() of Go, with OpenSSL's names."""
CIPHERS_OF_TLS13: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
"""Those of TLS 1.3, among which neither Go nor we let anybody choose."""
CURVES: Final[Mapping[str, int]] = MappingProxyType({"CurveP256": 23, "CurveP384": 24, "CurveP521": 25, "X25519": 29})
"""tls.CurveID of Go with its numbers, which are those of the registry."""

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_LONGEST: Final = 64


def read_duration(text: str) -> float | None:
    """The seconds of a duration as time.ParseDuration() of Go reads it ("1m30s"); ``None`` if it is none."""
    if text in ("0", "+0", "-0"):
        return 0.0
    rest, seconds = text.removeprefix("+")[:_LONGEST], 0.0
    if not rest:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        seconds += float(part[1]) * _UNITS[part[2]]
        rest = rest[part.end() :]
    return seconds
