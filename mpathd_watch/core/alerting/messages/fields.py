"""The fields and phrases that entries about paths, maps and their outages share."""

from __future__ import annotations

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import Cause, Health
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.core.verdicts.outage import Outage

CAUSES = {
    Cause.NOP_TIMEOUT: "no answer to the initiator's ping",
    Cause.CONNECTION_CLOSED: "the target closed the connection",
    Cause.CONNECTION_ERROR: "connection error",
    Cause.CARRIER_LOST: "its NIC has lost its carrier or its address",
    Cause.LOGOUT: "its session was logged out",
    Cause.DEVICE_OFFLINE: "the SCSI device is offline",
    Cause.CHECKER: "multipathd calls it faulty, though its transport works",
    Cause.ADMINISTRATOR: "an administrator failed it",
    Cause.REMOVED: "it is no longer in the map",
    Cause.UNKNOWN: "unknown",
}


def name(path: PathState) -> str:
    """The path as messages name it: its label, and the disk that it is or was."""
    return f"{path.label} ({path.dev})" if path.member else f"{path.label} (was {path.dev})"


def usable(known: MapState) -> str:
    """How many paths of the map are usable, in words."""
    unknown = sum(path.health is Health.UNKNOWN for path in known.paths.values())
    return f"{known.usable} of {plural(len(known.paths), 'path')} usable" + (f", {unknown} unknown" if unknown else "")


def map_fields(known: MapState) -> dict[str, str]:
    """What every entry about a map, or a path of it, carries."""
    return {
        "MAP": known.label,
        "WWID": known.wwid,
        "PATHS_USABLE": str(known.usable),
        "PATHS_EXPECTED": str(len(known.paths)),
    }


def path_fields(known: MapState, path: PathState) -> dict[str, str]:
    """What every entry about a path carries."""
    fields = {**map_fields(known), "PATH": path.label, "DEV": path.dev, "HCTL": path.hctl}
    if path.session:
        fields |= {"TARGET": path.target, "PORTAL": path.portal}
    return fields


def outage_fields(outage: Outage, now: Instant) -> dict[str, str]:
    """What every entry about an outage carries."""
    return {
        "CAUSE": outage.cause.value,
        "OUTAGE": outage.id,
        "ELAPSED_SEC": f"{now.since(outage.began):.3f}",
    }
