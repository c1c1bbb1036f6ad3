"""What the lab needs of an array: two links with a portal each, LUNs behind both, and ways to break them.

`tgt` and `lio` are the two arrays. What they return as text is shell commands or nft rules; `san` and `faults` run them
in the guest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from tests.lab.kit.guest import Guest

TARGET = "iqn.2009-02.com.example:storage.disk1"
PORT = 3260
NUMBERS = (1, 2)
"""The links, and so the portals."""

LUN_MIB = 128
GROWN_MIB = 192
"""Size of a LUN, and of one that has grown."""


class Array(ABC):
    """An array with one target behind two links. `number` is that of a link and its portal: 1 or 2.

    The initiator's interface to the portal N is `pN`.
    """

    vendor: ClassVar[str]
    """What its disks have in the vendor field of their INQUIRY data."""

    portals_prefix: ClassVar[str] = ""
    """What comes in front of a command that must run in the network of the portals."""

    @abstractmethod
    def address(self, number: int) -> str:
        """Return the address of a portal, an IPv6 address without brackets."""

    @abstractmethod
    def wwid(self, lun: int) -> str:
        """Return the WWID that multipathd gives to a LUN."""

    @abstractmethod
    def set_up(self, guest: Guest, luns: Iterable[int]) -> None:
        """Make links, portals and LUNs in a freshly booted guest."""

    def iscsid_settings(self) -> dict[str, str]:
        """Return what the initiator needs in iscsid.conf to log in; by default nothing."""
        return {}

    @abstractmethod
    def export(self, lun: int) -> list[str]:
        """Return the commands that make a LUN and export it at both portals."""

    @abstractmethod
    def unexport(self, lun: int) -> list[str]:
        """Return the commands that end the export of a LUN and delete it."""

    @abstractmethod
    def stop(self, number: int) -> str:
        """Return the command that ends the target at a portal: its connections are gone, new ones refused."""

    @abstractmethod
    def start(self, number: int) -> str:
        """Return the command that starts a target that was stopped."""

    @abstractmethod
    def drop_rules(self, number: int) -> str:
        """Return the nft rules that drop every packet between the initiator and a portal."""

    @abstractmethod
    def reset_rules(self, number: int) -> str:
        """Return the nft rules that answer whatever comes to a portal with a TCP reset."""

    @property
    @abstractmethod
    def hints(self) -> Mapping[str, str]:
        """What people may want to do with the array -> a command for it."""

    @property
    def portals(self) -> dict[int, str]:
        """Number of a link -> ADDRESS:PORT of its portal, as multipath's and our own labels have it."""
        return {number: portal(self.address(number)) for number in NUMBERS}

    @property
    def interfaces(self) -> dict[str, str]:
        """ADDRESS:PORT -> the initiator's interface that leads there."""
        return {label: f"p{number}" for number, label in self.portals.items()}


def portal(address: str) -> str:
    """Return ADDRESS:PORT, with brackets around an IPv6 address."""
    return f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}"


def nft_table(*chains: str) -> str:
    """Return an nft table of these chains, for `nft -f`."""
    lines = ["table inet lab {", *(f"  {chain}" for chain in chains), "}"]
    return "\n".join([*lines, ""])


def nft_chain(hook: str, rule: str) -> str:
    """Return a chain of one rule."""
    return f"chain {hook} {{ type filter hook {hook} priority 0; {rule}; }}"
