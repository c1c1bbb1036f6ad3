"""The words: every state, health, cause and source that can appear in a metric, a journal field or the status.

Raw states keep the spelling of the kernel and of multipath-tools. ``UNKNOWN`` is ours: the source does not answer, or
it answered with a word that is not in the vocabulary (the source counts these).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A closed vocabulary with an ``unknown`` member for any other text."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The member spelled ``text``, else ``unknown``."""
        try:
            return cls(text)
        except ValueError:
            return cls("unknown")


class Health(Word):
    """Health of a path, worst first (docs/health.md shows how it follows from the raw states)."""

    MISSING = "missing"
    FAILED = "failed"
    RECOVERING = "recovering"
    STALLED = "stalled"
    SUSPECT = "suspect"
    UP = "up"
    UNKNOWN = "unknown"


USABLE = frozenset({Health.UP, Health.SUSPECT})


class MapHealth(Word):
    """Health of a map: how much redundancy is left."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    AT_RISK = "at_risk"
    LOST = "lost"
    UNKNOWN = "unknown"


class DmState(Word):
    """The kernel's view of a path: A or F in the INFO status of drivers/md/dm-mpath.c."""

    ACTIVE = "active"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CheckerState(Word):
    """multipathd's view of a path, as ``%T`` prints it (libmultipath/print.c, 0.9.4 to 0.15)."""

    READY = "ready"
    FAULTY = "faulty"
    SHAKY = "shaky"
    GHOST = "ghost"
    PENDING = "i/o pending"
    TIMEOUT = "i/o timeout"
    DELAYED = "delayed"
    DISCONNECTED = "disconnected"
    UNDEF = "undef"
    UNKNOWN = "unknown"


class DeviceState(Word):
    """The ``state`` attribute of a disk's device, or of the NVMe controller that a namespace belongs to.

    SCSI: sdev_states in drivers/scsi/scsi_sysfs.c; NVMe: nvme_sysfs_show_state() in drivers/nvme/host/sysfs.c. ``none``
    is ours: the disk is there and has no such attribute, as a DASD.
    """

    CREATED = "created"
    RUNNING = "running"
    CANCEL = "cancel"
    DELETED = "deleted"
    QUIESCE = "quiesce"
    OFFLINE = "offline"
    TRANSPORT_OFFLINE = "transport-offline"
    BLOCKED = "blocked"
    CREATED_BLOCKED = "created-blocked"
    NEW = "new"
    LIVE = "live"
    RESETTING = "resetting"
    CONNECTING = "connecting"
    DELETING = "deleting"
    DELETING_NO_IO = "deleting (no IO)"
    DEAD = "dead"
    NONE = "none"
    UNKNOWN = "unknown"

    @property
    def liveness(self) -> Liveness:
        """What the disk does with I/O; ``unknown`` where the state does not show it.

        A SCSI device: scsi_device_state_check() in drivers/scsi/scsi_lib.c; an NVMe controller:
        nvme_fail_nonready_command() in drivers/nvme/host/core.c.
        """
        return _OF_DEVICES.get(self, Liveness.UNKNOWN)


class AccessState(Word):
    """What the array says of a path by ALUA: the ``access_state`` attribute (scsi_access_state_name(), scsi_sysfs.c).

    The kernel's copy. Its device handler reads it from the array: when it is attached, when the array reports a change
    by a unit attention, and when dm activates a path (drivers/scsi/device_handler/scsi_dh_alua.c).
    """

    OPTIMIZED = "active/optimized"
    NON_OPTIMIZED = "active/non-optimized"
    STANDBY = "standby"
    UNAVAILABLE = "unavailable"
    LBA_DEPENDENT = "lba-dependent"
    OFFLINE = "offline"
    TRANSITIONING = "transitioning"
    UNKNOWN = "unknown"


class AttentionKind(Word):
    """What a target reports by a unit attention: SDEV_UA in the kernel's uevent (scsi_evt_emit(), scsi_lib.c)."""

    INQUIRY = "INQUIRY_DATA_HAS_CHANGED"
    CAPACITY = "CAPACITY_DATA_HAS_CHANGED"
    THIN_PROVISIONING = "THIN_PROVISIONING_SOFT_THRESHOLD_REACHED"
    MODE_PARAMETERS = "MODE_PARAMETERS_CHANGED"
    REPORTED_LUNS = "REPORTED_LUNS_DATA_HAS_CHANGED"
    ACCESS_STATE = "ASYMMETRIC_ACCESS_STATE_CHANGED"
    RESET = "POWER_ON_RESET_OCCURRED"
    UNKNOWN = "unknown"


class SessionStatus(Word):
    """An iSCSI session's ``state`` attribute (drivers/scsi/scsi_transport_iscsi.c).

    ``missing`` is ours: the session is gone, and paths that came through it are still expected.
    """

    LOGGED_IN = "LOGGED_IN"
    FAILED = "FAILED"
    FREE = "FREE"
    MISSING = "missing"
    UNKNOWN = "unknown"


DOWN_SESSION = frozenset({SessionStatus.FAILED, SessionStatus.FREE})
"""The connection is gone, and iscsid may bring it back."""


class Liveness(Word):
    """What an I_T nexus does with I/O, whatever its transport calls that."""

    CARRYING = "carrying"
    HOLDING = "holding"
    """Its connection is gone and may return: the kernel holds the I/O."""
    GIVEN_UP = "given_up"
    """The kernel has stopped holding: I/O fails at once. It may yet return."""
    GONE = "gone"
    """It does not exist any more, and paths through it are still expected."""
    UNKNOWN = "unknown"

    @property
    def down(self) -> bool:
        """Whether it is there and its connection is gone."""
        return self in (Liveness.HOLDING, Liveness.GIVEN_UP)

    @property
    def lost(self) -> bool:
        """Whether it carries nothing, whatever the reason."""
        return self.down or self is Liveness.GONE


