"""The keys of a web configuration: from its text to ``WebConfig``. All mistakes are reported at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

from mpathd_watch.config.web import document, go
from mpathd_watch.config.web.model import ClientAuth, Pem, RateLimit, Tls, Version, WebConfig, WebConfigError
from mpathd_watch.config.web.tree import Items, Node, Scalar, Table

Value = TypeVar("Value")

MOST_USERS: Final = 512
DEAREST: Final = 18
"""The highest cost of a hash: a password takes about 15 s to check then, and each further step doubles that."""
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and the values that each may have; without any: all."""

_HASH: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?")
_YES: Final = frozenset({"true", "yes", "on", "y"})
_NO: Final = frozenset({"false", "no", "off", "n"})
KEYS: Final = {
    "tls_server_config": (
        *("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type"),
        *("client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites"),
        "curve_preferences",
    ),
    "http_server_config": ("http2", "headers"),
    "basic_auth_users": (),
    "rate_limit": ("interval", "burst"),
}
"""The keys of each part."""


def read(content: bytes) -> WebConfig:
    """The configuration in the ``content`` of a file. Raises ``WebConfigError`` with every mistake."""
    tree = document.read(content)
    if tree is None or (isinstance(tree, Scalar) and tree.is_nothing):
        return WebConfig()
    if not isinstance(tree, Table):
        raise WebConfigError(f"line {tree.line}: the file must be a table of {_listed(KEYS)}")
    wrong: list[str] = []
    whole = _Keys("", tree, wrong)
    whole.refuse_others(KEYS)
    config = WebConfig(
        tls=_tls(whole.table("tls_server_config")),
        headers=_headers(whole.table("http_server_config")),
        users=_users(whole.table("basic_auth_users")),
        rate_limit=_rate_limit(whole.table("rate_limit")),
    )
    if wrong:
        raise WebConfigError("; ".join(wrong))
    return config


