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
    ODD_REGEX = FindingText(
        Severity.WARNING,
        "A regular expression that does not match what it seems to",
        "A blacklist or device section catches too much, too little or nothing.",
        "Write it as the message says.",
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
    TIMEOUT_NOT_IN_FORCE = FindingText(
        Severity.WARNING,
        "A session runs with another timeout than its record says",
        "Detection or failover takes another time than the record promises.",
        "Log the session out and in again, one path at a time, once the record says what you want; for recovery_tmo "
        "run 'multipathd reconfigure' first, in case multipath.conf was changed since.",
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
    SINGLE_PATH = FindingText(
        Severity.WARNING,
        "A map has one path",
        "There is no redundancy: when the path fails, so does I/O.",
        "Log in through a second portal, or name the map in single_path_ok.",
    )
    SINGLE_PORTAL = FindingText(
        Severity.WARNING,
        "All paths of a map go through one portal",
        "They fail together.",
        "Log in through a second portal on another link.",
    )
    TIMEOUTS_DIFFER = FindingText(
        Severity.WARNING,
        "The paths of a map have different timeouts",
        "Which path fails decides how long I/O hangs.",
        "Give all its sessions the same timeouts.",
    )
    QUEUES_FOR_EVER = FindingText(
        Severity.WARNING,
        "A map without a usable path queues I/O without end (no_path_retry queue)",
        "When all paths are down, processes hang until one returns, and can't be killed; a host may not shut down.",
        "Set no_path_retry to a number of checks, unless hanging is what you want.",
    )
    MULTIPATHD_NOT_RUNNING = FindingText(
        Severity.CRITICAL,
        "multipathd does not answer, and there are maps",
        "Unless it is only slow to answer, nothing checks the paths, and none that has failed is reinstated.",
        "systemctl start multipathd; see its journal.",
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
