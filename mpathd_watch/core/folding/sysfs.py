"""Folding looks at sysfs: maps, their member disks and the sessions behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import DevicesRead, SessionsRead, SystemRead
from mpathd_watch.core.folding.dm import made_anew
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.facts import DeviceFacts, MapFacts, SessionFacts
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, CheckerState, DeviceState, DmState, SessionStatus
from mpathd_watch.core.state import Due, MapState, PathState, SessionState, Tally, Wait, frozen
from mpathd_watch.core.verdicts.error_counts import Errors


def read_system(turn: Turn, event: SystemRead) -> None:
    """Take over a whole look: what it does not show is gone, but for what it could not read."""
    devices = {device.name: device for device in event.devices}
    _fold_sessions(turn, event.sessions, event.requested)
    seen = {facts.wwid for facts in event.maps}
    labels = identity.assign(
        {known.label: wwid for wwid, known in turn.maps.items()},
        ((facts.wwid, facts.name or facts.wwid or "unknown") for facts in event.maps),
    )
    names = {wwid: label for label, wwid in labels.items()}
    for wwid in tuple(turn.maps):
        if wwid not in seen:
            _drop_map(turn, wwid)
    for facts in event.maps:
        _fold_map(
            turn, facts, names[facts.wwid], [devices[name] for name in sorted(devices.keys() & set(facts.slaves))]
        )
    _touch_paths_of(turn, turn.sessions)
    turn.unmapped = frozen({device.name: device for device in event.unmapped})
    turn.started = True
    _drop_idle_sessions(turn)


def read_sessions(turn: Turn, event: SessionsRead) -> None:
    """Take over the sessions; a new or vanished one means that disks came or went, too."""
    before = {session.facts.sid for session in turn.sessions.values() if _present(session)}
    _fold_sessions(turn, event.sessions, event.requested)
    after = {session.facts.sid for session in turn.sessions.values() if _present(session)}
    _touch_paths_of(turn, turn.sessions)
    if before != after:
        turn.refresh(Scope.SYSTEM)


def read_devices(turn: Turn, event: DevicesRead) -> None:
    """Take over some disks' states and counters."""
    fresh = {device.name: device for device in event.devices}
    gone = frozenset(event.vanished)
    for wwid, known in tuple(turn.maps.items()):
        for path in known.paths.values():
            if not path.member:
                continue
            facts = fresh.get(path.dev)
            if facts is not None and facts.dev_t == path.dev_t:
                _observe(turn, wwid, path, facts, event.requested)
            elif path.dev in gone:
                turn.set_path(wwid, _absent(path))
                turn.refresh(Scope.SYSTEM)


# --- sessions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SessionKey:
    """What makes a session the same session: its number, and what the number was given for."""

    sid: int
    target: str
    tpgt: int | None
    connection: str
    initiator: str


def _key(facts: SessionFacts) -> _SessionKey:
    return _SessionKey(facts.sid, facts.target, facts.tpgt, identity.connection_label(facts), facts.initiator)


def _present(session: SessionState) -> bool:
    return session.status is not SessionStatus.MISSING


def _fold_sessions(turn: Turn, sessions: Iterable[SessionFacts], requested: float) -> None:
    found = {_key(facts): facts for facts in sorted(sessions, key=lambda facts: facts.sid)}
    held = {label: _key(session.facts) for label, session in turn.sessions.items() if _present(session)}
    labels = identity.assign(
        held, ((key, identity.session_base(facts)) for key, facts in found.items()), identity.session_name
    )
    for label, session in tuple(turn.sessions.items()):
        if label not in labels:
            turn.sessions[label] = replace(session, status=SessionStatus.MISSING, lost=None, error=None, read=None)
    for label, key in labels.items():
        facts = found[key]
        known = turn.sessions.get(label)
        session = _polled(turn, known or SessionState(label, facts, facts.state), facts)
        # A whole look reads the sessions last, long after it was asked for.
        turn.sessions[label] = replace(session, read=max(requested, session.read or 0.0) or None)


