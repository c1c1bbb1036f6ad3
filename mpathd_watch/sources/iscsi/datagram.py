"""One datagram of NETLINK_ISCSI as an event of the core (pure).

Layout: ``struct nlmsghdr`` (include/uapi/linux/netlink.h), then ``struct iscsi_uevent`` (include/scsi/iscsi_if.h), both
in host byte order and the same on every kernel that aligns u64 to 8. The kernel sets only the type and the union ``r``
at offset 40 of the latter; the other bytes are undefined.
"""

from __future__ import annotations

from struct import Struct

from mpathd_watch.core.events import ConnectionFailed

LENGTH = 72
"""Bytes of both structures together. Messages of other types have data after them: CHAP secrets, login text."""

_CONN_ERROR = 102
_HEADER = Struct("=IHHII")
_TYPE = Struct("=I")
_TYPE_AT = 16
_FAILURE = Struct("=III")
_FAILURE_AT = 56


def parse(datagram: bytes | bytearray | memoryview) -> ConnectionFailed | None:
    """The failure of a connection that the datagram reports; ``None`` for any other datagram, which is not read.

    In the header of an event that the kernel sends unasked the type is 0 (iscsi_conn_error_event()).
    """
    if len(datagram) < LENGTH:
        return None
    length, kind, *_ = _HEADER.unpack_from(datagram)
    if length < LENGTH or kind != 0 or _TYPE.unpack_from(datagram, _TYPE_AT) != (_CONN_ERROR,):
        return None
    sid, _cid, error = _FAILURE.unpack_from(datagram, _FAILURE_AT)
    return ConnectionFailed(sid, error)
