"""iSCSI sessions and their connections (class iscsi_session and iscsi_connection, scsi_transport_iscsi.c)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mpathd_watch.core.model.facts import RECOVERY_OFF, SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, SessionStatus
from mpathd_watch.sources.iscsi.local_ends import LocalEnd
from mpathd_watch.sources.iscsi.session_numbers import CONNECTIONS, SESSIONS, sids
from mpathd_watch.sources.reading.attributes import Attributes, GoneError
from mpathd_watch.sources.reading.open_attribute import Kept

MAX_KEPT = 256
"""Sessions whose polled attributes are kept open, two descriptors each: a service may have 1,024 (LimitNOFILE=)."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session's attributes are; those that are polled are kept open."""

    session: Path
    connection: Path
    state: Path | Kept
    exp_statsn: Path | Kept

    def close(self) -> None:
        """Let go of what is kept open."""
        for attribute in (self.state, self.exp_statsn):
            if isinstance(attribute, Kept):
                attribute.close()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A session as of the last read. ``exp_statsn`` is ``None`` unless it was logged in and told one."""

    place: _Place
    facts: SessionFacts
    exp_statsn: int | None


class Sessions:
    """All iSCSI sessions below one sysfs root, remembering what can't change while a session's state stays the same.

    ``clock`` tells CLOCK_MONOTONIC seconds.
    """

    def __init__(self, sysfs: Path, clock: Callable[[], float]) -> None:
        self._sysfs = sysfs
        self._sessions = sysfs / SESSIONS
        self._connections = sysfs / CONNECTIONS
        self._clock = clock
        self._known: dict[int, _Seen] = {}

    def read(
        self,
        attributes: Attributes,
        *,
        afresh: bool = False,
        timeouts: bool = False,
        ends: Mapping[int, LocalEnd] | None = None,
        tcp: Mapping[int, TcpFacts] | None = None,
    ) -> tuple[SessionFacts, ...]:
        """All sessions, by number.

        With ``afresh`` every attribute is read again, with ``timeouts`` the timeouts of all, else only those of changed
        sessions. ``ends`` are their local ends, where there is news of them, and ``tcp`` how their connections fare,
        where that has been asked; else they are as told before. A session that ``tcp`` does not have has no such facts.
        Raises ``OSError`` if sysfs is not there.
        Timeouts change under a session whose state does not, and nothing tells: multipathd writes recovery_tmo whenever
        it sets up a map, and at a reconfiguration that leaves all tables as they are, too.
        A session without a target or portal is still being made by iscsid and left out.
        """
        found: dict[int, _Seen] = {}
        for sid in sids(self._sysfs):
            known = self._known.get(sid)
            place = known.place if known else self._place(sid, keep=len(self._known.keys() | found.keys()) < MAX_KEPT)
            try:
                facts = _session(
                    attributes, place, sid, known.facts if known else None, afresh=afresh, timeouts=timeouts
                )
            except GoneError:
                continue
            if ends and sid in ends:
                facts = _with_end(facts, ends[sid])
            if facts.target and facts.address:
                found[sid] = self._living(attributes, place, facts, known, tcp)
        for sid in self._known.keys() - found.keys():
            self._known[sid].place.close()
        self._known = found
        return tuple(seen.facts for seen in found.values())

    def _living(
        self,
        attributes: Attributes,
        place: _Place,
        facts: SessionFacts,
        known: _Seen | None,
        tcp: Mapping[int, TcpFacts] | None,
    ) -> _Seen:
        """``facts`` with the last proof of life and how the connection fares.

        exp_statsn moves with every SCSI response and every answer to a ping (__iscsi_complete_pdu() in libiscsi.c), up
        or down, for iscsid sets it anew at each login. A first reading proves nothing, a login does.
        """
        alive = known.facts.alive if known else None
        exp_statsn = fares = None
        if facts.state is SessionStatus.LOGGED_IN:
            exp_statsn = attributes.number(place.exp_statsn)
            if known and (known.facts.state in DOWN_SESSION or _moved(known.exp_statsn, exp_statsn)):
                alive = self._clock()
            fares = facts.tcp if tcp is None else tcp.get(facts.sid)
        if alive != facts.alive or fares is not facts.tcp:
            facts = replace(facts, alive=alive, tcp=fares)
        return _Seen(place, facts, exp_statsn)

    def _place(self, sid: int, *, keep: bool) -> _Place:
        session, connection = self._sessions / f"session{sid}", self._connections / f"connection{sid}:0"
        state, exp_statsn = session / "state", connection / "exp_statsn"
        if keep:
            return _Place(session, connection, Kept(state), Kept(exp_statsn))
        return _Place(session, connection, state, exp_statsn)


def _session(
    attributes: Attributes, place: _Place, sid: int, known: SessionFacts | None, *, afresh: bool, timeouts: bool
) -> SessionFacts:
    state = attributes.word(place.state, SessionStatus)
    unchanged = known is not None and known.state is state
    if known is not None and unchanged and not (afresh or timeouts):
        return known
    session, connection = place.session, place.connection
    recv_tmo = attributes.number(connection / "recv_tmo")
    ping_tmo = attributes.number(connection / "ping_tmo")
    recovery_tmo = _recovery_tmo(attributes, session / "recovery_tmo")
    if known is not None and not afresh and (unchanged or state is not SessionStatus.LOGGED_IN):
        # A logout takes the connection away first: better those of a moment ago than none.
        return replace(
            known,
            state=state,
            recv_tmo=known.recv_tmo if recv_tmo is None else recv_tmo,
            ping_tmo=known.ping_tmo if ping_tmo is None else ping_tmo,
            recovery_tmo=known.recovery_tmo if recovery_tmo is None else recovery_tmo,
        )
    facts = SessionFacts(
        sid=sid,
        state=state,
        target=attributes.text(session / "targetname"),
        tpgt=attributes.number(session / "tpgt"),
        iface=attributes.optional(session / "ifacename"),
        initiator=attributes.optional(session / "initiatorname"),
        address=attributes.optional(connection / "persistent_address"),
        port=attributes.number(connection / "persistent_port"),
        recv_tmo=recv_tmo,
        ping_tmo=ping_tmo,
        recovery_tmo=recovery_tmo,
    )
    return facts if known is None else _same_session(facts, known)


def _moved(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and before != now


def _same_session(facts: SessionFacts, known: SessionFacts) -> SessionFacts:
    """``facts``, with what makes it this session kept from ``known`` where it can't be read this time."""
    return replace(
        facts,
        target=facts.target or known.target,
        tpgt=known.tpgt if facts.tpgt is None else facts.tpgt,
        iface=facts.iface or known.iface,
        initiator=facts.initiator or known.initiator,
        address=facts.address or known.address,
        port=known.port if facts.port is None else facts.port,
        local_address=known.local_address,
        netdev=known.netdev,
        local_network=known.local_network,
        tcp=known.tcp,
    )


def _with_end(facts: SessionFacts, end: LocalEnd) -> SessionFacts:
    return replace(facts, local_address=end.address, netdev=end.netdev, local_network=end.network)


def _recovery_tmo(attributes: Attributes, path: Path) -> int | None:
    return RECOVERY_OFF if attributes.optional(path) == "off" else attributes.number(path)
