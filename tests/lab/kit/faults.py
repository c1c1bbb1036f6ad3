"""Ways to break a SAN, and to repair it. Each returns the guest's CLOCK_MONOTONIC, in seconds, just before it acted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit import san
from tests.lab.kit.guest import Guest
from tests.lab.kit.san import San
from tests.lab.kit.tail import wait_for

SILENT_DROP = """\
table inet lab {
  chain input { type filter hook input priority 0; iifname "%(link)s" drop; }
  chain output { type filter hook output priority 0; oifname "%(link)s" drop; }
}
"""

# A connection that is there is reset with its next packet, new ones are refused.
RESET = """\
table ip lab {
  chain input { type filter hook input priority 0; iifname "%(link)s" tcp dport 3260 reject with tcp reset; }
}
"""

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
    """Faults of one guest. `number` is that of a link and its target: 1 or 2."""

    def __init__(self, guest: Guest, san: San, say: Callable[[str], None]) -> None:
        self._guest = guest
        self._san = san
        self._say = say

    def link_down(self, *numbers: int) -> float:
        """Pull the cables: both ends lose carrier."""
        return self._plug(f"link to {_portals(numbers)} down", "down", *map(self._san.cables, numbers))

    def link_up(self, *numbers: int) -> float:
        """Plug the cables back in."""
        return self._plug(f"link to {_portals(numbers)} up", "up", *map(self._san.cables, numbers))

    def member_down(self, number: int) -> float:
        """Pull the first of several cables of a link."""
        cable, *_ = self._san.cables(number)
        return self._plug(f"one of the NICs of the link to {_portals((number,))} down", "down", (cable,))

    def member_up(self, number: int) -> float:
        """Plug the first of several cables back in."""
        cable, *_ = self._san.cables(number)
        return self._plug(f"all NICs of the link to {_portals((number,))} up", "up", (cable,))

    def drop_silently(self, number: int) -> float:
        """Drop every packet at the target's end of a link; the carrier stays."""
        self._guest.write_file("/run/lab/drop.nft", SILENT_DROP % {"link": f"t{number}"})
        return self._do(f"link to {_portals((number,))} drops everything", "ip netns exec san nft -f /run/lab/drop.nft")

    def drop_nothing(self) -> float:
        """End all silent drops."""
        return self._do("no link drops anything", "ip netns exec san nft flush ruleset")

    def reset(self, number: int) -> float:
        """Answer whatever comes to a portal with a TCP reset, as a firewall or a dying service does."""
        self._guest.write_file("/run/lab/reset.nft", RESET % {"link": f"t{number}"})
        return self._do(f"{_portals((number,))} resets connections", "ip netns exec san nft -f /run/lab/reset.nft")

    def reset_nothing(self) -> float:
        """End all resets."""
        return self._do("no portal resets connections", "ip netns exec san nft flush ruleset")

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
            f"links to {_portals(numbers)}: {2 * delay_ms} ms more for a round trip, {loss_percent:g} % lost",
            *(f"tc qdisc replace dev p{number} root {netem}" for number in numbers),
            *(f"tc -n san qdisc replace dev t{number} root {netem}" for number in numbers),
        )

    def impair_nothing(self, *numbers: int) -> float:
        """End what `impair` did to links."""
        return self._do(
            f"links to {_portals(numbers)} as they were",
            *(f"tc qdisc del dev p{number} root" for number in numbers),
            *(f"tc -n san qdisc del dev t{number} root" for number in numbers),
        )

    def lun_offline(self, number: int, lun: int = 1) -> float:
        """Have one target answer every command to a LUN with NOT READY; pings are answered as ever."""
        return self._do(f"LUN {lun} not ready at {_portals((number,))}", _set_online(number, lun, 0))

    def lun_online(self, number: int, lun: int = 1) -> float:
        """Have a target serve a LUN again."""
        return self._do(f"LUN {lun} ready at {_portals((number,))}", _set_online(number, lun, 1))

    def grow_lun(self, *numbers: int, lun: int = 1) -> float:
        """Have targets serve a LUN in its grown size; the host does not know before it scans the disks again."""
        file = f"/srv/lun{lun}.img"
        unit = f"--lld iscsi --mode logicalunit --tid 1 --lun {lun}"
        renewed = (f"tgtadm -C {at} --op delete {unit} && tgtadm -C {at} --op new {unit} -b {file}" for at in numbers)
        return self._do(f"LUN {lun} has grown at {_portals(numbers)}", f"truncate -s {san.GROWN_MIB}M {file}", *renewed)

    def kill_target(self, number: int) -> float:
        """Kill one target with SIGKILL: its connections are reset, new ones refused."""
        return self._do(
            f"target {_portals((number,))} killed", f"systemctl kill --signal=KILL lab-target@{number}.service"
        )

    def start_target(self, number: int) -> float:
        """Start a target that was killed."""
        unit = f"lab-target@{number}.service"
        command = f"systemctl reset-failed {unit}; systemctl start {unit}"
        return self._do(f"target {_portals((number,))} started", command)

    def logout(self, number: int) -> float:
        """Log out of one portal."""
        return self._do(f"logout of {_portals((number,))}", f"iscsiadm -m node -p {san.PORTALS[number]} --logout")

    def login(self, number: int) -> float:
        """Log in to one portal."""
        return self._do(f"login to {_portals((number,))}", f"iscsiadm -m node -p {san.PORTALS[number]} --login")

    def set_device_state(self, device: str, state: str) -> float:
        """Write `offline` or `running` to the state of a SCSI disk (sdX)."""
        # The kernel takes the word only with a newline, which echo brings.
        return self._do(f"{device} set {state}", f"echo {state} > /sys/block/{device}/device/state")

    def set_recovery_tmo(self, number: int, value: str) -> float:
        """Write to the recovery_tmo of the session to a portal: seconds, or `off`."""
        address = san.PORTALS[number].partition(":")[0]
        script = (
            "for connection in /sys/class/iscsi_connection/connection*:0; do "
            f"test $(cat $connection/persistent_address) != {address} || "
            f"echo {value} | tee $connection/device/../iscsi_session/session*/recovery_tmo; done"
        )
        return self._do(f"recovery_tmo of the session to {san.PORTALS[number]}: {value}", script)

    def fail_path(self, device: str) -> float:
        """Have multipathd fail a path. It stays failed until it is reinstated by hand."""
        return self._do(f"multipathd fail path {device}", f"multipathd fail path {device}")

    def reinstate_path(self, device: str) -> float:
        """Have multipathd reinstate a path."""
        return self._do(f"multipathd reinstate path {device}", f"multipathd reinstate path {device}")

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
        self._say(f"journald frozen with a full queue, and then the link to {_portals((number,))} down for {down:g} s")
        self._guest.write_file("/run/lab/frozen_journald.py", FROZEN_SCRIPT.read_text(encoding="utf-8"))
        self._guest.run(f"rm -f {FROZEN_LOG}")
        cables = ",".join(self._san.cables(number))
        command = ["/usr/bin/python3", "/run/lab/frozen_journald.py", cables, str(down), str(up), unit, FROZEN_LOG]
        self._guest.start(command)
        time.sleep(down + up)
        shown = wait_for(lambda: self._guest.run(f"cat {FROZEN_LOG} || true") or None, "journald to go on", 60.0)
        found = json.loads(shown)
        self._say("journald thawed")
        return Frozen(**found)

    def add_lun(self, lun: int) -> float:
        """Export a new LUN from both targets and rescan."""
        self._say(f"LUN {lun} added")
        at = self._guest.now()
        san.add_lun(self._guest, lun)
        return at

    def remove_lun(self, name: str, lun: int) -> float:
        """Flush the map of a LUN, delete its disks, and unexport it."""
        self._say(f"LUN {lun} ({name}) removed")
        at = self._guest.now()
        san.remove_lun(self._guest, name, lun)
        return at

    def _plug(self, what: str, state: str, *links: tuple[str, ...]) -> float:
        return self._do(what, *(f"ip -n san link set {cable} {state}" for link in links for cable in link))

    def _do(self, what: str, *commands: str) -> float:
        self._say(what)
        return self._guest.timed(" && ".join(commands))


def _set_online(number: int, lun: int, online: int) -> str:
    update = f"tgtadm -C {number} --lld iscsi --op update --mode logicalunit --tid 1 --lun {lun}"
    return f"{update} --params online={online}"


def _portals(numbers: tuple[int, ...]) -> str:
    return " and ".join(san.PORTALS[number] for number in numbers)
