"""The source of the kernel's iSCSI errors on a socket that plays the kernel's, and on the kernel of this host."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from mpathd_watch.core.events import ConnectionFailed, Event, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.iscsi import kernel_errors as module
from mpathd_watch.sources.iscsi.datagram import LENGTH
from mpathd_watch.sources.iscsi.kernel_errors import KernelErrorSource
from tests.fakes.iscsi import CONN_ERROR, GET_CHAP, RECV_PDU, Netlink, message

NETLINK_USERSOCK = 2
UP = SourceUp(SourceName.ISCSI)
OVERFLOW = SourceErrors(SourceName.ISCSI, "overflow", 1)


class Watch:
    """A source, the sockets it may open one after the other, and the events it has emitted."""

    def __init__(self, sysfs: Path, *sockets: socket.socket | OSError) -> None:
        self.sockets = list(sockets)
        self.opened = 0
        self.events: list[Event] = []
        self.source = KernelErrorSource(self.events.append, sysfs, self._open)

    def _open(self) -> socket.socket:
        self.opened += 1
        found = self.sockets.pop(0) if len(self.sockets) > 1 else self.sockets[0]
        if isinstance(found, OSError):
            raise found
        return found

    async def until(self, enough: Callable[[], object]) -> None:
        """Wait until there is enough to see."""
        for _ in range(1000):
            if enough():
                return
            await asyncio.sleep(0.005)
        pytest.fail(f"nothing came of it: {self.events}")

    def run(self, scenario: Callable[[], Awaitable[None]]) -> list[Event]:
        """What the source emits while the scenario is played."""

        async def run() -> None:
            running = asyncio.create_task(self.source.run())
            try:
                await self.until(lambda: self.events)
                await scenario()
                assert not running.done()
            finally:
                running.cancel()
                assert await asyncio.wait([running], timeout=5.0) == ({running}, set())

        asyncio.run(run())
        return self.events


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A sysfs in which scsi_transport_iscsi is loaded."""
    (tmp_path / "class" / "iscsi_transport").mkdir(parents=True)
    return tmp_path


# --- what is received -------------------------------------------------------------------------------------------------


def test_failed_connections_are_reported_in_order_and_nothing_is_ever_sent(sysfs: Path) -> None:
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)

    async def scenario() -> None:
        kernel.send(message(CONN_ERROR, 2, 0, 1022))
        kernel.send(message(CONN_ERROR, 1, 0, 1020) + b"more than there was in 6.12")
        await watching.until(lambda: len(watching.events) == 3)

    assert watching.run(scenario) == [UP, ConnectionFailed(2, 1022), ConnectionFailed(1, 1020)]
    assert ours.sent == 0
    assert ours.fileno() == -1
    kernel.close()


def test_what_another_program_sends_is_not_believed(sysfs: Path) -> None:
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)

    async def scenario() -> None:
        ours.port = os.getpid()
        kernel.send(message(CONN_ERROR, 2, 0, 1022))
        await watching.until(lambda: len(ours.asked) > 1)
        ours.port = 0
        kernel.send(message(CONN_ERROR, 3, 0, 1022))
        await watching.until(lambda: len(watching.events) > 1)

    assert watching.run(scenario) == [UP, ConnectionFailed(3, 1022)]
    kernel.close()


def test_a_secret_in_another_message_is_never_received_and_leaves_no_trace(
    sysfs: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = f"chap-{uuid4().hex}".encode()
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)

    async def scenario() -> None:
        for kind in (GET_CHAP, RECV_PDU, CONN_ERROR + 1, 2**32 - 1):
            kernel.send(message(kind, 1, 0, 1022, payload=secret * 40))
        # Even where it can't be, in the part that is received, it is gone as soon as it has been looked at.
        kernel.send(message(GET_CHAP, garbage=secret[:36]))
        kernel.send(message(CONN_ERROR, 9, 0, 1020))
        await watching.until(lambda: len(watching.events) > 1)

    assert watching.run(scenario) == [UP, ConnectionFailed(9, 1020)]
    assert set(ours.asked) == {LENGTH}
    assert bytes(watching.source._buffer) == bytes(LENGTH)
    assert secret.decode() not in caplog.text + "".join(capfd.readouterr())
    kernel.close()


def test_messages_of_any_length_do_no_harm(sysfs: Path) -> None:
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)
    whole = message(CONN_ERROR, 1, 0, 1022)

    async def scenario() -> None:
        for size in (0, 1, 15, 16, 17, LENGTH - 1):
            kernel.send(whole[:size])
            await asyncio.sleep(0.01)
        kernel.send(whole + bytes(60_000))
        await watching.until(lambda: len(watching.events) > 1)

    assert watching.run(scenario) == [UP, ConnectionFailed(1, 1022)]
    kernel.close()


