"""What the words mean: one line for each word that a metric's label, a journal field or the status may hold.

docs/metrics.md is made from these tables. Raw states keep the words of the kernel and of multipath-tools; what they
mean there is in the files that ``core/model/vocabulary.py`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    IscsiError,
    MapHealth,
    Phase,
    SessionStatus,
    SourceName,
    Suspicion,
    Transport,
    Verdict,
)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The words that one label or field may hold, each with its meaning, in the order in which they are listed.

    ``more``: what else it may hold, where the words are not all. ``elsewhere``: where people meet the words, if not in
    a label or in a journal field.
    """

    title: str
    meanings: Mapping[str, str]
    more: str = ""
    elsewhere: str = ""


PATH_HEALTH: Final = Vocabulary(
    "Health of a path",
    {
        Health.MISSING: "The map had this path and no longer has it: its session is gone, or it left the map.",
        Health.FAILED: "No I/O goes over the path: dm has failed it, multipathd's checker reports it faulty, its SCSI "
        "device is offline or being removed, or its session is FREE.",
        Health.RECOVERING: "The connection works again, but multipathd has not reinstated the path yet.",
        Health.STALLED: "The session is FAILED or the SCSI device is blocked: the kernel holds the I/O until the "
        "connection is back or the replacement timeout ends. Or the array is changing the state of the path's port "
        "group (ALUA), and the kernel retries the I/O.",
        Health.SUSPECT: "dm and the kernel still report the path as usable, but the target has been silent for longer "
        "than noop_out_interval and a grace, or the network interface has lost its carrier or its address.",
        Health.UP: "The path is usable, and no source reports a problem.",
        Health.UNKNOWN: "The sources that know the state of the path do not answer.",
    },
)

MAP_HEALTH: Final = Vocabulary(
    "Health of a map",
    {
        MapHealth.HEALTHY: "Every expected path is up. There are at least two, unless single_path_ok names the map.",
        MapHealth.DEGRADED: "At least two paths are up or suspect, but not every expected path is up; or the only path "
        "of a map in single_path_ok is suspect.",
        MapHealth.AT_RISK: "Exactly one path is up or suspect.",
        MapHealth.LOST: "No path is up or suspect. I/O fails, or hangs for as long as the map queues.",
        MapHealth.UNKNOWN: "The health depends on paths whose own health is unknown.",
    },
)

DM_STATE: Final = Vocabulary(
    "State of a path in dm",
    {
        DmState.ACTIVE: "dm may send I/O over the path (A in the status of the map).",
        DmState.FAILED: "dm has failed the path and sends no I/O over it (F in the status of the map).",
        DmState.UNKNOWN: "Neither a uevent nor multipathd has reported the state.",
    },
)

CHECKER_STATE: Final = Vocabulary(
    "State of a path in multipathd",
    {
        CheckerState.READY: "The disk answered the checker: the path can take I/O.",
        CheckerState.FAULTY: "The checker did not reach the disk, or the disk refused the command. multipathd also "
        "reports a path as faulty while dm has failed it.",
        CheckerState.SHAKY: "The disk answers, but is not available for normal I/O.",
        CheckerState.GHOST: "The disk answers, but the path leads to a passive controller of the array.",
        CheckerState.PENDING: "The checker's command has not been answered yet.",
        CheckerState.TIMEOUT: "The checker's command has timed out.",
        CheckerState.DELAYED: "The path works, but multipathd delays its reinstatement because it has failed too often "
        "(san_path_err_*, marginal_path_*, delay_*_checks).",
        CheckerState.DISCONNECTED: "The target reports that the LUN is not mapped to this host.",
        CheckerState.UNDEF: "multipathd has no result of a check.",
        CheckerState.UNKNOWN: "multipathd does not answer, or does not list the path, or reports a word that "
        "mpathd-watch does not know.",
    },
)

