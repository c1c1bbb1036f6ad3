"""iSCSI sessions and their connections (class iscsi_session and iscsi_connection, scsi_transport_iscsi.c)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mpathd_watch.core.facts import RECOVERY_OFF, SessionFacts
from mpathd_watch.core.vocabulary import SessionStatus
from mpathd_watch.sources.sysfs.attributes import Attributes, GoneError, entries

_SESSION = re.compile(r"session(\d{1,10})\Z", re.ASCII)


class Sessions:
    """All iSCSI sessions below one sysfs root, remembering what can't change while a session's state stays the same."""

    def __init__(self, sysfs: Path) -> None:
        self._sessions = sysfs / "class/iscsi_session"
        self._connections = sysfs / "class/iscsi_connection"
        self._known: dict[int, SessionFacts] = {}

    def read(self, attributes: Attributes, *, afresh: bool = False) -> tuple[SessionFacts, ...]:
        """All sessions, by number. With ``afresh`` every attribute is read again, else only those of changed sessions.

        Raises ``OSError`` if sysfs is not there.
        Timeouts change under a session whose state does not: multipathd writes recovery_tmo whenever it sets up a map.
        A session without a target or portal is still being made by iscsid and left out.
        """
        found: dict[int, SessionFacts] = {}
        for name in self._names():
            if not (match := _SESSION.match(name)):
                continue
            sid = int(match[1])
            try:
                facts = self._session(attributes, sid, self._known.get(sid), afresh=afresh)
            except GoneError:
                continue
            if facts.target and facts.address:
                found[sid] = facts
        self._known = found
        return tuple(found[sid] for sid in sorted(found))

    def _names(self) -> list[str]:
        try:
            return entries(self._sessions)
        except FileNotFoundError:
            # Without the module there is no such class, but no sysfs is without classes.
            self._sessions.parent.stat()
            return []

    def _session(self, attributes: Attributes, sid: int, known: SessionFacts | None, *, afresh: bool) -> SessionFacts:
        session = self._sessions / f"session{sid}"
        state = attributes.word(session / "state", SessionStatus)
        if known is not None and not afresh:
            if known.state is state:
                return known
            if state is not SessionStatus.LOGGED_IN:
                return replace(known, state=state)
        # iscsi_tcp has one connection for each session, number 0 (MaxConnections is 1 in open-iscsi).
        connection = self._connections / f"connection{sid}:0"
        facts = SessionFacts(
            sid=sid,
            state=state,
            target=attributes.text(session / "targetname"),
            tpgt=attributes.number(session / "tpgt"),
            iface=attributes.optional(session / "ifacename"),
            initiator=attributes.optional(session / "initiatorname"),
            address=attributes.optional(connection / "persistent_address"),
            port=attributes.number(connection / "persistent_port"),
            recv_tmo=attributes.number(connection / "recv_tmo"),
            ping_tmo=attributes.number(connection / "ping_tmo"),
            recovery_tmo=_recovery_tmo(attributes, session / "recovery_tmo"),
        )
        return facts if known is None else _same_session(facts, known)


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
    )


def _recovery_tmo(attributes: Attributes, path: Path) -> int | None:
    return RECOVERY_OFF if attributes.optional(path) == "off" else attributes.number(path)
