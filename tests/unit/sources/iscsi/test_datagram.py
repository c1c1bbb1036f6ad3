"""Datagrams of NETLINK_ISCSI: the one kind that is understood, and everything else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.events import ConnectionFailed
from mpathd_watch.sources.iscsi.datagram import LENGTH, parse
from tests.fakes.iscsi import CONN_ERROR, message

_U32 = st.integers(0, 2**32 - 1)


@given(_U32, _U32, _U32, st.binary(min_size=36, max_size=36), st.binary(max_size=40))
def test_a_failed_connection_is_reported_whatever_the_uninitialised_bytes_are(
    sid: int, cid: int, error: int, garbage: bytes, trailing: bytes
) -> None:
    datagram = message(CONN_ERROR, sid, cid, error, garbage=garbage) + trailing
    assert parse(datagram) == ConnectionFailed(sid, error)
    assert parse(memoryview(bytearray(datagram))) == ConnectionFailed(sid, error)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_failed_connection_or_nothing(datagram: bytes) -> None:
    reported = parse(datagram)
    if reported is not None:
        length, kind, what = struct.unpack_from("=IH10xI", datagram)
        assert (length >= LENGTH, kind, what) == (True, 0, CONN_ERROR)


@given(st.integers(0, LENGTH - 1))
def test_a_short_datagram_is_nothing(size: int) -> None:
    assert parse(message(CONN_ERROR, 1, 0, 1022)[:size]) is None


@given(_U32.filter(lambda kind: kind != CONN_ERROR))
def test_every_other_type_is_nothing(kind: int) -> None:
    assert parse(message(kind, 1, 0, 1022)) is None


@pytest.mark.parametrize(("length", "nlmsg_type"), [(LENGTH - 1, 0), (0, 0), (LENGTH, 1), (LENGTH, CONN_ERROR)])
def test_a_header_that_is_not_the_kernels_is_nothing(length: int, nlmsg_type: int) -> None:
    assert parse(message(CONN_ERROR, 1, 0, 1022, length=length, nlmsg_type=nlmsg_type)) is None


def test_the_layout_is_that_of_a_message_byte_by_byte() -> None:
    datagram = bytearray(LENGTH)
    struct.pack_into("=I", datagram, 0, LENGTH)  # nlmsg_len
    struct.pack_into("=I", datagram, 16, 102)  # type
    struct.pack_into("=III", datagram, 16 + 40, 7, 0, 1020)  # r.connerror: sid, cid, error
    assert parse(datagram) == ConnectionFailed(7, 1020)