DEVICE_STATE: Final = Vocabulary(
    "State of a disk: of its SCSI device, or of its NVMe controller",
    {
        DeviceState.CREATED: "The kernel is still setting the device up.",
        DeviceState.RUNNING: "The device takes I/O.",
        DeviceState.CANCEL: "The kernel is removing the device; I/O to it fails.",
        DeviceState.DELETED: "The device is removed; I/O to it fails.",
        DeviceState.QUIESCE: "The kernel holds normal I/O to the device, for example during a suspend.",
        DeviceState.OFFLINE: "The kernel's error handling or an administrator has taken the device offline; I/O to it "
        "fails. It stays offline until somebody writes running to its state attribute.",
        DeviceState.TRANSPORT_OFFLINE: "The replacement timeout of the session has ended. I/O to the device fails "
        "until the session is back.",
        DeviceState.BLOCKED: "The kernel holds I/O to the device because its session is FAILED.",
        DeviceState.CREATED_BLOCKED: "As created, and the kernel holds I/O to the device.",
        DeviceState.NEW: "NVMe: the kernel is still setting the controller up; I/O to it is held.",
        DeviceState.LIVE: "NVMe: the controller takes I/O.",
        DeviceState.RESETTING: "NVMe: the controller is reset; I/O to it is held.",
        DeviceState.CONNECTING: "NVMe: the kernel tries to connect to the controller again; I/O to it is held.",
        DeviceState.DELETING: "NVMe: the controller is being removed; I/O to it fails.",
        DeviceState.DELETING_NO_IO: "NVMe: as deleting, and no command is sent any more.",
        DeviceState.DEAD: "NVMe: the kernel has given the controller up; I/O to it fails.",
        DeviceState.NONE: "The disk has no such state, as a DASD: the path is judged by the other reports.",
        DeviceState.UNKNOWN: "sysfs does not answer, or shows a word that mpathd-watch does not know.",
    },
)

ACCESS_STATE: Final = Vocabulary(
    "Access state of a path (ALUA)",
    {
        AccessState.OPTIMIZED: "The path leads to the controller that serves the LUN.",
        AccessState.NON_OPTIMIZED: "The path takes I/O, which the array passes on to the other controller.",
        AccessState.STANDBY: "The path takes no I/O until the array, or dm, makes its port group active. The kernel "
        "refuses I/O to it.",
        AccessState.UNAVAILABLE: "The path takes no I/O. For example, its controller restarts.",
        AccessState.LBA_DEPENDENT: "The path takes I/O to a part of the LUN at full speed.",
        AccessState.OFFLINE: "The port group is offline.",
        AccessState.TRANSITIONING: "The array is changing the state of the port group. The kernel retries I/O "
        "meanwhile, by default for up to 60 s.",
        AccessState.UNKNOWN: "The kernel, or the array, uses a word that mpathd-watch does not know.",
    },
    more="nothing, where the kernel has no device handler for the disk",
)

ATTENTION: Final = Vocabulary(
    "Unit attentions: what a target reports about a LUN",
    {
        AttentionKind.INQUIRY: "The LUN describes itself in another way than before: it may be another one.",
        AttentionKind.CAPACITY: "The LUN has another size.",
        AttentionKind.THIN_PROVISIONING: "The pool behind a thin LUN is nearly full.",
        AttentionKind.MODE_PARAMETERS: "A setting of the LUN has changed.",
        AttentionKind.REPORTED_LUNS: "The target has more, fewer or other LUNs than before.",
        AttentionKind.ACCESS_STATE: "The access state of a port group has changed (ALUA).",
        AttentionKind.RESET: "The LUN was reset, or its target has restarted.",
        AttentionKind.UNKNOWN: "The kernel uses a word that mpathd-watch does not know.",
    },
)

SESSION_STATE: Final = Vocabulary(
    "State of an iSCSI session",
    {
        SessionStatus.LOGGED_IN: "The session is logged in.",
        SessionStatus.FAILED: "The connection is lost. The kernel holds I/O until iscsid has logged in again or the "
        "replacement timeout ends.",
        SessionStatus.FREE: "The replacement timeout has ended, and I/O fails until iscsid has logged in again. A new "
        "session is FREE, too, until its first login is complete.",
        SessionStatus.MISSING: "The session is gone, usually by a logout; paths that used it are still expected.",
        SessionStatus.UNKNOWN: "sysfs does not answer, or shows a word that mpathd-watch does not know.",
    },
)