class _Keys:
    """The values of one table. What does not fit is added to ``wrong``, and counts as not set."""

    def __init__(self, name: str, table: Table, wrong: list[str]) -> None:
        self._name = name
        self._table = table
        self._wrong = wrong

    def __bool__(self) -> bool:
        return bool(self._table.entries)

    @property
    def names(self) -> Iterable[str]:
        """All keys, whatever they hold."""
        return self._table.entries.keys()

    def fault(self, key: str, text: str) -> None:
        """Note what is wrong with a key."""
        found = self._table.entries.get(key)
        line = (found or self._table).line
        self._wrong.append(f"line {line}: {self._full(key)}{text}")

    def refuse_others(self, known: Iterable[str]) -> None:
        """Note every key that is not ``known``."""
        known = tuple(known)
        for key in self._table.entries:
            if key not in known:
                near = get_close_matches(key[:60], known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known: {_listed(sorted(known))}"
                self.fault(key, f": unknown key ({hint})")

    def has(self, key: str) -> bool:
        """Whether a key is set."""
        found = self._table.entries.get(key)
        return found is not None and not (isinstance(found, Scalar) and found.is_nothing)

    def table(self, key: str) -> _Keys:
        """The table of a key; an empty one if it is not set."""
        found = self._table.entries.get(key) if self.has(key) else None
        if not isinstance(found, Table):
            if found is not None:
                self.fault(key, " must be a table")
            found = Table({}, self._table.line)
        part = _Keys(self._full(key), found, self._wrong)
        if known := KEYS.get(key):
            part.refuse_others(known)
        return part

    def text(self, key: str) -> str:
        """The text of a key; empty if it is not set."""
        found = self._table.entries.get(key) if self.has(key) else None
        if found is None or (isinstance(found, Scalar) and "\0" not in found.text):
            return "" if found is None else found.text
        self.fault(key, " must be a text")
        return ""

    def value(self, key: str, wanted: str, read: Callable[[str], Value | None], default: Value) -> Value:
        """What ``read`` makes of the text of a key, which must be ``wanted``."""
        found = self._table.entries.get(key) if self.has(key) else None
        if found is None:
            return default
        value = read(found.text) if isinstance(found, Scalar) else None
        if value is None:
            self.fault(key, f" must be {wanted}{_shown(found)}")
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """The list of texts of a key; ``None`` if it is not set."""
        found = self._table.entries.get(key) if self.has(key) else None
        if found is None:
            return None
        texts = [each.text for each in found.items if isinstance(each, Scalar)] if isinstance(found, Items) else []
        if not isinstance(found, Items) or len(texts) < len(found.items):
            self.fault(key, " must be a list of texts")
        return tuple(texts)

    def _full(self, key: str) -> str:
        shown = key if key.isprintable() and len(key) <= 60 else f"{key!r:.60}"
        return f"{self._name}.{shown}" if self._name else shown


# --- TLS --------------------------------------------------------------------------------------------------------------


def _tls(keys: _Keys) -> Tls | None:
    if not keys:
        return None
    client_auth = _client_auth(keys)
    client_ca = _pem(keys, "client_ca", required=False)
    if client_auth.verifies and client_ca is None:
        keys.fault("client_auth_type", f": {client_auth.value} needs client_ca or client_ca_file")
    if client_ca is not None and client_auth is ClientAuth.NONE:
        keys.fault(client_ca.key, " has no effect without client_auth_type: RequireAndVerifyClientCert")
    names = keys.texts("client_allowed_sans")
    if names is not None and client_auth is not ClientAuth.REQUIRE_AND_VERIFY:
        keys.fault("client_allowed_sans", " needs client_auth_type: RequireAndVerifyClientCert")
    cert, key = _pem(keys, "cert"), _pem(keys, "key")
    oldest = _version(keys, "min_version", Version.TLS12)
    newest = _version(keys, "max_version", Version.TLS13)
    suites = _names(keys, "cipher_suites", {**go.CIPHERS, **dict.fromkeys(go.CIPHERS_OF_TLS13, "")}) or ()
    ciphers = tuple(each for each in suites if each)
    if suites and not ciphers:
        # As in Go: with suites of TLS 1.3 alone, no other version has any.
        oldest = Version.TLS13
    if newest.value < oldest.value:
        keys.fault("max_version", f": no version is left from {oldest.name} to {newest.name}")
    return Tls(
        cert=cert or Pem("cert"),
        key=key or Pem("key"),
        client_ca=client_ca,
        client_auth=client_auth,
        allowed_names=None if names is None else frozenset(names),
        oldest=oldest,
        newest=newest,
        ciphers=ciphers,
        server_chooses=keys.value("prefer_server_cipher_suites", "true or false", _read_bool, default=True),
        curves=_names(keys, "curve_preferences", go.CURVES) or (),
    )


def _client_auth(keys: _Keys) -> ClientAuth:
    name = keys.text("client_auth_type")
    if not name:
        return ClientAuth.NONE
    # The second name is an old one of exporter-toolkit.
    if name in (ClientAuth.REQUIRE_ANY.value, "RequireClientCert"):
        keys.fault(
            "client_auth_type",
            f": {name} lets in any certificate, whoever made it, which mpathd-watch refuses to do; "
            "use RequireAndVerifyClientCert",
        )
        return ClientAuth.REQUIRE_ANY
    try:
        return ClientAuth(name)
    except ValueError:
        keys.fault(
            "client_auth_type", f" must be one of {_listed(each.value for each in ClientAuth)}, not {name!r:.60}"
        )
        return ClientAuth.REQUIRE_ANY


def _pem(keys: _Keys, key: str, *, required: bool = True) -> Pem | None:
    """The text under ``key``, or the file under ``key_file``."""
    name = f"{key}_file"
    text, path = keys.text(key), keys.text(name)
    if text and path:
        keys.fault(key, f": give either {key} or {name}")
    if not text and not path:
        if required:
            keys.fault(key, f": {key} or {name} is missing")
        return None
    return Pem(key, text=text) if text else Pem(name, path=path)


def _version(keys: _Keys, key: str, default: Version) -> Version:
    return keys.value(key, f"one of {_listed(Version.__members__)}", Version.__members__.get, default)


def _names(keys: _Keys, key: str, known: Mapping[str, Value]) -> tuple[Value, ...] | None:
    """The list under ``key``, each of its names replaced by what it stands for."""
    given = keys.texts(key)
    if given is None:
        return None
    for name in dict.fromkeys(given):
        if name not in known:
            keys.fault(key, f": {name!r:.60} is unknown or insecure (known: {_listed(known)})")
    return tuple(dict.fromkeys(known[name] for name in given if name in known))


# --- the rest ---------------------------------------------------------------------------------------------------------


def _headers(keys: _Keys) -> tuple[tuple[str, str], ...]:
    keys.value("http2", "true or false", _read_bool, default=True)
    headers = keys.table("headers")
    headers.refuse_others(HEADERS)
    found = []
    for name, allowed in HEADERS.items():
        value = headers.text(name)
        if not value:
            continue
        if allowed and value not in allowed:
            headers.fault(name, f" must be {' or '.join(allowed)}, not {value!r:.60}")
        elif not _HEADER_VALUE.fullmatch(value):
            headers.fault(name, " must be a line of printable ASCII characters")
        found.append((name, value))
    return tuple(found)


def _users(keys: _Keys) -> Mapping[str, str]:
    users: dict[str, str] = {}
    for name in keys.names:
        value = keys.text(name)
        match = _HASH.fullmatch(value)
        if ":" in name or not name.isprintable():
            keys.fault(name, ": a name can hold neither a colon nor a control character")
        elif match is None:
            keys.fault(name, " must be a hash of bcrypt: $2y$, $2b$ or $2a$ and 56 characters")
        elif not 4 <= int(match[1]) <= DEAREST:
            keys.fault(name, f": the cost of the hash must be from 4 to {DEAREST}, not {int(match[1])}")
        users[name] = value
    if len(users) > MOST_USERS:
        keys.fault("", f"more than {MOST_USERS} users")
    return users


def _rate_limit(keys: _Keys) -> RateLimit | None:
    interval = keys.value("interval", "a duration, for example 1s or 500ms", go.read_duration, 0.0)
    burst = keys.value("burst", "a whole number", _read_whole, 0)
    if not interval:
        return None
    if burst < 1:
        keys.fault("burst", " must be at least 1: with 0 no request would be answered")
    return RateLimit(interval, burst)


def _read_bool(text: str) -> bool | None:
    word = text.lower()
    return True if word in _YES else False if word in _NO else None


def _read_whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _shown(found: Node) -> str:
    return f", not {found.text!r:.60}" if isinstance(found, Scalar) else ""
