"""What multipathd answers about a host, and keeps current while its paths fail and return."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.host.tree import Map, Member
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from tests.fakes.multipathd import Behaviour


class Listing:
    """Every map and path. The text of each map is kept, since a large host has 8 MB of it."""

    def __init__(self, maps: Sequence[Map]) -> None:
        self._failed: set[str] = set()
        self._objects = {each.wwid: "" for each in maps}
        self._rows = {each.wwid: "" for each in maps}
        self._of = {path.dev_t: each for each in maps for path in each.paths}
        self._write(maps)

    def change(self, *, failed: Iterable[str] = (), active: Iterable[str] = ()) -> None:
        """Have dm and the checker report these devices (major:minor) as failed, and those as active."""
        failed, active = tuple(failed), tuple(active)
        self._failed.update(failed)
        self._failed.difference_update(active)
        touched = {self._of[dev_t].wwid: self._of[dev_t] for dev_t in (*failed, *active)}
        self._write(touched.values())

    def replies(self) -> dict[str, Behaviour | list[Behaviour]]:
        """The answers by their requests."""
        whole = '{"major_version": 0, "minor_version": 1, "maps": [' + ",".join(self._objects.values()) + "]}\n"
        return {MAPS_COMMAND: whole, PATHS_COMMAND: "".join(self._rows.values())}

    def _write(self, maps: Iterable[Map]) -> None:
        for each in maps:
            self._objects[each.wwid] = json.dumps(self._object(each), indent=3)
            self._rows[each.wwid] = "".join(self._row(each, path) for path in each.paths)

    def _object(self, map_: Map) -> dict[str, Any]:
        """A map with the members that a collector may want (libmultipath/print.c)."""
        group = {"selector": "service-time 0", "pri": 1, "dm_st": "active", "marginal_st": "normal", "group": 1}
        return {
            "name": map_.name,
            "uuid": map_.wwid,
            "sysfs": map_.sysfs_name,
            "failback": "immediate",
            "queueing": "off",
            "paths": len(map_.paths),
            "write_prot": "rw",
            "dm_st": "active",
            "features": "0",
            "hwhandler": "0",
            "path_faults": 0,
            "vend": "LIO-ORG",
            "prod": "mpio",
            "rev": "4.0",
            "switch_grp": 0,
            "map_loads": 1,
            "total_q_time": 0,
            "q_timeouts": 0,
            "path_groups": [{**group, "paths": [self._path(path) for path in map_.paths]}],
        }

    def _path(self, path: Member) -> dict[str, Any]:
        dm, checker = self._states(path)
        return {
            "dev": path.disk,
            "dev_t": path.dev_t,
            "dm_st": dm,
            "dev_st": "running",
            "chk_st": checker,
            "checker": "tur",
            "pri": 1,
            "host_wwnn": "[undef]",
            "target_wwnn": "iqn.2003-01.org.linux-iscsi.san:mpio",
            "host_wwpn": "[undef]",
            "target_wwpn": "[undef]",
            "host_adapter": path.portal.partition(":")[0],
            "marginal_st": "normal",
        }

    def _row(self, map_: Map, path: Member) -> str:
        dm, checker = self._states(path)
        return f"{map_.wwid}|{map_.name}|{path.disk}|{path.dev_t}|{dm}|{checker}|tur|normal|0\n"

    def _states(self, path: Member) -> tuple[str, str]:
        return ("failed", "faulty") if path.dev_t in self._failed else ("active", "ready")
