"""Maps whose paths all lead to one target port group, although their array has others.

A port group is what ALUA knows of a controller. No group of the array is asked for; its other maps show them. Some
arrays number the groups of each LUN by themselves, so only maps are compared that have the same group at each port that
both use. Arrays show some LUNs through a part of their controllers on purpose: as with ``kin``, more than half of these
maps must use other groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.examples import example
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.audit.kin import common_targets, new_maps
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.state import MapState
from mpathd_watch.immutable import immutable

_Port = tuple[str, str]
"""A target and its portal; the target is empty if no other map uses it. Without a target, the host's H:C:T of it."""
_Groups = frozenset[tuple[_Port, int]]
"""The group of each port that a map uses."""


@immutable
class _Elsewhere:
    """How many maps of an array use other groups than a map does, and these groups."""

    maps: int
    groups: tuple[int, ...]


def findings(host: Host, lacking: Container[str]) -> Iterator[Sighting]:
    """Every map by label, without those of ``lacking`` (WWIDs), of which it is known that they have too few paths."""
    by_map = _by_map(host)
    counts = Counter(by_map.values())
    by_port: dict[_Port, set[_Groups]] = {}
    for groups in counts:
        for port, _ in groups:
            by_port.setdefault(port, set()).add(groups)
    found = {groups: _elsewhere(groups, by_port, counts) for groups in counts}
    left_out = new_maps(host)
    for map_ in host.maps:
        groups = by_map.get(map_.wwid, frozenset())
        others = found.get(groups)
        if others is None or map_.wwid in left_out or map_.wwid in lacking or map_.present < map_.expected:
            continue
        if host.state.settings.single_path_ok.isdisjoint((map_.wwid, map_.name)):
            own = next(number for _, number in groups)
            have = f"{plural(others.maps, 'other map')} of its array {'has' if others.maps == 1 else 'have'}"
            text = (
                f"all {plural(map_.present, 'path')} lead to port group {own}; {have} paths to port group "
                f"{listed([str(number) for number in others.groups])}"
            )
            yield example(FindingKind.ONE_CONTROLLER, map_.label, text, "the paths of {} maps lead to one port group")


def _by_map(host: Host) -> dict[str, _Groups]:
    """The groups of each map, by its WWID, where those of all its paths are known."""
    names = common_targets(host)
    found = {}
    for map_ in host.maps:
        groups = [path.disk.access.group for path in map_.paths.values() if path.member]
        if None not in groups:
            found[map_.wwid] = frozenset(_ports(host, map_, names))
    return found


def _ports(host: Host, map_: MapState, names: Mapping[str, str]) -> Iterator[tuple[_Port, int]]:
    for path in map_.paths.values():
        target, group = path.place.target, path.disk.access.group
        if path.member and group is not None:
            name = (names[target], host.portal(path)) if target else ("", path.place.hctl.rpartition(":")[0])
            yield name, group


def _elsewhere(
    groups: _Groups, by_port: Mapping[_Port, set[_Groups]], counts: Mapping[_Groups, int]
) -> _Elsewhere | None:
    """What other maps show; ``None`` if it is not known that there are other groups.

    Paths that share their port have a finding of their own.
    """
    own, ports = {number for _, number in groups}, {port for port, _ in groups}
    if len(own) != 1 or len(ports) < 2:
        return None
    kin = {
        other
        for port in ports
        for other in by_port[port]
        if {number for its_port, number in other if its_port in ports} == own
    }
    more = [other for other in kin if {number for _, number in other} > own]
    maps = sum(counts[other] for other in more)
    if 2 * maps <= sum(counts[other] for other in kin) - 1:
        return None
    return _Elsewhere(maps, tuple(sorted({number for other in more for _, number in other} - own)))
