"""What the simulated multipathd prints."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.sources.multipathd.replies import CONFIGURATION_COMMAND, MAPS_COMMAND, PATHS_COMMAND
from tests.sim.product import printed
from tests.sim.world.host import World

GARBAGE = (
    "fail\n",
    "timeout\n",
    "",
    "multipathd> ",
    '{"maps": [',
    "CLI commands reference:\n list|show ...\n",
    "\x00\x01\x02",
    "one|two|three\n",
    "ok",
)
"""Replies of which nothing can be made, or which mean that there is nothing."""


def reply(world: World, command: str) -> str:
    """The reply to a command now."""
    daemon = world.multipathd
    if command == PATHS_COMMAND:
        return _paths(daemon.listed_paths())
    if command == MAPS_COMMAND:
        return _maps(daemon.listed_maps())
    if command == CONFIGURATION_COMMAND:
        return printed(world.shape)
    return "fail\n"


def _paths(paths: Iterable[PathListing]) -> str:
    lines = [
        f"{path.wwid}|{path.map_name}|{path.dev}|{path.dev_t}|{path.dm_state}|{path.checker_state}|{path.checker}||\n"
        for path in paths
    ]
    return "".join(lines) or "ok\n"


def _maps(maps: Iterable[MapListing]) -> str:
    return json.dumps({"major_version": 0, "maps": [_map(map_) for map_ in maps]}, indent=3) + "\n"


def _map(map_: MapListing) -> dict[str, object]:
    paths = [
        {
            "dev": path.dev,
            "dev_t": path.dev_t,
            "dm_st": path.dm_state.value,
            "chk_st": path.checker_state.value,
            "checker": path.checker,
        }
        for path in map_.paths
    ]
    return {
        "name": map_.name,
        "uuid": map_.wwid,
        "sysfs": map_.sysfs_name,
        "queueing": map_.queueing,
        "vend": map_.vendor,
        "prod": map_.product,
        "path_groups": [{"paths": paths}],
    }
