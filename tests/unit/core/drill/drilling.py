"""A host on which drills are safe, and outages in it: two portals on two NICs, one map or several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mpathd_watch.core.audit_report import AuditReport, MapReport
from mpathd_watch.core.drill.following import Following, advance, begun
from mpathd_watch.core.drill.plan import Plan, plan
from mpathd_watch.core.drill.target import Kind, Target
from mpathd_watch.core.effects import OutageEnded
from mpathd_watch.core.formats.multipath_conf import merge, resolver
from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, SourceName
from mpathd_watch.core.state import MapState, NexusState, PathState, SourceState, State, frozen
from tests.factories import NOW, at, make_map, make_session, make_state, with_changes

ONE, TWO = "192.168.1.1:3260", "192.168.2.1:3260"
P2 = Target(Kind.INTERFACE, "p2")
SETTINGS = resolver(merge([])).resolve(wwid="", vendor=None, product=None)
BOUNDS = Bounds(detection=16, replacement=5, failover=21, reinstatement=82)


def session(number: int, **changes: Any) -> NexusState:
    """The session to portal ``number``, over the NIC of that number."""
    places: dict[str, Any] = {
        "sid": number,
        "local_address": f"192.168.{number}.2",
        "netdev": f"p{number}",
        "alive": NOW.monotonic - 1,
    }
    return make_session(f"192.168.{number}.1:3260", **{**places, **changes})


def links(**changes: LinkFacts) -> dict[str, LinkFacts]:
    """Two NICs, and those in ``changes``."""
    nics = {f"p{n}": LinkFacts(f"p{n}", up=True, carrier=True, addresses=(f"192.168.{n}.2",)) for n in (1, 2)}
    return {**nics, **changes}


def host(*maps: MapState, sessions: tuple[NexusState, ...] = (), **changes: Any) -> State:
    """A host on which everything is known and in order, but for ``changes``."""
    known = maps or (make_map("mpio"),)
    state = make_state(known, sessions or (session(1), session(2)), links=links())
    reports = {map_.wwid: MapReport(SETTINGS, None, recheck_interval=40) for map_ in known}
    answering = SourceState(up=True)
    sources = {**state.sources, **dict.fromkeys((SourceName.NETWORK, SourceName.CONFIGURATION), answering)}
    auditing = replace(state.auditing, report=AuditReport(maps=frozen(reports)), at=NOW)
    return replace(state, sources=frozen(sources), auditing=auditing, **changes)


def planned(state: State, target: Target = P2) -> Plan:
    """The plan of a drill that is safe."""
    found = plan(state, target)
    assert found.reasons == ()
    return found


def outage(began: float = 10, **changes: Any) -> Outage:
    """One that is noticed 12 s after the last sign of life, fails over after 17 s and is back after 60 s."""
    whole: dict[str, Any] = {
        "cause": Cause.NOP_TIMEOUT,
        "bounds": BOUNDS,
        "last_alive": at(began - 12),
        "stalled": at(began),
        "failed": at(began + 5),
        "transport_up": at(began + 43),
        "reinstated": at(began + 48),
    }
    return Outage(id="0123456789abcdef", began=at(began), **{**whole, **changes})


def with_path(state: State, label: str, wwid: str = "wwid-of-mpio", **changes: Any) -> State:
    """The state with these values of one path."""
    map_ = state.maps[wwid]
    changed = with_changes(map_.paths[label], **changes)
    return with_map(state, replace(map_, paths=frozen({**map_.paths, label: changed})))


def with_map(state: State, map_: MapState) -> State:
    """The state with this map."""
    return replace(state, maps=frozen({**state.maps, map_.wwid: map_}))


def lost(state: State, label: str = TWO, health: Health = Health.FAILED, wwid: str = "wwid-of-mpio") -> State:
    """A path of it is out, in an outage that has come to ``health``."""
    later = {
        Health.SUSPECT: ("stalled", "failed", "transport_up", "reinstated"),
        Health.STALLED: ("failed", "transport_up", "reinstated"),
        Health.FAILED: ("transport_up", "reinstated"),
        Health.RECOVERING: ("reinstated",),
    }[health]
    unknown: dict[str, Any] = dict.fromkeys(later)
    now = outage(**unknown)
    changed = with_path(state, label, wwid, health=health, outage=now, deadline=at(30))
    return with_map(changed, replace(changed.maps[wwid], health=MapHealth.AT_RISK))


def ended(label: str = TWO, wwid: str = "wwid-of-mpio", whole: Outage | None = None) -> OutageEnded:
    """The end of an outage."""
    return OutageEnded(wwid, wwid.removeprefix("wwid-of-"), label, whole or outage())


def passed(state: State, target: Target = P2) -> Following:
    """A drill in which the path of the second portal was lost, and is back."""
    following = begun(planned(state, target), state, at(0))
    following = advance(following, lost(state), (), at(16))
    following = advance(following, state, (ended(),), at(58))
    return advance(following, state, (), at(62))


def path_of(state: State, label: str = TWO, wwid: str = "wwid-of-mpio") -> PathState:
    """One path of it."""
    return state.maps[wwid].paths[label]
