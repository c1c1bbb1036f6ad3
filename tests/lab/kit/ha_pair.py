"""An array of two nodes, as an HA pair: one serves both portals, and the other takes their addresses over.

The initiator's links `p1` and `p2` lead to a switch each, the bridges `s1` and `s2` in the network namespace `switch`.
Both nodes are plugged into both: the namespaces `node1` and `node2`, each with `t1` and `t2`. Both have the portals'
addresses and a tgtd (unit `lab-node@N`) that serves the same files under the same WWIDs. Of one node the interfaces are
down: what comes to the portals reaches the other one. The initiator's carrier is the switch's, whichever node is up.

A node that takes over sends a packet to the initiator on each link, which so learns where the addresses are now. It
knows nothing of the connections to the other node, and answers their next packet with a TCP reset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.lab.kit.array import NUMBERS, PORT
from tests.lab.kit.guest import Guest
from tests.lab.kit.tgt import Tgt, backing_file, serving

NODES = (1, 2)
"""The nodes. The first one serves at first."""

UNIT = serving("lab-node", namespace="node%i", portal=f"0.0.0.0:{PORT}")


@dataclass(frozen=True)
class HaPair(Tgt):
    """Two nodes of which one serves both portals at a time."""

    portals_prefix = "ip netns exec node1 "

    def set_up(self, guest: Guest, luns: Iterable[int]) -> None:
        """Make links, nodes and LUNs in a freshly booted guest."""
        guest.run("\n".join(self._links()))
        guest.write_file("/run/systemd/system/lab-node@.service", UNIT)
        for lun in luns:
            guest.run(backing_file(lun))
        guest.run("systemctl daemon-reload; systemctl start lab-node@1 lab-node@2")

    def node_down(self, node: int) -> list[str]:
        """Return the commands that end a node as a loss of its power does: nothing answers, and nothing is reset."""
        return [f"ip -n node{node} link set t{number} down" for number in NUMBERS]

    def take_over(self, node: int) -> list[str]:
        """Return the commands that have a node serve both portals."""
        up = [f"ip -n node{node} link set t{number} up" for number in NUMBERS]
        # Port 9 refuses the connection. What counts is the ARP request before, sent again until it is answered.
        words = f"ip netns exec node{node} timeout 5 bash -c"
        return [*up, *(f"{{ {words} '< /dev/tcp/192.168.{number}.10/9' 2>/dev/null || true; }}" for number in NUMBERS)]

    @property
    def hints(self) -> Mapping[str, str]:
        """What people may want to do with the array -> a command for it."""
        return {
            "end the first node": " && ".join(self.node_down(1)),
            "have the second take over": " && ".join(self.take_over(2)),
        }

    def _links(self) -> list[str]:
        lines = ["set -e", "ip netns add switch"]
        for number in NUMBERS:
            lines += [
                f"ip -n switch link add s{number} type bridge",
                f"ip link add p{number} type veth peer name h{number} netns switch",
                f"ip -n switch link set h{number} master s{number} up",
                f"ip -n switch link set s{number} up",
                f"ip addr add 192.168.{number}.10/24 dev p{number}",
                f"ip link set p{number} up",
            ]
        for node in NODES:
            lines += [
                f"ip netns add node{node}",
                f"ip -n node{node} link set lo up",
            ]
            for number in NUMBERS:
                port = f"n{node}{number}"
                lines += [
                    f"ip -n node{node} link add t{number} type veth peer name {port} netns switch",
                    f"ip -n switch link set {port} master s{number} up",
                    f"ip -n node{node} addr add {self.address(number)}/24 dev t{number}",
                ]
        return [*lines, *self.take_over(NODES[0])]
