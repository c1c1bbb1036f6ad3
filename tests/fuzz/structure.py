"""Inputs that almost make sense, by Hypothesis: what the format is made of, in another order, with another content."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from mpathd_watch.sources.iscsi import tcp
from mpathd_watch.sources.netlink.conversation import HEADER
from mpathd_watch.sources.network import addresses, links
from tests.fuzz.target import Target

Inputs = st.SearchStrategy[bytes]

_NUMBERS = (b"0", b"-1", b"00012", b"4294967296", b"18446744073709551616", b"9" * 5000, b"1e309", b"0x1f", b"\xd9\xa3")
_BREAKS = (b"\n", b" ", b"\t", b"\r\n", b"\0", b"\x1e", b"", b'"', b"\\", b"\xff", b"\x1b[2J", b"\xe2\x80\xa8", b"\n\n")
_STRANGE: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**64, 10**400, 1e308, float("inf"), float("nan"), "", "\udcff", "\x1b[2J", "A" * 99),
    *([], {}, [[]], [0, 1], {"": {}}, {"0": 1}, {"event": "SourceUp"}, "endless", "\u0663"),
)


def structured(target: Target) -> Inputs:
    """Inputs for a target."""
    made = _SPECIAL.get(target.name)
    pieces = _pieces(target)
    if made is not None:
        return st.one_of(made(), pieces)
    documents = [found for seed in target.seeds() if (found := _document(seed)) is not None]
    return st.one_of(_documents(documents), pieces) if documents else pieces


def _pieces(target: Target) -> Inputs:
    seeds = list(target.seeds())
    lines = [line for seed in seeds for line in seed.splitlines(keepends=True)][:200] or [b""]
    piece = st.one_of(
        st.sampled_from(target.words or (b"a",)),
        st.sampled_from(lines),
        st.sampled_from(_NUMBERS),
        st.sampled_from(_BREAKS),
        st.binary(max_size=12),
        st.builds(lambda byte, times: byte * times, st.sampled_from(_BREAKS), st.integers(1, 2000)),
    )
    changed = st.builds(_spliced, st.sampled_from(seeds or [b""]), st.integers(0, 1 << 16), st.integers(0, 99), piece)
    return st.one_of(st.lists(piece, max_size=30).map(b"".join), changed)


def _spliced(seed: bytes, at: int, dropped: int, piece: bytes) -> bytes:
    place = at % (len(seed) + 1)
    return seed[:place] + piece + seed[place + dropped :]


# --- JSON -------------------------------------------------------------------------------------------------------------


def _document(seed: bytes) -> Any:
    try:
        found = json.loads(seed)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _documents(documents: list[Any]) -> Inputs:
    strange = st.one_of(st.sampled_from(_STRANGE), st.text(max_size=8), st.integers(), st.floats())
    change = st.tuples(st.integers(0, 1 << 20), strange, st.booleans())
    return st.builds(_rewritten, st.sampled_from(documents), st.lists(change, min_size=1, max_size=4))


def _rewritten(document: Any, changes: list[tuple[int, Any, bool]]) -> bytes:
    """The document with some values replaced, or removed."""
    value = deepcopy(document)
    for number, strange, removes in changes:
        places = list(_walk(value))
        if not places:
            break
        holder, key = places[number % len(places)]
        if removes:
            del holder[key]
        else:
            holder[key] = deepcopy(strange)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _walk(value: Any) -> Any:
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _walk(value[key])


# --- netlink ----------------------------------------------------------------------------------------------------------


def _attributes() -> Inputs:
    """Attributes, some of which hold others, and some of which claim another length than they have."""
    return st.recursive(
        st.one_of(
            st.binary(max_size=40), st.sampled_from((b"eth0\0", b"vlan\0", b"\1\0\0\0", b"\xff" * 4, bytes(136)))
        ),
        lambda inner: st.lists(
            st.builds(_attribute, st.integers(0, 60), inner, st.sampled_from((0, 0, 0, 1, -1, 65535, -4))), max_size=6
        ).map(b"".join),
        max_leaves=12,
    )


def _attribute(kind: int, value: bytes, wrong: int) -> bytes:
    return struct.pack("=HH", (len(value) + 4 + wrong) & 0xFFFF, kind) + value + bytes(-len(value) % 4)


def _messages(kind: int, head: int, usual: bytes = b"") -> Inputs:
    """Messages with so many bytes of ``head``, and often with the ``usual`` attribute."""
    return st.lists(
        st.builds(
            _message,
            st.sampled_from((kind, kind, kind, 2, 3)),
            st.binary(min_size=head, max_size=head),
            st.tuples(st.sampled_from((usual, usual, b"")), _attributes()).map(b"".join),
            st.sampled_from((0, 0, 0, 0, 1, -1, 4, 1 << 30)),
        ),
        max_size=6,
    ).map(b"".join)


def _message(kind: int, head: bytes, attributes: bytes, wrong: int) -> bytes:
    body = head + attributes
    return HEADER.pack((HEADER.size + len(body) + wrong) & 0xFFFFFFFF, kind, 2, 1, 0) + body + bytes(-len(body) % 4)


def _diag() -> Inputs:
    head = struct.pack("=BBBB", 2, tcp.TCP_ESTABLISHED, 0, 0) + struct.pack("!HH", 50000, 3260)
    return st.builds(
        lambda rest, info, more: _message(
            tcp.SOCK_DIAG_BY_FAMILY, head + rest, _attribute(tcp.INET_DIAG_INFO, info, 0) + more, 0
        ),
        st.binary(min_size=64, max_size=64),
        st.binary(max_size=240),
        _attributes(),
    )


_SPECIAL: dict[str, Callable[[], Inputs]] = {
    "rtnetlink": lambda: st.one_of(
        _messages(links.RTM_NEWLINK, 16, _attribute(links.IFLA_IFNAME, b"eth0\0", 0)),
        _messages(addresses.RTM_NEWADDR, 8, _attribute(addresses.IFA_ADDRESS, b"\x0a\0\0\1", 0)),
    ),
    "sock_diag": lambda: st.one_of(_diag(), _messages(tcp.SOCK_DIAG_BY_FAMILY, 72)),
    "lun": lambda: st.lists(
        st.builds(
            lambda codes, kind, value, wrong: bytes((codes, kind, 0, (len(value) + wrong) & 0xFF)) + value,
            st.integers(0, 255),
            st.sampled_from((0x15, 0x05, 0x03, 0x95)),
            st.binary(max_size=20),
            st.sampled_from((0, 0, 0, 1, -1)),
        ),
        max_size=8,
    ).map(lambda found: b"\0\x83" + (sum(map(len, found)) & 0xFFFF).to_bytes(2, "big") + b"".join(found)),
}
