"""Healthy traffic of many kinds: each as a map, its paths, and how the load on them changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from mpathd_watch.core.model.vocabulary import AccessState
from tests.traffic.host import Host, Said
from tests.traffic.model import Behaviour, Load, Path, Selector, Traffic

LOSS = 0.04


def _paths(chance: random.Random, count: int) -> list[Path]:
    """Paths that differ a little, as cables and controllers do."""
    return [Path(factor=chance.uniform(1.0, 1.5)) for _ in range(count)]


def _load(chance: random.Random) -> Load:
    """A load of any size on a disk of any speed."""
    return Load(
        rate=10 ** chance.uniform(0.7, 3.7),
        reads=chance.uniform(0.0, 1.0),
        large=chance.choice([0.0, 0.0, 0.05, 0.3]),
        base=10 ** chance.uniform(-3.3, -1.5),
        spread=chance.choice([0.5, 1.0, 2.0]),
        depth=chance.choice([0, 0, 1, 8, 32]),
    )


def _selector(chance: random.Random) -> Selector:
    return chance.choice([Selector(), Selector(by_time=True), Selector(run=100), Selector(run=1000)])


def _some(chance: random.Random) -> Traffic:
    return Traffic(chance, _paths(chance, chance.choice([2, 2, 4, 8])), _load(chance), _selector(chance))


def _redrawn(traffic: Traffic, now: float, every: float, draw: Callable[[random.Random], None]) -> None:
    """``draw`` about every so many seconds."""
    if int(now / every) != int((now + 0.5) / every):
        draw(traffic.chance)


def _changing(traffic: Traffic, now: float) -> None:
    """Another load every ten minutes."""

    def draw(chance: random.Random) -> None:
        traffic.load = _load(chance)

    _redrawn(traffic, now, 600, draw)


def _bursts(traffic: Traffic, now: float) -> None:
    """Three seconds of everything that goes through, seven of nothing, and now and then another rhythm."""
    _changing(traffic, now)
    traffic.load.rate = 4000.0 if now % 10 < 3 else 0.0


def _backup(traffic: Traffic, now: float) -> None:
    """A backup of the map for ten minutes each hour: large reads, deep queues."""
    running = now % 3600 < 600
    traffic.load.large, traffic.load.rate = (0.9, 2000.0) if running else (0.02, 150.0)
    traffic.load.base = 0.006 if running else 0.002


def _backup_past_the_map(traffic: Traffic, now: float) -> None:
    """A backup that reads one path's disk for twenty minutes each hour."""
    for number, path in enumerate(traffic.paths):
        running = number == int(now / 3600) % len(traffic.paths) and now % 3600 < 1200
        path.direct = 80.0 if running else 0.0


def _idle(traffic: Traffic, now: float) -> None:
    """A few I/Os now and then, as of an idle LUN: file systems write their journal, and somebody lists a directory."""

    def draw(chance: random.Random) -> None:
        traffic.load.rate = chance.choice([0.0, 0.0, 0.5, 2.0, 8.0])

    _redrawn(traffic, now, 20, draw)


def _pauses(traffic: Traffic, now: float) -> None:
    """The disk stands still for up to two seconds, every half minute: the I/Os under way wait on all paths."""
    if traffic.chance.random() < 0.5 / 30:
        traffic.pause(traffic.chance.uniform(0.1, 2.0), depth=traffic.chance.choice([0, 1, 2, 8, 32]))
    _changing(traffic, now)


def _pauses_in_series(traffic: Traffic, now: float) -> None:
    """The same for 0.3 s, again and again, for a minute in ten: a flash disk that collects its garbage."""
    if now % 600 < 60:
        traffic.pause(0.3, depth=traffic.chance.choice([1, 2, 3, 8, 32]))
    _changing(traffic, now)


def _path_pauses(traffic: Traffic, now: float) -> None:
    """One path stands still for up to four seconds, every five minutes: a switch or a port of the array restarts."""
    if traffic.chance.random() < 0.5 / 300:
        traffic.stall(
            traffic.chance.choice(traffic.paths), traffic.chance.choice([1, 8, 32]), traffic.chance.uniform(1, 4)
        )
    _changing(traffic, now)


