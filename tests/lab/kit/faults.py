"""Ways to break a SAN, and to repair it. Each returns the guest's CLOCK_MONOTONIC, in seconds, just before it acted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit import san as san_module
from tests.lab.kit import scsi_debug
from tests.lab.kit.array import GROWN_MIB, Array
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.ha_pair import HaPair
from tests.lab.kit.lio import Lio
from tests.lab.kit.san import San
from tests.lab.kit.tail import wait_for
from tests.lab.kit.tgt import Tgt

RULES = "/run/lab/faults.nft"
FLUSH_RULES = "flush ruleset\n"
FLUSH = "nft flush ruleset"

FROZEN_SCRIPT = Path(__file__).parent.parent / "guest/frozen_journald.py"
FROZEN_LOG = "/run/lab/frozen-journald.log"


@dataclass(frozen=True)
class Frozen:
    """An outage while journald was frozen: the instants, and the service's status text before journald went on."""

    frozen: float
    cut: float
    plugged: float
    thawed: float
    status: str


class Faults:
    """Faults of one guest. `number` is that of a link and its target: 1 or 2.

    Some are those of one array alone: with the other they raise a LabError.
    """

    def __init__(self, guest: Guest, san: San, say: Callable[[str], None]) -> None:
        self._guest = guest
        self._san = san
        self._say = say

    def drop_silently(self, number: int) -> float:
        """Drop every packet between the initiator and a portal; the carrier stays."""
        return self._filter(f"link to {self._portals(number)} drops everything", self._array.drop_rules(number))

    def drop_nothing(self) -> float:
        """End all silent drops."""
        return self._do("no link drops anything", self._array.portals_prefix + FLUSH)

    def reset(self, number: int) -> float:
        """Answer whatever comes to a portal with a TCP reset, as a firewall or a dying service does.

        A connection that is there is reset with its next packet, new ones are refused.
        """
        return self._filter(f"{self._portals(number)} resets connections", self._array.reset_rules(number))

    def reset_nothing(self) -> float:
        """End all resets."""
        return self._do("no portal resets connections", self._array.portals_prefix + FLUSH)

    def kill_target(self, number: int) -> float:
        """End one target at once: its connections are gone, new ones refused."""
        return self._do(f"target {self._portals(number)} killed", self._array.stop(number))

    def start_target(self, number: int) -> float:
        """Start a target that was killed."""
        return self._do(f"target {self._portals(number)} started", self._array.start(number))

    def filter(self, states: Mapping[int, str]) -> float:
        """Have each link do what its state is: `drop`, `drop to target`, `drop from target` or `reset`; others work."""
        told = {
            "drop": self._array.drop_rules,
            "drop to target": lambda number: self._tgt.drop_one_way_rules(number, "input"),
            "drop from target": lambda number: self._tgt.drop_one_way_rules(number, "output"),
            "reset": self._array.reset_rules,
        }
        rules = "".join(told[state](number) for number, state in states.items())
        what = ", ".join(f"{self._portals(number)}: {state}" for number, state in states.items())
        return self._filter(f"filters: {what or 'none'}", f"{FLUSH_RULES}{rules}")

    def add_lun(self, lun: int) -> float:
        """Export a new LUN from both targets and rescan."""
        self._say(f"LUN {lun} added")
        at = self._guest.now()
        san_module.add_lun(self._guest, self._san, lun)
        return at

    def remove_lun(self, lun: int) -> float:
        """Flush the map of a LUN, delete its disks, and unexport it."""
        self._say(f"LUN {lun} ({self._san.map_name(lun)}) removed")
        at = self._guest.now()
        san_module.remove_lun(self._guest, self._san, lun)
        return at

    def rescan(self) -> float:
        """Have the initiator look for new disks, and the kernel ask those that are there for size and identity."""
        return self._do("sessions scanned again", san_module.RESCAN)

    # Of tgt alone

    def link_down(self, *numbers: int) -> float:
        """Pull the cables: both ends lose carrier."""
        return self._plug(f"link to {self._portals(*numbers)} down", "down", *map(self._tgt.cables, numbers))

    def link_up(self, *numbers: int) -> float:
        """Plug the cables back in."""
        return self._plug(f"link to {self._portals(*numbers)} up", "up", *map(self._tgt.cables, numbers))

    def member_down(self, number: int) -> float:
        """Pull the first of several cables of a link."""
        cable, *_ = self._tgt.cables(number)
        return self._plug(f"one of the NICs of the link to {self._portals(number)} down", "down", (cable,))

    def member_up(self, number: int) -> float:
        """Plug the first of several cables back in."""
        cable, *_ = self._tgt.cables(number)
        return self._plug(f"all NICs of the link to {self._portals(number)} up", "up", (cable,))

    def remove_address(self, number: int) -> float:
        """Take its address from the initiator's end of a link; the carrier stays."""
        return self._do(f"192.168.{number}.10 removed", f"ip addr del 192.168.{number}.10/24 dev p{number}")

    def restore_address(self, number: int) -> float:
        """Give the initiator's end of a link its address again."""
        return self._do(f"192.168.{number}.10 added", f"ip addr add 192.168.{number}.10/24 dev p{number}")

    def impair(self, *numbers: int, delay_ms: int, loss_percent: float) -> float:
        """Delay every packet of links and lose some, in both directions: a round trip takes twice the delay longer."""
        netem = f"netem delay {delay_ms}ms loss {loss_percent:g}% limit 10000"
        return self._do(
            f"links to {self._portals(*numbers)}: {2 * delay_ms} ms more for a round trip, {loss_percent:g} % lost",
            *(f"tc qdisc replace dev p{number} root {netem}" for number in numbers),
            *(f"tc -n san qdisc replace dev t{number} root {netem}" for number in numbers),
        )

    def impair_nothing(self, *numbers: int) -> float:
        """End what `impair` did to links."""
        return self._do(
            f"links to {self._portals(*numbers)} as they were",
            *(f"tc qdisc del dev p{number} root" for number in numbers),
            *(f"tc -n san qdisc del dev t{number} root" for number in numbers),
        )

    def lun_offline(self, number: int, lun: int = 1) -> float:
        """Have one target answer every command to a LUN with NOT READY; pings are answered as ever."""
        return self._do(f"LUN {lun} not ready at {self._portals(number)}", self._tgt.set_online(number, lun, 0))

    def lun_online(self, number: int, lun: int = 1) -> float:
        """Have a target serve a LUN again."""
        return self._do(f"LUN {lun} ready at {self._portals(number)}", self._tgt.set_online(number, lun, 1))

    def grow_lun(self, *numbers: int, lun: int = 1) -> float:
        """Have targets serve a LUN in its grown size; the host does not know before it scans the disks again."""
        what = f"LUN {lun} has grown at {self._portals(*numbers)}"
        return self._do(what, *self._tgt.grow(lun, GROWN_MIB, numbers))

    # Of an HA pair alone

    def node_down(self, node: int) -> float:
        """End the node that serves: no packet is answered, and the initiator's carrier stays."""
        return self._do(f"node {node} of the array is down", *self._pair.node_down(node))

    def take_over(self, node: int) -> float:
        """Have the other node serve both portals. It resets the connections to the first one."""
        return self._do(f"node {node} of the array has taken over", *self._pair.take_over(node))

    # Of LIO alone

    def port_group(self, number: int, state: str) -> float:
        """Have the array give the port group of a portal one of the states of `lio.STATES`, for all LUNs.

        The host learns of it by a unit attention, with the next command that reaches the array on each path.
        """
        return self.port_groups({number: state})

    def port_groups(self, states: Mapping[int, str]) -> float:
        """Have the array give port groups states at the same time."""
        what = ", ".join(f"port group {number} {state}" for number, state in states.items())
        return self._do(what, *(self._lio.set_state(number, state) for number, state in states.items()))

    def replace_lun(self, lun: int) -> float:
        """Have both portals serve another disk of the same size under a LUN's number: a mistake."""
        return self._do(f"LUN {lun} is another disk", *self._lio.replace(lun))

    # Of the host

    def plug_in_debug_disk(self) -> float:
        """Plug in a disk of scsi_debug with two paths; its map has the name `scsi_debug.WWID`."""
        return self._do("a disk of scsi_debug plugged in", scsi_debug.PLUG_IN)

    def grow_debug_disk(self, gib: int) -> float:
        """Give the disk of scsi_debug another size; each path reports it with its next command."""
        return self._do(f"the disk of scsi_debug has {gib} GiB", scsi_debug.grow(gib))

    def rescan_debug_disk(self) -> float:
        """Have the kernel ask both paths to the disk of scsi_debug for its size, and multipathd resize its map."""
        return self._do("the disk of scsi_debug scanned again", scsi_debug.RESCAN, scsi_debug.RESIZE)

    def ask_for_port_groups(self, *devices: str) -> float:
        """Send REPORT TARGET PORT GROUPS to disks (sdX); it gets the unit attention that may be waiting first.

        Not TEST UNIT READY by sg_turs: that of Debian 13's sg3-utils sends nothing, and reports success.
        """
        asked = " ".join(devices)
        script = f"for disk in {asked}; do sg_rtpg /dev/$disk || sg_rtpg /dev/$disk; done"
        return self._do(f"REPORT TARGET PORT GROUPS to {asked}", script)

    def logout(self, number: int) -> float:
        """Log out of one portal."""
        return self._do(f"logout of {self._portals(number)}", f"iscsiadm -m node -p '{self._portals(number)}' --logout")

    def login(self, number: int) -> float:
        """Log in to one portal."""
        return self._do(f"login to {self._portals(number)}", f"iscsiadm -m node -p '{self._portals(number)}' --login")

    def set_device_state(self, device: str, state: str) -> float:
        """Write `offline` or `running` to the state of a SCSI disk (sdX)."""
        # The kernel takes the word only with a newline, which echo brings.
        return self._do(f"{device} set {state}", f"echo {state} > /sys/block/{device}/device/state")

    def set_recovery_tmo(self, number: int, value: str) -> float:
        """Write to the recovery_tmo of the session to a portal: seconds, or `off`."""
        script = (
            "for connection in /sys/class/iscsi_connection/connection*:0; do "
            f"test $(cat $connection/persistent_address) != {self._array.address(number)} || "
            f"echo {value} | tee $connection/device/../iscsi_session/session*/recovery_tmo; done"
        )
        return self._do(f"recovery_tmo of the session to {self._portals(number)}: {value}", script)

    def fail_path(self, device: str) -> float:
        """Have multipathd fail a path. It stays failed until it is reinstated by hand."""
        return self._do(f"multipathd fail path {device}", f"multipathd fail path {device}")

    def reinstate_path(self, device: str) -> float:
        """Have multipathd reinstate a path."""
        return self._do(f"multipathd reinstate path {device}", f"multipathd reinstate path {device}")

    def reconfigure_multipathd(self) -> float:
        """Have multipathd read its configuration again, and load every map again."""
        return self._do("multipathd reconfigured", "multipathd reconfigure")

    def stop_multipathd(self) -> float:
        """Stop multipathd and its socket, in good order."""
        # With the socket left listening, any client would start it again.
        return self._do("multipathd stopped", "systemctl stop multipathd.socket multipathd.service")

    def start_multipathd(self) -> float:
        """Start multipathd."""
        return self._do("multipathd started", "systemctl start multipathd.service")

    def kill_multipathd(self) -> float:
        """Kill multipathd with SIGKILL. Its unit may start it again at once."""
        return self._do("multipathd killed", "kill -KILL $(pidof multipathd)")

    def freeze_multipathd(self) -> float:
        """Stop multipathd with SIGSTOP: it still accepts connections and never answers."""
        return self._do("multipathd frozen", "kill -STOP $(pidof multipathd)")

    def thaw_multipathd(self) -> float:
        """Let a frozen multipathd go on."""
        return self._do("multipathd thawed", "kill -CONT $(pidof multipathd)")

    def outage_with_journald_frozen(self, number: int, down: float, up: float, unit: str) -> Frozen:
        """Stop journald with SIGSTOP and fill its queue; pull a link for `down` seconds; thaw it `up` seconds later.

        The guest does this alone, because its agent logs each request: it would wait for journald, too. `status` is the
        status text of `unit` in the end.
        """
        self._say(
            f"journald frozen with a full queue, and then the link to {self._portals(number)} down for {down:g} s"
        )
        self._guest.write_file("/run/lab/frozen_journald.py", FROZEN_SCRIPT.read_text(encoding="utf-8"))
        self._guest.run(f"rm -f {FROZEN_LOG}")
        cables = ",".join(self._tgt.cables(number))
        command = ["/usr/bin/python3", "/run/lab/frozen_journald.py", cables, str(down), str(up), unit, FROZEN_LOG]
        self._guest.start(command)
        time.sleep(down + up)
        shown = wait_for(lambda: self._guest.run(f"cat {FROZEN_LOG} || true") or None, "journald to go on", 60.0)
        found = json.loads(shown)
        self._say("journald thawed")
        return Frozen(**found)

    @property
    def _array(self) -> Array:
        return self._san.array

    @property
    def _tgt(self) -> Tgt:
        if not isinstance(self._array, Tgt):
            raise LabError("only tgt's SAN can be broken in this way")
        return self._array

    @property
    def _pair(self) -> HaPair:
        if not isinstance(self._array, HaPair):
            raise LabError("only an HA pair can do this")
        return self._array

    @property
    def _lio(self) -> Lio:
        if not isinstance(self._array, Lio):
            raise LabError("only LIO can do this")
        return self._array

    def _portals(self, *numbers: int) -> str:
        return " and ".join(self._san.portals[number] for number in numbers)

    def _filter(self, what: str, rules: str) -> float:
        self._guest.write_file(RULES, rules)
        return self._do(what, f"{self._array.portals_prefix}nft -f {RULES}")

    def _plug(self, what: str, state: str, *links: tuple[str, ...]) -> float:
        return self._do(what, *(f"ip -n san link set {cable} {state}" for link in links for cable in link))

    def _do(self, what: str, *commands: str) -> float:
        self._say(what)
        return self._guest.timed(" && ".join(commands))
