"""What speaks for a cause, in words: silence, the network interface, the siblings."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.alerting.messages.context import Scene
from mpathd_watch.core.alerting.messages.fields import CAUSES
from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Cause, Doubt, Health, Phase
from mpathd_watch.core.state import PathState, SessionState
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.core.verdicts.outage import Outage, phases


def doubt(scene: Scene, path: PathState) -> str:
    """Why a path is suspect."""
    session = scene.session_of(path)
    if session is None:
        return "its session is doubted"
    if session.doubt is Doubt.CARRIER:
        return ", ".join([_interface(scene, session), *_siblings(scene, path)])
    pings = session.facts.recv_tmo or 0
    silent = "" if session.silence is None else f" for {duration(session.silence)}"
    told = f"no answer from {path.portal}{silent}, where one comes at least every {pings} s"
    return ", ".join([told, *around(scene, path)])


def cause(path: PathState, outage: Outage) -> str:
    """The cause of a connection's end, with the time that it took to be sure of it."""
    silence = phases(outage).get(Phase.DETECTION)
    if outage.cause is Cause.NOP_TIMEOUT and silence is not None:
        return f"no answer on {path.portal} for {duration(silence)}"
    return CAUSES[outage.cause]


def is_cut_off(scene: Scene, path: PathState) -> bool:
    """Whether nothing carries the path's session now, as far as anybody knows."""
    session = scene.session_of(path)
    if session is None or scene.links is None or not session.carried:
        return False
    return carrier.lost(session.facts, scene.links)


def around(scene: Scene, path: PathState) -> list[str]:
    """What the network interface and the siblings add: whether it is this path alone."""
    session = scene.session_of(path)
    if session is None:
        return []
    interface = _interface(scene, session)
    return [*([interface] if interface else []), *_siblings(scene, path)]


def _interface(scene: Scene, session: SessionState) -> str:
    if scene.links is None or not session.carried:
        return ""
    name = carrier.described(session.facts, scene.links)
    if not carrier.is_there(session.facts, scene.links):
        return f"NIC {session.facts.netdev or 'with ' + session.facts.local_address} is gone"
    if not carrier.lost(session.facts, scene.links):
        return f"NIC {name} has carrier"
    if carrier.has_carrier(session.facts, scene.links):
        return f"address {session.facts.local_address} is gone from NIC {name}"
    return f"NIC {name} has no carrier"


def _siblings(scene: Scene, path: PathState) -> list[str]:
    """How the map's paths through other sessions fare."""
    others = [each for each in scene.known.paths.values() if each.session != path.session]
    if not others:
        return []
    healths = {each.health for each in others}
    noun, verb = ("sibling", "is") if len(others) == 1 else ("siblings", "are")
    if healths == {Health.UP}:
        return [f"its {noun}{_through(scene, others)} {verb} fine"]
    if Health.UNKNOWN in healths:
        return []
    fine = [each for each in others if each.health is Health.UP]
    if fine:
        return [f"{len(fine)} of its {len(others)} siblings fine{_through(scene, fine)}"]
    return [f"its {noun} {verb} {'suspect, too' if healths == {Health.SUSPECT} else 'no better'}"]


def _through(scene: Scene, paths: Iterable[PathState]) -> str:
    sessions = (scene.session_of(path) for path in paths)
    names = sorted({session.facts.netdev for session in sessions if session and session.facts.netdev})
    return f" through {', '.join(names)}" if names else ""
