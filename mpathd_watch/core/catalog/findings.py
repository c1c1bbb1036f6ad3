"""Every kind of finding: its code, severity, consequence and remedy. docs/findings.md is generated from this table."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import field
from enum import Enum, IntEnum

from mpathd_watch.immutable import immutable


class Severity(IntEnum):
    """The severity of a finding; the value is the exit status of a Nagios plugin that reports it."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


@immutable
class FindingText:
    """The documentation's texts about a finding. ``milder``: when it is less severe, a clause; empty if never."""

    severity: Severity
    title: str
    leads_to: str
    remedy: str
    milder: str = ""


class FindingKind(Enum):
    """Every kind of finding; the member's name in lower case is its code."""

    REFUSED_CONFIGURATION = FindingText(
        Severity.CRITICAL,
        "multipathd refuses the whole configuration",
        "multipathd does not start, or a reconfiguration changes nothing.",
        "Fix the line. Then run 'multipathd reconfigure', or start multipathd.",
    )
    IMPOSSIBLE_INTERVAL = FindingText(
        Severity.CRITICAL,
        "multipathd cannot work with an interval of its checks",
        "multipathd 0.10 and later hang or crash while they read their configuration, at the next start or "
        "reconfiguration; older ones check the paths no more. Often multipathd cannot parse the number and takes it "
        "for 4294967294.",
        "Set polling_interval and max_polling_interval in defaults to plain numbers of seconds, for example 5 and 20.",
    )
    SYNTAX_ERROR = FindingText(
        Severity.WARNING,
        "A line that multipathd or open-iscsi interprets differently than intended",
        "What the line should set is not set, or a section is read as part of another one. Often no log mentions it.",
        "Fix the line. For multipath.conf, then run 'multipathd reconfigure'.",
    )
    OBSOLETE_KEYWORD = FindingText(
        Severity.WARNING,
        "A keyword that multipath-tools ignores, has removed or will remove",
        "The keyword has no effect, or will have none after an upgrade, although the file suggests that it has.",
        "Use what the message names instead, or delete the line.",
    )
    TOO_NEW_KEYWORD = FindingText(
        Severity.WARNING,
        "A keyword that the installed multipath-tools does not know yet",
        "The keyword has no effect, although the file suggests that it has.",
        "Delete the line, or install a newer multipath-tools.",
    )
    ODD_REGEX = FindingText(
        Severity.WARNING,
        "A regular expression that does not match what it seems to match",
        "A blacklist or device section matches too much, too little or nothing.",
        "Change the expression as the message suggests.",
    )
    DUPLICATE_ALIAS = FindingText(
        Severity.WARNING,
        "Two WWIDs have the same alias in multipaths",
        "multipathd drops the alias for one of them. That map then has another name than the one by which it is "
        "mounted or started.",
        "Give each multipath subsection its own alias. Then run 'multipathd reconfigure'.",
    )
    DUPLICATE_WWID = FindingText(
        Severity.WARNING,
        "A WWID has two subsections in multipaths",
        "multipathd merges them. Of a keyword that both set, only the later value counts: a change to the earlier one "
        "has no effect.",
        "Combine them in one subsection. Then run 'multipathd reconfigure'.",
    )
    MISSPELT_WWID = FindingText(
        Severity.WARNING,
        "A WWID in multipath.conf is written in another way than multipathd has it",
        "The line has no effect: multipathd compares WWIDs letter by letter. An alias or setting is not applied, or a "
        "device is not blacklisted, or not excepted from the blacklist.",
        "Write the WWID as the message names it, as 'multipath -ll' and 'multipathd show paths format %w' print it. "
        "Then run 'multipathd reconfigure'.",
    )
    KNOWN_BAD_VERSION = FindingText(
        Severity.WARNING,
        "The installed multipath-tools has a known bug",
        "The message names what it breaks, and the version that corrects it.",
        "Install that version or a later one, unless the package's changelog says that it has the correction.",
    )
    CONFIGURATION_NOT_LOADED = FindingText(
        Severity.WARNING,
        "multipathd runs with other settings than multipath.conf has",
        "The file has no effect yet. It takes effect at the next restart, perhaps in the middle of an outage.",
        "Run 'multipathd reconfigure', or restore the file.",
    )
    UNREADABLE_FILE = FindingText(
        Severity.INFO,
        "A configuration file could not be read, or not completely",
        "The settings in this file may be missing from the audit. There may be too few findings, or too many.",
        "The message names the reason. If it is a missing permission, run the check as root, or start the "
        "mpathd-watch service: as root, it exports what the daemon and a check without root may know of these files, "
        "which is timeouts and addresses, never a password. After a change of the files, run 'systemctl reload "
        "mpathd-watch'.",
    )
    REPLACEMENT_TIMEOUT_OVERRIDDEN = FindingText(
        Severity.WARNING,
        "The configured replacement_timeout is not in force: multipathd has overwritten it",
        "The kernel gives up a lost path earlier or later than the node record specifies. Whenever multipathd sets up "
        "a map, it writes its fast_io_fail_tmo (5 s unless set) to recovery_tmo of every iSCSI session. From then on "
        "the kernel ignores iscsid's value for the life of the session.",
        'Set fast_io_fail_tmo to the value that you want, for iSCSI alone in overrides { protocol { type "scsi:iscsi" '
        "} }. Set replacement_timeout in the record to the same value, so that the record misleads nobody.",
    )
    SHIPPED_TIMEOUT_OVERRIDDEN = FindingText(
        Severity.INFO,
        "The replacement_timeout that open-iscsi ships with (120 s) is not in force: multipathd has overwritten it",
        "The kernel gives up a lost path sooner than the node record specifies. Below multipath that is right, but "
        "the record is misleading.",
        "Nothing needs to be done. To make the record clear, set replacement_timeout in it to the value in force.",
    )
    TIMEOUT_NOT_IN_FORCE = FindingText(
        Severity.WARNING,
        "A session runs with another timeout than its record specifies",
        "Detection or failover takes another time than the record suggests.",
        "Set the record to the value that you want. Then log the session out and in again, one path at a time. For "
        "recovery_tmo, run 'multipathd reconfigure' first, in case multipath.conf has changed since.",
    )
    FAST_IO_FAIL_NOT_IN_FORCE = FindingText(
        Severity.WARNING,
        "fast_io_fail_tmo is set, but a session runs without it",
        "The kernel gives up a lost path earlier or later than multipath.conf specifies.",
        "Run 'multipathd reconfigure', which writes the value to every session that is logged in.",
    )
    RECORD_DIFFERS = FindingText(
        Severity.INFO,
        "A node record differs from iscsid.conf",
        "iscsid.conf counts only when a record is created. The session keeps the values of its record.",
        "Nothing needs to be done if this is intended. Otherwise change the record with 'iscsiadm -m node -T TARGET "
        "-p PORTAL -o update', and log in again.",
    )
    LONG_REPLACEMENT_TIMEOUT = FindingText(
        Severity.WARNING,
        "A multipathed session waits two minutes or more before it gives up a path",
        "I/O on that path hangs for as long before it moves to another one. 120 s is meant for sessions without "
        "another path.",
        "Set fast_io_fail_tmo in multipath.conf, or replacement_timeout, to about 5 to 20 s.",
    )
    RECOVERY_OFF = FindingText(
        Severity.CRITICAL,
        "A session never gives up its path (recovery_tmo is off)",
        "I/O on that path hangs until the session returns, even if other paths are up.",
        "Set fast_io_fail_tmo in multipath.conf to a few seconds.",
    )
    PINGS_OFF = FindingText(
        Severity.WARNING,
        "A session sends no pings (NOP-Out)",
        "Only TCP detects a silent failure, such as a dead switch, and it takes many minutes.",
        "Set noop_out_interval and noop_out_timeout to about 5 s.",
    )
    ONE_SIDED_ZERO = FindingText(
        Severity.WARNING,
        "One of the two ping timeouts is 0 and the other is not",
        "The kernel uses 5 s in place of the 0. Pings are sent, although the record suggests that they are off.",
        "Set both noop_out_interval and noop_out_timeout in the record to about 5 s. Then log out and in again.",
    )
    TIGHT_PINGS = FindingText(
        Severity.WARNING,
        "The target has less than 3 s to answer a session's ping",
        "A busy link or target is mistaken for a dead one, and a path without a fault flaps.",
        "Set noop_out_timeout to 5 s or more.",
    )
    MANUAL_STARTUP = FindingText(
        Severity.WARNING,
        "The record of a session in use is not started at boot",
        "After the next reboot this path is missing until something logs in.",
        "Nothing needs to be done if an orchestrator logs in, as Kubernetes, oVirt, Proxmox VE and OpenStack do. "
        "Otherwise run 'iscsiadm -m node -T TARGET -p PORTAL -o update -n node.startup -v automatic'.",
        milder="no record of the target, nor of another session of the same maps, is started at boot either: then the "
        "login is left to something else on purpose",
    )
    RECORD_WITHOUT_SESSION = FindingText(
        Severity.WARNING,
        "A record that is started at boot has no session",
        "A path that should exist does not.",
        "Find out why the login fails: run 'iscsiadm -m node -T TARGET -p PORTAL --login'.",
    )
    TOO_FEW_SESSIONS = FindingText(
        Severity.WARNING,
        "There are fewer sessions to a portal than its record specifies (node.session.nr_sessions)",
        "The LUNs have fewer paths, and often less throughput, than intended.",
        "Run 'iscsiadm -m node -T TARGET -p PORTAL --login', which logs in the missing sessions. If it fails, the "
        "target may allow no more sessions. If fewer are enough, reduce node.session.nr_sessions in the record.",
    )
    SESSION_WITHOUT_PATH = FindingText(
        Severity.WARNING,
        "A session is logged in, but no multipath map uses it",
        "The connection adds no redundancy: its LUNs are not mapped, are blacklisted, or are used without multipath.",
        "Find the disks behind the session with 'multipath -d -v3', and check blacklist and find_multipaths in "
        "multipath.conf.",
        milder="the host has no map, no multipathd and no multipath.conf",
    )
    BLACKLISTED_PATH = FindingText(
        Severity.WARNING,
        "A blacklist entry hides disks of a session that is logged in",
        "These disks are paths of no map: the LUN has less redundancy than it seems, or none.",
        "Narrow the entry, or add 'wwid WWID' to blacklist_exceptions. Then run 'multipathd reconfigure'. If the "
        "session is not needed, log it out. Nothing needs to be done for LUNs that are meant to have one path, such as "
        "the volumes of a storage system that replicates over the network itself.",
        milder="no LUN that the entry hides has a second path",
    )
    BLACKLISTED_WWID = FindingText(
        Severity.INFO,
        "A LUN of a session that is logged in is blacklisted by its WWID",
        "The LUN is used without multipath, and therefore over one path only.",
        "Nothing needs to be done if this is intended. Otherwise delete the line, and run 'multipathd reconfigure'.",
    )
    PATH_NOT_IN_MAP = FindingText(
        Severity.WARNING,
        "Disks that are paths to one LUN are not in a map",
        "The LUN has less redundancy than it seems. Writing to two such disks side by side may destroy its data.",
        "'multipath -a /dev/sdX' adds the WWID to /etc/multipath/wwids, and 'find_multipaths yes' in defaults takes "
        "every LUN with two paths. Then run 'multipathd reconfigure'. 'multipath -d -v3 /dev/sdX' and multipathd's "
        "journal show more.",
    )
    DISK_USED_PAST_MULTIPATH = FindingText(
        Severity.CRITICAL,
        "A disk is used directly, although its LUN is in a map or has further paths",
        "What uses the disk has no failover. If the map is used, too, two writers destroy each other's data.",
        "Stop what uses the disk, and start it again on the map. For LVM, set multipath_component_detection = 1 in "
        "lvm.conf, or name only /dev/mapper devices in its filter or devices file; for file systems and swap, change "
        "/etc/fstab. Where this happens at boot, build the initramfs again with multipath in it.",
    )
    WWID_NOT_REMEMBERED = FindingText(
        Severity.WARNING,
        "The WWID of a map is not in /etc/multipath/wwids",
        "With find_multipaths strict, multipathd makes no map of a LUN that it does not remember. With yes or no it "
        "does, but while the host boots, udev does not keep LVM, md or a mount from a path of such a LUN: one of them "
        "may take it first. Then the map can't be made.",
        "Run 'multipath -a /dev/sdX' with a path of the map. If /etc is read-only or the map was made in the "
        "initramfs, find out why multipathd could not write the file.",
    )
    NO_MAP = FindingText(
        Severity.CRITICAL,
        "There is no multipath map, although some are expected",
        "The LUNs are missing, or each is used over one path without failover. Writing to two paths of a LUN side by "
        "side may destroy its data.",
        "Check that multipathd runs, and that the sessions are logged in: 'iscsiadm -m session'. 'multipath -d -v3' "
        "shows why a disk gets no map.",
    )
    SINGLE_PATH = FindingText(
        Severity.WARNING,
        "A map has only one path",
        "There is no redundancy: when the path fails, so does I/O.",
        "If the LUN is on an array, connect it over a second path. A disk of this host itself, also one behind a RAID "
        "controller, has no second path: add 'wwid WWID' to the blacklist in multipath.conf, or leave it and add the "
        "map to single_path_ok in /etc/mpathd-watch/config.toml.",
    )
    FEWER_PATHS_THAN_ITS_KIN = FindingText(
        Severity.WARNING,
        "A map has fewer paths than other maps of the same array",
        "The LUN has less redundancy than intended. If it never had more, no other check misses its paths.",
        "Scan the sessions or ports that the message names: for iSCSI, run 'iscsiadm -m session --rescan'. If the LUN "
        "is still missing there, check its mapping on the array. If fewer paths are intended, add the map to "
        "single_path_ok in /etc/mpathd-watch/config.toml.",
    )
    MAP_WITHOUT_PATH = FindingText(
        Severity.CRITICAL,
        "A map has no path at all",
        "I/O to the map fails, or hangs if the map queues it.",
        "Restore the connection to the array. If the LUN is gone for good, run 'multipath -f MAP' once nothing uses "
        "the map.",
    )
    SINGLE_PORTAL = FindingText(
        Severity.WARNING,
        "All paths of a map go through one portal",
        "The paths fail together.",
        "Log in through a second portal on another link.",
    )
    SINGLE_NIC = FindingText(
        Severity.WARNING,
        "All paths of a map go through one network interface",
        "The paths fail together, with the interface, its cable or its switch.",
        "Bind a session to another interface: run 'iscsiadm -m iface -I NAME -o update -n iface.net_ifacename -v "
        "NIC', then discover and log in with -I NAME. Or set up a route through the other interface. A bond of "
        "several interfaces is not reported.",
    )
    SINGLE_SUBNET = FindingText(
        Severity.INFO,
        "All paths of a map go through one subnet",
        "One failed switch or one wrong route takes all of them. Unless sessions are bound to interfaces, Linux may "
        "also send all of them through the same one.",
        "Nothing needs to be done if the array requires one subnet and each session is bound to its interface. "
        "Otherwise give each path its own subnet.",
    )
    SINGLE_HOST_ADAPTER = FindingText(
        Severity.WARNING,
        "All paths of a map go through one host adapter",
        "The paths fail together.",
        "Connect the array to a second adapter or port.",
    )
    ONE_CONTROLLER = FindingText(
        Severity.WARNING,
        "All paths of a map lead to one controller of the array, although it has others",
        "When this controller fails or is updated, all paths of the map fail together, and the array has no other way "
        "to the LUN.",
        "Log in to ports of another controller, or zone and cable them. Then scan the sessions or ports: for iSCSI, "
        "run 'iscsiadm -m session --rescan'. If the LUN does not appear there, check its mapping on the array. If one "
        "controller is intended, add the map to single_path_ok in /etc/mpathd-watch/config.toml.",
    )
    ALUA_IGNORED = FindingText(
        Severity.WARNING,
        "multipathd does not go by what the array reports of each path (ALUA)",
        "I/O also goes over paths that the array serves more slowly or not at all. Some arrays then move the LUN back "
        "and forth between their controllers.",
        "Let multipathd detect the prioritizer: delete 'detect_prio no' and prio from multipath.conf. Set "
        "'path_grouping_policy group_by_prio' and 'failback immediate' for the array. Then run 'multipathd "
        "reconfigure'; 'multipath -ll MAP' shows the priority of each path group.",
        milder="the array serves all its port groups alike now: if it always does, nothing needs to be done",
    )
    OPTIMIZED_PATH_UNUSED = FindingText(
        Severity.WARNING,
        "I/O goes over active/non-optimized paths, although active/optimized ones can be used",
        "Each I/O takes a longer way within the array, and loads the wrong controller.",
        "Run 'multipathd switchgroup map MAP group N' with the group of the active/optimized paths, which 'multipath "
        "-ll MAP' shows. Set 'failback immediate' in multipath.conf, so that I/O returns by itself next time. If the "
        "array has moved the LUN away from its controller, move it back there.",
    )
    NO_HANDLER = FindingText(
        Severity.WARNING,
        "A disk of an array with ALUA has no device handler in the kernel",
        "The kernel does not know the access states. It sends I/O to standby paths, and does not wait while the array "
        "moves the LUN from one controller to another: paths fail that would soon be usable.",
        "Run 'modprobe scsi_dh_alua', and find out why it is not loaded: where the root file system is on a map, the "
        "initramfs needs it, too. Delete 'hardware_handler \"0\"' and 'retain_attached_hw_handler no' from "
        "multipath.conf. Then run 'multipathd reconfigure'. 'cat /sys/block/sdX/device/dh_state' must print alua.",
    )
    RP_FILTER_STRICT = FindingText(
        Severity.WARNING,
        "The kernel drops the answers of a session that is bound to another interface than the route",
        "The session works until its connection is lost. It cannot log in again, and its path does not return.",
        "Run 'sysctl net.ipv4.conf.NIC.rp_filter=2' for each interface of the sessions, and set the same in "
        "/etc/sysctl.d: of this value and that of net.ipv4.conf.all.rp_filter the larger one counts. Or set up a "
        "route to each portal through the interface of its session.",
    )
    ARP_FLUX = FindingText(
        Severity.WARNING,
        "Two interfaces in one subnet answer for each other's addresses",
        "The target may send everything to one interface. When that one fails, the sessions of the others fail, too, "
        "until the target asks again where their addresses are.",
        "Set net.ipv4.conf.all.arp_ignore to 1 and net.ipv4.conf.all.arp_announce to 2 in /etc/sysctl.d, and run "
        "'sysctl --system'. Or give each path its own subnet.",
    )
    LINKS_DIFFER = FindingText(
        Severity.WARNING,
        "The network interfaces of a map's paths differ in speed, or one runs at half duplex",
        "The slowest path slows down I/O that is spread over all of them. If the faster one fails, the slower one has "
        "to carry everything.",
        "Check the cable, and the settings of the switch port and the interface: run 'ethtool NIC'. If the paths are "
        "meant to differ, let multipath prefer the faster one.",
    )
    MTU_NOT_IN_FORCE = FindingText(
        Severity.INFO,
        "An interface has a large MTU, but not all of a map's paths use it",
        "I/O on these paths costs more packets and more processor time than the setting suggests.",
        "Set the same MTU on the interfaces of this host, the switches and the target, then log in again. Nothing "
        "needs to be done if the target or a network on the way has a smaller one on purpose.",
    )
    WWID_DIFFERS = FindingText(
        Severity.CRITICAL,
        "A path of a map leads to another LUN than the map's",
        "The LUN behind the path was exchanged: a write to the map may destroy another LUN's data.",
        "Stop everything that writes to the map. Check 'multipathd show paths' and the LUN mapping of the array. Then "
        "delete the disk (echo 1 > /sys/block/sdX/device/delete), and have its host adapter scanned again.",
    )
    ONE_MAP_TWO_LUNS = FindingText(
        Severity.CRITICAL,
        "The paths of a map lead to different LUNs that have the same WWID",
        "Each write goes to one of the LUNs, and each read comes from one: both are destroyed.",
        "Stop everything that writes to the map, and run 'multipath -f MAP'. Give each LUN a serial number of its own "
        "on the target (tgt: scsi_id and scsi_sn; LIO: unit_serial). Then restore the data.",
    )
    ONE_LUN_TWO_MAPS = FindingText(
        Severity.CRITICAL,
        "A LUN is in two maps",
        "Two file systems or databases write to the same LUN and destroy each other's data.",
        "Stop everything that uses these maps. Compare the LUN mapping of the array with 'multipath -ll'. Delete the "
        "disk that is out of date (echo 1 > /sys/block/sdX/device/delete) and scan its session again, or give both "
        "maps the same uid_attribute.",
    )
    ONE_WWID_TWO_TARGETS = FindingText(
        Severity.INFO,
        "The paths of a map lead to different targets on ordinary hosts, which report the same WWID",
        "If one target was copied from the other with its serial numbers, these are different disks, and both are "
        "destroyed.",
        "Nothing needs to be done if both targets export the same disk. Otherwise give each its own serial number.",
    )
    SIZES_DIFFER = FindingText(
        Severity.CRITICAL,
        "The paths of a map differ in size, or are smaller than the map",
        "At the next start or reconfiguration multipathd rejects a map whose paths differ in size. I/O past the end of "
        "a path fails.",
        "If the LUN has grown, scan the paths that have the old size (echo 1 > /sys/block/sdX/device/rescan), then run "
        "'multipathd resize map MAP'. If it has shrunk, enlarge it again before anything writes past its end.",
    )
    LIMITS_DIFFER = FindingText(
        Severity.CRITICAL,
        "A path allows only smaller requests than its map sends, or has logical blocks of another size",
        "The kernel fails the path at the first request that is too large for it (over max size limit), then the next "
        "path.",
        "Remove what sets max_sectors_kb of single disks, such as a udev rule. Then have the map take over its paths' "
        "limits: run 'multipathd reload map MAP'.",
    )
    MAP_NOT_RESIZED = FindingText(
        Severity.INFO,
        "A map is smaller than all its paths",
        "The LUN has grown, but the additional space can't be used yet.",
        "Run 'multipathd resize map MAP', then enlarge what is on it. From multipath-tools 0.9.7 on, auto_resize in "
        "defaults does it.",
    )
    TIMEOUTS_DIFFER = FindingText(
        Severity.WARNING,
        "The paths of a map have different timeouts",
        "How long I/O hangs depends on which path fails.",
        "Give all sessions of the map the same timeouts.",
    )
    SLOW_REINSTATEMENT = FindingText(
        Severity.INFO,
        "Reinstating a path takes longer than giving it up",
        "After each short outage, redundancy is reduced for that time. A second failure within it stops I/O.",
        "Reduce polling_interval in defaults of multipath.conf, and max_polling_interval where the message names it. "
        "Then run 'multipathd reconfigure'.",
    )
    LONG_DEVICE_TIMEOUT = FindingText(
        Severity.INFO,
        "A SCSI command may take longer than the failover of its path",
        "Where a LUN hangs while its target still answers pings, only this timeout detects it: I/O moves to another "
        "path later than the budget allows.",
        "Nothing needs to be done if that is rare enough. Otherwise run 'echo SECONDS > "
        "/sys/block/sdX/device/timeout'. A udev rule makes it permanent.",
    )
    FAST_IO_FAIL_OFF = FindingText(
        Severity.INFO,
        "fast_io_fail_tmo is off",
        "multipathd does not change the kernel's timeout: on iSCSI that is replacement_timeout of the record (120 s "
        "unless set), on Fibre Channel dev_loss_tmo.",
        "Nothing needs to be done if this is intended and replacement_timeout is a few seconds. Otherwise set "
        "fast_io_fail_tmo.",
    )
    FAST_IO_FAIL_TOO_LONG = FindingText(
        Severity.WARNING,
        "fast_io_fail_tmo is not below dev_loss_tmo",
        "multipathd turns fast_io_fail_tmo off: held I/O does not move to another path before the remote port is "
        "removed.",
        "Set fast_io_fail_tmo to about 5 s, or increase dev_loss_tmo.",
    )
    QUEUES_FOR_EVER = FindingText(
        Severity.WARNING,
        "A map without a usable path queues I/O without limit (no_path_retry queue)",
        "When all paths are down, processes hang until one returns and cannot be killed. The host may not shut down.",
        "Set no_path_retry to a number of checks, unless I/O should hang.",
    )
    QUEUES_WITHOUT_MULTIPATHD = FindingText(
        Severity.CRITICAL,
        "A map may queue I/O, but multipathd does not run",
        "Only multipathd ends the queueing and reinstates paths. When the last path fails, processes may hang until "
        "an administrator acts.",
        "Run 'systemctl start multipathd'. Until then, 'dmsetup message MAP 0 fail_if_no_path' makes hanging I/O fail.",
    )
    RETRIES_TOO_SHORT = FindingText(
        Severity.WARNING,
        "no_path_retry ends before a path can be reinstated",
        "In an outage of all paths, I/O fails even if a path returns in time, as if there were no retries at all.",
        "Set no_path_retry to about 12 checks or more, so that it covers the outages that the host should survive.",
    )
    NO_PATH_RETRY_UNSET = FindingText(
        Severity.INFO,
        "no_path_retry is not set",
        "When all paths are down for a moment, I/O fails at once and file systems become read-only.",
        "Set it explicitly: 'no_path_retry fail' if I/O should fail, otherwise a number of checks, for example 12.",
    )
    TWO_MULTIPATH_PRODUCTS = FindingText(
        Severity.WARNING,
        "Another multipath product is active beside dm-multipath",
        "Both may use the same disks: each fails over without the other, and data may be lost.",
        "Let only one of them join the paths of a LUN: blacklist the disks of the other product in multipath.conf, or "
        "remove that product. For NVMe, leave it to the kernel, or boot with nvme_core.multipath=N. If each product "
        "has LUNs of its own, nothing needs to be done.",
    )
    NOT_STARTED_AT_BOOT = FindingText(
        Severity.CRITICAL,
        "A service that maps or sessions need is not started at boot",
        "After the next reboot there are no maps or no sessions: file systems are missing, or are mounted from a "
        "single path without redundancy.",
        "Run 'systemctl enable UNIT', or 'systemctl unmask UNIT' first where it is masked.",
    )
    MOUNTED_WITHOUT_NETDEV = FindingText(
        Severity.WARNING,
        "systemd takes a file system on iSCSI for a local one",
        "The boot waits for the device before the network is up, and may end in emergency mode. At shutdown the "
        "sessions may be gone before the file system is unmounted, which then hangs.",
        "Add _netdev to the options of the entry, and run 'systemctl daemon-reload'.",
    )
    INITRAMFS_DIFFERS = FindingText(
        Severity.INFO,
        "The root file system is on a map, and multipath's configuration has changed since the initramfs was built",
        "The next boot sets up the map with the old settings, unless the initramfs has no copy of them.",
        "Build it again: run 'update-initramfs -u' on Debian and Ubuntu, 'dracut -f' elsewhere.",
    )
    MULTIPATHD_NOT_RUNNING = FindingText(
        Severity.CRITICAL,
        "multipathd does not run, but there are maps",
        "Nothing checks the paths, and no failed path is reinstated.",
        "Run 'systemctl start multipathd', and check its journal.",
    )
    MULTIPATHD_NOT_ANSWERING = FindingText(
        Severity.WARNING,
        "multipathd does not answer, but there are maps",
        "The states of its checkers and whether I/O is queued are unknown. If it hangs, nothing checks the paths, and "
        "no failed path is reinstated.",
        "The message names what was seen. Check 'systemctl status multipathd' and its journal.",
    )
    ISCSID_NOT_RUNNING = FindingText(
        Severity.CRITICAL,
        "iscsid does not run, but there are sessions",
        "A lost session is never logged in again, so its paths do not return.",
        "Run 'systemctl start iscsid', and check its journal.",
    )

    @property
    def code(self) -> str:
        """The finding's code, as it is printed."""
        return self.name.lower()


@immutable
class Finding:
    """One finding: what is wrong in a sentence, the objects that it is about, and the line of a file that causes it.

    ``subject`` names the objects, as in ``a, b, c and 57 more``; ``objects`` has all of them, and is empty where
    ``subject`` is the only one. ``where`` is ``FILE:LINE``, or empty; where each object has a line of its own, it is
    that of the first. ``level`` and ``advice`` take the place of the kind's severity and remedy where those do not fit
    these objects. ``cause`` is what the objects have in common: two findings of one kind and cause are about the same.
    """

    kind: FindingKind
    subject: str
    text: str
    where: str = ""
    level: Severity | None = None
    advice: str = ""
    objects: tuple[str, ...] = ()
    cause: Hashable = field(default="", compare=False)

    @property
    def severity(self) -> Severity:
        """How severe this finding is."""
        return self.kind.value.severity if self.level is None else self.level

    @property
    def remedy(self) -> str:
        """What fixes it."""
        return self.advice or self.kind.value.remedy
