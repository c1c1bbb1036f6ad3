"""What fails in a drill, and which paths go with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TypeAlias

from mpathd_watch.core.model import identity
from mpathd_watch.core.model.identity import in_order
from mpathd_watch.core.model.text import clean, listed
from mpathd_watch.core.state import MapState, NexusState, PathState, State
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.immutable import immutable, replace

Key: TypeAlias = tuple[str, str]
"""A path: the WWID of its map, and its label."""


class Kind(StrEnum):
    """What a drill is about."""

    MAP = "map"
    PORTAL = "portal"
    INTERFACE = "interface"


@immutable
class Target:
    """What the administrator has named. ``str`` of it is how messages name it."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As in ``interface p2``."""
        return f"{self.kind} {clean(self.name)}"


@immutable
class Fault:
    """A portal or an interface that may fail in a drill, and the ``paths`` that are lost with it."""

    target: Target
    paths: frozenset[Key] = frozenset()


class TargetError(Exception):
    """There is no such target; the text is one line with what there is."""


def faults(state: State, target: Target) -> tuple[Fault, ...]:
    """What may fail in a drill on ``target``: of a map, any one of its portals. Raises ``TargetError``."""
    if target.kind is Kind.INTERFACE:
        return (_fault(state, Target(Kind.INTERFACE, _interface(state, target.name))),)
    if target.kind is Kind.PORTAL:
        return (_fault(state, Target(Kind.PORTAL, _portal(state, target.name))),)
    portals = {place for path in _map(state, target.name).paths.values() if (place := _leads_to(state, path))}
    return tuple(_fault(state, Target(Kind.PORTAL, name)) for name in sorted(portals, key=in_order))


def interfaces_of(state: State, fault: Fault) -> list[str]:
    """The interfaces whose loss takes exactly the same paths as ``fault``."""
    same = (
        name for name in sorted(state.links or {}) if _fault(state, Target(Kind.INTERFACE, name)) == _as(fault, name)
    )
    return list(same)


def paths(state: State) -> Iterator[tuple[MapState, PathState]]:
    """Every path with its map."""
    for map_ in state.maps.values():
        for path in map_.paths.values():
            yield map_, path


def _as(fault: Fault, interface: str) -> Fault:
    return replace(fault, target=Target(Kind.INTERFACE, interface))


def _fault(state: State, target: Target) -> Fault:
    lost = _by_interface(state, target.name) if target.kind is Kind.INTERFACE else _by_portal(state, target.name)
    return Fault(target, frozenset((map_.wwid, path.label) for map_, path in paths(state) if lost(path)))


def _by_interface(state: State, name: str) -> Callable[[PathState], bool]:
    """Whether a path has no interface left without this one. A bond goes on with its other members."""
    links = state.links or {}
    without = {**links, name: replace(links[name], up=False, carrier=False)}
    gone = {
        label
        for label, nexus in state.nexuses.items()
        if not carrier.lost(nexus.facts.local, links) and carrier.lost(nexus.facts.local, without)
    }
    return lambda path: path.nexus in gone


def _by_portal(state: State, name: str) -> Callable[[PathState], bool]:
    return lambda path: _leads_to(state, path) == name


def _leads_to(state: State, path: PathState) -> str:
    """The portal that a path's connection leads to."""
    nexus = state.nexuses.get(path.nexus)
    return path.place.portal if nexus is None else nexus.facts.leads_to


def _interface(state: State, name: str) -> str:
    links = state.links or {}
    if name not in links:
        raise TargetError(f"there is no interface {clean(name)}; there is {_among(links)}")
    return name


def _portal(state: State, name: str) -> str:
    """The portal of this name; the port may be left out where that names one."""
    every = {_portal_of(nexus) for nexus in state.nexuses.values()} | {path.place.portal for _, path in paths(state)}
    every.discard("")
    address, _, port = name.rpartition(":")
    wanted = identity.portal(address, int(port)) if port.isascii() and port.isdigit() and address else name
    if wanted in every:
        return wanted
    alone = identity.portal(name, 0).removesuffix(":0")
    found = sorted(each for each in every if each.rpartition(":")[0] == alone)
    if len(found) == 1:
        return found[0]
    if found:
        raise TargetError(f"{clean(name)} is several portals; name one of {_among(dict.fromkeys(found))}")
    raise TargetError(f"no path leads to the portal {clean(name)}; there is {_among(dict.fromkeys(every))}")


def _portal_of(nexus: NexusState) -> str:
    return nexus.facts.leads_to


def _map(state: State, name: str) -> MapState:
    for map_ in state.maps.values():
        if name in (map_.label, map_.name, map_.wwid):
            return map_
    raise TargetError(f"there is no map {clean(name)}; there is {_among({m.label: m for m in state.maps.values()})}")


def _among(names: Mapping[str, object]) -> str:
    return listed(sorted(map(clean, names), key=in_order)) or "none"
