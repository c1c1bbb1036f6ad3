"""The alerts: every kind of journal entry with its MESSAGE_ID, its priority, its meaning and its remedy.

The catalog (``journalctl -x``) and docs/alerts.md are generated from this table.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from mpathd_watch.immutable import immutable


class Priority(IntEnum):
    """Syslog priorities, as in sd-daemon(3)."""

    CRIT = 2
    ERR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


@immutable
class AlertText:
    """The catalog's texts about an alert."""

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
        "The kernel and multipathd still report the path as usable, but one of two things is wrong. Either no data "
        "has come from the target for longer than noop_out_interval and a grace (silence_grace_seconds), or the "
        "network interface that carries the session has lost its carrier or its address. I/O on the path may hang "
        "until the kernel detects the loss as well and the replacement timeout has passed. If several paths of one "
        "session become suspect together, the entry of the first one counts the others. The entry wakes people only "
        "as the first one of its incident; the others have priority info.",
        "Check the connection to the portal @MPATHD_WATCH_PORTAL@ now: link, switch, target. The message names the "
        "state of the network interface and of the map's other paths. If the path is up again without a failure, the "
        "connection is slow or loses packets.",
    )
    PATH_STALLED = AlertText(
        "da178486e8fa4df8b5e8edc159092d68",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is stalled",
        "The connection behind this path is down, or the SCSI device is blocked. The kernel holds the I/O that was "
        "sent over the path: it neither completes nor fails it. If the connection does not return within the "
        "replacement timeout that is in force (recovery_tmo), the kernel fails the path and multipath sends the I/O "
        "over another one. multipathd still reports a stalled path as ready. A path is stalled, too, while the array "
        "changes the state of its port group (ALUA).",
        "Check the connection to the portal @MPATHD_WATCH_PORTAL@: link, switch, target. If the other paths are up, "
        "nothing needs to be done on this host.",
    )
    PATH_FAILED = AlertText(
        "549a25f9d5274012aeaa5f6ef18b0c17",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ has failed",
        "No I/O goes over this path any more: device-mapper or multipathd's checker has failed it, or the kernel has "
        "given up its device.",
        "Find the cause (MPATHD_WATCH_CAUSE names what is known) and restore the connection. multipathd reinstates "
        "the path at its next check. A device in state offline (not transport-offline) stays offline until an "
        "administrator writes 'running' to its state attribute in sysfs.",
    )
    PATH_MISSING = AlertText(
        "098631b3fba344ccbbb4eed64806501f",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is missing",
        "The map no longer has this path: its session was logged out, its device was removed, or the map was reloaded "
        "without it. Or the path was expected and did not come back after a restart. multipathd lists no missing "
        "path.",
        "If the path was not removed on purpose, log its session in again (iscsiadm -m node -T @MPATHD_WATCH_TARGET@ "
        "-p @MPATHD_WATCH_PORTAL@ --login). If the session is logged in, rescan it (iscsiadm -m session --rescan) and "
        "check the LUN mapping of the array. If the path is gone for good: mpathd-watch forget --map "
        "@MPATHD_WATCH_MAP@ --path @MPATHD_WATCH_PATH@.",
    )
    PATH_CAUSE = AlertText(
        "3f91ec23a7ee49129fe102f787ff8972",
        Priority.INFO,
        "Why path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ failed",
        "The cause was not known when the failure was logged. The evidence was read a moment later.",
        "/usr/share/doc/mpathd-watch/early-warning.md lists the evidence for each MPATHD_WATCH_CAUSE.",
    )
    PATH_RECOVERING = AlertText(
        "2eb0de29f16d41db840e01a154548f45",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is recovering",
        "The connection is back and the SCSI device is running, but multipathd has not yet checked and reinstated the "
        "path.",
        "Wait for the next checks of multipathd. If the path stays in this state, check whether multipathd runs and "
        "what its checker reports (multipathd show paths).",
    )
    PATH_REINSTATED = AlertText(
        "8be526cdeaa64729afe4aea0761ad7a5",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is up again",
        "The outage is over, and the path takes I/O.",
        "Nothing needs to be done. MPATHD_WATCH_OUTAGE selects all entries of this outage.",
    )
    PATH_ADDED = AlertText(
        "374976b8930a4fd0ac4a57d86c585f1c",
        Priority.INFO,
        "Map @MPATHD_WATCH_MAP@ has a new path @MPATHD_WATCH_PATH@",
        "The path was added to the map. From now on it is expected there.",
        "Nothing needs to be done.",
    )
    PATH_REMOVED = AlertText(
        "75568e7ac43f40b4b53c6f09ccb37e23",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ was removed with its map @MPATHD_WATCH_MAP@",
        "The whole map was removed from device-mapper, and this path with it.",
        "Nothing needs to be done if the LUN was removed on purpose.",
    )
    PATH_FORGOTTEN = AlertText(
        "fc96f719701049f5901aa633561f91c8",
        Priority.INFO,
        "Path @MPATHD_WATCH_PATH@ is no longer expected in map @MPATHD_WATCH_MAP@",
        "An administrator has run mpathd-watch forget. If the path comes back, it is expected again.",
        "Nothing needs to be done.",
    )
    MAP_FORGOTTEN = AlertText(
        "ff6225c724954bb0be1fb0e86219d853",
        Priority.INFO,
        "Map @MPATHD_WATCH_MAP@ is no longer expected",
        "An administrator has run mpathd-watch forget, or has set expect_maps to false. If the map comes back, it is "
        "expected again.",
        "Nothing needs to be done.",
    )
    MAP_REMOVED = AlertText(
        "3bd2cdf3ba584af3902b0e0c6a14d915",
        Priority.INFO,
        "Map @MPATHD_WATCH_MAP@ was removed",
        "The map was removed from device-mapper. With priority info: at least one of its paths was usable, so it was "
        "removed on purpose, and nothing is expected of it any more. With priority notice: none of its paths was "
        "usable, and it remains lost until it is back or forgotten.",
        "If it is gone for good although none of its paths was usable: mpathd-watch forget --map @MPATHD_WATCH_MAP@.",
    )
    MAP_DEGRADED = AlertText(
        "f37f91b3d0a741c09534d96d74e05c52",
        Priority.WARNING,
        "Map @MPATHD_WATCH_MAP@ is degraded",
        "At least two paths are usable, but not every expected path is up.",
        "Find out which path is not up, and why: mpathd-watch status.",
    )
    MAP_AT_RISK = AlertText(
        "1111a03a62704dd38a7b752892b29b85",
        Priority.ERR,
        "Map @MPATHD_WATCH_MAP@ has one usable path left",
        "There is no redundancy. If this path fails too, I/O fails or hangs, depending on no_path_retry.",
        "Restore the other paths before anything else happens on the SAN. If the map is intended to have only one "
        "path, add it to single_path_ok in /etc/mpathd-watch/config.toml.",
    )
    MAP_LOST = AlertText(
        "b0f6b086226247da9881a9cbd431ee87",
        Priority.CRIT,
        "Map @MPATHD_WATCH_MAP@ has no usable path",
        "I/O to this disk fails, or hangs for as long as the map queues it. Or the map was expected and did not come "
        "back after a restart.",
        "Restore any of its paths. File systems may have become read-only: check them afterwards. If it is gone for "
        "good: mpathd-watch forget --map @MPATHD_WATCH_MAP@.",
    )
    MAP_IO_FAILS = AlertText(
        "54e86cdb8d3b4b0d9093f1d3d6a1ad69",
        Priority.INFO,
        "I/O to map @MPATHD_WATCH_MAP@ fails now",
        "The map has had no usable path for longer than its I/O may wait (no_path_retry), or somebody has turned the "
        "queueing off: multipathd or the kernel has failed the I/O that was waiting, and whatever follows fails at "
        "once. If its incident has not had three entries yet, one of them reports this, too.",
        "Restore any of its paths. Then check what was on the disk: file systems may have become read-only, and "
        "databases may have stopped.",
    )
    MAP_RECOVERED = AlertText(
        "a6759b8ec6e54ea88fc9bd449d04f2b5",
        Priority.NOTICE,
        "Map @MPATHD_WATCH_MAP@ is healthy again",
        "Every expected path is up.",
        "Nothing needs to be done.",
    )
    INCIDENT_BEGAN = AlertText(
        "26ab208a1a684995b1983048ce74503c",
        Priority.ERR,
        "Paths are out: one cause, one incident",
        "One cause has taken one or more paths. This entry counts them a second later, names what they have in common, "
        "and reports what is left of their maps. Its priority follows from the worst of these: warning if every map "
        "has at least two paths left, err if one map has only one left, crit if one has none. All other entries about "
        "these paths, their sessions and maps have priority info and the same MPATHD_WATCH_INCIDENT.",
        "Check what the message names: the session, the interface, the portal, the target or the array. "
        "journalctl MPATHD_WATCH_INCIDENT=@MPATHD_WATCH_INCIDENT@ lists all that belongs to it, and mpathd-watch "
        "status what is so now. If a path was taken away on purpose and for good, run mpathd-watch forget.",
    )
    INCIDENT_WORSE = AlertText(
        "2c98cd32b3ad42c18302ccea16426248",
        Priority.ERR,
        "An incident has become worse",
        "The same cause has taken more paths, and a map is worse than was reported, or more maps are as bad. An "
        "incident has at most three entries of priority warning or worse; a map without any path has one in any case.",
        "As for the entry with which the incident began: the same MPATHD_WATCH_INCIDENT.",
    )
    INCIDENT_ENDED = AlertText(
        "0bbb4115985c482ebcb1f794419071c2",
        Priority.NOTICE,
        "An incident is over",
        "Every path that the incident had taken is up again, or is not expected any more. The entry counts them, and "
        "reports how long it took and whether the failovers kept their budget.",
        "Nothing needs to be done, unless the message names maps that are still not healthy. mpathd-watch history "
        "lists the outages.",
    )
    SESSION_LOST = AlertText(
        "4a7eaffac0a94ed69ec1ecd4befefc65",
        Priority.ERR,
        "iSCSI session @MPATHD_WATCH_SESSION@ is lost",
        "The session is down or gone, and so is every path through it. The entry has priority info if paths went "
        "through it: the entries of their incident are what wakes people. It has priority err if none did.",
        "Check the connection to the portal @MPATHD_WATCH_PORTAL@, and the target. iscsid logs in again by itself "
        "unless the session was logged out. If it was logged out for good, run mpathd-watch forget for the paths that "
        "went through it.",
    )
    SESSION_RESTORED = AlertText(
        "c6f1f619b222445386151378e403f7a1",
        Priority.NOTICE,
        "iSCSI session @MPATHD_WATCH_SESSION@ is logged in again",
        "multipathd reinstates the session's paths as it checks them.",
        "Nothing needs to be done.",
    )
    PORT_GROUP_DOWN = AlertText(
        "4d4139a6eade42cd9d056db99a86a4e2",
        Priority.ERR,
        "Port group @MPATHD_WATCH_PORT_GROUP@ of the array takes no I/O",
        "The array has put a target port group into a state in which it takes no I/O (ALUA), and several paths have "
        "failed with it. Their transport works. The entries of their incident are what wakes people; this one has "
        "priority info. While the array only changes the state of the group, the kernel retries I/O, by default for "
        "up to 60 s.",
        "Check the array: a controller may be under maintenance, restarting or failed. If the other paths are up, "
        "nothing needs to be done on this host.",
    )
    PORT_GROUP_UP = AlertText(
        "74b9f40fa9ef4a03a16d34f1c2aac117",
        Priority.NOTICE,
        "Port group @MPATHD_WATCH_PORT_GROUP@ of the array takes I/O again",
        "All paths that failed with the port group are up again.",
        "Nothing needs to be done.",
    )
    ARRAY_MOVED = AlertText(
        "928584f242b24dd29a5aca4d8cbda599",
        Priority.NOTICE,
        "The array has moved LUNs between its port groups",
        "Other paths are active/optimized now: a controller has failed over, or its LUNs were moved on purpose. One "
        "entry counts all LUNs that moved together.",
        "Nothing needs to be done if that was intended. Otherwise check the controllers of the array.",
    )
    LUN_RESIZED = AlertText(
        "d835ec6e00204551b67214f7f09ec5ae",
        Priority.WARNING,
        "The array has changed the size of the LUN behind map @MPATHD_WATCH_MAP@",
        "The target has reported a new size of the LUN. With priority info: the map and all its disks use it, or the "
        "sizes are not known. With priority warning: a minute later some of them, or all, still use the old one.",
        "If the LUN has grown, rescan each disk (iscsiadm -m session --rescan, or echo 1 > "
        "/sys/block/sdX/device/rescan), then run multipathd resize map @MPATHD_WATCH_MAP@. If it has shrunk, stop what "
        "writes to it: data beyond the new end is lost.",
    )
    THIN_POOL_FILLING = AlertText(
        "d869f62ad7dd4ea38933a7190c82afc2",
        Priority.WARNING,
        "The pool behind thin LUNs of @MPATHD_WATCH_TARGET@ is nearly full",
        "The target has reported that a threshold of a thin-provisioned LUN was reached. When the pool is full, writes "
        "fail on all paths at once, and multipath does not help.",
        "Free space in the pool of the array, or enlarge it. Discard unused blocks (fstrim) if the array supports it.",
    )
    UNIT_ATTENTION = AlertText(
        "2cc3205319a745148e200cf8294e6857",
        Priority.INFO,
        "@MPATHD_WATCH_TARGET@ has reported a change: @MPATHD_WATCH_ATTENTION@",
        "The target has answered a command with a unit attention. What was reported within a second is in one entry.",
        "Nothing needs to be done if the change was intended. The message says what else to do.",
    )
    PATH_FLAPPING = AlertText(
        "0185138d69994b9e9d753313ade325a7",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is flapping",
        "The path fails and returns repeatedly. This entry is logged once. The single failures that follow have "
        "priority info until the path has been up for a whole window (flap_window_seconds) without a failure.",
        "Look for a loose cable, a failing transceiver, a port that renegotiates its link, a target that restarts. "
        "Consider taking the path out of use until the fault is fixed: multipath.conf(5) has marginal_path_* and "
        "san_path_err_* for that.",
    )
    PATH_SLOW = AlertText(
        "85ffef92b66140439442b92795d8a942",
        Priority.WARNING,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is slower than its siblings",
        "Its I/O takes much longer than that of its siblings, the other paths of the same path group and access state; "
        "or the round trip of its TCP connection has taken at least three times as long as those of the map's other "
        "sessions for a minute. The entry has both values, over how many seconds and I/Os they were compared. "
        "/usr/share/doc/mpathd-watch/early-warning.md describes the comparison.",
        "Check the connection to the portal @MPATHD_WATCH_PORTAL@: a link that has negotiated a lower speed, errors "
        "on a port, a congested switch, a busy controller. mpathd_watch_session_tcp_retransmits_total rises with lost "
        "packets.",
    )
    PATH_STEADY = AlertText(
        "91343155acbe416fa90b61ebefb12016",
        Priority.NOTICE,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is steady again",
        "The earlier path_flapping or path_slow alert is resolved; MPATHD_WATCH_ENDED names which.",
        "Nothing needs to be done.",
    )
    PATH_OVERDUE = AlertText(
        "2b68a6585e0c410bb275bf4233d9b7aa",
        Priority.ERR,
        "Path @MPATHD_WATCH_PATH@ of map @MPATHD_WATCH_MAP@ is overdue",
        "The current phase has lasted longer than the timeouts in force allow. By now the kernel should have dropped "
        "the session of a suspect path, the I/O of a stalled path should have moved to another one, and multipathd "
        "should have reinstated a path whose connection is back.",
        "If the path is suspect or stalled, I/O may hang that other paths could serve: check the kernel's log "
        "(journalctl -k) and recovery_tmo of the session. If it is recovering, check whether multipathd runs and "
        "answers, and what its checker reports (multipathd show paths).",
    )
    CONFIG_FINDING = AlertText(
        "86480955b25f4f00926b58e1c4eed918",
        Priority.WARNING,
        "The configuration of multipath or iSCSI needs attention: @MPATHD_WATCH_CODE@",
        "What is configured is not in force, or will do harm when a path fails. "
        "/usr/share/doc/mpathd-watch/findings.md explains each MPATHD_WATCH_CODE.",
        "mpathd-watch check lists all findings, with the consequence and the remedy of each.",
    )
    SOURCE_DOWN = AlertText(
        "1244e9c9a7ce40adb7e358719e4831b5",
        Priority.WARNING,
        "mpathd-watch gets no answer from @MPATHD_WATCH_SOURCE@",
        "What only this source knows is reported as unknown until the source answers again. Everything else goes on.",
        "The message names the reason and the remedy.",
    )
    SOURCE_UP = AlertText(
        "40d2053378bd431bb61798ca006a7698",
        Priority.NOTICE,
        "mpathd-watch gets answers from @MPATHD_WATCH_SOURCE@ again",
        "Everything that this source knows is read again.",
        "Nothing needs to be done.",
    )
    EVENTS_LOST = AlertText(
        "4b9272e375a445ecb9212f5e9f4c856b",
        Priority.WARNING,
        "The kernel dropped uevents for mpathd-watch",
        "More events arrived than the socket's buffer holds. mpathd-watch reads the whole state again. A path that "
        "failed and returned in that moment may have gone unnoticed.",
        "Leave CAP_NET_ADMIN to the service, which allows it a larger buffer, or raise net.core.rmem_max.",
    )

    @property
    def event(self) -> str:
        """The value of ``MPATHD_WATCH_EVENT``."""
        return self.name.lower()