SUSPICION: Final = Vocabulary(
    "Reasons why a session is suspect",
    {
        Suspicion.SILENCE: "The target has been silent for longer than noop_out_interval and a grace.",
        Suspicion.CARRIER: "The network interface that carries the session has no carrier, is down, or has lost its "
        "address.",
    },
    elsewhere="the key `suspicion` of a session in the [status document](status-json.md)",
)

TRANSPORT: Final = Vocabulary(
    "Transports",
    {
        Transport.ISCSI: "iSCSI.",
        Transport.FC: "Fibre Channel.",
        Transport.SCSI: "Another SCSI transport.",
        Transport.UNKNOWN: "sysfs does not show how the host reaches the disk.",
    },
)

CAUSE: Final = Vocabulary(
    "Causes of an outage",
    {
        Cause.NOP_TIMEOUT: "The target did not answer the kernel's ping (ISCSI_ERR_NOP_TIMEDOUT).",
        Cause.CONNECTION_CLOSED: "The target closed the TCP connection (ISCSI_ERR_TCP_CONN_CLOSE).",
        Cause.CONNECTION_ERROR: "The connection failed for another reason, or for one that the kernel did not report.",
        Cause.CARRIER_LOST: "The network interface that carried the session lost its carrier or its address.",
        Cause.LOGOUT: "The session was logged out.",
        Cause.DEVICE_OFFLINE: "The SCSI device is offline.",
        Cause.ARRAY_STANDBY: "The array has put the port group of the path into standby (ALUA).",
        Cause.ARRAY_UNAVAILABLE: "The array has made the port group of the path unavailable (ALUA).",
        Cause.ARRAY_TRANSITIONING: "The array was changing the access state of the path's port group (ALUA).",
        Cause.ARRAY_OFFLINE: "The array has taken the port group of the path offline (ALUA).",
        Cause.CHECKER: "multipathd's checker failed the path although its connection worked.",
        Cause.ADMINISTRATOR: "Somebody failed the path by hand: dm failed it although the disk answered every command.",
        Cause.REMOVED: "The path left its map while its session stayed.",
        Cause.ABSENT: "The path is expected and has not been there since mpathd-watch started.",
        Cause.UNKNOWN: "The evidence does not show the cause.",
    },
)

ISCSI_ERROR: Final = Vocabulary(
    "iSCSI connection errors",
    {
        IscsiError.DATASN: "A data PDU had the wrong sequence number.",
        IscsiError.DATA_OFFSET: "A data PDU had the wrong offset.",
        IscsiError.MAX_CMDSN: "The target sent an invalid MaxCmdSN.",
        IscsiError.EXP_CMDSN: "The target sent an invalid ExpCmdSN.",
        IscsiError.BAD_OPCODE: "The target sent a PDU with an opcode that the kernel does not accept.",
        IscsiError.DATALEN: "A PDU carried more data than allowed.",
        IscsiError.AHSLEN: "A PDU had an additional header of the wrong length.",
        IscsiError.PROTO: "The target violated the protocol.",
        IscsiError.LUN: "A PDU named the wrong LUN.",
        IscsiError.BAD_ITT: "A PDU had a task tag that belongs to no command.",
        IscsiError.CONN_FAILED: "The connection failed, for example by a TCP error; the kernel gives no closer reason.",
        IscsiError.R2TSN: "A request for data (R2T) had the wrong sequence number.",
        IscsiError.SESSION_FAILED: "The session failed as a whole.",
        IscsiError.HDR_DGST: "The checksum of a PDU's header was wrong.",
        IscsiError.DATA_DGST: "The checksum of a PDU's data was wrong.",
        IscsiError.PARAM_NOT_FOUND: "A parameter of the connection was not known.",
        IscsiError.NO_SCSI_CMD: "A PDU belonged to no SCSI command.",
        IscsiError.INVALID_HOST: "The SCSI host of the session was removed.",
        IscsiError.XMIT_FAILED: "The kernel could not send on the TCP connection.",
        IscsiError.TCP_CONN_CLOSE: "The target closed the TCP connection.",
        IscsiError.SCSI_EH_SESSION_RST: "The kernel's SCSI error handling dropped the session, after commands had "
        "timed out.",
        IscsiError.NOP_TIMEDOUT: "The target did not answer a ping within noop_out_timeout.",
        IscsiError.UNKNOWN: "The kernel gave a number that mpathd-watch does not know.",
    },
)

