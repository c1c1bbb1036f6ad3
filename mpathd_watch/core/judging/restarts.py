"""Going on with what an earlier daemon knew: the same outages, and nothing announced twice.

What is remembered of a path takes effect once it is known what the path is like now: sysfs and the manager of its map
have been read. What has changed by then did so while no daemon watched, at some moment since the earlier one last ran.

After a boot CLOCK_MONOTONIC has begun again, and the wall clock may have been set. So what was before is placed as if
no time had passed between the last sign of life of the earlier daemon and the boot: every duration is one that is
proven. The times that messages and the history show are those of the wall clock as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import IncidentEnded, OutageChanged, OutageDropped
from mpathd_watch.core.events import Remembered
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import KeptMap, Memory, OpenOutage, by_path
from mpathd_watch.core.model.outage import Gap, Outage
from mpathd_watch.core.model.vocabulary import Health, SourceName
from mpathd_watch.core.state import Due, NexusState, PathState, Wait
from mpathd_watch.immutable import replace

Value = TypeVar("Value")

MOST_GAPS = 16
"""Gaps that are kept of one outage: those with an instant, and the latest of the others."""


def remembered(draft: Draft, event: Remembered) -> None:
    """Take over what is known from before.

    Outages are kept by the clock of this boot from now on, and with the moment since which nobody has watched them: a
    path may be long in coming, and this daemon may end before it.
    """
    memory = _on_this_boot(event.memory, draft.now)
    if memory.alive is not None:
        gap = Gap(memory.alive, memory.alive, booted=not memory.same_boot)
        outages = [_unwatched(known, gap) for paths in memory.outages.values() for known in paths.values()]
        memory = replace(memory, outages=by_path(outages))
        for known in outages:
            draft.emit(OutageChanged(known, None, draft.now))
    draft.rest = replace(draft.rest, memory=replace(memory, incidents=frozen({})))
    draft.rest = replace(draft.rest, auditing=replace(draft.rest.auditing, announced=event.memory.findings))
    draft.incidents.update(_going_on(memory))
    for incident in memory.incidents.values():
        if incident.id not in draft.incidents:
            draft.emit(IncidentEnded(incident, draft.now))


def _going_on(memory: Memory) -> Iterator[tuple[str, Incident]]:
    """The incidents whose outages go on, as far as is known."""
    out = Counter(known.incident for paths in memory.outages.values() for known in paths.values())
    for incident in sorted(memory.incidents.values(), key=lambda each: each.began):
        if out[incident.id]:
            yield incident.id, replace(incident, out=out[incident.id])


def _unwatched(known: OpenOutage, gap: Gap) -> OpenOutage:
    """The outage with a gap that has not ended: this one, or the one that an earlier daemon has left so."""
    outage = known.outage
    if outage.unwatched and outage.unwatched[-1].open:
        left = outage.unwatched[-1]
        gap, outage = replace(left, booted=left.booted or gap.booted), replace(outage, unwatched=outage.unwatched[:-1])
    return replace(known, outage=replace(outage, unwatched=(*_worth_keeping(outage), gap)))


def resume(draft: Draft) -> None:
    """Go on with what is remembered of the maps and paths that the event has touched, and that are known by now."""
    memory = draft.rest.memory
    if not (memory.maps or memory.outages):
        return
    for wwid in draft.regrouped | {wwid for wwid, _ in draft.touched}:
        if wwid in memory.maps:
            _resume_map(draft, wwid)
        if wwid in memory.outages and draft.rest.started and _is_known(draft, wwid):
            _resume_paths(draft, wwid)


def drop_unknown_maps(draft: Draft) -> None:
    """End what is remembered of maps that are neither there nor expected."""
    memory = draft.rest.memory
    for paths in [paths for wwid, paths in memory.outages.items() if wwid not in draft.maps]:
        for known in paths.values():
            draft.emit(OutageDropped(known.outage.id, known.outage.real))
            draft.release(known.wwid, known.path, known.incident, None)
    left = {wwid: paths for wwid, paths in memory.outages.items() if wwid in draft.maps}
    draft.rest = replace(draft.rest, memory=replace(memory, outages=frozen(left)))


def waits(draft: Draft, wwid: str, path: PathState) -> bool:
    """Whether something is remembered of the path, and it is not known yet what it is like now."""
    return path.label in draft.rest.memory.outages.get(wwid, ()) and not _may_still_come(draft, path)


def _may_still_come(draft: Draft, path: PathState) -> bool:
    """Whether the path is not there yet, and the time to come back after a start is not over."""
    return path.awaited and Due(Wait.GRACE) in draft.deadlines


def unwatched_since(draft: Draft, wwid: str, path: PathState, seen: Instant) -> tuple[Gap, ...]:
    """When an outage began that was there when it was first ``seen``; empty if nothing is known from before."""
    memory = draft.rest.memory
    expected = memory.expected.get(wwid)
    if memory.alive is None or expected is None or path.label not in expected.paths:
        return ()
    return (Gap(memory.alive, seen, booted=not memory.same_boot),)


def until_known(path: PathState, outage: Outage, now: Instant) -> Outage:
    """The outage of a path whose health is known now.

    If it has not been known since the start, nobody has watched the path until now.
    """
    if path.health is not Health.UNKNOWN or not outage.unwatched or path.verdict.since > outage.unwatched[-1].latest:
        return outage
    return replace(outage, unwatched=(*outage.unwatched[:-1], replace(outage.unwatched[-1], latest=now)))


def nexus_as_announced(draft: Draft, nexus: NexusState) -> NexusState:
    """A nexus that is read for the first time, lost as it was announced before, if it was."""
    memory = draft.rest.memory
    if nexus.label not in memory.lost:
        return nexus
    draft.rest = replace(draft.rest, memory=replace(memory, lost=_without(memory.lost, nexus.label)))
    return replace(nexus, ever_up=True, announced_lost=True, announced_with=memory.lost[nexus.label])


def _resume_map(draft: Draft, wwid: str) -> None:
    memory = draft.rest.memory
    was = memory.maps[wwid]
    draft.maps[wwid] = replace(draft.maps[wwid], announced=was.announced, troubled=was.troubled)
    draft.rest = replace(draft.rest, memory=replace(memory, maps=_without(memory.maps, wwid)))


def _resume_paths(draft: Draft, wwid: str) -> None:
    for label, known in draft.rest.memory.outages[wwid].items():
        path = draft.paths(wwid).get(label)
        if path is not None and not _may_still_come(draft, path):
            draft.set_path(wwid, _resumed(draft, path, known))
            draft.rest = replace(draft.rest, memory=draft.rest.memory.without_outage(wwid, label))


def _without(known: Mapping[str, Value], key: str) -> Mapping[str, Value]:
    return frozen({each: value for each, value in known.items() if each != key})


def _is_known(draft: Draft, wwid: str) -> bool:
    """Whether the manager of the map has listed it, or does not answer."""
    return draft.rest.multipathd_asked or draft.layer_of(wwid).manager is not SourceName.MULTIPATHD


def _resumed(draft: Draft, path: PathState, known: OpenOutage) -> PathState:
    outage = known.outage
    gaps = (*outage.unwatched[:-1], replace(outage.unwatched[-1], latest=draft.now))
    verdict = replace(path.verdict, health=known.health, since=known.since, announced=known.announced)
    seen = not outage.inherited
    return replace(
        path,
        verdict=verdict,
        outage=replace(outage, unwatched=gaps),
        ever_up=path.ever_up or seen,
        ever_reached=path.ever_reached or seen,
        incident=known.incident,
    )


def _worth_keeping(outage: Outage) -> tuple[Gap, ...]:
    """The gaps that some instant fell into, or in which the host was booted."""
    instants = {value for each in fields(outage) if isinstance(value := getattr(outage, each.name), Instant)}
    used = [gap for gap in outage.unwatched if any(gap.earliest < instant <= gap.latest for instant in instants)]
    others = [gap for gap in outage.unwatched if gap.booted and gap not in used]
    return (*used, *others)[: MOST_GAPS - 1] if len(used) + len(others) < MOST_GAPS else (*used, others[-1])


# --- what was before a boot -------------------------------------------------------------------------------------------


def _on_this_boot(memory: Memory, now: Instant) -> Memory:
    """The memory with its instants on this boot's CLOCK_MONOTONIC, all of them before now."""
    alive = memory.alive
    if alive is None:
        return Memory(memory.expected)
    same = memory.same_boot and alive.monotonic <= now.monotonic
    clocks = _Clocks(alive.monotonic, 0.0 if same else -alive.monotonic)
    return replace(
        memory,
        alive=clocks.moved(alive),
        same_boot=same,
        outages=by_path(
            _moved(clocks, known, same=same) for paths in memory.outages.values() for known in paths.values()
        ),
        maps=frozen({wwid: _moved_map(clocks, map_) for wwid, map_ in memory.maps.items()}),
        incidents=frozen({each.id: _moved_incident(clocks, each) for each in memory.incidents.values()}),
    )


