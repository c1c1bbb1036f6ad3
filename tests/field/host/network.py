"""The host's network: what sysfs and /proc have of it, and what the kernel answers on rtnetlink and sock_diag."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mpathd_watch.core.model.facts import Ipv4Settings, LinkFacts, TcpFacts
from mpathd_watch.sources.iscsi.tcp import Answer, Connection
from mpathd_watch.sources.network.addresses import Interface
from tests.field.host.tree import Tree, attributes, relative_link

_SYSCTLS = ("rp_filter", "arp_filter", "arp_announce", "arp_ignore")


@dataclass(frozen=True)
class Nic:
    """One network interface; ``below`` are the names of those it is made of."""

    name: str
    addresses: tuple[ipaddress.IPv4Interface | ipaddress.IPv6Interface, ...] = ()
    kind: str = ""
    below: tuple[str, ...] = ()
    carrier: bool | None = True
    mtu: int = 1500
    speed: int = 10000
    duplex: str = "full"


@dataclass
class Network:
    """The interfaces of the host whose files are in ``tree``; ``lo`` is always there."""

    tree: Tree
    nics: dict[str, Nic] = field(default_factory=dict)
    bound: dict[str, str] = field(default_factory=dict)
    """The interfaces that sockets are bound to, by their local address."""
    routes: dict[str, str] = field(default_factory=dict)
    """The interfaces by which the kernel would send to a portal's address, where the local address does not decide."""
    segments: dict[str, int] = field(default_factory=dict)
    """The largest TCP segments by the local address, where the interface's MTU does not decide."""

    def __post_init__(self) -> None:
        for where in ("all", "default"):
            self._sysctls(where)
        self.add(Nic("lo", (ipaddress.ip_interface("127.0.0.1/8"),), mtu=65536, speed=0))

    def add(self, nic: Nic) -> None:
        """Add an interface, as the kernel and systemd's defaults (50-default.conf) have it."""
        self.nics[nic.name] = nic
        sys = self.tree.root / "sys"
        virtual = "virtual/net" if nic.kind or nic.name == "lo" else f"pci0000:00/0000:00:{len(self.nics):02x}.0/net"
        directory = sys / "devices" / virtual / nic.name
        index = len(self.nics)
        attributes(
            directory,
            mtu=nic.mtu,
            ifindex=index,
            iflink=index,
            type=772 if nic.name == "lo" else 1,
            flags="0x9" if nic.name == "lo" else "0x1003",
            operstate="unknown" if nic.name == "lo" else ("up" if nic.carrier else "down"),
            carrier=int(bool(nic.carrier)),
            address="00:00:00:00:00:00" if nic.name == "lo" else f"52:54:00:00:00:{index:02x}",
            tx_queue_len=1000,
        )
        if nic.name != "lo":
            attributes(
                directory, speed=nic.speed if nic.carrier else -1, duplex=nic.duplex if nic.carrier else "unknown"
            )
        relative_link(sys / "class/net" / nic.name, directory)
        for below in nic.below:
            lower = (sys / "class/net" / below).resolve()
            relative_link(directory / f"lower_{below}", lower)
            relative_link(lower / f"upper_{nic.name}", directory)
            if nic.kind in ("bond", "bridge", "team"):
                relative_link(lower / "master", directory)
        if nic.kind == "bond":
            attributes(directory, **{"bonding/slaves": " ".join(nic.below), "bonding/mode": "802.3ad 4"})
        if nic.kind == "vlan":
            self.tree.write(
                f"proc/net/vlan/{nic.name}", f"{nic.name}  VID: 7\t REORDER_HDR: 1\nDevice: {nic.below[0]}\n"
            )
        self._sysctls(nic.name)

    def set_sysctl(self, key: str, value: object) -> None:
        """Set e.g. ``net/ipv4/conf/all/arp_ignore``."""
        self.tree.write(f"proc/sys/{key}", f"{value}\n")

    def owner(self, address: str) -> str:
        """The interface that has an address, ``""`` for none."""
        wanted = ipaddress.ip_address(address)
        return next((nic.name for nic in self.nics.values() for each in nic.addresses if each.ip == wanted), "")

    def reach(self, address: str, *, prefix: int, bound: str = "") -> None:
        """Have an interface with this address: a NIC is added where there is none yet, ``bound`` or the next ethN."""
        if not self.owner(address):
            name = bound or next(f"eth{n}" for n in range(len(self.nics) + 1) if f"eth{n}" not in self.nics)
            self.add(Nic(name, (ipaddress.ip_interface(f"{address}/{prefix}"),)))
        if bound:
            self.bound[str(ipaddress.ip_address(address))] = bound

    def _sysctls(self, name: str) -> None:
        rp_filter = 0 if name == "all" else 2
        for key, value in (("rp_filter", rp_filter), ("arp_ignore", 0), ("arp_announce", 0), ("arp_filter", 0)):
            self.set_sysctl(f"net/ipv4/conf/{name}/{key}", value)

    # --- the kernel's answers -----------------------------------------------------------------------------------------

    def links(self) -> tuple[LinkFacts, ...]:
        """As ``network.links.Reader.read``."""
        return tuple(self._link(self.nics[name]) for name in sorted(self.nics))

    def _link(self, nic: Nic) -> LinkFacts:
        asked = nic.name != "lo" and not nic.kind and bool(nic.carrier)
        return LinkFacts(
            nic.name,
            True,
            nic.carrier,
            nic.below,
            tuple(str(each.ip) for each in nic.addresses),
            nic.kind,
            nic.mtu,
            nic.speed if asked else None,
            nic.duplex if asked else "",
            Ipv4Settings(*(self._in_force(nic.name, key) for key in _SYSCTLS)),
        )

    def _in_force(self, name: str, key: str) -> int:
        return max(
            int((self.tree.root / f"proc/sys/net/ipv4/conf/{where}/{key}").read_text(encoding="ascii"))
            for where in (name, "all")
        )

    def interfaces(self) -> Mapping[str, Interface]:
        """As ``network.addresses.interfaces``."""
        return {
            str(each.ip): Interface(nic.name, "" if each.ip.is_link_local else str(each.network))
            for nic in self.nics.values()
            for each in nic.addresses
        }

    def route(self, remote: str, local: str) -> str:
        """As ``network.routes.interface_to``."""
        return self.routes.get(remote) or self.owner(local)

    def connections(self, asked: Mapping[int, Connection], clock: Callable[[], float]) -> Mapping[int, Answer]:
        """As ``iscsi.tcp.ask``: each connection is well, and its peer has just sent something."""
        now = clock()
        found = {}
        for sid, connection in asked.items():
            owner = self.nics.get(self.owner(connection.local))
            mtu = 1500 if owner is None else owner.mtu
            mss = self.segments.get(connection.local, mtu - 52)
            facts = TcpFacts(0.0002, 0, 0, now - 0.5, mss, mtu, mtu - 40)
            found[sid] = Answer(facts, self.bound.get(connection.local, ""))
        return found
