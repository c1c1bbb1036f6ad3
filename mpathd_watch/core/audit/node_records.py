"""Which node record belongs to which session, as open-iscsi decides it.

``iscsiadm`` counts a session as one of a record if target, persistent portal and iface are the same
(``__iscsi_match_session()`` in usr/iscsi_util.c, open-iscsi 2.1.11): neither the portal group nor the portal that the
target has redirected the login to matters. Two spellings of one address are the same, and a host name is the same as
the address that it resolves to. ``node.session.nr_sessions`` is compared with the number of these sessions
(``iscsi_login_portal()`` in usr/session_mgmt.c).

The settings of a session come from one file, which is found by the portal group, too (``idbm_rec_read()`` in
usr/idbm.c). The name of a file in the old layout has neither group nor iface, so it counts for all.

Records with ``node.leading_login`` are tried one after the other, until the target has a session
(``login_by_startup()`` in usr/iscsiadm.c): the others have none on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address

from mpathd_watch.core.configuration import NodeRecord
from mpathd_watch.core.formats.open_iscsi import Record, keys, setting
from mpathd_watch.core.model import identity
from mpathd_watch.core.state import NexusState
from mpathd_watch.core.transports.row import Nexus
from mpathd_watch.immutable import immutable

Identity = tuple[str, str, str]
"""What a session and its record have in common: target, portal, iface."""


@immutable
class NodeRecords:
    """The node records and the sessions, by what they have in common."""

    records: Mapping[Identity, Sequence[NodeRecord]]
    sessions: Mapping[Identity, Sequence[NexusState]]
    targets: Mapping[str, Sequence[NexusState]]

    def __iter__(self) -> Iterator[NodeRecord]:
        """Every record; those of one target, portal and iface together."""
        return (node for nodes in self.records.values() for node in nodes)

    def of(self, session: NexusState) -> Record | None:
        """The record that the session's settings come from, if it exists and can be read."""
        key = of_session(session.facts)
        nodes = [*self.records.get(key, ()), *(node for node in self._unbound(key) if node.place.tpgt is None)]
        by_group = {node.place.tpgt: node.record for node in nodes}
        exact = by_group.get(session.facts.portal_group) or by_group.get(None)
        return nodes[0].record if exact is None and len(nodes) == 1 else exact

    def _unbound(self, key: Identity) -> Sequence[NodeRecord]:
        """The records of another iface than a session's that may be in the old layout, which is about all ifaces."""
        target, portal, iface = key
        return () if iface == identity.DEFAULT_IFACE else self.records.get((target, portal, identity.DEFAULT_IFACE), ())

    def matching(self, node: NodeRecord) -> Sequence[NexusState]:
        """The sessions that ``iscsiadm`` counts as those of a record, as far as no name must be resolved."""
        return self.sessions.get(of_record(node), ())

    def present(self, node: NodeRecord) -> bool | None:
        """Whether a record has a session, or has none on purpose; ``None`` if only a resolver knows."""
        of_target = self.targets.get(node.place.target, ())
        if self.matching(node) or (of_target and (_leading(node) or is_firmware(node.record))):
            return True
        _, portal, iface = of_record(node)
        for session in of_target:
            key = of_session(session.facts)
            if key[1] == portal and node.place.tpgt is None:
                return True
            same_rest = key[2] == iface and _port(key[1]) == _port(portal)
            if same_rest and key not in self.records and _is_name(portal) != _is_name(key[1]):
                return None
        return False


def node_records(records: Iterable[NodeRecord], sessions: Iterable[NexusState]) -> NodeRecords:
    """Arrange records and sessions."""
    nodes: dict[Identity, list[NodeRecord]] = {}
    for node in records:
        nodes.setdefault(of_record(node), []).append(node)
    alike: dict[Identity, list[NexusState]] = {}
    targets: dict[str, list[NexusState]] = {}
    for session in sessions:
        alike.setdefault(of_session(session.facts), []).append(session)
        targets.setdefault(session.facts.target, []).append(session)
    return NodeRecords(nodes, alike, targets)


def of_session(facts: Nexus) -> Identity:
    """The identity that the session's record has, if there is one."""
    return facts.target, facts.portal, facts.iface or identity.DEFAULT_IFACE


def of_record(node: NodeRecord) -> Identity:
    """The identity that a session of this record has, if there is one."""
    return node.place.target, identity.portal(node.place.address, node.place.port), node.place.iface


def is_firmware(record: Record) -> bool:
    """Whether firmware or the initramfs logs in by what this record was made from, and not open-iscsi by the record.

    ``iscsiadm -m discovery -t fw`` makes such records, with ``node.startup = onboot`` (usr/idbm.c).
    """
    startup, discovery = (setting(key, record, None).value for key in (keys.STARTUP, keys.DISCOVERY_TYPE))
    return startup == "onboot" or discovery == "fw"


def _leading(node: NodeRecord) -> bool:
    return setting(keys.LEADING_LOGIN, node.record, None).value == "Yes"


def _port(portal: str) -> str:
    return portal.rpartition(":")[2]


def _is_name(portal: str) -> bool:
    """Whether the portal has a host name in place of an address."""
    try:
        ip_address(portal.rpartition(":")[0].strip("[]"))
    except ValueError:
        return True
    return False
