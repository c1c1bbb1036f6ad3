"""Every kind of finding: its code, how bad it is, what it leads to. docs/findings.md is made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How bad a finding is; the value is the exit status of a Nagios plugin that reports it."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class FindingText:
    """What the documentation says of a finding."""

    severity: Severity
    title: str
    leads_to: str
    remedy: str


class FindingKind(Enum):
    """Every kind of finding; the member's name in lower case is its code."""

    REFUSED_CONFIGURATION = FindingText(
        Severity.CRITICAL,
        "multipathd refuses the whole configuration",
        "multipathd does not start, or a reconfiguration changes nothing.",
        "Mend the line, then 'multipathd reconfigure', or start multipathd.",
    )
    IMPOSSIBLE_INTERVAL = FindingText(
        Severity.CRITICAL,
        "An interval of multipathd's checks that it can't work with",
        "multipathd hangs while it reads its configuration, or dies of it, at the next start or reconfiguration (seen "
        "with 0.11.1); often the number can't be read and becomes 4294967294.",
        "Set polling_interval and max_polling_interval in defaults to plain numbers of seconds, as 5 and 20.",
    )
    SYNTAX_ERROR = FindingText(
        Severity.WARNING,
        "A line that multipathd or open-iscsi reads otherwise than it was meant",
        "What the line should set is not set, or a section is read as part of another, often without a word in "
        "any log.",
        "Mend the line; for multipath.conf then 'multipathd reconfigure'.",
    )
    OBSOLETE_KEYWORD = FindingText(
        Severity.WARNING,
        "A keyword that multipath-tools ignores, has removed or will remove",
        "It has no effect, or will have none after an upgrade, and whoever reads the file believes that it has.",
        "Write what the message names instead, or delete the line.",
    )
    TOO_NEW_KEYWORD = FindingText(
        Severity.WARNING,
        "A keyword that the installed multipath-tools does not know yet",
        "It has no effect, and whoever reads the file believes that it has.",
        "Delete the line, or install a newer multipath-tools.",
    )
    ODD_REGEX = FindingText(
        Severity.WARNING,
        "A regular expression that does not match what it seems to",
        "A blacklist or device section catches too much, too little or nothing.",
        "Write it as the message says.",
    )
    DUPLICATE_ALIAS = FindingText(
        Severity.WARNING,
        "Two WWIDs have the same alias in multipaths",
        "multipathd drops the alias for one of them, so that map has another name than what is mounted or started by "
        "it.",
        "Give each multipath subsection an alias of its own, then 'multipathd reconfigure'.",
    )
    DUPLICATE_WWID = FindingText(
        Severity.WARNING,
        "A WWID has two subsections in multipaths",
        "multipathd merges them: of what both set only the later counts, and a change to the earlier one does nothing.",
        "Write one subsection, then 'multipathd reconfigure'.",
    )
    CONFIGURATION_NOT_LOADED = FindingText(
        Severity.WARNING,
        "multipathd runs with something else than multipath.conf says",
        "The file has no effect yet, and it will have one at the next restart, perhaps in the middle of an outage.",
        "Run 'multipathd reconfigure', or put the file back as it was.",
    )
    UNREADABLE_FILE = FindingText(
        Severity.INFO,
        "A configuration file could not be read, or not completely",
        "What it configures may be missing from this audit, and findings may be too few or too many.",
        "If it is for want of permission, run the check as root: node records are readable by root only, as they may "
        "hold passwords.",
    )
    REPLACEMENT_TIMEOUT_OVERRIDDEN = FindingText(
        Severity.WARNING,
        "The configured replacement_timeout is not in force: multipathd has overwritten it",
        "A failed path is given up earlier or later than the record says. multipathd writes its fast_io_fail_tmo (5 s "
        "unless set) to recovery_tmo of every iSCSI session whenever it sets up a map, and the kernel then ignores "
        "iscsid's value for the life of the session.",
        'Set fast_io_fail_tmo to what you want, for iSCSI alone in overrides { protocol { type "scsi:iscsi" } }, and '
        "replacement_timeout in the record to the same, so that nobody is misled.",
    )
    SHIPPED_TIMEOUT_OVERRIDDEN = FindingText(
        Severity.INFO,
        "The replacement_timeout that open-iscsi ships with (120 s) is not in force: multipathd has overwritten it",
        "A failed path is given up sooner than the record says, as it should be below multipath; who reads the record "
        "is misled.",
        "Nothing to do; or set replacement_timeout in the record to what is in force.",
    )
    TIMEOUT_NOT_IN_FORCE = FindingText(
        Severity.WARNING,
        "A session runs with another timeout than its record says",
        "Detection or failover takes another time than the record promises.",
        "Log the session out and in again, one path at a time, once the record says what you want; for recovery_tmo "
        "run 'multipathd reconfigure' first, in case multipath.conf was changed since.",
    )
    FAST_IO_FAIL_NOT_IN_FORCE = FindingText(
        Severity.WARNING,
        "fast_io_fail_tmo is set, and a session runs without it",
        "A failed path is given up earlier or later than multipath.conf says.",
        "Run 'multipathd reconfigure', which writes it to every session that is logged in.",
    )
    RECORD_DIFFERS = FindingText(
        Severity.INFO,
        "A node record differs from iscsid.conf",
        "iscsid.conf counts only when a record is made; the session keeps what its record says.",
        "Nothing to do if it is meant; else change the record with iscsiadm -m node -T TARGET -p PORTAL -o update, and "
        "log in anew.",
    )
    LONG_REPLACEMENT_TIMEOUT = FindingText(
        Severity.WARNING,
        "A multipathed session waits two minutes or more before it gives a path up",
        "I/O on that path hangs for as long before it moves to another one. 120 s is meant for sessions that have no "
        "other path.",
        "Set fast_io_fail_tmo in multipath.conf, or replacement_timeout, to some 5 to 20 s.",
    )
    RECOVERY_OFF = FindingText(
        Severity.CRITICAL,
        "A session never gives its path up (recovery_tmo is off)",
        "I/O on that path hangs until the session returns, though other paths are fine.",
        "Set fast_io_fail_tmo in multipath.conf to some seconds.",
    )
    PINGS_OFF = FindingText(
        Severity.WARNING,
        "A session sends no pings (NOP-Out)",
        "A silent failure, such as a dead switch, is found by TCP alone, after many minutes.",
        "Set noop_out_interval and noop_out_timeout to some 5 s.",
    )
    ONE_SIDED_ZERO = FindingText(
        Severity.WARNING,
        "One of the ping's two timeouts is 0 and the other is not",
        "The kernel puts 5 s in place of the 0: pings are sent, though the record looks as if they were off.",
        "Set noop_out_interval and noop_out_timeout in the record both to some 5 s, then log out and in.",
    )
    TIGHT_PINGS = FindingText(
        Severity.WARNING,
        "A session's ping has less than 3 s to be answered",
        "A busy link or target is taken for a dead one, and a path flaps that nothing is wrong with.",
        "Set noop_out_timeout to 5 s or more.",
    )
    MANUAL_STARTUP = FindingText(
        Severity.WARNING,
        "The record of a session in use is not started at boot",
        "After the next reboot this path is missing.",
        "iscsiadm -m node -T TARGET -p PORTAL -o update -n node.startup -v automatic",
    )
    RECORD_WITHOUT_SESSION = FindingText(
        Severity.WARNING,
        "A record that is started at boot has no session",
        "A path that should be there is not.",
        "See why the login fails: iscsiadm -m node -T TARGET -p PORTAL --login",
    )
    SESSION_WITHOUT_PATH = FindingText(
        Severity.WARNING,
        "A session is logged in, and no multipath map uses it",
        "The connection adds no redundancy: its LUNs are not mapped, blacklisted, or used without multipath.",
        "See 'multipath -d -v3' for the disks behind it, and blacklist and find_multipaths in multipath.conf.",
    )
    BLACKLISTED_PATH = FindingText(
        Severity.WARNING,
        "An entry of the blacklist hides disks of a session that is logged in",
        "They are paths to no map: the LUN has less redundancy than it seems, or none.",
        "Narrow the entry, or add 'wwid WWID' to blacklist_exceptions, then 'multipathd reconfigure'; log the session "
        "out if nobody needs it.",
    )
    BLACKLISTED_WWID = FindingText(
        Severity.INFO,
        "A LUN of a session that is logged in is blacklisted by its WWID",
        "It is used without multipath, so over one path only.",
        "Nothing to do if it is meant; else delete the line, then 'multipathd reconfigure'.",
    )
    PATH_NOT_IN_MAP = FindingText(
        Severity.WARNING,
        "Disks that are paths to one LUN are not in a map",
        "The LUN has less redundancy than it seems; who writes to two such disks side by side may destroy its data.",
        "'multipath -a /dev/sdX' adds its WWID to /etc/multipath/wwids, 'find_multipaths yes' in defaults takes every "
        "LUN with two paths; then 'multipathd reconfigure'. 'multipath -d -v3 /dev/sdX' and multipathd's journal tell "
        "more.",
    )
    SINGLE_PATH = FindingText(
        Severity.WARNING,
        "A map has one path",
        "There is no redundancy: when the path fails, so does I/O.",
        "Log in through a second portal, or name the map in single_path_ok.",
    )
    MAP_WITHOUT_PATH = FindingText(
        Severity.CRITICAL,
        "A map has no path at all",
        "Its I/O fails, or hangs if it queues.",
        "Log its sessions in; if the LUN is gone for good, 'multipath -f MAP' once nothing uses the map.",
    )
    SINGLE_PORTAL = FindingText(
        Severity.WARNING,
        "All paths of a map go through one portal",
        "They fail together.",
        "Log in through a second portal on another link.",
    )
    SINGLE_NIC = FindingText(
        Severity.WARNING,
        "All paths of a map go through one network interface",
        "They fail together, with the interface, its cable or its switch.",
        "Bind a session to another interface: iscsiadm -m iface -I NAME -o update -n iface.net_ifacename -v NIC, then "
        "discover and log in with -I NAME; or see to a route through it. A bond of several is not reported.",
    )
    SINGLE_SUBNET = FindingText(
        Severity.INFO,
        "All paths of a map go through one subnet",
        "One switch or wrong route takes them all; and unless sessions are bound to interfaces, Linux may send all of "
        "them through the same one.",
        "Nothing to do if the array wants it so and each session is bound to its interface; else give each path "
        "its own subnet.",
    )
    SINGLE_HOST_ADAPTER = FindingText(
        Severity.WARNING,
        "All paths of a map go through one host adapter",
        "They fail together.",
        "Connect the array to a second adapter or port.",
    )
    WWID_DIFFERS = FindingText(
        Severity.CRITICAL,
        "A path of a map leads to another LUN than the map's",
        "The LUN was exchanged behind the path: what is written to the map may destroy another LUN's data.",
        "Stop what writes to the map, see 'multipathd show paths' and the LUN mapping of the array, then delete the "
        "disk and rescan the session: echo 1 > /sys/block/sdX/device/delete; iscsiadm -m session --rescan",
    )
    TIMEOUTS_DIFFER = FindingText(
        Severity.WARNING,
        "The paths of a map have different timeouts",
        "Which path fails decides how long I/O hangs.",
        "Give all its sessions the same timeouts.",
    )
    SLOW_REINSTATEMENT = FindingText(
        Severity.INFO,
        "A path stays out of use longer than it took to give it up",
        "After each short outage there is that much less redundancy: the next failure in that time takes I/O with it.",
        "Set polling_interval, and max_polling_interval where the message names it, to less in defaults of "
        "multipath.conf, then 'multipathd reconfigure'.",
    )
    LONG_DEVICE_TIMEOUT = FindingText(
        Severity.INFO,
        "A SCSI command may take longer than the failover of its path",
        "Where a LUN hangs while its target still answers pings, only this timeout finds it: I/O moves to another path "
        "later than the budget says.",
        "Nothing to do if that is rare enough; else echo SECONDS > /sys/block/sdX/device/timeout, by a udev rule to "
        "last.",
    )
    FAST_IO_FAIL_OFF = FindingText(
        Severity.INFO,
        "fast_io_fail_tmo is off",
        "multipathd leaves the kernel's timeout alone: on iSCSI replacement_timeout of the record, 120 s unless set, "
        "on Fibre Channel dev_loss_tmo.",
        "Nothing to do if it is meant and replacement_timeout is some seconds; else set fast_io_fail_tmo.",
    )
    FAST_IO_FAIL_TOO_LONG = FindingText(
        Severity.WARNING,
        "fast_io_fail_tmo is not below dev_loss_tmo",
        "multipathd turns it off: held I/O does not move to another path before the remote port is removed.",
        "Set fast_io_fail_tmo to some 5 s, or dev_loss_tmo to more.",
    )
    QUEUES_FOR_EVER = FindingText(
        Severity.WARNING,
        "A map without a usable path queues I/O without end (no_path_retry queue)",
        "When all paths are down, processes hang until one returns, and can't be killed; a host may not shut down.",
        "Set no_path_retry to a number of checks, unless hanging is what you want.",
    )
    QUEUES_WITHOUT_MULTIPATHD = FindingText(
        Severity.CRITICAL,
        "A map may queue I/O, and multipathd does not run",
        "Only multipathd ends the queueing and reinstates paths: when the last one fails, processes may hang until "
        "somebody acts.",
        "systemctl start multipathd; until then 'dmsetup message MAP 0 fail_if_no_path' makes hanging I/O fail.",
    )
    RETRIES_TOO_SHORT = FindingText(
        Severity.WARNING,
        "no_path_retry ends before a path can be reinstated",
        "I/O fails in an outage of all paths that is over in time, as if there were no retries at all.",
        "Set no_path_retry to some 12 checks or more, so that it lasts for the outages that you mean to survive.",
    )
    NO_PATH_RETRY_UNSET = FindingText(
        Severity.INFO,
        "no_path_retry is not set",
        "When all paths are down for a moment, I/O fails at once and file systems go read-only.",
        "Write it down: no_path_retry fail in defaults if that is meant, else a number of checks, as 12.",
    )
    MULTIPATHD_NOT_RUNNING = FindingText(
        Severity.CRITICAL,
        "multipathd does not answer, and there are maps",
        "Unless it is only slow to answer, nothing checks the paths, and none that has failed is reinstated.",
        "systemctl start multipathd; see its journal.",
    )
    ISCSID_NOT_RUNNING = FindingText(
        Severity.CRITICAL,
        "iscsid does not run, and there are sessions",
        "A session that is lost is never logged in again, so its paths don't come back.",
        "systemctl start iscsid; see its journal.",
    )

    @property
    def code(self) -> str:
        """The finding's code, as it is printed."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: about whom, what is wrong in a sentence, and which line says so (``FILE:LINE``, or empty)."""

    kind: FindingKind
    subject: str
    text: str
    where: str = ""
