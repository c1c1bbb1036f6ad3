"""Ways to break a SAN, and to mend it. Each returns the guest's CLOCK_MONOTONIC, in seconds, just before it acted."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.kit import san
from tests.lab.kit.guest import Guest

SILENT_DROP = """\
table inet lab {
  chain input { type filter hook input priority 0; iifname "%(link)s" drop; }
  chain output { type filter hook output priority 0; oifname "%(link)s" drop; }
}
"""


class Faults:
    """Faults of one guest. `number` is that of a link and its target: 1 or 2."""

    def __init__(self, guest: Guest, say: Callable[[str], None]) -> None:
        self._guest = guest
        self._say = say

    def link_down(self, *numbers: int) -> float:
        """Pull the cables: both ends lose carrier."""
        return self._do(
            f"link to {_portals(numbers)} down", *(f"ip -n san link set t{number} down" for number in numbers)
        )

    def link_up(self, *numbers: int) -> float:
        """Plug the cables back in."""
        return self._do(f"link to {_portals(numbers)} up", *(f"ip -n san link set t{number} up" for number in numbers))

    def drop_silently(self, number: int) -> float:
        """Drop every packet at the target's end of a link; the carrier stays."""
        self._guest.write_file("/run/lab/drop.nft", SILENT_DROP % {"link": f"t{number}"})
        return self._do(f"link to {_portals((number,))} drops everything", "ip netns exec san nft -f /run/lab/drop.nft")

    def drop_nothing(self) -> float:
        """End all silent drops."""
        return self._do("no link drops anything", "ip netns exec san nft flush ruleset")

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
        """Kill multipathd with SIGKILL. Its unit may start it anew at once."""
        return self._do("multipathd killed", "kill -KILL $(pidof multipathd)")

    def freeze_multipathd(self) -> float:
        """Stop multipathd with SIGSTOP: it still accepts connections and never answers."""
        return self._do("multipathd frozen", "kill -STOP $(pidof multipathd)")

    def thaw_multipathd(self) -> float:
        """Let a frozen multipathd go on."""
        return self._do("multipathd thawed", "kill -CONT $(pidof multipathd)")

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

    def _do(self, what: str, *commands: str) -> float:
        self._say(what)
        return self._guest.timed(" && ".join(commands))


def _portals(numbers: tuple[int, ...]) -> str:
    return " and ".join(san.PORTALS[number] for number in numbers)
