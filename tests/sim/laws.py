"""How long things take in the kernel, in multipathd and in iscsid: the parameters of the model.

Each is taken from the lab's measurements (docs/measured.md) or from the source that its comment names. All are in
seconds. Where a range is given, the seed decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.sim.world.shape import DEBIAN_13

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Laws:
    """The laws of one simulated host."""

    ping_timer_lateness: Range = (0.0, 1.0)
    """A timer that finds a ping pending is armed again for 1 s (iscsi_check_transport_timeouts() in libiscsi.c)."""
    session_down: Range = (0.0, 0.03)
    """From the error to the session's state, by a work queue (iscsi_conn_error_event())."""
    disks_follow: Range = (0.0, 0.02)
    """From the session's state to that of its disks, by another work queue."""
    time_to_wait: float = 2.0
    """DefaultTime2Wait, before iscsid connects again (usr/initiator.c of open-iscsi)."""
    retry: float = 3.0
    """Between two attempts of iscsid that fail."""
    login_timeout: float = 15.0
    login: Range = (0.02, 0.3)
    """From the answered connect to LOGGED_IN."""
    connect_poll: float = 1.0
    """iscsid looks this often at a connect that was not answered at once: lab, Debian 13, silent drop (LOGGED_IN a
    whole number of seconds after the connect, and 0.0 to 0.3 s)."""
    syn_retries: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0)
    """Seconds after the beginning of a connect at which TCP sends its SYN: since Linux 6.5, it doubles the pause after
    four (net.ipv4.tcp_syn_linear_timeouts). Lab, Debian 13: a login 12.3 s after the connect, none after 8 or 15 s."""
    neighbour_probes: tuple[float, ...] = (0.0, 1.0, 2.0)
    unreachable: float = 4.0
    """Without a carrier: when ARP asks for the portal, and when the connect fails with "No route to host". Lab, both
    versions: 4.0 s after the connect, 7.0 s after the last such failure."""
    link_active: Range = (0.0, 1.0)
    """From a carrier that is back to packets that pass, as often as not: linkwatch calls dev_activate() at once, unless
    another link has changed within a second (net/core/link_watch.c). Lab: of two connects that began 0.2 s after the
    carrier was back, one was answered at once and one 2 s later."""
    carrier_reported: Range = (0.05, 1.0)
    """From a change of the carrier to rtnetlink's message (net/core/link_watch.c delays it by up to a second)."""
    io_fails: Range = (0.002, 0.15)
    """From a state of a disk that fails I/O to dm's PATH_FAILED, while I/O is sent there."""
    uevent: Range = (0.001, 0.03)
    """From a transition in the kernel to the daemon's socket."""
    netlink: Range = (0.0005, 0.005)
    late_answers: float = 0.5
    """Share of the checks whose answer multipathd collects in the next second only. Lab, Debian 13: 3 of 9 answers
    after an outage (causes_thrice), and all 7 after a port group's change (array_unavailable)."""
    alignment: Range = (0.67, 1.0)
    """What multipathd makes of the interval of a failed path, to check all paths of a map at once (since 0.10). Lab,
    Debian 13: 2 or 3 s at an interval of 3 s; 15 and 18 s at 20 s."""
    command: Range = (0.02, 0.15)
    """multipathd's answer to a listing."""
    access_reported: Range = (0.0, 3.0)
    """From the first command after an array's change to the kernel's new access state (scsi_dh_alua.c). Lab, Debian 13,
    array_unavailable: 0.0 s, 8 times."""
    command_limit: Range = (180.0, 181.0)
    """The kernel gives up a command that an array in transition does not serve: after 6 times the disk's timeout of
    30 s. Lab, Debian 13: dm failed the path 180.8 s after the change."""
    device_scan: Range = (0.05, 0.6)
    """From a login to its disks. Lab, Debian 13: 0.0 to 0.5 s, 4 times."""
    map_loaded: Range = (0.1, 2.0)
    """Lab, Debian 13: 0.7 to 2.1 s from the login to the map, 4 times."""
    map_unloaded: Range = (0.05, 0.4)
    """From a disk that is removed to a map without it. Lab: 0.1 to 0.4 s; I/O on its way fails the path meanwhile."""
    restart: Range = (0.3, 2.0)
    """systemd starts a killed multipathd again."""

    @classmethod
    def of(cls, version: tuple[int, ...]) -> Laws:
        """The laws of the Debian release that has this version of multipath-tools."""
        return cls(syn_retries=(0.0, 1.0, 3.0, 7.0)) if version < DEBIAN_13 else cls()

    def activation(self, random: Random) -> float:
        """Seconds from a carrier that is back to packets that pass."""
        return random.uniform(*self.link_active) if random.random() < 0.5 else 0.0

    def timer_lateness(self, random: Random, seconds: float) -> float:
        """How much later than after ``seconds`` a timer of the kernel expires (kernel/time/timer.c)."""
        return random.uniform(0.0, seconds / 8 if seconds > 16.0 else 0.26)
