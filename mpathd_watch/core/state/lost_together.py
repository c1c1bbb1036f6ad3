"""What nexuses that are lost have in common, in words, by what is known of them and of the network interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.state.nexus import NexusState
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import TransportRow
from mpathd_watch.core.verdicts import carrier, shared_cause
from mpathd_watch.core.verdicts.shared_cause import Member

Links = Mapping[str, LinkFacts]


def lost_together(lost: Iterable[str], nexuses: Mapping[str, NexusState], links: Links | None) -> str:
    """What the first of the lost nexuses has in common with others that are lost or about to be; empty if nothing."""
    known = next((nexuses[label] for label in sorted(lost) if label in nexuses), None)
    if known is None:
        return ""
    row = table.of(known.transport)
    found = shared_cause.shared(known.label, members_of(row, nexuses, links), [tie.phrase for tie in row.ties])
    return found.words(row.words.noun) if found else ""


def members_of(row: TransportRow, nexuses: Mapping[str, NexusState], links: Links | None) -> Iterator[Member]:
    """The nexuses of one transport, with what each can share."""
    for label, nexus in nexuses.items():
        if nexus.transport is row.transport:
            nic = carrier.trunk(nexus.facts.local, links or {})
            values = tuple(tie.value(nexus.facts, nic) for tie in row.ties)
            yield Member(label, values, down=nexus.liveness.lost or nexus.suspicion is not None)