_OF_DEVICES = {
    DeviceState.RUNNING: Liveness.CARRYING,
    DeviceState.LIVE: Liveness.CARRYING,
    **dict.fromkeys((DeviceState.BLOCKED, DeviceState.CREATED_BLOCKED, DeviceState.QUIESCE), Liveness.HOLDING),
    **dict.fromkeys((DeviceState.NEW, DeviceState.RESETTING, DeviceState.CONNECTING), Liveness.HOLDING),
    **dict.fromkeys((DeviceState.OFFLINE, DeviceState.TRANSPORT_OFFLINE), Liveness.GIVEN_UP),
    **dict.fromkeys((DeviceState.CANCEL, DeviceState.DELETED), Liveness.GIVEN_UP),
    **dict.fromkeys((DeviceState.DELETING, DeviceState.DELETING_NO_IO, DeviceState.DEAD), Liveness.GIVEN_UP),
}


class Standing(Word):
    """What joins the paths reports of one of them: whether it sends I/O there."""

    USABLE = "usable"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Layer(Word):
    """What joins the paths of one disk into a map."""

    DM_MULTIPATH = "dm_multipath"
    UNKNOWN = "unknown"


class Suspicion(StrEnum):
    """Why a nexus is suspect that the kernel still reports as working."""

    SILENCE = "silence"
    CARRIER = "carrier"


class Transport(Word):
    """How a path reaches its disk."""

    ISCSI = "iscsi"
    FC = "fc"
    SCSI = "scsi"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why an outage began. It is never guessed: without evidence it is ``unknown``."""

    NOP_TIMEOUT = "nop_timeout"
    CONNECTION_CLOSED = "connection_closed"
    CONNECTION_ERROR = "connection_error"
    CARRIER_LOST = "carrier_lost"
    LOGOUT = "logout"
    DEVICE_OFFLINE = "device_offline"
    ARRAY_STANDBY = "array_standby"
    ARRAY_UNAVAILABLE = "array_unavailable"
    ARRAY_TRANSITIONING = "array_transitioning"
    ARRAY_OFFLINE = "array_offline"
    CHECKER = "checker"
    ADMINISTRATOR = "administrator"
    REMOVED = "removed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class IscsiError(Word):
    """Why the kernel gave a connection up: enum iscsi_err of include/scsi/iscsi_if.h, without ISCSI_ERR_."""

    DATASN = "datasn"
    DATA_OFFSET = "data_offset"
    MAX_CMDSN = "max_cmdsn"
    EXP_CMDSN = "exp_cmdsn"
    BAD_OPCODE = "bad_opcode"
    DATALEN = "datalen"
    AHSLEN = "ahslen"
    PROTO = "proto"
    LUN = "lun"
    BAD_ITT = "bad_itt"
    CONN_FAILED = "conn_failed"
    R2TSN = "r2tsn"
    SESSION_FAILED = "session_failed"
    HDR_DGST = "hdr_dgst"
    DATA_DGST = "data_dgst"
    PARAM_NOT_FOUND = "param_not_found"
    NO_SCSI_CMD = "no_scsi_cmd"
    INVALID_HOST = "invalid_host"
    XMIT_FAILED = "xmit_failed"
    TCP_CONN_CLOSE = "tcp_conn_close"
    SCSI_EH_SESSION_RST = "scsi_eh_session_rst"
    NOP_TIMEDOUT = "nop_timedout"
    UNKNOWN = "unknown"

    @classmethod
    def numbered(cls, number: int) -> IscsiError:
        """The word for the kernel's number; ISCSI_ERR_DATASN is 1001, and the others follow without a gap."""
        words = tuple(cls)
        place = number - _ISCSI_ERR_BASE - 1
        return words[place] if 0 <= place < len(words) else cls.UNKNOWN


_ISCSI_ERR_BASE = 1000


class Phase(StrEnum):
    """The parts of an outage that have a bound, and ``failover``, which is the first two together.

    An array that changes the state of a port group brings about a ``transition`` instead of these two.
    """

    DETECTION = "detection"
    REPLACEMENT = "replacement"
    FAILOVER = "failover"
    TRANSITION = "transition"
    REINSTATEMENT = "reinstatement"


class Verdict(StrEnum):
    """Whether an outage kept to what the timeouts in force promise; ``no_budget`` where they promise nothing.

    ``unobserved``: no daemon watched when it mattered.
    """

    WITHIN_BUDGET = "within_budget"
    OVER_BUDGET = "over_budget"
    NO_BUDGET = "no_budget"
    UNOBSERVED = "unobserved"


class SourceName(StrEnum):
    """Where knowledge comes from."""

    UEVENT = "uevent"
    SYSFS = "sysfs"
    MULTIPATHD = "multipathd"
    CONFIG = "config"
    CONFIGURATION = "configuration"
    ISCSI = "iscsi"
    NETWORK = "network"
    STORE = "store"
    WEB = "web"


class DmAction(StrEnum):
    """The two values of DM_ACTION (drivers/md/dm-uevent.c)."""

    PATH_FAILED = "PATH_FAILED"
    PATH_REINSTATED = "PATH_REINSTATED"


NOT_RUNNING = "not_running"
"""The ``SourceDown.reason`` of a multipathd whose process is gone."""
NO_MODULE = "no_module"
"""The ``SourceDown.reason`` of a source that has nothing to report, as its kernel module is not loaded. Nothing is
missed then, and no alert is sent."""
