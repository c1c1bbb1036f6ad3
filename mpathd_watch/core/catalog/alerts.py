"""The alerts: every kind of journal entry with its MESSAGE_ID, its priority and what to do about it.

The catalog (``journalctl -x``) and docs/alerts.md are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Priority(IntEnum):
    """Syslog priorities, as in sd-daemon(3)."""

    CRIT = 2
    ERR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


@dataclass(frozen=True, slots=True)
class AlertText:
    """What the catalog says of an alert."""

    message_id: str
    priority: Priority
    subject: str
    meaning: str
    remedy: str


class AlertKind(Enum):
    """Every kind of alert; the member's name in lower case is ``MPATHD_WATCH_EVENT``."""

    PATH_SUSPECT = AlertText(
        "6770d2e3378a49bb82ad6b040c8297ea",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is suspect",
        "The kernel and multipathd still call the path fine, but nothing has been heard of its session for longer than "
        "noop_out_interval and a grace, or the network interface that carries it has lost its carrier or its address. "
        "I/O that was sent over it may hang until the kernel notices, too, and the replacement timeout has passed. The "
        "entry of one path speaks for all that go through the same session.",
        "Look at the way to the portal @MPATHD_WATCH_PORTAL@ now: link, switch, target. The message says whether the "
        "network interface has carrier and how the sibling paths fare. If it becomes up again by itself, the way is "
        "slow or loses packets.",
    )
    PATH_STALLED = AlertText(
        "da178486e8fa4df8b5e8edc159092d68",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is stalled",
        "The connection behind this path is down or the device is blocked. The kernel holds the I/O that was sent over "
        "it, neither failed nor completed, until the connection returns or the session's live replacement timeout "
        "(recovery_tmo) has passed; then it fails the path and multipath sends the I/O over another one. "
        "multipathd still calls such a path ready.",
        "Look at the way to the portal @MPATHD_WATCH_PORTAL@: link, switch, target. If the other paths are up, nothing "
        "on this host needs to be done.",
    )
    PATH_FAILED = AlertText(
        "549a25f9d5274012aeaa5f6ef18b0c17",
        Priority.ERR,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ has failed",
        "No I/O goes over this path any more: device-mapper or multipathd's checker has failed it, or the kernel has "
        "given its device up.",
        "Find out what broke it (MPATHD_WATCH_CAUSE says what is known) and bring the connection back; multipathd then "
        "reinstates the path by itself at its next check. A device in state offline (not transport-offline) stays so "
        "until somebody writes running into its state attribute.",
    )
    PATH_MISSING = AlertText(
        "098631b3fba344ccbbb4eed64806501f",
        Priority.ERR,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is missing",
        "The map had this path and has it no longer: its session was logged out, its device was removed, or the map "
        "was reloaded without it. multipathd does not list such a path at all.",
        "If it was not meant to go, log the session in again (iscsiadm -m node -T @MPATHD_WATCH_TARGET@ -p "
        "@MPATHD_WATCH_PORTAL@ --login). If it was, restart mpathd-watch, which then learns the paths anew.",
    )
    PATH_CAUSE = AlertText(
        "3f91ec23a7ee49129fe102f787ff8972",
        Priority.NOTICE,
        "Why path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ failed",
        "The cause was not known when the failure was told: what tells it was read a moment later.",
        "docs/early-warning.md tells what speaks for each MPATHD_WATCH_CAUSE.",
    )
    PATH_RECOVERING = AlertText(
        "2eb0de29f16d41db840e01a154548f45",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is recovering",
        "The connection is back and the device is running, but multipathd has not yet checked and reinstated the path.",
        "Wait one polling_interval of multipathd. If the path stays like this, see whether multipathd runs and what "
        "its checker says.",
    )
    PATH_REINSTATED = AlertText(
        "8be526cdeaa64729afe4aea0761ad7a5",
        Priority.NOTICE,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is up again",
        "The outage is over and the path takes I/O.",
        "Nothing. MPATHD_WATCH_OUTAGE selects all entries of this outage.",
    )
    PATH_ADDED = AlertText(
        "374976b8930a4fd0ac4a57d86c585f1c",
        Priority.INFO,
        "Map @MPATHD_WATCH_MAP@ has a new path @MPATHD_WATCH_PATH@",
        "The path was added to the map and is expected there from now on.",
        "Nothing.",
    )
    PATH_REMOVED = AlertText(
        "75568e7ac43f40b4b53c6f09ccb37e23",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ went with its map @MPATHD_WATCH_MAP@",
        "The whole map was removed from device-mapper, and this path with it.",
        "Nothing, if the LUN was meant to go.",
    )
    MAP_DEGRADED = AlertText(
        "f37f91b3d0a741c09534d96d74e05c52",
        Priority.WARNING,
        "Map @MPATHD_WATCH_MAP@ is degraded",
        "At least two paths are usable, but not all that are expected.",
        "See which path is not up (mpathd-watch status) and why.",
    )
    MAP_AT_RISK = AlertText(
        "1111a03a62704dd38a7b752892b29b85",
        Priority.ERR,
        "Map @MPATHD_WATCH_MAP@ has one usable path left",
        "There is no redundancy: if this path fails too, I/O fails or hangs, as no_path_retry says.",
        "Bring the other paths back before anything else happens on the SAN. If the map is meant to have one path "
        "only, name it in single_path_ok in /etc/mpathd-watch/config.toml.",
    )
    MAP_LOST = AlertText(
        "b0f6b086226247da9881a9cbd431ee87",
        Priority.CRIT,
        "Map @MPATHD_WATCH_MAP@ has no usable path",
        "I/O to this disk fails, or hangs for as long as the map queues.",
        "Bring any path back. File systems may have gone read-only: check them afterwards.",
    )
    MAP_RECOVERED = AlertText(
        "a6759b8ec6e54ea88fc9bd449d04f2b5",
        Priority.NOTICE,
        "Map @MPATHD_WATCH_MAP@ is healthy again",
        "Every expected path is up.",
        "Nothing.",
    )
    SESSION_LOST = AlertText(
        "4a7eaffac0a94ed69ec1ecd4befefc65",
        Priority.ERR,
        "iSCSI session @MPATHD_WATCH_SESSION@ is lost",
        "The session is down or gone, and every path through it with it. The entries of those paths have priority info "
        "until they are up again: this is the alert.",
        "Look at the way to the portal @MPATHD_WATCH_PORTAL@ and at the target. iscsid logs in again by itself unless "
        "the session was logged out.",
    )
    SESSION_RESTORED = AlertText(
        "c6f1f619b222445386151378e403f7a1",
        Priority.NOTICE,
        "iSCSI session @MPATHD_WATCH_SESSION@ is logged in again",
        "Its paths come back as multipathd checks them.",
        "Nothing.",
    )
    PATH_FLAPPING = AlertText(
        "0185138d69994b9e9d753313ade325a7",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is flapping",
        "The path fails and returns again and again. This entry is told once; the single failures that follow have "
        "priority info until the path has been up for a whole window (flap_window_seconds) without any.",
        "Look for a loose cable, a dying transceiver, a port that negotiates anew, a target that restarts. Until it is "
        "mended, consider taking it out of use; multipath.conf(5) has marginal_path_* and san_path_err_* for that.",
    )
    PATH_SLOW = AlertText(
        "85ffef92b66140439442b92795d8a942",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is slower than its siblings",
        "For a minute and longer its I/O, or the round trip of its TCP connection, has taken at least three times as "
        "long as that of the map's other paths. docs/early-warning.md says how that is computed.",
        "Look at the way to the portal @MPATHD_WATCH_PORTAL@: a link that has negotiated a lower speed, errors on a "
        "port, a congested switch, a busy controller. session_tcp_retransmits_total tells of lost packets.",
    )
    PATH_STEADY = AlertText(
        "91343155acbe416fa90b61ebefb12016",
        Priority.NOTICE,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is steady again",
        "What had been told of the path is over: it flaps no more, or is no longer slower than its siblings.",
        "Nothing.",
    )
    PATH_OVERDUE = AlertText(
        "2b68a6585e0c410bb275bf4233d9b7aa",
        Priority.ERR,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is overdue",
        "What the path is in should have been over by now, by the timeouts in force: a stalled path should have been "
        "failed and its I/O be on another one, or a path whose connection is back should have been reinstated.",
        "A stalled path: I/O may be hanging that the other paths could serve; see the kernel's log (journalctl -k) and "
        "recovery_tmo of the session. A recovering one: see whether multipathd runs and answers, and what its checker "
        "says (multipathd show paths).",
    )
    CONFIG_FINDING = AlertText(
        "86480955b25f4f00926b58e1c4eed918",
        Priority.WARNING,
        "The configuration of multipath or iSCSI should be looked at: @MPATHD_WATCH_CODE@",
        "What is configured is not what is in force, or will do harm when a path fails. docs/findings.md explains each "
        "MPATHD_WATCH_CODE.",
        "mpathd-watch check lists everything that is found, with what it leads to and what to change.",
    )
    SOURCE_DOWN = AlertText(
        "1244e9c9a7ce40adb7e358719e4831b5",
        Priority.WARNING,
        "mpathd-watch can no longer ask @MPATHD_WATCH_SOURCE@",
        "What only this source knows is shown as unknown until it answers again; everything else goes on.",
        "The message names the reason and the remedy.",
    )
    SOURCE_UP = AlertText(
        "40d2053378bd431bb61798ca006a7698",
        Priority.NOTICE,
        "@MPATHD_WATCH_SOURCE@ answers mpathd-watch again",
        "What it knows is being read anew.",
        "Nothing.",
    )
    EVENTS_LOST = AlertText(
        "4b9272e375a445ecb9212f5e9f4c856b",
        Priority.WARNING,
        "The kernel dropped uevents for mpathd-watch",
        "More events came than the socket's buffer holds. Everything is read anew; a path that failed and returned "
        "within that moment may not have been seen.",
        "Let the service keep CAP_NET_ADMIN, which lets it have a larger buffer, or raise net.core.rmem_max.",
    )

    @property
    def event(self) -> str:
        """The value of ``MPATHD_WATCH_EVENT``."""
        return self.name.lower()
