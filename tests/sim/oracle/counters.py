"""Rule (f): counters never go down, no timestamp lies in the future, and nothing old is kept as if it were fresh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mpathd_watch.core.effects import Effect
from mpathd_watch.core.events import Event, SourceDown
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import CheckerState, DeviceState, SourceName
from mpathd_watch.core.state import PathState, State
from tests.sim.clock import Clock
from tests.sim.oracle.violation import Accuse
from tests.sim.product import Product


class CountersOracle:
    """Compares each state with the one before."""

    def __init__(self, clock: Clock, product: Product, accuse: Accuse) -> None:
        self._clock = clock
        self._accuse = accuse
        product.observers.append(self._stepped)

    def _stepped(self, before: State, after: State, event: Event, _: tuple[Effect, ...]) -> None:
        if isinstance(event, SourceDown):
            self._forgets(event.source, after)
        if before.counters is not after.counters:
            old, new = before.counters, after.counters
            for name in ("uevents", "resyncs", "verdicts", "attentions"):
                self._grows(name, getattr(old, name), getattr(new, name))
            if new.overflows < old.overflows:
                self._accuse("f", "overflows went down")
        if before.nexuses is not after.nexuses:
            for label, nexus in after.nexuses.items():
                known = before.nexuses.get(label)
                if known is not None and known is not nexus:
                    self._grows(f"errors of {label}", known.errors, nexus.errors)
        if before.maps is not after.maps:
            for wwid, map_ in after.maps.items():
                old_map = before.maps.get(wwid)
                if old_map is None or old_map is map_:
                    continue
                self._grows(f"attentions of {map_.name}", old_map.attentions, map_.attentions)
                for label, path in map_.paths.items():
                    known_path = old_map.paths.get(label)
                    if known_path is not None and known_path is not path:
                        self._path(f"{map_.name} {label}", known_path, path)

    def _forgets(self, source: SourceName, state: State) -> None:
        """What only a source knows is unknown from the moment at which it does not answer."""
        for map_ in state.maps.values():
            for path in map_.paths.values():
                if source is SourceName.MULTIPATHD and path.checker.state is not CheckerState.UNKNOWN:
                    self._accuse("f", f"the checker of {map_.name} {path.label} is still {path.checker.state}")
                if source is SourceName.SYSFS and path.disk.state is not DeviceState.UNKNOWN:
                    self._accuse("f", f"the disk of {map_.name} {path.label} is still {path.disk.state}")

    def _path(self, name: str, before: PathState, after: PathState) -> None:
        self._grows(f"failures of {name}", before.failures, after.failures)
        if after.reinstatements < before.reinstatements:
            self._accuse("f", f"reinstatements of {name} went down")
        if after.disk_errors.errors.total < before.disk_errors.errors.total:
            self._accuse("f", f"I/O errors of {name} went down")
        for what, moment in _instants(after):
            if moment is not None and moment.monotonic > self._clock.now + 1e-6:
                self._accuse("f", f"{what} of {name} lies {moment.monotonic - self._clock.now:.1f} s in the future")

    def _grows(self, name: str, before: Mapping[Any, int], after: Mapping[Any, int]) -> None:
        if before is not after and any(after.get(key, 0) < value for key, value in before.items()):
            self._accuse("f", f"{name} went down")


def _instants(path: PathState) -> Iterator[tuple[str, Instant | None]]:
    yield "since", path.verdict.since
    if path.outage is not None:
        for name in ("began", "last_alive", "suspected", "stalled", "failed", "transport_up", "reinstated"):
            yield name, getattr(path.outage, name)
