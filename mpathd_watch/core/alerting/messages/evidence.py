"""The evidence for a cause, in words: silence, the network interface, the siblings."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.alerting.messages.context import Context
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import AttentionKind, Health, Suspicion
from mpathd_watch.core.state import NexusState, PathState
from mpathd_watch.core.state.arrays import target_of
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier


def suspicion(context: Context, path: PathState) -> str:
    """Why a path is suspect."""
    nexus = context.nexus_of(path)
    if nexus is None:
        return f"its {table.of(path.place.transport).words.noun} is suspect"
    if nexus.suspicion is Suspicion.CARRIER:
        return ", ".join([_interface(context, nexus), *_siblings(context, path)])
    silence = "" if nexus.silence is None else f" for {duration(nexus.silence)}"
    expected = nexus.facts.timing.silent_after or 0
    text = f"no answer from {path.place.portal}{silence} (expected at least every {expected:g} s)"
    return ", ".join([text, *around(context, path)])


RESET_BEFORE = 10.0
"""Seconds before an outage at which a reset may have to do with it."""


def reset(context: Context, path: PathState, outage: Outage) -> str:
    """That the target has reported a reset of LUNs during the outage or just before; empty if it has not."""
    found = context.arrays.attentions.get((AttentionKind.RESET, target_of(path.place)))
    if found is None or outage.inherited or outage.began.since(found.last) > RESET_BEFORE:
        return ""
    return f"its target reported a reset or restart {duration(context.now.since(found.last))} ago"


def is_cut_off(context: Context, path: PathState) -> bool:
    """Whether nothing carries the path's nexus now, as far as that is known."""
    nexus = context.nexus_of(path)
    if nexus is None or context.links is None or not nexus.carried:
        return False
    return carrier.lost(nexus.facts.local, context.links)


def around(context: Context, path: PathState) -> list[str]:
    """What the network interface and the siblings add: whether it is this path alone."""
    nexus = context.nexus_of(path)
    if nexus is None:
        return []
    interface = _interface(context, nexus)
    return [*([interface] if interface else []), *_siblings(context, path)]


def _interface(context: Context, nexus: NexusState) -> str:
    if context.links is None or not nexus.carried:
        return ""
    local, links = nexus.facts.local, context.links
    name = carrier.described(local, links)
    if not carrier.is_there(local, links):
        return f"NIC {local.netdev or 'with ' + local.address} is gone"
    if not carrier.lost(local, links):
        return f"NIC {name} has carrier"
    if carrier.has_carrier(local, links):
        return f"address {local.address} is gone from NIC {name}"
    return f"NIC {name} has no carrier"


def _siblings(context: Context, path: PathState) -> list[str]:
    """The health of the map's paths through other nexuses."""
    others = [each for each in context.map.paths.values() if each.nexus != path.nexus]
    if not others:
        return []
    healths = {each.health for each in others}
    noun, verb = ("sibling", "is") if len(others) == 1 else ("siblings", "are")
    if healths == {Health.UP}:
        return [f"its {noun}{_through(context, others)} {verb} fine"]
    if Health.UNKNOWN in healths:
        return []
    fine = [each for each in others if each.health is Health.UP]
    if fine:
        return [f"{len(fine)} of its {len(others)} siblings fine{_through(context, fine)}"]
    return [f"its {noun} {verb} {'suspect, too' if healths == {Health.SUSPECT} else 'affected, too'}"]


def _through(context: Context, paths: Iterable[PathState]) -> str:
    nexuses = (context.nexus_of(path) for path in paths)
    names = sorted({nexus.facts.local.netdev for nexus in nexuses if nexus and nexus.facts.local.netdev})
    return f" through {', '.join(names)}" if names else ""
