"""The metrics about the paths of the maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Final

from mpathd_watch.core.catalog import words
from mpathd_watch.core.state import MapState, PathState
from mpathd_watch.sinks.metrics.labelled import names
from mpathd_watch.sinks.metrics.labels import (
    ACCESS,
    CAUSE,
    CHECKER,
    DEV,
    DEVICE,
    DM,
    HCTL,
    IFACE,
    MAP,
    OPERATION,
    PATH,
    PORTAL,
    TARGET,
    TRANSPORT,
)
from mpathd_watch.sinks.metrics.row import (
    ALWAYS,
    Block,
    Example,
    Kind,
    Labels,
    Row,
    Units,
    Value,
    by_each,
    counter,
    gauge,
    info,
    reading,
    states,
)
from mpathd_watch.sinks.view import View


def _paths(map_label: str, map_: MapState) -> Iterator[tuple[Labels, PathState]]:
    paths = list(map_.paths.values())
    for place, labels in _labels(map_label, tuple(path.label for path in paths)):
        yield labels, paths[place]


@lru_cache(maxsize=16384)
def _labels(map_label: str, paths: tuple[str, ...]) -> tuple[tuple[int, Labels], ...]:
    """The places of these paths of a map in the order of their labels, and the labels of their series."""
    return tuple((place, {MAP.name: map_label, PATH.name: label}) for place, label in names(paths))


_settled: Final = attrgetter(
    *("place", "verdict", "dm", "checker", "disk.state", "disk.access.state"),
    *("failures", "reinstatements", "flaps", "slowness.slow", "outage"),
    *("disk_errors.errors.total", "disk_errors.timeouts.total"),
)
"""All that is exported of a path but its I/O, which changes at each reading of its disk."""


def _io(path: PathState) -> object:
    return path.disk.io


def _failures_by_cause(path: PathState, _: View) -> Iterable[Value]:
    for cause, count in sorted(path.failures.items()):
        yield {CAUSE.name: cause.value}, count


def _deadline(path: PathState, view: View) -> Iterable[Value]:
    """Counted from ``now``, so that a step of the wall clock does not move what is left."""
    if path.verdict.deadline is not None:
        yield {}, round(view.now.wall + path.verdict.deadline.monotonic - view.now.monotonic, 3)


def _ios(path: PathState) -> tuple[float | None, float | None]:
    io = path.disk.io
    return (None, None) if io is None else (io.reads, io.writes)


def _io_seconds(path: PathState) -> tuple[float | None, float | None]:
    io = path.disk.io
    return (None, None) if io is None else (io.read_ms / 1000, io.write_ms / 1000)


_OF_STATES: Final[tuple[Row[PathState], ...]] = (
    info(
        "path_info",
        "Always 1. The disk, the SCSI address and the iSCSI session of the path, the last known ones while it is "
        "missing.",
        {
            DEV: lambda path: path.place.dev,
            HCTL: lambda path: path.place.hctl,
            TRANSPORT: lambda path: path.place.transport.value,
            TARGET: lambda path: path.place.target,
            PORTAL: lambda path: path.place.portal,
            IFACE: lambda path: path.place.iface,
        },
        Example(
            "Which disks are behind the paths that have failed?",
            'mpathd_watch_path_info and on (instance, map, path) mpathd_watch_path_health{state="failed"} == 1',
        ),
    ),
    states(
        "path_health",
        "The health of the path, the worst that dm, multipathd, the SCSI device and the session report: 1 for its "
        "health, 0 for the others.",
        words.PATH_HEALTH,
        lambda path: path.health,
        Example("How many paths are in which health?", "sum by (state) (mpathd_watch_path_health)"),
    ),
    info(
        "path_state_info",
        "Always 1. The raw states of the path: what dm, multipathd, the SCSI device and the array report of it.",
        {
            DM: lambda path: path.dm.state,
            CHECKER: lambda path: path.checker.state,
            DEVICE: lambda path: path.disk.state,
            ACCESS: lambda path: path.disk.access.state or "",
        },
        Example(
            "Which paths has dm failed although their disks run?",
            'mpathd_watch_path_state_info{dm="failed", device="running"}',
        ),
    ),
    gauge(
        "path_health_since_timestamp_seconds",
        "When the health of the path last changed, in Unix time.",
        lambda path: path.verdict.since.wall,
        Example(
            "How many seconds ago did the health of the paths that are not up change?",
            "(time() - mpathd_watch_path_health_since_timestamp_seconds) and on (instance, map, path) "
            'mpathd_watch_path_health{state="up"} == 0',
        ),
    ),
    counter(
        "path_failures_total",
        "Outages in which the path failed or went missing.",
        lambda path: sum(path.failures.values()),
        Example(
            "Which paths failed within the last day?",
            "increase(mpathd_watch_path_failures_total[1d]) > 0",
        ),
    ),
    Row(
        "path_failures_by_cause_total",
        Kind.COUNTER,
        (CAUSE,),
        "The outages of path_failures_total by their cause.",
        _failures_by_cause,
        Example(
            "Why did paths fail since mpathd-watch started?",
            "sum by (cause) (mpathd_watch_path_failures_by_cause_total)",
        ),
        absent="for causes that have not occurred yet",
    ),
    counter(
        "path_reinstatements_total",
        "How often the path came back up after an outage.",
        lambda path: path.reinstatements,
        Example(
            "Which paths came back more than twice within the last day?",
            "increase(mpathd_watch_path_reinstatements_total[1d]) > 2",
        ),
    ),
    gauge(
        "path_flapping",
        "1 while the path is flapping (see the path_flapping alert).",
        lambda path: path.flaps.flapping,
        Example("Which paths are flapping?", "mpathd_watch_path_flapping == 1"),
    ),
    gauge(
        "path_slow",
        "1 while the path is slower than the other paths of its map (see the path_slow alert).",
        lambda path: path.slowness.slow,
        Example("Which paths are slow?", "mpathd_watch_path_slow == 1"),
    ),
    gauge(
        "path_marginal",
        "1 while multipathd reports the path as marginal (marginal_st, %M), which it does only with "
        "marginal_pathgroups. Without that option multipathd holds such a path back as delayed.",
        lambda path: path.checker.marginal or None,
        Example("Which paths does multipathd avoid?", "mpathd_watch_path_marginal"),
        absent="while multipathd does not report the path as marginal",
    ),
    counter(
        "path_multipathd_failures_total",
        "How often dm has failed the path since the map's table was loaded, as multipathd last reported it (%0).",
        lambda path: path.checker.failures,
        Example(
            "Did dm fail a path within the last hour?",
            "increase(mpathd_watch_path_multipathd_failures_total[1h]) > 0",
        ),
        absent="while multipathd does not report it",
    ),
    gauge(
        "path_overdue",
        "1 while the current phase of the outage has lasted longer than the timeouts in force allow, and "
        "slack_seconds more.",
        lambda path: None if path.outage is None else path.verdict.overdue,
        Example("Which paths are overdue?", "mpathd_watch_path_overdue == 1"),
        absent="while the path has no outage",
    ),
    counter(
        "path_io_errors_total",
        "I/O errors of the path's disks since mpathd-watch first read their counters (device/ioerr_cnt in sysfs).",
        lambda path: path.disk_errors.errors.total,
        Example("Which paths have I/O errors?", "increase(mpathd_watch_path_io_errors_total[15m]) > 0"),
    ),
    counter(
        "path_io_timeouts_total",
        "I/O timeouts of the path's disks since mpathd-watch first read their counters (device/iotmo_cnt in sysfs).",
        lambda path: path.disk_errors.timeouts.total,
        Example(
            "On which paths did commands time out?",
            "increase(mpathd_watch_path_io_timeouts_total[15m]) > 0",
        ),
    ),
)

_DEADLINE: Final[Row[PathState]] = Row(
    "path_deadline_timestamp_seconds",
    Kind.GAUGE,
    (),
    "When the current phase of the outage must be over (the path has failed, or is reinstated), in Unix time.",
    _deadline,
    Example(
        "How many seconds may the current phase still take?",
        "mpathd_watch_path_deadline_timestamp_seconds - time()",
    ),
    absent="while there is no such phase, or nothing limits it",
    part=lambda path: None if path.verdict.deadline is None else ALWAYS,
)

_OF_IO: Final[tuple[Row[PathState], ...]] = (
    by_each(
        "path_ios_total",
        "I/Os that the path's disk has completed since it appeared on this host (stat in sysfs).",
        OPERATION,
        _ios,
        Example(
            "How is the I/O of each map spread over its paths?",
            "sum by (map, path) (rate(mpathd_watch_path_ios_total[5m]))",
        ),
        absent="while it cannot be read",
    ),
    by_each(
        "path_io_seconds_total",
        "The time that the I/Os of path_ios_total took, all together.",
        OPERATION,
        _io_seconds,
        Example(
            "What is the mean latency of each path?",
            "rate(mpathd_watch_path_io_seconds_total[5m]) / rate(mpathd_watch_path_ios_total[5m])",
        ),
        absent="while it cannot be read",
    ),
)

PATHS: Final[Block[PathState]] = Block(
    "Paths",
    (MAP, PATH),
    Units(lambda view: view.state.maps, _paths),
    (*reading(_settled, _OF_STATES), _DEADLINE, *reading(_io, _OF_IO)),
)
