"""What the real sources report beside what their models do, in the same world at the same time.

``python -m tests.sim.daemon.compare HOURS`` prints what is reported how often, and how much later by the real ones.
Models and real sources watch one world; the daemon's requests to read again reach both.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from statistics import mean

from mpathd_watch.core.effects import Effect, Refresh, Scope
from mpathd_watch.core.events import (
    ConnectionFailed,
    DevicesRead,
    DmPathEvent,
    DmPathEvents,
    Event,
    MapsListed,
    NetworkRead,
    PathsListed,
    SessionsRead,
    SourceDown,
    SourceUp,
    SystemRead,
)
from mpathd_watch.core.state import State
from tests.sim import campaign
from tests.sim.daemon.run import DaemonRun
from tests.sim.product import Sources
from tests.sim.run import Plan, seeds

TOLERANCE = 2.0
"""Seconds by which one of both may be later: sessions are polled every 0.5 s, and a listing follows a second later."""
OF_THE_FIRST_LAYER = frozenset(
    {"daemon_killed", "daemon_restarted", "sysfs_hangs", "uevents_lost", "uevents_late", "errors_lost"}
)
"""The faults that are left out: they act on one of both only, or their dice differ."""

Fact = tuple[str, str, str]
"""A kind of evidence, what it is about, and what it says."""


class Facts:
    """The changes of what a stream of events says, each with its moment."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, Fact]] = []
        self.events: Counter[str] = Counter()
        self._known: dict[tuple[str, str], str] = {}

    def take(self, event: Event, now: float) -> None:
        """Note what is new in an event."""
        self.events[type(event).__name__] += 1
        for kind, about, says in _facts(event):
            if kind in ("uevent", "error") or self._known.get((kind, about)) != says:
                self._known[kind, about] = says
                self.changes.append((now, (kind, about, says)))


def _facts(event: Event) -> Iterator[Fact]:
    match event:
        case SessionsRead():
            for session in event.sessions:
                yield "session", str(session.sid), session.state.value
        case DevicesRead():
            for disk in event.devices:
                yield "disk", disk.name, disk.state.value
                yield "access", disk.name, str(disk.access.state)
        case SystemRead():
            for session in event.sessions:
                yield "session", str(session.sid), session.state.value
            for disk in event.devices:
                yield "disk", disk.name, disk.state.value
                yield "access", disk.name, str(disk.access.state)
            for map_ in event.maps:
                yield "map", map_.wwid, ",".join(map_.slaves)
        case PathsListed() | MapsListed():
            paths = event.paths if isinstance(event, PathsListed) else [p for map_ in event.maps for p in map_.paths]
            for path in paths:
                yield "checker", path.dev, path.checker_state.value
                yield "dm", path.dev, path.dm_state.value
        case NetworkRead():
            for link in event.links:
                yield "carrier", link.name, str(link.carrier)
        case DmPathEvent():
            yield "uevent", event.dev_t, f"{event.action} {event.seqnum}"
        case DmPathEvents():
            for each in event.events:
                yield from _facts(each)
        case ConnectionFailed():
            yield "error", str(event.sid), str(event.error)
        case SourceUp():
            yield "source", event.source.value, "up"
        case SourceDown():
            yield "source", event.source.value, event.reason
        case _:
            return


class Comparison:
    """Runs the models beside a run, and pairs what both report."""

    def __init__(self, run: DaemonRun) -> None:
        self.real, self.models = Facts(), Facts()
        self._clock = run.clock
        random = Random(f"{run.plan.seed} models")  # noqa: S311  # a simulation, not a secret
        self._sources = Sources(run.clock, random, run.world, lambda event: self.models.take(event, run.clock.now))
        self._run = run
        run.product.observers.append(self._stepped)
        run.clock.after(0.0, self._begin)

    def _begin(self) -> None:
        for source in (self._sources.uevents, self._sources.errors, self._sources.network):
            source.begin()
        self._sources.sysfs.begin()
        self._sources.multipathd.begin()

    def _stepped(self, _: State, __: State, event: Event, effects: tuple[Effect, ...]) -> None:
        self.real.take(event, self._clock.now)
        self._sources.multipathd.slow = self._run.product.sources.multipathd.slow
        for effect in effects:
            if isinstance(effect, Refresh):
                self._refresh(effect)

    def _refresh(self, wanted: Refresh) -> None:
        match wanted.scope:
            case Scope.SYSTEM:
                self._sources.sysfs.wake_system()
            case Scope.NEXUSES:
                self._sources.sysfs.wake_sessions()
            case Scope.DEVICES:
                self._sources.sysfs.wake_devices(wanted.devices)
            case Scope.PATHS:
                self._sources.multipathd.wake_paths()
            case Scope.MAPS:
                self._sources.multipathd.wake_maps()

    def paired(self) -> Iterator[tuple[Fact, float | None, float | None]]:
        """Each fact with the moment at which the real sources and the models reported it; ``None``: they did not."""
        left = list(self.models.changes)
        for moment, fact in self.real.changes:
            found = next((each for each in left if each[1] == fact and abs(each[0] - moment) <= TOLERANCE + 10.0), None)
            if found is None:
                yield fact, moment, None
            else:
                left.remove(found)
                yield fact, moment, found[0]
        for moment, fact in left:
            yield fact, None, moment


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare for so many hours."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.daemon.compare", description=__doc__)
    parser.add_argument("hours", type=float)
    parser.add_argument("--seed", default="")
    parser.add_argument("--show", default="", help="a kind of evidence of which every difference is shown")
    given = parser.parse_args(arguments)
    seed = given.seed or campaign.fresh_seed()
    later: dict[str, list[float]] = {}
    only: Counter[tuple[str, str]] = Counter()
    events: dict[str, Counter[str]] = {"real": Counter(), "models": Counter()}
    for each in seeds(seed, given.hours):
        plan = Plan.drawn(each)
        kept = tuple(fault for fault in plan.faults if fault.kind not in OF_THE_FIRST_LAYER)
        run = DaemonRun(Plan(plan.seed, plan.shape, kept))
        found = Comparison(run)
        run.play()
        events["real"] += found.real.events
        events["models"] += found.models.events
        for fact, real, model in found.paired():
            kind = fact[0]
            if real is None or model is None:
                only[kind, "models" if real is None else "real"] += 1
                if given.show == kind:
                    print(each, fact, real, model)
            else:
                later.setdefault(kind, []).append(real - model)
                if given.show == kind and abs(real - model) > TOLERANCE:
                    print(each, fact, real, model)
    print(f"seed {seed}")
    for name in sorted(events["real"] | events["models"]):
        print(f"{name:22} real {events['real'][name]:7}  models {events['models'][name]:7}")
    print(f"{'':10} {'both':>7} {'mean':>7} {'least':>7} {'most':>7} {'only real':>10} {'only models':>12}")
    for kind in sorted(later):
        all_of = later[kind]
        print(
            f"{kind:10} {len(all_of):7} {mean(all_of):+7.2f} {min(all_of):+7.2f} {max(all_of):+7.2f} "
            f"{only[kind, 'real']:10} {only[kind, 'models']:12}"
        )
    return 0


if __name__ == "__main__":
    campaign.with_fixed_hashes("tests.sim.daemon.compare")
    sys.exit(main())
