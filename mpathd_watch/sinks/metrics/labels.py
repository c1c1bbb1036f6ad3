"""The labels of the metrics: what each holds, and which words it may hold. Those that name an object come first."""

from __future__ import annotations

from typing import Final

from mpathd_watch.core.catalog import words
from mpathd_watch.sinks.metrics.row import Label

MAP: Final = Label(
    "map",
    "The name of the map, for example `mpatha`. A second map of the same name is `NAME#2`. The WWID is in `map_info`.",
)
PATH: Final = Label(
    "path",
    "The lasting name of the path. It stays the same when the disk gets another name (sdX) or the session another "
    "number. For iSCSI it is `ADDRESS:PORT` of the portal, then `@IFACE` if the iface is not `default`, then `#2`, "
    "`#3` and so on for further sessions to the same portal. Otherwise it is the SCSI address (H:C:T:L), or the "
    "kernel's name of the disk where there is none.",
)
SESSION: Final = Label(
    "session",
    "The lasting name of the iSCSI session, `ADDRESS:PORT[@IFACE][#N]/TARGETNAME`. Up to the slash it is built like "
    "the label `path`.",
)
SOURCE: Final = Label("source", "Where mpathd-watch gets its knowledge from.", words.SOURCE)
OUTLET: Final = Label("outlet", "Where mpathd-watch sends something.", words.OUTLET)
HOOK: Final = Label(
    "hook",
    "The first word of the hook's command. A second hook with the same one is `WORD#2`.",
)
HOOK_RESULT: Final = Label("result", "How the run of the hook ended.", words.HOOK_RESULT)
MAIL_RESULT: Final = Label("result", "What became of the attempt to send a mail.", words.MAIL_RESULT)

VERSION: Final = Label("version", "The version of mpathd-watch.")
PYTHON: Final = Label("python", "The version of Python that runs it.")
SOURCE_REASON: Final = Label("reason", "Why the source did not answer, or what was wrong.", words.SOURCE_REASON)
RESYNC_REASON: Final = Label("reason", "Why the whole state was read again.", words.RESYNC_REASON)
ACTION: Final = Label("action", "The ACTION of the uevent.", words.ACTION)
PHASE: Final = Label("phase", "The phase of the outage.", words.PHASE)
VERDICT: Final = Label("verdict", "Whether the outage kept within the timeouts in force.", words.VERDICT)
KIND: Final = Label("kind", "What the target reported (SDEV_UA in the uevent).", words.ATTENTION)
LEVEL: Final = Label("level", "How severe findings of this kind are.", words.SEVERITY)
CODE: Final = Label("code", "The code of the finding, see [findings.md](findings.md).")

WWID: Final = Label("wwid", "The WWID of the map (`dm/uuid` in sysfs, without `mpath-`).")
SYSFS_NAME: Final = Label("sysfs_name", "The kernel's name of the map, `dm-N`.")
VENDOR: Final = Label("vendor", "The vendor of the LUN, from its SCSI inquiry data.")
PRODUCT: Final = Label("product", "The product name of the LUN, from its SCSI inquiry data.")

DEV: Final = Label("dev", "The kernel's name of the disk, for example `sdb`.")
HCTL: Final = Label("hctl", "The SCSI address of the disk, `HOST:CHANNEL:TARGET:LUN`.")
TRANSPORT: Final = Label("transport", "How the host reaches the disk.", words.TRANSPORT)
TARGET: Final = Label("target", "The name of the iSCSI target (IQN).")
PORTAL: Final = Label("portal", "`ADDRESS:PORT` of the target's portal.")
IFACE: Final = Label("iface", "The iface record of open-iscsi that the session uses.")
INITIATOR: Final = Label("initiator", "The name of the initiator, this host's IQN.")
DM: Final = Label("dm", "What dm has the path as: A or F in the status of the map, DM_ACTION.", words.DM_STATE)
CHECKER: Final = Label("checker", "What multipathd reports of the path: chk_st, %T.", words.CHECKER_STATE)
DEVICE: Final = Label("device", "The state of the SCSI device: `device/state` in sysfs.", words.DEVICE_STATE)
ACCESS: Final = Label(
    "access",
    "What the array last reported of the path: `device/access_state` in sysfs. Empty where there is none. "
    "[alua.md](alua.md) says when it can be old.",
    words.ACCESS_STATE,
)
CAUSE: Final = Label("cause", "Why the outage began.", words.CAUSE)
OPERATION: Final = Label("operation", "Whether the I/O reads or writes.", words.OPERATION)
TIMEOUT: Final = Label("timeout", "The timeout, by its name in open-iscsi.", words.TIMEOUT)
ORIGIN: Final = Label("origin", "Where the value comes from.", words.ORIGIN)
ERROR: Final = Label("error", "Why the kernel dropped the connection (enum iscsi_err).", words.ISCSI_ERROR)
