"""The source of network interfaces: on a socket and a table that play the kernel's, and on the kernel of this host."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from mpathd_watch.core.events import Event, NetworkRead, SourceAnswered, SourceDown, SourceErrors, SourceUp
from mpathd_watch.core.model.facts import Ipv4Settings, LinkFacts
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.iscsi import tcp
from mpathd_watch.sources.iscsi.tcp import Connection
from mpathd_watch.sources.netlink.groups import SO_RCVBUFFORCE
from mpathd_watch.sources.network import links
from mpathd_watch.sources.network import source as module
from mpathd_watch.sources.network.routes import interface_to
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading import availability
from tests.component.sources.namespace import apart

UP = SourceUp(SourceName.NETWORK)
ANSWERED = SourceAnswered(SourceName.NETWORK)
OVERFLOW = SourceErrors(SourceName.NETWORK, "overflow", 1)
ETH0 = LinkFacts("eth0", up=True, carrier=True, addresses=("192.168.1.2",))
CUT = LinkFacts("eth0", up=True, carrier=False, addresses=("192.168.1.2",))

Scenario = Callable[[], Awaitable[None]]


class Notifications(socket.socket):
    """One end of a pair of datagram sockets, whose messages have a netlink sender; ``failing``: the errors to come."""

    port = 0

    def __init__(self, end: socket.socket) -> None:
        super().__init__(fileno=end.detach())
        self.setblocking(False)
        self.failing: list[int] = []

    @classmethod
    def pair(cls) -> tuple[socket.socket, Notifications]:
        """The kernel's end, and ours."""
        kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        return kernel, cls(ours)

    def recvfrom_into(self, *arguments: object, **options: object) -> tuple[int, tuple[int, int]]:
        """As a netlink socket does it."""
        if self.failing:
            number = self.failing.pop(0)
            raise OSError(number, errno.errorcode[number])
        size, _ = super().recvfrom_into(*arguments, **options)  # type: ignore[arg-type]
        return size, (self.port, 1)


class Watch:
    """A source, the table it lists and the socket it listens to, and what it has emitted, with the time."""

    def __init__(self) -> None:
        self.kernel, self.ours = Notifications.pair()
        self.kernels = [self.kernel]
        self.sockets: list[socket.socket | OSError] = [self.ours]
        self.table: tuple[LinkFacts, ...] = (ETH0,)
        self.failures: list[OSError] = []
        self.listed = 0
        self.blocked: threading.Event | None = None
        self.events: list[Event] = []
        self.source = NetworkSource(self.events.append, monotonic, self._open, self._list)

    def _open(self) -> socket.socket:
        found = self.sockets.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    def _list(self) -> tuple[LinkFacts, ...]:
        self.listed += 1
        if self.blocked:
            self.blocked.wait(10.0)
        if self.failures:
            raise self.failures.pop(0)
        return self.table

    def run(self, scenario: Scenario) -> list[Event]:
        """What the source emits while the scenario is played."""
        asyncio.run(play(self.source.run, scenario))
        self.close()
        return self.events

    def spare(self, count: int) -> None:
        """Have sockets for that many more attempts."""
        for _ in range(count):
            kernel, ours = Notifications.pair()
            self.kernels.append(kernel)
            self.sockets.append(ours)

    def close(self) -> None:
        """Leave no socket behind."""
        for each in [*self.kernels, *self.sockets]:
            if isinstance(each, socket.socket):
                each.close()


async def play(task: Callable[[], Awaitable[None]], scenario: Scenario) -> None:
    running = asyncio.ensure_future(task())
    try:
        await scenario()
        assert not running.done()
    finally:
        running.cancel()
        assert await asyncio.wait([running], timeout=5.0) == ({running}, set())


async def until(enough: Callable[[], object], seconds: float = 5.0) -> None:
    end = monotonic() + seconds
    while not enough():
        if monotonic() > end:
            pytest.fail("nothing came of it")
        await asyncio.sleep(0.002)


# --- when it lists ----------------------------------------------------------------------------------------------------


def test_the_table_is_reported_at_once_and_when_it_has_changed() -> None:
    watching = Watch()

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        watching.table = (CUT,)
        watching.kernel.send(b"anything")
        await until(lambda: len(watching.events) == 3)

    assert watching.run(scenario) == [UP, NetworkRead((ETH0,)), NetworkRead((CUT,))]
    assert watching.ours.fileno() == -1


