"""The fields and phrases that entries about paths, maps and their outages share."""

from __future__ import annotations

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import plural, quoted
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.state import MapState, PathState


def name(path: PathState) -> str:
    """The path as messages name it: its label, and the disk that it is or was."""
    dev = path.place.dev
    if not dev:
        return path.label
    return f"{path.label} ({dev})" if path.member else f"{path.label} (was {dev})"


def usable(map_: MapState) -> str:
    """How many paths of the map are usable, in words."""
    unknown = sum(path.health is Health.UNKNOWN for path in map_.paths.values())
    return f"{map_.usable} of {plural(map_.expected, 'path')} usable" + (f", {unknown} unknown" if unknown else "")


def more_paths(siblings: int, noun: str) -> str:
    """That the sentence holds for other paths of the same nexus, too; empty if there are none."""
    if not siblings:
        return ""
    verb = "is" if siblings == 1 else "are"
    return f", and so {verb} {plural(siblings, 'more path')} of its {noun}"


def map_fields(map_: MapState) -> dict[str, str]:
    """What every entry about a map, or a path of it, carries."""
    return {
        "MAP": map_.label,
        "WWID": map_.wwid,
        "PATHS_USABLE": str(map_.usable),
        "PATHS_EXPECTED": str(map_.expected),
    }


def path_fields(map_: MapState, path: PathState) -> dict[str, str]:
    """What every entry about a path carries."""
    place = path.place
    fields = {**map_fields(map_), "PATH": path.label, "DEV": place.dev, "HCTL": place.hctl}
    if place.nexus:
        fields |= {"TARGET": place.target, "PORTAL": place.portal}
    return fields


def outage_fields(outage: Outage, now: Instant) -> dict[str, str]:
    """What every entry about an outage carries."""
    return {
        "CAUSE": outage.cause.value,
        "OUTAGE": outage.id,
        "ELAPSED_SEC": f"{now.since(outage.began):.3f}",
    }


def forget(map_: MapState, path: PathState | None = None) -> str:
    """The command that says that a map, or one path of it, is gone for good."""
    command = f"mpathd-watch forget --map {quoted(map_.label)}"
    return command if path is None else f"{command} --path {quoted(path.label)}"
