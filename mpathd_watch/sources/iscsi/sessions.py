"""iSCSI sessions and their connections (class iscsi_session and iscsi_connection, scsi_transport_iscsi.c)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import RECOVERY_OFF, SessionFacts, TcpFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, SessionStatus
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sources.iscsi.local_ends import LocalEnd
from mpathd_watch.sources.iscsi.session_numbers import CONNECTIONS, HOST, SESSIONS, sids
from mpathd_watch.sources.iscsi.signs_of_life import SignsOfLife
from mpathd_watch.sources.reading.attributes import Attributes, GoneError
from mpathd_watch.sources.reading.open_attribute import OpenAttribute

MAX_OPEN = 256
"""Sessions whose polled attributes stay open, two descriptors each. A service may have 1,024 (LimitNOFILE=)."""

HEARD_WITHIN = 0.02
"""Seconds by which two answers may differ about one moment: the kernel counts in jiffies of up to 10 ms, and we get the
count a little later. A moment that does not move takes no place in a recording."""

_OF_NO_LOGIN = -1
"""An exp_statsn that no session has."""


@immutable
class _Place:
    """The paths of a session's attributes. Those that are polled stay open."""

    session: Path
    connection: Path
    state: Path | OpenAttribute
    exp_statsn: Path | OpenAttribute

    def close(self) -> None:
        """Close the attributes that are open."""
        for attribute in (self.state, self.exp_statsn):
            if isinstance(attribute, OpenAttribute):
                attribute.close()


@immutable
class _Known:
    """A session as last read. ``exp_statsn`` is ``None`` unless it was logged in and had one."""

    place: _Place
    facts: SessionFacts
    exp_statsn: int | None


class Sessions:
    """All iSCSI sessions below one sysfs root. What can't change while a session's state stays the same is read once.

    ``clock`` returns CLOCK_MONOTONIC seconds.
    """

    def __init__(self, sysfs: Path, clock: Callable[[], float]) -> None:
        self._sysfs = sysfs
        self._sessions = sysfs / SESSIONS
        self._connections = sysfs / CONNECTIONS
        self._clock = clock
        self._known: dict[int, _Known] = {}
        self._signs = SignsOfLife()

    def read(
        self,
        attributes: Attributes,
        *,
        everything: bool = False,
        timeouts: bool = False,
        ends: Mapping[int, LocalEnd] | None = None,
        tcp: Mapping[int, TcpFacts] | None = None,
    ) -> tuple[SessionFacts, ...]:
        """All sessions, by number. Raises ``OSError`` if sysfs is not mounted.

        With ``everything``, every attribute is read again; with ``timeouts``, the timeouts of all sessions; otherwise
        only those of changed sessions. ``ends`` are the local ends and ``tcp`` the TCP facts by session number; with
        ``None``, those of the last call stay. A session that is missing in ``tcp`` has no TCP facts.

        Timeouts can change without any change of the session's state or any event: multipathd writes recovery_tmo when
        it sets up a map, and also at a reconfiguration that changes no table. A session without a target or portal is
        left out: iscsid is still creating it. Where a driver does not export the persistent portal, the current one
        takes its place, as for iscsiadm (iscsi_sysfs_get_sessioninfo_by_id() in usr/iscsi_sysfs.c).
        """
        found: dict[int, _Known] = {}
        self._signs.begin(self._clock())
        for sid in sids(self._sysfs):
            known = self._known.get(sid)
            place = (
                known.place if known else self._place(sid, stay_open=len(self._known.keys() | found.keys()) < MAX_OPEN)
            )
            try:
                facts = _session(
                    attributes, place, sid, known.facts if known else None, everything=everything, timeouts=timeouts
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
        self._signs.end(self._clock(), asked=tcp is not None)
        return tuple(known.facts for known in found.values())

    def _living(
        self,
        attributes: Attributes,
        place: _Place,
        facts: SessionFacts,
        known: _Known | None,
        tcp: Mapping[int, TcpFacts] | None,
    ) -> _Known:
        """``facts`` with the last proof of life and the TCP facts.

        exp_statsn changes with every SCSI response and every answer to a ping (__iscsi_complete_pdu() in libiscsi.c).
        It may also go down, since iscsid sets it at each login. A first reading proves nothing; a login does, but after
        a gap in the readings the session may have been silent again since.

        The kernel keeps it when it drops the connection. The first reading after that shows whether the target has
        answered since the reading before; later ones may show an attempt of iscsid to log in.
        """
        alive = known.facts.alive if known else None
        exp_statsn = connection = None
        if facts.state is SessionStatus.LOGGED_IN:
            exp_statsn = attributes.number(place.exp_statsn)
            login = known is not None and known.facts.state in DOWN_SESSION
            before = _OF_NO_LOGIN if login else known.exp_statsn if known else None
            if login or _moved(before, exp_statsn):
                moment = self._signs.moment(self._clock(), facts.sid, tcp)
                if moment is None:
                    exp_statsn = before  # the next reading with TCP facts finds that it has moved
                    alive = self._signs.before_gap if login else alive
                else:
                    alive = moment
            connection = facts.tcp if tcp is None else _asked_again(facts.tcp, tcp.get(facts.sid))
        elif known and known.exp_statsn is not None and _moved(known.exp_statsn, attributes.number(place.exp_statsn)):
            # There are no TCP facts of a connection that is gone, which would show what was in a gap.
            alive = self._signs.moment(self._clock(), facts.sid, None) or alive
        if alive != facts.alive or connection is not facts.tcp:
            facts = replace(facts, alive=alive, tcp=connection)
        return _Known(place, facts, exp_statsn)

    def _place(self, sid: int, *, stay_open: bool) -> _Place:
        session, connection = self._sessions / f"session{sid}", self._connections / f"connection{sid}:0"
        state, exp_statsn = session / "state", connection / "exp_statsn"
        if stay_open:
            return _Place(session, connection, OpenAttribute(state), OpenAttribute(exp_statsn))
        return _Place(session, connection, state, exp_statsn)


def _session(
    attributes: Attributes, place: _Place, sid: int, known: SessionFacts | None, *, everything: bool, timeouts: bool
) -> SessionFacts:
    state = attributes.word(place.state, SessionStatus)
    unchanged = known is not None and known.state is state
    if known is not None and unchanged and not (everything or timeouts):
        return known
    session, connection = place.session, place.connection
    recv_tmo = attributes.number(connection / "recv_tmo")
    ping_tmo = attributes.number(connection / "ping_tmo")
    recovery_tmo = _recovery_tmo(attributes, session / "recovery_tmo")
    if known is not None and not everything and (unchanged or state is not SessionStatus.LOGGED_IN):
        # At a logout the connection disappears first. Its last timeouts are better than none.
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
        creator=attributes.number(session / "creator"),
        driver=_driver(attributes, session),
    )
    return facts if known is None else _same_session(facts, known)