def _polled(turn: Turn, known: SessionState, facts: SessionFacts) -> SessionState:
    """The session as it was read; one that is back has nothing more to do with what had taken it."""
    lost, error = known.lost, known.error
    if facts.state in DOWN_SESSION:
        lost = lost or turn.now
    elif facts.state is not SessionStatus.UNKNOWN and lost is not None:
        lost = error = None
    # The place is another one after a login: it has yet to be seen carrying.
    carried = known.carried and facts.local_address == known.facts.local_address
    return replace(
        known,
        facts=facts,
        status=facts.state,
        lost=lost,
        error=error,
        heard=_heard(turn, known, facts),
        retransmits=_sent_again(known, facts),
        carried=carried,
    )


def _heard(turn: Turn, known: SessionState, facts: SessionFacts) -> float | None:
    """The latest proof of life; one that lies ahead of us is none."""
    proofs = (known.heard if known.facts.sid == facts.sid else None, facts.heard)
    return max((proof for proof in proofs if proof is not None and proof <= turn.now.monotonic), default=None)


def _sent_again(known: SessionState, facts: SessionFacts) -> Tally:
    """The session's retransmissions; a new connection counts from 0, which shows as a step back."""
    tally, now = known.retransmits, facts.tcp.retransmits if facts.tcp else None
    if now is not None and tally.raw is not None and now < tally.raw:
        tally = Tally(0, tally.total)
    return tally.follow(now)


def _touch_paths_of(turn: Turn, sessions: Mapping[str, SessionState]) -> None:
    """Have every path judged again whose session differs from what it was when the turn began."""
    before = turn.state.sessions
    changed = {label for label, session in sessions.items() if before.get(label) != session}
    if changed:
        for wwid, known in turn.maps.items():
            turn.touched.update((wwid, path.label) for path in known.paths.values() if path.session in changed)


def _drop_idle_sessions(turn: Turn) -> None:
    """A vanished session stays in sight only as long as a path that came through it is expected."""
    used = {path.session for wwid in turn.maps for path in turn.paths(wwid).values()}
    for label, session in tuple(turn.sessions.items()):
        if not _present(session) and label not in used:
            del turn.sessions[label]


# --- maps and paths ---------------------------------------------------------------------------------------------------


def _fold_map(turn: Turn, facts: MapFacts, label: str, members: list[DeviceFacts]) -> None:
    wwid = facts.wwid
    known = turn.maps.get(wwid)
    if known is None:
        known = MapState(
            wwid=wwid,
            label=label,
            name=facts.name,
            sysfs_name=facts.sysfs_name,
            first_seen=turn.now,
            since=turn.now,
        )
        if turn.started:
            # Made just now: multipathd adds the paths as udev brings them. Those found at the start are what they are.
            turn.deadlines[Due(Wait.SETTLE, wwid)] = turn.now.monotonic + turn.settings.settle_seconds
        turn.refresh(Scope.MAPS, Scope.PATHS)
    turn.maps[wwid] = replace(
        known, label=label, name=facts.name, sysfs_name=facts.sysfs_name, suspended=facts.suspended
    )
    turn.regrouped.add(wwid)
    if known.sysfs_name != facts.sysfs_name:
        made_anew(turn, wwid)
    _fold_paths(turn, wwid, members)


def _fold_paths(turn: Turn, wwid: str, members: list[DeviceFacts]) -> None:
    paths = turn.paths(wwid)
    through = _sessions_behind(turn, paths, members)
    members = sorted(
        (device for device in members if device.name in through),
        key=lambda device: (device.sid or 0, device.hctl, device.name),
    )
    labels = identity.assign(
        {path.label: _place(path.dev, path.dev_t, path.hctl) for path in paths.values() if path.member},
        (
            (_place(device.name, device.dev_t, device.hctl), identity.path_base(device, through[device.name]))
            for device in members
        ),
    )
    by_place = {_place(device.name, device.dev_t, device.hctl): device for device in members}
    for label, path in tuple(paths.items()):
        if label not in labels and path.member:
            turn.set_path(wwid, _absent(path))
    for label, place in labels.items():
        device = by_place[place]
        known = paths.get(label)
        if known is None and turn.started:
            turn.emit(messages.path_added(turn.maps[wwid], label, device))
        path = known or PathState(label=label, since=turn.now)
        turn.set_path(wwid, _observed(turn, _placed(turn, path, device, through[device.name]), device, 0.0))
        if known is None or not known.member or known.dev_t != device.dev_t:
            turn.refresh(Scope.MAPS, Scope.PATHS)


