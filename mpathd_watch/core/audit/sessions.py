"""What is wrong with sessions: timeouts that are not in force, or that do harm, and sessions that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mpathd_watch.core import identity
from mpathd_watch.core.configuration import Configuration, NodeRecord
from mpathd_watch.core.facts import RECOVERY_OFF, SessionFacts
from mpathd_watch.core.findings import Finding, FindingKind
from mpathd_watch.core.iscsiconf import Configured, Place, Record, configured, keys, setting
from mpathd_watch.core.multipathconf import Effective, Resolver, resolver
from mpathd_watch.core.state import SessionState, State
from mpathd_watch.core.vocabulary import SessionStatus, SourceName

LONG = 120
"""Seconds of replacement_timeout that open-iscsi ships with, for sessions that have no other path."""
TIGHT = 3
"""Seconds below which an answer to a ping is often late for no other reason than load."""
PROTOCOL = "scsi:iscsi"

RAISED = 5
"""Seconds that the kernel sets where one of the ping's two timeouts is 0 and the other not (iscsi_conn_start())."""

_Identity = tuple[str, str, str]
_Product = tuple[str, str]
_FastIoFail = Effective[int | str]


def present(state: State) -> Iterator[SessionState]:
    """The sessions that are there, by label; what is known of a missing one is history."""
    for _, session in sorted(state.sessions.items()):
        if session.status is not SessionStatus.MISSING:
            yield session


def findings(state: State, configuration: Configuration) -> Iterator[Finding]:
    """Every session by label, then the records that should have one."""
    records = {_of_place(node.place): node.record for node in configuration.records}
    used = _products_through(state)
    written = _fast_io_fail(resolver(configuration.multipath), used)
    for session in present(state):
        label = session.label
        record = records.get(_of_session(session.facts))
        yield from _live(session, multipathed=label in used)
        if record is not None:
            yield from _against_record(session, record, configuration.iscsid)
            # Nothing is said without the record: it may have set anything, and iscsid.conf counts for new ones only.
            if label in used:
                wanted = configured(record, configuration.iscsid)["replacement_timeout"]
                yield from _override(session, wanted, [written[product] for product in sorted(used[label])])
        if label not in used and session.status is SessionStatus.LOGGED_IN:
            yield Finding(FindingKind.SESSION_WITHOUT_PATH, label, "no multipath map has a path through it")
    if state.source(SourceName.SYSFS).up:
        yield from _without_session(state, configuration.records)


def _live(session: SessionState, *, multipathed: bool) -> Iterator[Finding]:
    facts, label = session.facts, session.label
    if facts.recv_tmo == 0 or facts.ping_tmo == 0:
        shown = ["unknown" if seconds is None else str(seconds) for seconds in (facts.recv_tmo, facts.ping_tmo)]
        told = f"noop_out_interval is {shown[0]} and noop_out_timeout is {shown[1]}: the kernel sends no pings"
        yield Finding(FindingKind.PINGS_OFF, label, told)
    elif facts.ping_tmo is not None and facts.ping_tmo < TIGHT:
        yield Finding(FindingKind.TIGHT_PINGS, label, f"noop_out_timeout is {facts.ping_tmo} s")
    if not multipathed or facts.recovery_tmo is None:
        return
    if facts.recovery_tmo == RECOVERY_OFF:
        yield Finding(FindingKind.RECOVERY_OFF, label, "recovery_tmo is off: held I/O never moves to another path")
    elif facts.recovery_tmo >= LONG:
        told = f"recovery_tmo is {facts.recovery_tmo} s: held I/O moves to another path no sooner"
        yield Finding(FindingKind.LONG_REPLACEMENT_TIMEOUT, label, told)


