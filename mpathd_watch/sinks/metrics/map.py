"""The metrics about multipath maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mpathd_watch.core.catalog import words
from mpathd_watch.core.model.text import clean
from mpathd_watch.core.model.vocabulary import AttentionKind
from mpathd_watch.core.state import MapState
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.metrics.labels import KIND, MAP, PRODUCT, SYSFS_NAME, VENDOR, WWID
from mpathd_watch.sinks.metrics.row import Block, Example, Kind, Labels, Row, Units, Value, gauge, info, states, whole
from mpathd_watch.sinks.view import View

_AWAITED: Final = frozenset({AttentionKind.ACCESS_STATE, AttentionKind.RESET, AttentionKind.THIN_PROVISIONING})
"""Exported from the start, so that a rate does not miss the first. All kinds would be two series for each path of a map
with four."""


def _maps(label: str, map_: MapState) -> Iterable[tuple[Labels, MapState]]:
    return (({MAP.name: label}, map_),)


def _settled(map_: MapState) -> object:
    """All that is exported of a map but its latency: its paths are others after each reading of their disks."""
    paths = [(path.health, path.member, path.disk.access.state) for path in map_.paths.values()]
    return (
        *(map_.wwid, map_.sysfs_name, map_.vendor, map_.product, map_.health, map_.queueing, map_.declared),
        *(map_.suspended, map_.attentions, paths),
    )


def _latency(map_: MapState) -> float | None:
    return map_.latency


def _attentions(map_: MapState, _: View) -> Iterator[Value]:
    """None of a map without a name: see ``_other_attentions``."""
    for kind, count in _counted(map_.attentions) if clean(map_.label) else ():
        yield {KIND.name: kind.value}, count


def _other_attentions(view: View) -> Iterator[Value]:
    """Those of disks that are in no map, or in one without a name."""
    state = view.state
    of_maps = (map_.attentions for map_ in state.maps.values() if not clean(map_.label))
    counted: Counter[AttentionKind] = Counter()
    for attentions in (state.counters.attentions, *of_maps):
        counted.update(dict(_counted(attentions)))
    for kind in AttentionKind:
        if kind in counted:
            yield {MAP.name: "", KIND.name: kind.value}, counted[kind]


def _counted(attentions: Mapping[AttentionKind, int]) -> Iterator[tuple[AttentionKind, int]]:
    for kind in AttentionKind:
        if kind in attentions or kind in _AWAITED:
            yield kind, attentions.get(kind, 0)


_ROWS: Final[tuple[Row[MapState], ...]] = (
    info(
        "map_info",
        "Always 1. The WWID of the map, its kernel name (dm-N), and the vendor and product of its LUN.",
        {
            WWID: lambda map_: map_.wwid,
            SYSFS_NAME: lambda map_: map_.sysfs_name,
            VENDOR: lambda map_: map_.vendor,
            PRODUCT: lambda map_: map_.product,
        },
        Example("How many LUNs does each product serve?", "count by (vendor, product) (mpathd_watch_map_info)"),
    ),
    states(
        "map_health",
        "How much redundancy the map has left: 1 for its health, 0 for the others.",
        words.MAP_HEALTH,
        lambda map_: map_.health,
        Example(
            "Which maps have one usable path left, or none?",
            'mpathd_watch_map_health{state=~"at_risk|lost"} == 1',
        ),
    ),
    gauge(
        "map_paths",
        "Paths in the map's table now (its slaves in sysfs).",
        lambda map_: map_.present,
        Example(
            "Which maps lack paths that they once had?",
            "mpathd_watch_map_paths < mpathd_watch_map_paths_expected",
        ),
    ),
    gauge(
        "map_paths_usable",
        "Paths of the map that are up or suspect.",
        lambda map_: map_.usable,
        Example("Which maps have fewer than two usable paths?", "mpathd_watch_map_paths_usable < 2"),
    ),
    gauge(
        "map_paths_optimized",
        "Paths of the map that the array reports as active/optimized: they lead to the controller that serves the LUN.",
        lambda map_: map_.optimized,
        Example("Which maps have no optimized path?", "mpathd_watch_map_paths_optimized == 0"),
        absent="where no path has an access state ([alua.md](alua.md))",
    ),
    gauge(
        "map_paths_expected",
        "Paths that the map should have: all that it has had and that were not forgotten, including those that are "
        "missing, and all that are declared or named by node records.",
        lambda map_: map_.expected,
        Example(
            "What share of the expected paths is usable?",
            "sum(mpathd_watch_map_paths_usable) / sum(mpathd_watch_map_paths_expected)",
        ),
    ),
    gauge(
        "map_queueing",
        "1 if I/O waits once no path is usable, 0 if it fails (%Q of multipathd).",
        lambda map_: map_.queues,
        Example(
            "On which maps does I/O hang now?",
            'mpathd_watch_map_queueing == 1 and on (instance, map) mpathd_watch_map_health{state="lost"} == 1',
        ),
        absent="while multipathd does not report it",
    ),
    gauge(
        "map_queueing_deadline_timestamp_seconds",
        "When I/O that waits because no path is usable starts to fail, in Unix time (%Q of multipathd).",
        lambda map_: map_.queueing.ends.wall if map_.queueing.ends else None,
        Example(
            "On which maps does I/O fail within half a minute unless a path returns?",
            "mpathd_watch_map_queueing_deadline_timestamp_seconds - time() < 30",
        ),
        absent="while a path is usable, where nothing ends the waiting, and while multipathd does not report it",
    ),
    gauge(
        "map_suspended",
        "1 while the dm device is suspended (dm/suspended in sysfs).",
        lambda map_: map_.suspended,
        Example(
            "Which maps have been suspended for five minutes?", "min_over_time(mpathd_watch_map_suspended[5m]) == 1"
        ),
        absent="while sysfs does not show it",
    ),
    replace(
        gauge(
            "map_path_latency_seconds",
            "How long an I/O takes on a path of the map: the median of the means of the usable paths, in the last "
            "5 to 10 s that were compared (see the path_slow alert).",
            _latency,
            Example(
                "How many times as long as that does an I/O take on each path?",
                "(sum by (instance, map, path) (rate(mpathd_watch_path_io_seconds_total[1m])) / "
                "sum by (instance, map, path) (rate(mpathd_watch_path_ios_total[1m]))) / on (instance, map) "
                "group_left mpathd_watch_map_path_latency_seconds",
            ),
            absent="while there are not enough I/Os to compare",
        ),
        part=_latency,
    ),
    Row(
        "unit_attentions_total",
        Kind.COUNTER,
        (KIND,),
        "What targets have reported by unit attentions about the LUN of the map (SDEV_UA in the kernel's uevents), "
        "usually over each path. map is empty for disks that are in no map. ASYMMETRIC_ACCESS_STATE_CHANGED, "
        "POWER_ON_RESET_OCCURRED and THIN_PROVISIONING_SOFT_THRESHOLD_REACHED are always there, so that a rate "
        "does not miss the first one; the others once they have occurred.",
        _attentions,
        Example(
            "On which maps did the array change access states within the last day?",
            "sum by (instance, map) (increase(mpathd_watch_unit_attentions_total"
            '{kind="ASYMMETRIC_ACCESS_STATE_CHANGED"}[1d])) > 0',
        ),
        others=_other_attentions,
    ),
)

MAPS: Final[Block[MapState]] = Block(
    "Maps",
    (MAP,),
    Units(lambda view: view.state.maps, _maps),
    tuple(replace(row, part=_settled) if row.part is whole else row for row in _ROWS),
)
