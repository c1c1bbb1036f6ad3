"""The names and passwords of basic authentication: the adapter of bcrypt.

Checking a password takes a tenth of a second and more on purpose, so it is done on a thread of its own, one at a time,
and the result is kept. What is kept is found by a digest with a key that only this process has: the password itself is
forgotten with the request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from mpathd_watch.config.web.model import WebConfigError
from mpathd_watch.sinks.http.helper_thread import HelperThread

try:
    import bcrypt
except ImportError:  # optional
    bcrypt = None  # type: ignore[assignment]

KEPT: Final = 256
"""Results that are kept, of good passwords and of wrong ones each."""
_MOST: Final = 72
"""Bytes of a password that bcrypt uses."""
_NOBODY: Final = "." * 53
"""Salt and digest of a hash that no password has."""
_MISSING: Final = (
    "basic_auth_users needs Python's library bcrypt: install Debian's package python3-bcrypt, or mpathd-watch[web] "
    "with pip"
)


class Credentials(NamedTuple):
    """A name and a password."""

    user: str
    password: bytes


def check_library(users: Mapping[str, str]) -> None:
    """Raise ``WebConfigError`` if there are users, and bcrypt is missing."""
    if users and bcrypt is None:
        raise WebConfigError(_MISSING)


def credentials(authorization: str) -> Credentials | None:
    """What a header Authorization holds (RFC 7617); ``None`` if it is another scheme, or makes no sense."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip().encode("ascii"), validate=True).partition(b":")
        return Credentials(user.decode("utf-8"), password) if colon else None
    except (binascii.Error, UnicodeError):
        return None


class Passwords:
    """Checks passwords in a thread, and keeps the results."""

    def __init__(self) -> None:
        self._thread = HelperThread("bcrypt")
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()

    def known(self, users: Mapping[str, str], given: Credentials) -> bool | None:
        """Whether the password is good, as far as that has been checked before; ``None`` if it has not."""
        digest = self._digest(users, given)
        for kept, result in ((self._good, True), (self._wrong, False)):
            if digest in kept:
                kept.move_to_end(digest)
                return result
        return None

    async def check(self, users: Mapping[str, str], given: Credentials) -> bool:
        """Check a password. That of an unknown user takes as long as any other one, and is wrong."""
        hashed = users.get(given.user) or _dearest(users)
        good = await self._thread.do(lambda: _matches(given.password, hashed)) and given.user in users
        kept = self._good if good else self._wrong
        kept[self._digest(users, given)] = None
        if len(kept) > KEPT:
            kept.popitem(last=False)
        return good

    def stop(self) -> None:
        """Check nothing more."""
        self._thread.stop()

    def _digest(self, users: Mapping[str, str], given: Credentials) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in (given.user.encode(), users.get(given.user, "").encode(), given.password):
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()


def _matches(password: bytes, hashed: str) -> bool:
    # A NUL would end the password for bcrypt's original, and its library refuses it. It takes its time all the same.
    fit = password[:_MOST].replace(b"\0", b"\n")
    return bcrypt.checkpw(fit, hashed.encode()) and b"\0" not in password


def _dearest(users: Mapping[str, str]) -> str:
    """A hash that no password has, of the highest cost that a user's hash has."""
    return f"$2b${max((each[4:6] for each in users.values()), default='10')}${_NOBODY}"
