"""Suspecting nexuses that the kernel still reports as working: silence, and a network interface that carries nothing.

A living nexus gives a sign of life at least every ``Timing.silent_after`` seconds: an idle iSCSI session gets an answer
to a ping every noop_out_interval. Once it has been silent for that long and a grace, a ping is out that was not
answered; the kernel goes on waiting until noop_out_timeout has passed, too (iscsi_check_transport_timeouts() in
drivers/scsi/libiscsi.c).

Only a reading that was asked for after the grace had passed can show silence: what was read before is not fresh enough.
"""

from __future__ import annotations

from math import inf

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import NetworkRead
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import Liveness, Suspicion
from mpathd_watch.core.state import Due, NexusState, Wait
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.immutable import replace

READ_AGAIN = 0.5
"""Seconds between two readings while a nexus is silent."""

_SILENCE = Due(Wait.SILENCE)


def reassess(draft: Draft) -> None:
    """Take up or drop the suspicion of every nexus, and have read again when the next may fall silent."""
    look = inf
    touched: list[str] = []
    for label, before in tuple(draft.nexuses.items()):
        nexus = _carried(draft, before)
        limit = _limit(draft, nexus)
        suspicion = _suspicion(draft, nexus, limit)
        if limit is not None:
            silent = nexus.read is not None and nexus.read >= limit
            look = min(look, draft.now.monotonic + READ_AGAIN if silent else limit)
        if suspicion is not nexus.suspicion:
            nexus = replace(nexus, suspicion=suspicion, suspected=None if suspicion is None else draft.now)
            touched.append(label)
            if suspicion is Suspicion.CARRIER:
                draft.refresh(Scope.NEXUSES)  # the last sign of life decides when the kernel drops it
        elif _moved(draft, nexus):
            touched.append(label)
        draft.nexuses[label] = nexus
    draft.touch_paths_through(*touched)
    draft.deadlines.drop(_SILENCE)
    if look <= draft.now.monotonic:
        draft.refresh(Scope.NEXUSES)
    elif look < inf:
        draft.deadlines[_SILENCE] = look


def network_read(draft: Draft, event: NetworkRead) -> None:
    """Take over the network interfaces; an address that has moved may mean another interface for its nexuses."""
    before = _carriers(draft)
    draft.rest = replace(draft.rest, links=frozen({link.name: link for link in event.links}))
    if before is not None and before != _carriers(draft):
        draft.refresh(Scope.SYSTEM)
    reassess(draft)


def forget_network(draft: Draft) -> None:
    """The network interfaces are not known any more."""
    draft.rest = replace(draft.rest, links=None)
    for label, nexus in tuple(draft.nexuses.items()):
        draft.nexuses[label] = replace(nexus, carried=False)
    reassess(draft)


def dropped_at(nexus: NexusState, now: Instant) -> Instant | None:
    """When the kernel drops a suspect nexus, at the latest; ``None`` where nothing promises that, or it is not known.

    It may have given a sign of life after the last reading and before it was suspected: until that has been read, the
    later moment counts.
    """
    after = nexus.facts.timing.dropped_after
    if nexus.heard is None or nexus.suspected is None or after is None:
        return None
    alive = nexus.heard if nexus.read_since_suspected else nexus.suspected.monotonic
    return now.later(alive + after - now.monotonic)


def _moved(draft: Draft, nexus: NexusState) -> bool:
    """Whether a reading has shown that the kernel drops a suspect nexus at another moment than was known."""
    before = draft.before.nexuses.get(nexus.label)
    return before is not None and dropped_at(before, draft.now) != dropped_at(nexus, draft.now)


def _carriers(draft: Draft) -> set[tuple[str, str]] | None:
    """Which interface has which of the nexuses' addresses."""
    if draft.rest.links is None:
        return None
    wanted = {nexus.facts.local.address for nexus in draft.nexuses.values()}
    links = draft.rest.links.values()
    return {(link.name, address) for link in links for address in link.addresses if address in wanted}


def _limit(draft: Draft, nexus: NexusState) -> float | None:
    """The CLOCK_MONOTONIC second from which on the nexus's silence is suspect; ``None`` if it never is."""
    silent_after = nexus.facts.timing.silent_after
    if nexus.liveness is not Liveness.CARRYING or nexus.read is None or nexus.heard is None or silent_after is None:
        return None
    return nexus.heard + silent_after + draft.rest.settings.silence_grace_seconds


def _suspicion(draft: Draft, nexus: NexusState, limit: float | None) -> Suspicion | None:
    links = draft.rest.links
    if nexus.liveness is not Liveness.CARRYING:
        return None
    if nexus.carried and links is not None and carrier.lost(nexus.facts.local, links):
        return Suspicion.CARRIER
    if links is None and nexus.suspicion is Suspicion.CARRIER and not _alive_since(nexus):
        return Suspicion.CARRIER
    if limit is None or nexus.read is None or draft.now.monotonic < limit:
        return None
    # What was suspect stays so until it has been read again: it may have been silent since.
    return Suspicion.SILENCE if nexus.read >= limit else nexus.suspicion


def _alive_since(nexus: NexusState) -> bool:
    """Whether the nexus has given a sign of life since it became suspect."""
    return nexus.heard is not None and nexus.suspected is not None and nexus.heard > nexus.suspected.monotonic


def _carried(draft: Draft, nexus: NexusState) -> NexusState:
    """Only an interface that has been seen carrying a nexus can be lost to it: it may live in another namespace."""
    links = draft.rest.links
    if nexus.carried or links is None or carrier.lost(nexus.facts.local, links):
        return nexus
    return replace(nexus, carried=True)