PHASE: Final = Vocabulary(
    "Phases of an outage",
    {
        Phase.DETECTION: "From the last sign of life of the target until its session is FAILED.",
        Phase.REPLACEMENT: "From then until the path has failed; recovery_tmo limits it.",
        Phase.FAILOVER: "Detection and replacement together: how long I/O may have hung.",
        Phase.TRANSITION: "While the array changes the state of the path's port group (ALUA), and the kernel retries "
        "I/O.",
        Phase.REINSTATEMENT: "From the return of the connection until the path is up.",
    },
)

VERDICT: Final = Vocabulary(
    "Verdicts on an outage",
    {
        Verdict.WITHIN_BUDGET: "Every phase took at most as long as the timeouts in force allow.",
        Verdict.OVER_BUDGET: "A phase took longer than the timeouts in force allow, by more than slack_seconds.",
        Verdict.NO_BUDGET: "The timeouts in force set no limit, or there was no failover to measure.",
        Verdict.UNOBSERVED: "No daemon watched when it mattered: the limit may have been kept or not.",
    },
)

MEASURE: Final = Vocabulary(
    "Measures of a slow path",
    {
        "latency": "The mean latency of its I/O.",
        "round_trip": "The round-trip time of its session's TCP connection.",
    },
)

SEVERITY: Final = Vocabulary(
    "Severity of a finding",
    {
        "info": "Good to know; nothing is wrong.",
        "warning": "Something is not in force as configured, or will do harm when a path fails.",
        "critical": "multipathd or a map does not work, or I/O can hang without end.",
    },
)

TIMEOUT: Final = Vocabulary(
    "Timeouts of a session",
    {
        "noop_out_interval": "Seconds without an answer after which the kernel pings the target; 0 = no pings "
        "(`recv_tmo` in sysfs).",
        "noop_out_timeout": "Seconds that the target has to answer a ping; 0 = no pings (`ping_tmo` in sysfs).",
        "replacement_timeout": "Seconds for which the kernel holds I/O after the session has failed; +Inf = without "
        "end (`recovery_tmo` in sysfs).",
    },
)

ORIGIN: Final = Vocabulary(
    "Origins of a timeout",
    {
        "effective": "In force: what sysfs shows.",
        "configured": "What the node record says; only where it could be read.",
    },
)

OPERATION: Final = Vocabulary("Operations", {"read": "Reads.", "write": "Writes."})

SOURCE: Final = Vocabulary(
    "Names of the sources",
    {
        SourceName.UEVENT: "The kernel's uevents of block devices and SCSI devices.",
        SourceName.SYSFS: "The maps, disks and iSCSI sessions in sysfs.",
        SourceName.MULTIPATHD: "multipathd, by its socket.",
        SourceName.CONFIG: "mpathd-watch's own configuration file.",
        SourceName.CONFIGURATION: "The files that configure multipath and open-iscsi.",
        SourceName.ISCSI: "The kernel's reports of iSCSI connection errors (NETLINK_ISCSI).",
        SourceName.NETWORK: "The network interfaces, addresses and TCP connections of this host.",
        SourceName.STORE: "What the daemon keeps in its state directory; it is written, too.",
        SourceName.WEB: "The web configuration (`--web.config.file`) and its certificates.",
    },
)

