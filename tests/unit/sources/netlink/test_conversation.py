"""Netlink messages: whatever bytes come, and a kernel that answers oddly or not at all."""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sources.netlink import conversation
from mpathd_watch.sources.netlink.conversation import Conversation, Message, attribute, attributes, messages
from tests.fakes.rtnetlink import Kernel, done, message, refusal

ASK = 26
TELL = 24
Answer = Callable[..., Kernel]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Have a kernel of ours answer."""

    def choose(*replies: bytes | OSError, sender: int = 0, flags: int = 0) -> Kernel:
        kernel = Kernel(replies, sender, flags)
        monkeypatch.setattr(socket, "socket", kernel)
        return kernel

    return choose


def part(body: bytes, sequence: int = 1, flags: int = 2) -> bytes:
    return message(TELL, body, sequence, flags)


def dumped() -> list[bytes]:
    with Conversation(socket.NETLINK_ROUTE) as kernel:
        return kernel.dump(ASK, b"what", lambda part: part.body if part.kind == TELL else None)


def asked() -> Message | None:
    with Conversation(socket.NETLINK_ROUTE) as kernel:
        return kernel.ask(ASK, b"what")


# --- bytes ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=60)), max_size=8))
def test_messages_come_out_as_they_went_in(sent: list[tuple[int, bytes]]) -> None:
    datagram = b"".join(message(kind, body) for kind, body in sent)
    assert [(found.kind, found.body) for found in messages(datagram)] == sent


@given(st.lists(st.tuples(st.integers(0, 16383), st.binary(max_size=60)), max_size=8))
def test_attributes_come_out_as_they_went_in(sent: list[tuple[int, bytes]]) -> None:
    body = b"head" + b"".join(attribute(kind, value) for kind, value in sent)
    assert attributes(body, 4, range(65536)) == dict(sent)
    assert attributes(body, 4, ()) == {}


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    assert sum(len(found.body) for found in messages(raw)) <= len(raw)
    assert sum(map(len, attributes(raw, 0, range(65536)).values())) <= len(raw)


def test_what_is_longer_than_its_datagram_ends_it() -> None:
    whole = part(b"one!") + part(b"two!")
    assert [found.body for found in messages(whole[:-1])] == [b"one!"]
    assert list(messages(struct.pack("=IHHII", 15, TELL, 2, 1, 0) + whole)) == []
    assert attributes(attribute(1, b"a") + struct.pack("=HH", 9, 2) + b"abc", 0, {1, 2}) == {1: b"a"}
    assert attributes(attribute(1, b"a") + struct.pack("=HH", 3, 2) + attribute(3, b"c"), 0, {1, 2, 3}) == {1: b"a"}


def test_the_flags_of_a_type_are_not_the_type() -> None:
    assert attributes(attribute(0x8000 | 18, b"nest") + attribute(0x4000 | 5, b"net"), 0, {5, 18}) == {
        18: b"nest",
        5: b"net",
    }


@pytest.mark.parametrize("raw", [None, b"", b"\1\0\0", b"\1\0\0\0\0"])
def test_a_number_has_four_bytes(raw: bytes | None) -> None:
    assert conversation.number(raw) is None
    assert conversation.number(struct.pack("=I", 7)) == 7


@pytest.mark.parametrize("index", [0, 2**31 - 1, 2**32 - 1, 2**70, -1])
def test_an_interface_that_is_not_there_has_no_name(index: int) -> None:
    assert conversation.interface_name(index) == ""


def test_a_name_can_not_forge_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_indextoname", lambda _index: "a\x1b\udcff\n")
    assert conversation.interface_name(1).isprintable()


# --- a kernel that answers --------------------------------------------------------------------------------------------


def test_a_dump_may_come_in_parts(answer: Answer) -> None:
    kernel = answer(part(b"a") + part(b"b"), message(99, b"x") + part(b"c"), done())
    assert dumped() == [b"a", b"b", b"c"]
    assert (kernel.asked, kernel.bodies, kernel.closed) == ([ASK], [b"what"], 1)


def test_a_dump_of_a_table_that_changed_meanwhile_is_asked_for_again(answer: Answer) -> None:
    kernel = answer(part(b"a", flags=conversation.NLM_F_DUMP_INTR), done(), part(b"b", 2), done(2))
    assert dumped() == [b"b"]
    assert len(kernel.asked) == 2


def test_a_table_that_never_stands_still_is_taken_as_it_is(answer: Answer) -> None:
    kernel = answer(*[part(b"%d" % n, n) + done(n, torn=True) for n in range(1, 9)])
    assert dumped() == [b"%d" % conversation.ATTEMPTS]
    assert len(kernel.asked) == conversation.ATTEMPTS


def test_an_answer_to_an_earlier_question_is_not_taken_for_one_to_this(answer: Answer) -> None:
    kernel = answer(part(b"first"), part(b"first") + part(b"second", 2))
    with Conversation(socket.NETLINK_ROUTE) as conversation:
        bodies = [getattr(conversation.ask(ASK, b""), "body", None) for _ in range(2)]
    assert bodies == [b"first", b"second"]
    assert kernel.closed == 1


@pytest.mark.parametrize("ask", [asked, dumped])
@pytest.mark.parametrize(
    ("replies", "number"),
    [
        ([refusal(errno.EPERM)], errno.EPERM),
        ([message(conversation.NLMSG_ERROR, b"\xff")], errno.EBADMSG),
        ([done(code=-errno.ENOMEM)], errno.ENOMEM),
        ([OSError(errno.ENOBUFS, "full")], errno.ENOBUFS),
    ],
)
def test_errors_are_raised(answer: Answer, ask: Callable[[], object], replies: list[bytes], number: int) -> None:
    kernel = answer(*replies)
    with pytest.raises(OSError, match=rf"\[Errno {number}\]"):
        ask()
    assert kernel.closed == 1


@pytest.mark.parametrize(
    "reply", [refusal(0), done(), refusal(-5), refusal(2**31), message(conversation.NLMSG_DONE, b"")]
)
def test_an_end_without_an_error_is_an_empty_answer(answer: Answer, reply: bytes) -> None:
    answer(reply)
    assert asked() is None
    answer(reply)
    assert dumped() == []


@pytest.mark.parametrize("ask", [asked, dumped])
def test_a_kernel_that_does_not_answer_is_not_waited_for(answer: Answer, ask: Callable[[], object]) -> None:
    kernel = answer()
    with pytest.raises(TimeoutError):
        ask()
    assert kernel.closed == 1


@pytest.mark.parametrize("ask", [asked, dumped])
def test_messages_of_other_senders_are_ignored(answer: Answer, ask: Callable[[], object]) -> None:
    answer(part(b"a"), done(), sender=4711)
    with pytest.raises(TimeoutError):
        ask()


@pytest.mark.parametrize("ask", [asked, dumped])
@pytest.mark.parametrize("endless", [b"\xff" * 40, part(b"other", 9), part(b"")[:-1]])
def test_an_endless_stream_of_other_things_ends(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], object], endless: bytes
) -> None:
    monkeypatch.setattr(socket, "socket", Kernel(itertools.repeat(endless)))
    monkeypatch.setattr(conversation, "PATIENCE", 0.05)
    monkeypatch.setattr(conversation, "DUMP_PATIENCE", 0.05)
    with pytest.raises(TimeoutError):
        ask()


def test_a_dump_without_an_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Kernel(itertools.repeat(part(b"more"))))
    monkeypatch.setattr(conversation, "DUMP_PATIENCE", 0.05)
    with pytest.raises(TimeoutError):
        dumped()


@pytest.mark.parametrize("ask", [asked, dumped])
def test_half_a_datagram_is_none(answer: Answer, ask: Callable[[], object]) -> None:
    answer(part(b"a") + done(), flags=socket.MSG_TRUNC)
    with pytest.raises(OSError, match=rf"\[Errno {errno.EMSGSIZE}\]"):
        ask()


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_a_kernel_that_sends_anything_does_no_harm(replies: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for ask in (asked, dumped):
            patch.setattr(socket, "socket", Kernel(replies))
            with contextlib.suppress(OSError):
                ask()


def test_the_real_kernel_refuses_what_it_does_not_know() -> None:
    with Conversation(socket.NETLINK_ROUTE) as kernel, pytest.raises(OSError, match="Errno"):
        kernel.ask(ASK, b"\xff" * 12)
