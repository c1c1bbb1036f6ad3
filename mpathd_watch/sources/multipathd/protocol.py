"""Framing and addresses of multipathd's socket (libmpathcmd/mpath_cmd.c, multipathd/uxlsnr.c, 0.9.4 to 0.15)."""

from __future__ import annotations

import struct

ABSTRACT_SOCKET = "\0/org/kernel/linux/storage/multipathd"
"""Every version listens here, in its network namespace. The address has no trailing NUL."""

PATHNAME_SOCKET = "/run/multipathd.socket"
"""0.12.0 and later listen here, too. It can be reached from another network namespace."""

REQUEST_LIMIT = 512
"""Bytes of the longest request, including the NUL (_MAX_CMD_LEN in multipathd/uxlsnr.c)."""

REPLY_LIMIT = 32 * 1024 * 1024
"""multipathd's own client refuses a reply of so many bytes or more (MAX_REPLY_LEN in libmpathcmd/mpath_cmd.h)."""

_LENGTH = struct.Struct("@N")
LENGTH_SIZE = _LENGTH.size
"""Bytes of the length before each request and reply: a native ``size_t``."""


class BadLength(ValueError):  # noqa: N818  # named for what is bad: the length
    """A reply announces an impossible length."""


def encode_request(command: str) -> bytes:
    """``command`` in multipathd's format. Send it in one piece: multipathd drops a client that sends half a length.

    Raises ``ValueError`` for a command that is empty, too long or holds a NUL.
    """
    body = command.encode() + b"\0"
    if not command or "\0" in command or len(body) > REQUEST_LIMIT:
        raise ValueError(f"a multipathd command is 1 to {REQUEST_LIMIT - 1} bytes long and holds no NUL: {command!r}")
    return _LENGTH.pack(len(body)) + body


def decode_length(header: bytes | bytearray) -> int:
    """Return the length in bytes of the reply that follows, including its NUL.

    Raises ``BadLength`` for 0 and from ``REPLY_LIMIT`` on.
    """
    (length,) = _LENGTH.unpack(header)
    if not 0 < length < REPLY_LIMIT:
        raise BadLength(f"a reply of {length} bytes")
    return int(length)


def decode_reply(body: bytes | bytearray) -> str:
    r"""Return the text of a reply up to its NUL; bytes that are not UTF-8 appear as ``\xNN``."""
    end = body.find(b"\0")
    # A view: the maps of a large host are 10 MB.
    return str(memoryview(body)[: end if end >= 0 else None], "utf-8", "backslashreplace")


def addresses(name: str = "") -> tuple[str, ...]:
    """The addresses of multipathd to try, in order, for ``socket.connect``.

    ``name`` is the configured socket: a leading ``@`` means abstract, as in MULTIPATH_SOCKET_NAME (0.12.0 and later),
    anything else is a path; empty means the default addresses. Raises ``ValueError`` for a lone ``@``.
    """
    if not name:
        return (ABSTRACT_SOCKET, PATHNAME_SOCKET)
    if name == "@":
        raise ValueError("the multipathd socket '@' lacks a name after the @")
    return ("\0" + name[1:] if name.startswith("@") else name,)


def spell(address: str) -> str:
    """``address`` for messages: an abstract one with ``@``."""
    return "@" + address[1:] if address.startswith("\0") else address