def _hiccup(traffic: Traffic, now: float) -> None:
    """One path is ten times as slow for up to three seconds, every two minutes, as in a burst of other traffic."""
    chance = traffic.chance
    for path in traffic.paths:
        if path.slowdown > 1 and chance.random() < 0.3:
            path.slowdown = 1.0
    if all(path.slowdown == 1 for path in traffic.paths) and chance.random() < 0.5 / 120:
        chance.choice(traffic.paths).slowdown = 10.0
    if now % 3 < 0.5:
        for path in traffic.paths:
            path.slowdown = 1.0
    _changing(traffic, now)


def _depths(traffic: Traffic, now: float) -> None:
    """The queue depth changes every half minute."""

    def draw(chance: random.Random) -> None:
        depth = chance.choice([1, 2, 8, 32, 128])
        traffic.load.depth, traffic.load.base = depth, 0.0005 * max(1, depth / 4)

    _redrawn(traffic, now, 30, draw)


def _groups(traffic: Traffic, now: float) -> None:
    """Dm uses one of two path groups, and another one after half an hour; the second is four times as slow."""
    half = len(traffic.paths) // 2
    second = int(now / 1800) % 2 == 1
    for number, path in enumerate(traffic.paths):
        path.used = (number >= half) == second
        path.factor = 4.0 if number >= half else 1.0


def _host(traffic: Traffic, behave: Behaviour, states: tuple[AccessState, ...] = ()) -> Host:
    traffic.behave = behave
    return Host(traffic, states, phase=traffic.chance.uniform(0, 5))


def _lossy(chance: random.Random, *, one: bool, **load: float) -> Host:
    traffic = _some(chance)
    for path in traffic.paths[: 1 if one else None]:
        path.loss = LOSS

    def behave(traffic: Traffic, now: float) -> None:
        _changing(traffic, now)
        vars(traffic.load).update(load)

    return _host(traffic, behave)


def _two_speeds(chance: random.Random) -> Host:
    """All paths in one group, but half of them not optimized, and four times as slow."""
    traffic = _some(chance)
    half = len(traffic.paths) // 2
    for path in traffic.paths[half:]:
        path.factor *= 4
    states = (AccessState.OPTIMIZED,) * half + (AccessState.NON_OPTIMIZED,) * (len(traffic.paths) - half)
    return _host(traffic, _changing, states)


def _of(behave: Behaviour) -> Callable[[random.Random], Host]:
    return lambda chance: _host(_some(chance), behave)


KINDS: Mapping[str, Callable[[random.Random], Host]] = {
    "steady load, another one every ten minutes": _of(_changing),
    "bursts": _of(_bursts),
    "backup over the map": _of(_backup),
    "backup past the map, over one path": _of(_backup_past_the_map),
    "idle LUN": _of(_idle),
    "pauses of the disk": _of(_pauses),
    "pauses of the disk in series": _of(_pauses_in_series),
    "pauses of one path, up to 4 s": _of(_path_pauses),
    "one path ten times as slow for up to 3 s": _of(_hiccup),
    "queue depths": _of(_depths),
    "two path groups": _of(_groups),
    "optimized paths and others in one group": _two_speeds,
    "4 % loss on all paths": lambda chance: _lossy(chance, one=False),
    "4 % loss on all paths, few I/Os": lambda chance: _lossy(chance, one=False, rate=10.0, large=0.0),
    "4 % loss on one path": lambda chance: _lossy(chance, one=True),
    "4 % loss on one path, few I/Os": lambda chance: _lossy(chance, one=True, rate=10.0, large=0.0),
}


def alarms(kind: str, seed: int, hours: float) -> list[Said]:
    """What is reported of slow paths in so many hours of one host with traffic of that kind."""
    host = KINDS[kind](random.Random(f"{seed} {kind}"))  # noqa: S311
    host.run(hours * 3600)
    return host.said
