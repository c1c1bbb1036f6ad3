"""How long things take in the kernel, in multipathd and in iscsid: the parameters of the model.

Each is taken from the lab's measurements (docs/measured.md) or from the source that its comment names. All are in
seconds. Where a range is given, the seed decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

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
    """Between two attempts of iscsid that are refused."""
    login_timeout: float = 15.0
    login: Range = (0.02, 0.3)
    """From the answered connect to LOGGED_IN."""
    syn_retries: tuple[float, ...] = (0.0, 1.0, 3.0, 7.0)
    """Seconds after the beginning of a connect at which TCP sends its SYN."""
    carrier_reported: Range = (0.05, 1.0)
    """From a change of the carrier to rtnetlink's message (net/core/link_watch.c delays it by up to a second)."""
    io_fails: Range = (0.002, 0.15)
    """From a state of a disk that fails I/O to dm's PATH_FAILED, while I/O is sent there."""
    uevent: Range = (0.001, 0.03)
    """From a transition in the kernel to the daemon's socket."""
    netlink: Range = (0.0005, 0.005)
    command: Range = (0.02, 0.15)
    """multipathd's answer to a listing."""
    access_reported: Range = (0.1, 3.0)
    """From the first command after an array's change to the kernel's new access state (scsi_dh_alua.c)."""
    device_scan: Range = (0.05, 0.3)
    """From a login to the disks, and from there to multipathd, by udev."""
    map_loaded: Range = (0.1, 0.5)
    restart: Range = (0.3, 2.0)
    """systemd starts a killed multipathd again."""

    def timer_lateness(self, random: Random, seconds: float) -> float:
        """How much later than after ``seconds`` a timer of the kernel expires (kernel/time/timer.c)."""
        return random.uniform(0.0, seconds / 8 if seconds > 16.0 else 0.26)
