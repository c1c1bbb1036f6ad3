"""Framing and addresses of multipathd's socket (libmpathcmd/mpath_cmd.c, multipathd/uxlsnr.c, 0.9.4 to 0.15)."""

from __future__ import annotations

import struct

ABSTRACT_SOCKET = "\0/org/kernel/linux/storage/multipathd"
"""Where every version listens, per network namespace. The address has no trailing NUL."""

PATHNAME_SOCKET = "/run/multipathd.socket"
"""Where 0.12.0 and later listen as well; reachable from another network namespace."""

REQUEST_LIMIT = 512
"""Longest request in bytes, the NUL included (_MAX_CMD_LEN of multipathd/uxlsnr.c)."""

REPLY_LIMIT = 32 * 1024 * 1024
"""Length in bytes from which on the stock client refuses a reply (MAX_REPLY_LEN of libmpathcmd/mpath_cmd.h)."""

_LENGTH = struct.Struct("@N")
LENGTH_SIZE = _LENGTH.size
"""Bytes of the length that precedes requests and replies: a native ``size_t``."""


class BadLength(ValueError):  # noqa: N818 - named for what is bad, as BadReply
    """A reply announces a length that no reply has."""


def encode_request(command: str) -> bytes:
    """``command`` as multipathd reads it, to be sent in one piece: it drops a client whose length comes in parts.

    Raises ``ValueError`` for a command that is empty, too long or holds a NUL.
    """
    body = command.encode() + b"\0"
    if not command or "\0" in command or len(body) > REQUEST_LIMIT:
        raise ValueError(f"a multipathd command is 1 to {REQUEST_LIMIT - 1} bytes long and holds no NUL: {command!r}")
    return _LENGTH.pack(len(body)) + body


def decode_length(header: bytes) -> int:
    """Return the length in bytes of the reply that follows, its NUL included.

    Raises ``BadLength`` for 0 and from ``REPLY_LIMIT`` on.
    """
    (length,) = _LENGTH.unpack(header)
    if not 0 < length < REPLY_LIMIT:
        raise BadLength(f"a reply of {length} bytes")
    return int(length)


def decode_reply(body: bytes) -> str:
    r"""Return the text of a reply up to its NUL; bytes that are not UTF-8 appear as ``\xNN``."""
    return body.partition(b"\0")[0].decode(errors="backslashreplace")


def addresses(name: str = "") -> tuple[str, ...]:
    """Where to look for multipathd, in order, as ``socket.connect`` takes them.

    ``name`` is the configured socket: a leading ``@`` means abstract, as in MULTIPATH_SOCKET_NAME (0.12.0 and later),
    anything else is a path; empty means the usual places. Raises ``ValueError`` for a lone ``@``.
    """
    if not name:
        return (ABSTRACT_SOCKET, PATHNAME_SOCKET)
    if name == "@":
        raise ValueError("the multipathd socket '@' lacks a name after the @")
    return ("\0" + name[1:] if name.startswith("@") else name,)


def spell(address: str) -> str:
    """``address`` as people write it: an abstract one with ``@``."""
    return "@" + address[1:] if address.startswith("\0") else address