class _Clocks:
    """Moves instants by ``by`` seconds of CLOCK_MONOTONIC; none is later than ``alive`` was."""

    def __init__(self, alive: float, by: float) -> None:
        self._alive = alive
        self._by = by

    def moved(self, instant: Instant) -> Instant:
        """The instant, moved."""
        return Instant(min(instant.monotonic, self._alive) + self._by, instant.wall)

    def instants(self, record: Any) -> dict[str, Any]:
        """The instants among the fields of a record, moved."""
        found = ((each.name, getattr(record, each.name)) for each in fields(record))
        return {name: self.moved(value) for name, value in found if isinstance(value, Instant)}


def _moved(clocks: _Clocks, known: OpenOutage, *, same: bool) -> OpenOutage:
    outage = known.outage
    moved = replace(
        outage,
        **clocks.instants(outage),
        unwatched=tuple(replace(gap, **clocks.instants(gap)) for gap in outage.unwatched),
        errors=outage.errors if same else None,  # the disk counts from 0 again
    )
    return replace(known, outage=moved, since=clocks.moved(known.since))


def _moved_incident(clocks: _Clocks, incident: Incident) -> Incident:
    return replace(incident, **clocks.instants(incident))


def _moved_map(clocks: _Clocks, map_: KeptMap) -> KeptMap:
    return replace(map_, **clocks.instants(map_))