def _sessions_behind(turn: Turn, paths: Mapping[str, PathState], members: list[DeviceFacts]) -> dict[str, str]:
    """The session label of each member, ``""`` off iSCSI.

    A disk and its session come and go while sysfs is being walked. A disk whose session is not among those found keeps
    the one it was known by; a new one is left out until another look finds both, lest it be taken for a path of another
    transport.
    """
    sessions = {session.facts.sid: label for label, session in turn.sessions.items() if _present(session)}
    known = {_place(path.dev, path.dev_t, path.hctl): path.session for path in paths.values()}
    through: dict[str, str] = {}
    for device in members:
        if device.sid is None:
            through[device.name] = ""
        elif device.sid in sessions:
            through[device.name] = sessions[device.sid]
        elif session := known.get(_place(device.name, device.dev_t, device.hctl)):
            through[device.name] = session
        else:
            turn.refresh(Scope.SYSTEM)
    return through


def _place(dev: str, dev_t: str, hctl: str) -> tuple[str, str, str]:
    return dev, dev_t, hctl


def _placed(turn: Turn, path: PathState, device: DeviceFacts, session_label: str) -> PathState:
    """The path on the device it is found at; another device than before knows nothing of the old one's states."""
    session = turn.sessions.get(session_label)
    moved = not path.member or (path.dev, path.dev_t, path.hctl) != (device.name, device.dev_t, device.hctl)
    path = replace(
        path,
        dev=device.name,
        dev_t=device.dev_t,
        hctl=device.hctl,
        transport=device.transport,
        session=session_label,
        target=session.facts.target if session else "",
        portal=identity.portal(session.facts.address, session.facts.port) if session else "",
        iface=session.facts.iface if session else "",
        member=True,
    )
    if not moved:
        return path
    return replace(
        path,
        dm=DmState.UNKNOWN,
        dm_changed=None,
        dm_seqnum=None,
        checker=CheckerState.UNKNOWN,
        checker_read=None,
        checker_overruled=False,
        io_errors=path.io_errors.rebased(),
        io_timeouts=path.io_timeouts.rebased(),
        errors=Errors(),
        in_flight=None,
        looked=None,
        marginal=None,
        multipathd_failures=None,
    )


def _observe(turn: Turn, wwid: str, path: PathState, device: DeviceFacts, requested: float) -> None:
    """Take over a disk's reading; one that tells of nothing but I/O leaves the verdict as it is."""
    after = _observed(turn, path, device, requested)
    if replace(after, io=path.io) == path:
        turn.paths(wwid)[path.label] = after
    else:
        turn.set_path(wwid, after)


def _observed(turn: Turn, path: PathState, device: DeviceFacts, requested: float) -> PathState:
    """The path with its device's state and counters, asked for at ``requested``; the same object if nothing changed."""
    io_errors, io_timeouts = path.io_errors.follow(device.io_errors), path.io_timeouts.follow(device.io_timeouts)
    at = turn.now.monotonic
    errors = path.errors
    if device.io_errors is not None:
        errors = errors.read(at, io_errors.total, io_timeouts.total)
    closely = device.in_flight is not None
    after = replace(
        path,
        device=device.state,
        io=device.io,
        io_errors=io_errors,
        io_timeouts=io_timeouts,
        errors=errors,
        timeout=device.timeout,
        wwid=device.wwid,
        in_flight=device.in_flight if closely else path.in_flight,
        looked=requested if closely else path.looked,
        counted_closely=None not in (device.io_errors, device.io_timeouts) if closely else path.counted_closely,
    )
    return path if after == path else after


def _absent(path: PathState) -> PathState:
    return replace(
        path,
        member=False,
        dm=DmState.UNKNOWN,
        dm_changed=None,
        dm_seqnum=None,
        checker=CheckerState.UNKNOWN,
        checker_read=None,
        checker_overruled=False,
        device=DeviceState.UNKNOWN,
    )


def _drop_map(turn: Turn, wwid: str) -> None:
    known = turn.whole_map(wwid)
    for path in known.paths.values():
        turn.emit(messages.path_removed(known, path))
    turn.drop_map(wwid)