def _asked_again(before: TcpFacts | None, now: TcpFacts | None) -> TcpFacts | None:
    """``now``, with the moment of the last data from ``before`` if it is the same one."""
    if before is None or now is None or before.heard is None or now.heard is None:
        return now
    return replace(now, heard=before.heard) if abs(now.heard - before.heard) < HEARD_WITHIN else now


def _moved(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and before != now


def _same_session(facts: SessionFacts, known: SessionFacts) -> SessionFacts:
    """``facts``, with those that identify the session taken from ``known`` if they can't be read this time."""
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
        current_portal=known.current_portal,
        creator=known.creator if facts.creator is None else facts.creator,
        driver=facts.driver or known.driver,
        routed=known.routed,
        tcp=known.tcp,
    )


def _with_end(facts: SessionFacts, end: LocalEnd) -> SessionFacts:
    facts = replace(facts, local_address=end.address, netdev=end.netdev, local_network=end.network, routed=end.routed)
    if end.portal is None:
        return facts
    address, port = end.portal
    facts = replace(facts, current_portal=identity.portal(address, port))
    if facts.address or facts.state is not SessionStatus.LOGGED_IN:
        return facts  # iscsid sets the persistent portal before the session is logged in
    return replace(facts, address=address, port=port)


def _driver(attributes: Attributes, session: Path) -> str:
    """The name of the driver of the session's SCSI host."""
    place = attributes.link(session)
    host = HOST.search(place)
    return (
        attributes.optional(session.parent / place[: host.end(1)] / "scsi_host" / host[1] / "proc_name") if host else ""
    )


def _recovery_tmo(attributes: Attributes, path: Path) -> int | None:
    return RECOVERY_OFF if attributes.optional(path) == "off" else attributes.number(path)