def test_a_notification_reaches_the_core_within_50_milliseconds() -> None:
    watching = Watch()
    waits: list[float] = []

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        for turn in range(5):
            await asyncio.sleep(3 * module.COALESCE)
            watching.table = (ETH0 if turn % 2 else CUT,)
            watching.kernel.send(b"anything")
            start = monotonic()
            await until(lambda: watching.events[-1] == NetworkRead(watching.table))
            waits.append(monotonic() - start)

    watching.run(scenario)
    assert min(waits) < 0.05


def test_a_storm_of_notifications_makes_a_few_listings_of_it() -> None:
    watching = Watch()

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        start, sent = monotonic(), 0
        while monotonic() - start < 0.5:
            for _ in range(20):
                try:
                    sent += watching.kernel.send(b"x" * 600, socket.MSG_DONTWAIT) > 0
                except BlockingIOError:
                    break
            await asyncio.sleep(0)
        assert sent > 1000
        watching.table = (CUT,)
        watching.kernel.send(b"the last")
        await until(lambda: len(watching.events) == 3)

    assert watching.run(scenario) == [UP, NetworkRead((ETH0,)), NetworkRead((CUT,))]
    assert watching.listed <= 3 + 0.6 / module.COALESCE


def test_a_table_that_takes_long_is_listed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watch()
    monkeypatch.setattr(module, "WOKEN_SHARE", 1000)

    async def scenario() -> None:
        watching.blocked = threading.Event()
        await until(lambda: watching.listed)
        await asyncio.sleep(0.02)
        watching.blocked.set()
        watching.blocked = None
        await until(lambda: watching.events)
        watching.kernel.send(b"anything")
        await asyncio.sleep(0.3)

    watching.run(scenario)
    assert watching.listed == 1


def test_without_any_notification_the_table_is_reconciled(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watch()
    monkeypatch.setattr(module, "RECONCILE_EVERY", 0.01)
    monkeypatch.setattr(availability, "ANSWER_EVERY", 0.1)

    async def scenario() -> None:
        await until(lambda: ANSWERED in watching.events)
        assert watching.listed > 2
        watching.table = ()
        await until(lambda: NetworkRead(()) in watching.events)

    watching.run(scenario)
    assert watching.events[:3] == [UP, NetworkRead((ETH0,)), ANSWERED]


def test_what_another_program_sends_is_ignored() -> None:
    watching = Watch()
    watching.ours.port = os.getpid()

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        for size in (0, 1, 15, 16, 5000):
            watching.kernel.send(bytes(size))
        await asyncio.sleep(3 * module.COALESCE)
        assert watching.listed == 1

    watching.run(scenario)


def test_messages_of_any_length_do_no_harm() -> None:
    watching = Watch()

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        for size in (0, 1, 15, 16, 17, 60000):
            watching.kernel.send(os.urandom(size))
        await until(lambda: watching.listed > 1)

    assert watching.run(scenario) == [UP, NetworkRead((ETH0,))]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_overrun_is_counted_and_the_table_listed() -> None:
    watching = Watch()

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        watching.table = (CUT,)
        watching.ours.failing = [errno.ENOBUFS]
        watching.kernel.send(b"wakes the loop")
        await until(lambda: len(watching.events) == 4)

    assert watching.run(scenario) == [UP, NetworkRead((ETH0,)), OVERFLOW, NetworkRead((CUT,))]


def test_a_socket_that_breaks_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.05)
    watching = Watch()
    watching.sockets.append(OSError(errno.EMFILE, "Too many open files"))
    watching.spare(1)

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 2)
        watching.ours.failing = [errno.EIO]
        watching.kernel.send(b"wakes the loop")
        await until(lambda: len(watching.events) == 6)

    events = watching.run(scenario)
    detail = "the network interfaces can't be listed"
    assert events == [
        UP,
        NetworkRead((ETH0,)),
        SourceDown(SourceName.NETWORK, "EIO", f"{detail} (EIO); trying again; see dmesg"),
        SourceDown(SourceName.NETWORK, "EMFILE", f"{detail} (Too many open files); trying again; see dmesg"),
        UP,
        NetworkRead((ETH0,)),
    ]
    assert watching.ours.fileno() == -1


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EPERM])
def test_without_a_socket_it_is_reported_down_once_and_tries_again(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    watching = Watch()
    watching.sockets = [OSError(number, "refused")] * 3 + [watching.ours]

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 3)

    down, *rest = watching.run(scenario)
    assert down == SourceDown(
        SourceName.NETWORK,
        errno.errorcode[number],
        "the network interfaces can't be listed (refused); allow the service to use AF_NETLINK",
    )
    assert rest == [UP, NetworkRead((ETH0,))]