def test_a_long_storm_is_read_in_turns(sysfs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)

    async def scenario() -> None:
        for sid in range(5):
            kernel.send(message(CONN_ERROR, sid, 0, 1022))
        await watching.until(lambda: len(watching.events) == 6)

    assert watching.run(scenario)[1:] == [ConnectionFailed(sid, 1022) for sid in range(5)]
    kernel.close()


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_overflow_is_counted_and_later_messages_are_received(sysfs: Path) -> None:
    kernel, ours = Netlink.pair()
    watching = Watch(sysfs, ours)

    async def scenario() -> None:
        ours.failing = [errno.EINTR, errno.ENOBUFS]
        kernel.send(message(CONN_ERROR, 1, 0, 1022))
        await watching.until(lambda: len(watching.events) == 3)

    assert watching.run(scenario) == [UP, OVERFLOW, ConnectionFailed(1, 1022)]
    kernel.close()


def test_a_socket_that_breaks_is_replaced(sysfs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    (first, broken), (second, fresh) = Netlink.pair(), Netlink.pair()
    watching = Watch(sysfs, broken, fresh)

    async def scenario() -> None:
        broken.failing = [errno.ENOMEM]
        first.send(b"?")
        await watching.until(lambda: len(watching.events) == 3)
        second.send(message(CONN_ERROR, 1, 0, 1022))
        await watching.until(lambda: len(watching.events) == 4)

    down = SourceDown(SourceName.ISCSI, "ENOMEM", "the iSCSI netlink socket can't be read (ENOMEM)")
    assert watching.run(scenario) == [UP, down, UP, ConnectionFailed(1, 1022)]
    assert broken.fileno() == -1
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("number", "reason", "detail"),
    [
        (errno.EPERM, "not_permitted", "CAP_NET_ADMIN"),
        (errno.EACCES, "not_permitted", "CAP_NET_ADMIN"),
        (errno.EPROTONOSUPPORT, "no_module", "scsi_transport_iscsi"),
        (errno.EAFNOSUPPORT, "EAFNOSUPPORT", "iSCSI netlink"),
        (None, "error", "iSCSI netlink"),
    ],
)
def test_a_socket_that_cannot_be_opened_is_reported_once_and_tried_again(
    sysfs: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, reason: str, detail: str
) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    refused = OSError("no") if number is None else OSError(number, os.strerror(number))
    watching = Watch(sysfs, refused)

    async def scenario() -> None:
        await watching.until(lambda: watching.opened > 3)

    (reported,) = watching.run(scenario)
    assert isinstance(reported, SourceDown)
    assert (reported.source, reported.reason) == (SourceName.ISCSI, reason)
    assert detail in reported.detail


def test_without_the_module_no_socket_is_asked_for_lest_the_kernel_load_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    kernel, ours = Netlink.pair()
    watching = Watch(tmp_path, ours)

    async def scenario() -> None:
        await asyncio.sleep(0.1)
        assert watching.opened == 0
        (tmp_path / "class" / "iscsi_transport").mkdir(parents=True)
        await watching.until(lambda: len(watching.events) > 1)

    first, *later = watching.run(scenario)
    assert isinstance(first, SourceDown)
    assert (first.reason, later) == ("no_module", [UP])
    kernel.close()


# --- the kernel's own sockets -----------------------------------------------------------------------------------------


def test_the_error_of_this_kernel_without_the_module_is_understood() -> None:
    if Path("/sys/class/iscsi_transport").is_dir() or Path("/lib/modules", os.uname().release).is_dir():
        pytest.skip("NOT TESTED on the kernel's socket: the module is loaded, or asking for the socket could load it")
    with pytest.raises(OSError, match=f"Errno {errno.EPROTONOSUPPORT}"):
        module.listen()


def test_a_socket_that_may_not_be_bound_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    class Refused:
        def __init__(self, *_: int) -> None:
            pass

        def bind(self, address: tuple[int, int]) -> None:
            assert address == (0, 1)
            raise PermissionError(errno.EPERM, "Operation not permitted")

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(socket, "socket", Refused)
    with pytest.raises(PermissionError):
        module.listen()
    assert closed == [True]


def test_a_datagram_of_a_real_netlink_group_is_cut_and_its_sender_known(
    sysfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NETLINK_ISCSI", NETLINK_USERSOCK)
    try:
        ours = module.listen()
    except OSError as error:
        pytest.skip(f"NOT TESTED on a netlink group: {error.strerror}")
    seen: list[tuple[int, object]] = []

    class Tapped(socket.socket):
        def recvmsg_into(self, *arguments):  # type: ignore[no-untyped-def]
            reported = super().recvmsg_into(*arguments)
            seen.append((reported[0], reported[3]))
            return reported

    watching = Watch(sysfs, Tapped(fileno=ours.detach()))

    async def scenario() -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_USERSOCK) as other:
            other.bind((0, 0))
            with contextlib.suppress(ConnectionRefusedError):  # the group has it; no kernel listens to this protocol
                other.sendto(message(CONN_ERROR, 1, 0, 1022, payload=bytes(1000)), (0, module.GROUP_ISCSID))
            await watching.until(lambda: seen)
            assert seen == [(LENGTH, (other.getsockname()[0], 1))]

    assert watching.run(scenario) == [UP]
