"""Whether a drill is safe now: what stands against it, one reason a line.

A drill takes paths away on purpose. It must not take the last one, and it must not begin while something else is wrong,
or where nobody could judge what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpathd_watch.core.drill import promise
from mpathd_watch.core.drill.target import Fault, Key, Kind, Target, paths
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import clean, listed, plural
from mpathd_watch.core.model.vocabulary import Health, SourceName
from mpathd_watch.core.state import MapState, PathState, State
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.immutable import immutable

_NEEDED = (SourceName.SYSFS, SourceName.MULTIPATHD, SourceName.NETWORK)
"""Without these it is not known which paths there are, who would reinstate them, or what carries them."""


@immutable
class Objections:
    """What stands against a drill: ``silent`` sources, what is ``wrong``, and what is ``unknown``."""

    silent: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All reasons, each once."""
        return tuple(dict.fromkeys((*self.silent, *self.wrong, *self.unknown)))

    @property
    def passing(self) -> bool:
        """Whether they may be gone in a moment: what is unknown now is read sooner or later if all sources answer."""
        return bool(self.unknown) and not self.silent


def objections(state: State, target: Target, faults: tuple[Fault, ...], terminal: str = "") -> Objections:
    """Everything that stands against the drill.

    ``terminal`` is the address of this host that the administrator's own connection leads to, if there is one.
    """
    return Objections(
        silent=tuple(_unread(state)),
        wrong=(
            *_troubles(state),
            *_nothing_lost(target, faults),
            *(reason for fault in faults for reason in _last_paths(state, fault)),
            *_suspended(state, faults),
            *_own_connection(state, faults, terminal),
        ),
        unknown=(*_unplaced(state), *_not_known(state, faults)),
    )


def _unread(state: State) -> Iterator[str]:
    for name in _NEEDED:
        source = state.source(name)
        if not source.up:
            detail = clean(source.detail).rstrip(".")
            yield f"the source {name} does not answer{f': {detail}' if detail else ''}"


def _troubles(state: State) -> Iterator[str]:
    """Any outage that runs already, of whatever map, and any path that is flapping."""
    found: dict[tuple[str, str], list[str]] = {}
    for map_, path in paths(state):
        if path.health not in (Health.UP, Health.UNKNOWN):
            found.setdefault((path.label, f"is {path.health} already"), []).append(map_.label)
        elif path.flaps.flapping:
            found.setdefault((path.label, "is flapping"), []).append(map_.label)
    yield from _by_path(found)


def _unplaced(state: State) -> Iterator[str]:
    for map_ in state.maps.values():
        if map_.unplaced:
            yield f"map {clean(map_.label)}: it is not known where {plural(len(map_.unplaced), 'path')} of it leads"


def _nothing_lost(target: Target, faults: tuple[Fault, ...]) -> Iterator[str]:
    if not any(fault.paths for fault in faults):
        yield f"no path would be lost with {target}, so there is nothing to follow"


def _last_paths(state: State, fault: Fault) -> Iterator[str]:
    """Maps that would be left without a path that is fit to take over."""
    for map_ in _maps(state, [fault]):
        left = [path for path in map_.paths.values() if (map_.wwid, path.label) not in fault.paths]
        fit = [path for path in left if path.health is Health.UP and path.member]
        where = f"map {clean(map_.label)}"
        if not fit:
            yield f"{where} has no healthy path that does not go through {fault.target}"
        elif fault.target.kind is Kind.INTERFACE and not any(_is_carried(state, path) for path in fit):
            yield f"{where}: it is not known which interface carries its other paths"
        elif all(path.slowness.slow for path in fit):
            yield f"{where}: every path that would be left is slow"


def _is_carried(state: State, path: PathState) -> bool:
    """Whether an interface is known that carries the path now."""
    nexus = state.nexuses.get(path.nexus)
    return nexus is not None and not carrier.lost(nexus.facts.local, state.links or {})


def _suspended(state: State, faults: Iterable[Fault]) -> Iterator[str]:
    for map_ in _maps(state, faults):
        if map_.suspended:
            yield f"map {clean(map_.label)} is suspended"


def _not_known(state: State, faults: tuple[Fault, ...]) -> Iterator[str]:
    """Maps of which it is not known what they do without paths; paths of unknown state, or that promise nothing."""
    for map_ in _maps(state, faults):
        if map_.queues is None:
            yield f"map {clean(map_.label)}: it is not known whether I/O waits when no path is left"
    found: dict[tuple[str, str], list[str]] = {}
    for map_, path in paths(state):
        if path.health is Health.UNKNOWN:
            found.setdefault((path.label, "is in a state that is not known"), []).append(map_.label)
    for wwid, label in sorted(_keys(faults), key=lambda key: in_order(key[1])):
        map_ = state.maps[wwid]
        if why := promise.why_unknown(state, map_, map_.paths[label]):
            found.setdefault((label, f"can't be judged: {why}"), []).append(map_.label)
    yield from _by_path(found)


def _own_connection(state: State, faults: Iterable[Fault], terminal: str) -> Iterator[str]:
    """Whoever takes down the interface that carries his own connection can't bring it up again."""
    for fault in faults:
        name = fault.target.name
        link = (state.links or {}).get(name) if fault.target.kind is Kind.INTERFACE else None
        if link is not None and terminal and terminal in link.addresses:
            yield f"this terminal is connected through {clean(name)} ({terminal}); log in another way"


def _maps(state: State, faults: Iterable[Fault]) -> list[MapState]:
    wwids = {wwid for wwid, _ in _keys(faults)}
    return sorted((state.maps[wwid] for wwid in wwids), key=lambda map_: in_order(map_.label))


def _keys(faults: Iterable[Fault]) -> set[Key]:
    return {key for fault in faults for key in fault.paths}


def _by_path(found: dict[tuple[str, str], list[str]]) -> Iterator[str]:
    for (label, what), maps in found.items():
        names = [clean(name) for name in sorted(maps, key=in_order)]
        of = f"of {listed(names)}" if len(names) <= 3 else f"of {len(names)} maps ({listed(names)})"
        yield f"path {clean(label)} {of} {what}"