def test_a_kernel_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    watching = Watch()
    watching.failures = [TimeoutError("timed out"), OSError(errno.EBUSY, "busy")]
    watching.spare(2)

    async def scenario() -> None:
        await until(lambda: len(watching.events) == 4)

    timeout, busy, *rest = watching.run(scenario)
    assert isinstance(timeout, SourceDown)
    assert isinstance(busy, SourceDown)
    assert (timeout.reason, busy.reason) == ("timeout", "EBUSY")
    assert rest == [UP, NetworkRead((ETH0,))]


def test_a_listing_that_hangs_delays_no_other_work_and_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    monkeypatch.setattr(module, "DEADLINE", 0.05)
    watching = Watch()
    watching.blocked = threading.Event()
    watching.spare(100)

    async def scenario() -> None:
        await until(lambda: watching.events)
        await asyncio.sleep(0.05)
        assert len(watching.events) == 1
        assert watching.blocked
        watching.blocked.set()
        await until(lambda: len(watching.events) == 3)

    down, *rest = watching.run(scenario)
    assert isinstance(down, SourceDown)
    assert down.reason == "timeout"
    assert "dmesg" in down.detail
    assert rest == [UP, NetworkRead((ETH0,))]


def test_read_once_lists_once_and_listens_to_nothing() -> None:
    watching = Watch()
    asyncio.run(watching.source.read_once())
    assert watching.events == [UP, NetworkRead((ETH0,))]
    watching.failures = [OSError(errno.EIO, "broken")]
    asyncio.run(watching.source.read_once())
    assert isinstance(watching.events[-1], SourceDown)
    assert watching.sockets == [watching.ours]
    watching.close()


# --- this kernel ------------------------------------------------------------------------------------------------------


def test_this_hosts_interfaces_are_listed() -> None:
    events: list[Event] = []
    source = NetworkSource(events.append, monotonic)

    async def scenario() -> None:
        await until(lambda: len(events) == 2)

    asyncio.run(play(source.run, scenario))
    assert events[0] == UP
    assert isinstance(events[1], NetworkRead)
    assert [link.name for link in events[1].links if link.name == "lo"] == ["lo"]