SOURCE_REASON: Final = Vocabulary(
    "Reasons why a source fails",
    {
        "bad_attention": "A uevent with a unit attention names no SCSI device that makes sense.",
        "bad_command": "multipathd does not know a command; multipath-tools may be older than 0.9.4.",
        "bad_file": "The configuration file of mpathd-watch has a mistake, or its web configuration can't be applied.",
        "bad_json": "The list of maps from multipathd is no JSON.",
        "bad_length": "What listens on multipathd's socket does not use its protocol.",
        "bad_line": "A line in the list of paths from multipathd makes no sense.",
        "bad_map": "A map in the list of maps from multipathd makes no sense.",
        "bad_path": "A path in the list of maps from multipathd makes no sense.",
        "bad_path_event": "A uevent of dm names no path that makes sense.",
        "bad_seqnum": "A uevent of dm has no sequence number that makes sense.",
        "busy": "multipathd accepts no more connections.",
        "closed": "multipathd closed the connection.",
        "empty": "multipathd sent an empty reply.",
        "error": "Another error.",
        "expired": "The certificate of the web configuration is not valid, or no longer.",
        "fail": "multipathd could not carry out the command.",
        "io_error": "The connection to multipathd failed.",
        "no_module": "The kernel module for iSCSI is not loaded: this host has no iSCSI session.",
        "no_permission": "mpathd-watch may not connect to multipathd, or may not use the command.",
        "not_permitted": "The service lacks CAP_NET_ADMIN.",
        "not_root": "What listens on multipathd's socket belongs neither to root nor to the user of mpathd-watch.",
        "not_running": "multipathd is not running.",
        "hidden": "It is not known whether multipathd runs, because not all processes can be seen.",
        "not_text": "A uevent is not valid UTF-8.",
        "overflow": "The kernel dropped messages because the socket's buffer was full.",
        "refused": "multipathd is running, but does not listen on its socket.",
        "timeout": "No answer came in time, or a read did not return in time.",
        "too_many": "There was more than mpathd-watch reads: disks outside maps, mounts, or unit attentions.",
        "truncated": "The list of paths from multipathd is cut short.",
        "unintelligible": "A reply of multipathd has no form that mpathd-watch knows.",
        "unknown_value": "A word or number is none that mpathd-watch knows.",
        "unreadable": "sysfs cannot be read.",
        "vanished": "A disk disappeared while it was being read.",
    },
    more="the name of a system error, for example `EACCES` or `EIO`",
)

OUTLET: Final = Vocabulary(
    "Names of the outlets",
    {
        "journal": "Entries for journald.",
        "console": "Lines and messages on standard error.",
        "systemd": "Notifications for systemd: READY=1, STATUS=, WATCHDOG=1.",
        "recording": "Events for the recording (`--record`).",
        "store": "What is kept over restarts, and the history (`--state-dir`).",
        "mail": "Mail (`[mail]`).",
        "hooks": "Commands (`[[hook]]`).",
    },
)

MAIL_RESULT: Final = Vocabulary(
    "Results of mails",
    {
        "ok": "The mail server has accepted the mail for everybody.",
        "deferred": "The server could not be reached, or did not accept the mail now. It is tried again for a day.",
        "failed": "The server has refused the mail, or a part of the addresses; or it was tried for a day.",
    },
)

HOOK_RESULT: Final = Vocabulary(
    "Results of hooks",
    {
        "ok": "The command has ended with status 0.",
        "failed": "It has ended with another status, or by a signal.",
        "timeout": "It did not end within `timeout_seconds`, and was ended.",
        "not_started": "There is no such program, it may not be run, or loading it took longer than 10 s.",
    },
)

RESYNC_REASON: Final = Vocabulary(
    "Reasons for reading the whole state again",
    {
        "events_lost": "The kernel dropped uevents.",
        "unknown_path": "A uevent of dm named a map or path that mpathd-watch did not know yet.",
    },
)

ACTION: Final = Vocabulary(
    "Actions of a uevent",
    {
        "add": "A block device appeared.",
        "remove": "A block device disappeared.",
        "change": "A block device changed. dm's uevents about paths (DM_ACTION) count here.",
        "move": "A block device was renamed.",
        "online": "A block device went online.",
        "offline": "A block device went offline.",
        "bind": "A driver was bound.",
        "unbind": "A driver was unbound.",
        "other": "Any other action.",
    },
)

VOCABULARIES: Final = (
    MAP_HEALTH,
    PATH_HEALTH,
    SUSPICION,
    DM_STATE,
    CHECKER_STATE,
    DEVICE_STATE,
    ACCESS_STATE,
    ATTENTION,
    SESSION_STATE,
    TRANSPORT,
    CAUSE,
    ISCSI_ERROR,
    PHASE,
    VERDICT,
    MEASURE,
    SEVERITY,
    TIMEOUT,
    ORIGIN,
    OPERATION,
    SOURCE,
    SOURCE_REASON,
    OUTLET,
    MAIL_RESULT,
    HOOK_RESULT,
    RESYNC_REASON,
    ACTION,
)
"""All of them, in the order in which docs/metrics.md has them."""