def _against_record(session: SessionState, record: Record, iscsid: Record | None) -> Iterator[Finding]:
    wanted = configured(record, iscsid)
    for name, live in (
        ("noop_out_interval", session.facts.recv_tmo),
        ("noop_out_timeout", session.facts.ping_tmo),
    ):
        if live is None or live == wanted[name].value:
            continue
        other = wanted["noop_out_timeout" if name == "noop_out_interval" else "noop_out_interval"]
        if wanted[name].value == 0 and other.value != 0 and live == RAISED:
            told = f"{name} is {live} s, its record says 0: the kernel takes 0 only for both of the ping's timeouts"
        else:
            told = f"{name} is {live} s, its record says {wanted[name].value}: the record was changed after the login"
        yield Finding(FindingKind.TIMEOUT_NOT_IN_FORCE, session.label, told, _place(wanted[name]))
    if iscsid is not None:
        general = configured(None, iscsid)
        for name in ("noop_out_interval", "noop_out_timeout", "replacement_timeout"):
            if wanted[name].value != general[name].value:
                told = (
                    f"{name} is {wanted[name].value} by its record, and would be {general[name].value} in a new one, "
                    f"by {_who(general[name])}"
                )
                yield Finding(FindingKind.RECORD_DIFFERS, session.label, told, _place(wanted[name]))
    startup = setting(keys.STARTUP, record, iscsid)
    if startup.value == "manual":
        told = "node.startup is manual: nobody logs it in after a reboot"
        yield Finding(FindingKind.MANUAL_STARTUP, session.label, told, _place(startup) or record.file)


def _override(session: SessionState, wanted: Configured, written: list[_FastIoFail]) -> Iterator[Finding]:
    """Who won: multipathd writes fast_io_fail_tmo, unless that is off or 0 (sysfs_set_session_tmo() in discovery.c).

    ``written`` is what it writes for each map that the session serves; which map it set up last is not known.
    """
    live = session.facts.recovery_tmo
    if live in (None, wanted.value, RECOVERY_OFF):
        return
    fast = next((each for each in written if each.value == live != 0), None)
    if fast is not None:
        told = (
            f"recovery_tmo is {live} s: multipathd wrote its fast_io_fail_tmo ({_set_by(fast)}) over "
            f"{keys.REPLACEMENT_TIMEOUT} = {wanted.value} ({_who(wanted)})"
        )
        yield Finding(FindingKind.REPLACEMENT_TIMEOUT_OVERRIDDEN, session.label, told, _place(wanted))
    else:
        also = " or ".join(sorted({f"{each.value} ({_set_by(each)})" for each in written}))
        told = (
            f"recovery_tmo is {live} s, which nothing configured explains: {keys.REPLACEMENT_TIMEOUT} is "
            f"{wanted.value} ({_who(wanted)}), and multipathd's fast_io_fail_tmo {also}"
        )
        yield Finding(FindingKind.TIMEOUT_NOT_IN_FORCE, session.label, told, _place(wanted))


def _without_session(state: State, records: Iterable[NodeRecord]) -> Iterator[Finding]:
    there = {_of_session(session.facts) for session in present(state)}
    for node in records:
        place, startup = node.place, setting(keys.STARTUP, node.record, None)
        if startup.value != "manual" and _of_place(place) not in there:
            through = "" if place.iface == identity.DEFAULT_IFACE else f"@{place.iface}"
            label = f"{identity.portal(place.address, place.port)}{through}/{place.target}"
            told = f"node.startup is {startup.value}, and there is no session"
            yield Finding(FindingKind.RECORD_WITHOUT_SESSION, label, told, _place(startup))


def _products_through(state: State) -> dict[str, set[_Product]]:
    """Vendor and product of the maps that have a path through each session; a session without any is left out."""
    used: dict[str, set[_Product]] = {}
    for known in state.maps.values():
        for path in known.paths.values():
            if path.session:
                used.setdefault(path.session, set()).add((known.vendor, known.product))
    return used


def _fast_io_fail(rules: Resolver, used: Mapping[str, set[_Product]]) -> dict[_Product, _FastIoFail]:
    """What multipathd writes for each product; a map's own section in multipaths has no say in it."""
    return {
        (vendor, product): rules.resolve(
            wwid="", vendor=vendor or None, product=product or None, protocol=PROTOCOL
        ).fast_io_fail_tmo
        for vendor, product in set().union(*used.values())
    }


def _set_by(fast: _FastIoFail) -> str:
    if fast.origin.file:
        return f"{fast.origin.file}:{fast.origin.line}"
    return "multipath-tools' hardware table" if fast.origin.section == "hardware" else "default"


def _of_session(facts: SessionFacts) -> _Identity:
    return facts.target, identity.portal(facts.address, facts.port), facts.iface or identity.DEFAULT_IFACE


def _of_place(place: Place) -> _Identity:
    return place.target, identity.portal(place.address, place.port), place.iface


def _place(value: Configured) -> str:
    return f"{value.file}:{value.line}" if value.file else ""


def _who(value: Configured) -> str:
    return _place(value) or "open-iscsi's default"