@contextmanager
def connected(family: socket.AddressFamily = socket.AF_INET, bound_to: bytes = b"") -> Iterator[list[socket.socket]]:
    """Two ends of a TCP connection through the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as one:
        if bound_to:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bound_to)
        host, port = server.getsockname()
        one.connect((f"::ffff:{host}" if family is socket.AF_INET6 else host, port))
        other, _ = server.accept()
        with other:
            yield [one, other]


def ends(one: socket.socket) -> Connection:
    local, remote = one.getsockname(), one.getpeername()
    return Connection(local[0], local[1], remote[0], remote[1])


def test_a_connection_of_this_host_and_when_it_last_received_something() -> None:
    with connected() as (one, other):
        other.send(b"ping")
        threading.Event().wait(0.3)
        before = tcp.ask({1: ends(one)}, monotonic)[1]
        assert before.bound_to == ""
        assert before.facts.heard is not None
        assert before.facts.heard <= monotonic() - 0.25
        assert before.facts.rtt is not None
        assert 0 < before.facts.rtt < 1.0
        assert (before.facts.retransmits, before.facts.backoff) == (0, 0)
        other.send(b"pong")
        after = tcp.ask({1: ends(one)}, monotonic)[1]
        assert after.facts.heard is not None
        assert abs(monotonic() - after.facts.heard) < 0.15
        assert after.facts.heard > before.facts.heard


def test_an_ipv6_socket_that_speaks_ipv4_is_found_by_both_spellings() -> None:
    try:
        socket.socket(socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"NOT TESTED with IPv6: {error.strerror}")
    with connected(socket.AF_INET6) as (one, _):
        mapped = ends(one)
        plain = Connection("127.0.0.1", mapped.local_port, "127.0.0.1", mapped.remote_port)
        assert mapped.local.startswith("::ffff:")
        assert tcp.ask({1: mapped, 2: plain}, monotonic).keys() == {1, 2}


def test_a_socket_that_is_bound_to_an_interface_is_found_with_its_interface() -> None:
    try:
        with connected(bound_to=b"lo") as (one, _):
            assert tcp.ask({1: ends(one)}, monotonic)[1].bound_to == "lo"
    except PermissionError:
        pytest.skip("NOT TESTED on a bound socket: SO_BINDTODEVICE is not permitted here")


def test_a_connection_that_is_not_established_is_not_found() -> None:
    with connected() as (one, other):
        pair = {1: ends(one), 2: ends(other)}
        assert tcp.ask(pair, monotonic).keys() == {1, 2}
        one.shutdown(socket.SHUT_WR)
        assert tcp.ask(pair, monotonic) == {}
    # The port that listens is no connection, either.
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        assert tcp.ask({1: Connection(host, port, "127.0.0.1", 9)}, monotonic) == {}


# --- this kernel, in a network namespace of our own -------------------------------------------------------------------


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10.0)  # noqa: S603, S607


def make(kind: str, *words: str) -> None:
    """Make an interface, or skip the test where this kernel does not know the kind."""
    try:
        ip("link", "add", *words)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NOT TESTED on a {kind}: this kernel has none ({error.stderr.strip()})")


def with_links(scenario: Callable[[], None]) -> None:
    """Play the scenario in a network namespace of its own, and take its interfaces away again."""
    if shutil.which("ip") is None:
        pytest.skip("NOT TESTED in a network namespace: ip (iproute2) is not installed")

    def play_and_clean() -> None:
        up = [link.name for link in links.Reader(time.monotonic).read() if link.up]
        assert up == [], "not a new network namespace"
        try:
            scenario()
        finally:
            for link in links.Reader(time.monotonic).read():
                if link.name != "lo":
                    subprocess.run(["ip", "link", "del", link.name], check=False, capture_output=True)  # noqa: S603, S607

    apart(play_and_clean)


class Host:
    """A source in this namespace, and the interfaces as last reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.source = NetworkSource(self.events.append, monotonic)

    @property
    def links(self) -> dict[str, LinkFacts]:
        read = [event for event in self.events if isinstance(event, NetworkRead)]
        return {link.name: link for link in read[-1].links} if read else {}

    def run(self, scenario: Scenario) -> None:
        asyncio.run(play(self.source.run, scenario))


def test_a_lost_carrier_is_reported_at_once() -> None:
    def scenario() -> None:
        make("veth", "san0", "type", "veth", "peer", "name", "switch0")
        ip("link", "set", "san0", "up")
        ip("link", "set", "switch0", "up")
        host = Host()

        async def story() -> None:
            await until(lambda: host.links)
            await until(lambda: host.links["san0"].carrier is True)
            assert host.links["san0"].below == ()
            await asyncio.sleep(0.2)
            ip("link", "set", "switch0", "down")
            await until(lambda: host.links["san0"].carrier is False, seconds=0.5)
            assert host.links["san0"].up
            assert host.links["switch0"].carrier is None
            ip("link", "set", "san0", "down")
            await until(lambda: not host.links["san0"].up, seconds=0.5)
            assert (host.links["san0"].carrier, host.links["san0"].kind, host.links["san0"].mtu) == (None, "veth", 1500)

        host.run(story)
        assert [event for event in host.events if isinstance(event, SourceDown)] == []

    with_links(scenario)


def test_addresses_and_names_that_change_are_reported() -> None:
    def scenario() -> None:
        make("veth", "san0", "type", "veth", "peer", "name", "switch0")
        ip("addr", "add", "192.0.2.2/24", "dev", "san0")
        host = Host()

        async def story() -> None:
            await until(lambda: host.links)
            assert host.links["san0"].addresses == ("192.0.2.2",)
            ip("addr", "del", "192.0.2.2/24", "dev", "san0")
            await until(lambda: host.links["san0"].addresses == (), seconds=0.5)
            ip("addr", "add", "fd00::2/64", "dev", "san0", "nodad")
            await until(lambda: host.links["san0"].addresses == ("fd00::2",), seconds=0.5)
            ip("link", "set", "san0", "name", "san1")
            await until(lambda: "san1" in host.links, seconds=0.5)
            assert "san0" not in host.links
            ip("link", "del", "san1")
            await until(lambda: host.links.keys() == {"lo"}, seconds=0.5)

        host.run(story)

    with_links(scenario)


