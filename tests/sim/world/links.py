"""Network interfaces with the links behind them, and the portals of an array."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpathd_watch.core.model.facts import LinkFacts

PORT = 3260
TARGET = "iqn.2009-02.com.example:storage.disk1"


@dataclass(slots=True, eq=False)
class Link:
    """One interface of the host and the network behind it. ``inbound`` and ``outbound``: whether packets pass."""

    number: int
    carrier: bool = True
    inbound: bool = True
    outbound: bool = True
    active: bool = True
    """Whether the kernel sends packets there: from a moment after the carrier is back until it is lost."""
    carrier_changed: float = float("-inf")

    @property
    def name(self) -> str:
        """The interface."""
        return f"eth{self.number}"

    @property
    def address(self) -> str:
        """The host's address there."""
        return f"192.168.{self.number}.10"

    @property
    def network(self) -> str:
        """The subnet."""
        return f"192.168.{self.number}.0/24"

    @property
    def passes(self) -> bool:
        """Whether a question gets there and the answer back."""
        return self.active and self.inbound and self.outbound

    def facts(self) -> LinkFacts:
        """As rtnetlink reports it."""
        return LinkFacts(self.name, up=True, carrier=self.carrier, addresses=(self.address,), mtu=1500)


@dataclass(slots=True, eq=False)
class Portal:
    """One portal of the array, in a port group of its own. ``unready``: the LUNs there that answer with an error.

    ``starting``: it accepts connections, and rejects logins.
    """

    number: int
    link: Link
    listening: bool = True
    starting: bool = False
    unready: set[int] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Its address, in the subnet of its link."""
        return f"192.168.{self.link.number}.{self.number}"

    @property
    def label(self) -> str:
        """What the product calls a path through it."""
        return f"{self.address}:{PORT}"

    @property
    def answers(self) -> bool:
        """Whether a question to it is answered."""
        return self.listening and not self.starting and self.link.passes
