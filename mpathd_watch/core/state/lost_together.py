"""What nexuses that are lost have in common, in words, by what is known of them and of the network interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.state.nexus import NexusState
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier, shared_cause
from mpathd_watch.core.verdicts.shared_cause import Member

Links = Mapping[str, LinkFacts]


def lost_together(lost: Iterable[str], nexuses: Mapping[str, NexusState], links: Links | None) -> str:
    """What all these nexuses have in common with those that are lost or about to be; empty if it is nothing."""
    known = [nexuses[label] for label in lost if label in nexuses]
    members = {transport: _members_of(transport, nexuses, links) for transport in {nexus.transport for nexus in known}}
    found = {_shared(nexus, members[nexus.transport]) for nexus in known}
    return found.pop() if len(found) == 1 else ""


def _shared(lost: NexusState, members: Sequence[Member]) -> str:
    row = table.of(lost.transport)
    found = shared_cause.shared(lost.label, members, [tie.phrase for tie in row.ties])
    return found.words(row.words.noun) if found else ""


def _members_of(transport: Transport, nexuses: Mapping[str, NexusState], links: Links | None) -> Sequence[Member]:
    """The nexuses of one transport, with what each can share."""
    return [_member(nexus, links or {}) for nexus in nexuses.values() if nexus.transport is transport]


def _member(nexus: NexusState, links: Links) -> Member:
    nic = carrier.trunk(nexus.facts.local, links)
    values = tuple(tie.value(nexus.facts, nic) for tie in table.of(nexus.transport).ties)
    return Member(nexus.label, values, down=nexus.liveness.lost or nexus.suspicion is not None)