def test_an_overrun_of_the_real_socket_loses_nothing_for_good() -> None:
    def scenario() -> None:
        make("veth", "san0", "type", "veth", "peer", "name", "switch0")
        ip("link", "set", "san0", "up")
        ip("link", "set", "switch0", "up")

        def small() -> socket.socket:
            receiver = module.listen()
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1)
            return receiver

        host = Host()
        host.source = NetworkSource(host.events.append, monotonic, small)

        async def story() -> None:
            await until(lambda: host.links)
            for number in range(1, 30):  # while the loop stands still
                ip("addr", "add", f"192.0.2.{number}/24", "dev", "san0")
            ip("link", "set", "switch0", "down")
            await until(lambda: host.links["san0"].carrier is False)
            assert len(host.links["san0"].addresses) >= 29

        host.run(story)
        assert OVERFLOW in host.events

    with_links(scenario)


@pytest.mark.parametrize("kind", ["bridge", "bond", "team"])
def test_the_members_of_a_master_are_reported(kind: str) -> None:
    def scenario() -> None:
        make("veth", "san0", "type", "veth", "peer", "name", "switch0")
        make(kind, "top", "type", kind)
        ip("link", "set", "san0", "master", "top")
        host = Host()

        async def story() -> None:
            await until(lambda: host.links)
            assert host.links["top"].below == ("san0",)
            ip("link", "set", "switch0", "master", "top")
            await until(lambda: host.links["top"].below == ("san0", "switch0"), seconds=0.5)
            ip("link", "set", "san0", "nomaster")
            await until(lambda: host.links["top"].below == ("switch0",), seconds=0.5)

        host.run(story)

    with_links(scenario)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("vlan", ("id", "7")),
        ("macvlan", ()),
        ("ipvlan", ()),
    ],
)
def test_the_parent_of_a_stacked_interface_is_reported(kind: str, words: tuple[str, ...]) -> None:
    def scenario() -> None:
        make("veth", "san0", "type", "veth", "peer", "name", "switch0")
        make(kind, "link", "san0", "name", "up0", "type", kind, *words)
        listed = {link.name: link for link in links.Reader(time.monotonic).read()}
        assert listed["up0"].below == ("san0",)
        assert listed["san0"].below == listed["switch0"].below == ()

    with_links(scenario)


def test_the_mtu_and_the_ipv4_settings_of_an_interface_are_this_kernels() -> None:
    def scenario() -> None:
        make("veth", "san0", "mtu", "9000", "type", "veth", "peer", "name", "switch0")
        conf = Path("/proc/sys/net/ipv4/conf")
        try:
            for number, key in enumerate(("arp_filter", "rp_filter", "arp_announce", "arp_ignore")):
                (conf / "san0" / key).write_text(f"{number}\n")
        except OSError as error:
            pytest.skip(f"NOT TESTED with settings of our own: {error}")
        listed = {link.name: link for link in links.Reader(time.monotonic).read()}
        assert (listed["san0"].mtu, listed["switch0"].mtu) == (9000, 1500)
        assert listed["san0"].ipv4 == Ipv4Settings(rp_filter=1, arp_filter=0, arp_announce=2, arp_ignore=3)
        (conf / "all/rp_filter").write_text("2\n")
        listed = {link.name: link for link in links.Reader(time.monotonic).read()}
        assert listed["san0"].ipv4 == Ipv4Settings(rp_filter=2, arp_filter=0, arp_announce=2, arp_ignore=3)

    with_links(scenario)


def test_routes_and_bound_sockets_of_several_interfaces() -> None:
    def scenario() -> None:
        ip("link", "set", "lo", "up")
        for number in (1, 2):
            make("veth", f"san{number}", "type", "veth", "peer", "name", f"switch{number}")
            ip("addr", "add", f"192.0.2.{number}/24", "dev", f"san{number}")
            ip("link", "set", f"san{number}", "up")
            ip("link", "set", f"switch{number}", "up")
        ip("route", "add", "198.51.100.0/24", "via", "192.0.2.9", "dev", "san2")
        ip("route", "add", "unreachable", "203.0.113.0/24")
        assert interface_to("198.51.100.1") == "san2"
        assert interface_to("198.51.100.1", "192.0.2.1") == "san2"
        assert interface_to("192.0.2.1") == "lo"
        assert interface_to("203.0.113.1") == interface_to("8.8.8.8") == ""
        ip("addr", "del", "192.0.2.1/24", "dev", "san1")
        assert interface_to("198.51.100.1", "192.0.2.1") == ""

    with_links(scenario)
