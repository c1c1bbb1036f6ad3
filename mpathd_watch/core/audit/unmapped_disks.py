"""Disks that should be in a map, but are in none: for the blacklist, find_multipaths, or no known reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mpathd_watch.core.audit import direct_use
from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, remark
from mpathd_watch.core.audit.grouping import listed
from mpathd_watch.core.audit.not_loaded import comparable
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Blacklist, Document, Rule, blacklist, quoted
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import DeviceState, Liveness, SourceName
from mpathd_watch.core.transports import table


def findings(host: Host) -> Iterator[Finding]:
    """By entry of the blacklist, then by WWID, then the sessions whose disks nothing explains."""
    behind = _behind(host)
    explained: set[str] = set()
    visible: list[DeviceFacts] = []
    if host.state.unmapped:
        entries = _entries(host)
        for label, disks in behind.items():
            by_entry = entries.sorted(disk for disk in disks if disk.state is DeviceState.RUNNING)
            visible += by_entry.visible
            for finding, names in by_entry.findings(label):
                explained.update(names)
                if finding.kind is not FindingKind.CONFIGURATION_NOT_LOADED or comparable(host):
                    yield finding
    for finding, names in _second_paths(host, visible):
        explained.update(names)
        yield finding
    yield from _unused(host, behind, explained)


def visible(host: Host) -> list[DeviceFacts]:
    """The running disks in no map of sessions that are logged in, without those that the blacklist hides."""
    if not host.state.unmapped:
        return []
    entries = _entries(host)
    running = (disk for disks in _behind(host).values() for disk in disks if disk.state is DeviceState.RUNNING)
    return entries.sorted(running).visible


def _behind(host: Host) -> dict[str, list[DeviceFacts]]:
    """The disks in no map behind each session that is logged in; a session without such disks has an empty list."""
    logged_in = [session for session in host.sessions if session.liveness is Liveness.CARRYING]
    handles = {(session.transport, session.facts.handle): session.label for session in logged_in}
    behind: dict[str, list[DeviceFacts]] = {session.label: [] for session in logged_in}
    for _, disk in sorted(host.state.unmapped.items()):
        handle = table.handle(disk)
        if handle in handles:
            behind[handles[handle]].append(disk)
    return behind


@dataclass(slots=True)
class _Sorted:
    """A session's disks: by the entry that hides them, by one that only multipathd still has, and those not hidden."""

    hidden: dict[Rule, list[str]] = field(default_factory=dict)
    stale: dict[Rule, list[str]] = field(default_factory=dict)
    visible: list[DeviceFacts] = field(default_factory=list)

    def findings(self, label: str) -> Iterator[tuple[Finding, list[str]]]:
        for rule, names in self.hidden.items():
            # A WWID spelled out is meant; an expression may catch more than it was meant to.
            meant = rule.criterion == "wwid" and rule.text.isalnum()
            kind = FindingKind.BLACKLISTED_WWID if meant else FindingKind.BLACKLISTED_PATH
            text = f"{_disks(names)} hidden by the blacklist: {rule.criterion} {quoted(rule.text)}"
            yield Finding(kind, label, text, f"{rule.file}:{rule.line}"), names
        for rule, names in self.stale.items():
            text = (
                f"{_disks(names)} hidden by an entry that multipathd runs with, but multipath.conf no longer has: "
                f"{rule.criterion} {quoted(rule.text)}"
            )
            yield Finding(FindingKind.CONFIGURATION_NOT_LOADED, label, text), names


@dataclass(frozen=True, slots=True)
class _Entries:
    """The blacklist of the files, the one that multipathd runs with, and the names of the administrator's files."""

    written: Blacklist
    running: Blacklist | None
    own: frozenset[str]

    def sorted(self, disks: Iterable[DeviceFacts]) -> _Sorted:
        """The entry that hides each disk.

        Disks that an entry of multipath-tools itself hides are left out: they are not meant for use.
        """
        result = _Sorted()
        for disk in disks:
            written = _rule(self.written, disk)
            in_force = written if self.running is None else _rule(self.running, disk)
            if in_force is None:
                result.visible.append(disk)
            elif written is None:
                result.stale.setdefault(in_force, []).append(disk.name)
            elif written.file in self.own:
                result.hidden.setdefault(written, []).append(disk.name)
        return result


def _entries(host: Host) -> _Entries:
    version, running, document = host.configuration.grammar, host.running, host.configuration.multipath
    return _Entries(
        blacklist(document, version=version, hardware=running),
        None if running is None else blacklist(running, version=version, hardware=Document()),
        frozenset(section.file for section in document.sections),
    )


def _rule(entries: Blacklist, disk: DeviceFacts) -> Rule | None:
    return entries.hides(
        devnode=disk.name,
        wwid=disk.wwid or None,
        vendor=disk.vendor or None,
        product=disk.product or None,
        protocol=table.of(disk.transport).protocol,
    )


def _second_paths(host: Host, visible: list[DeviceFacts]) -> Iterator[tuple[Finding, list[str]]]:
    """Disks in no map that are further paths of a map, or of each other."""
    by_wwid: dict[str, list[str]] = {}
    for disk in visible:
        if disk.wwid:
            by_wwid.setdefault(disk.wwid, []).append(disk.name)
    for wwid, names in sorted(by_wwid.items()):
        map_ = host.state.maps.get(wwid)
        if map_ is None and len(names) == 1:
            continue
        if any(use.disk in names for use in host.state.usage.direct):
            # They are in no map because they are in use. Where there is a map, ``direct_use`` reports them.
            if map_ is None:
                yield direct_use.without_map(host, wwid, names), names
            continue
        why, where = "neither the blacklist nor find_multipaths explains it", ""
        if host.state.source(SourceName.MULTIPATHD).up is False:
            why = "multipathd does not answer"
        elif map_ is None and (strict := _strict(host, wwid)):
            why, where = strict
        subject, whose = (map_.label, "this map's") if map_ else (wwid, "this")
        text = f"{_disks(names)} in no map, but {'has' if len(names) == 1 else 'have'} {whose} WWID: {why}"
        yield Finding(FindingKind.PATH_NOT_IN_MAP, subject, text, where), names


def _strict(host: Host, wwid: str) -> tuple[str, str] | None:
    """The reason, with its line, if find_multipaths keeps multipathd from making a map of a WWID; otherwise ``None``.

    A WWID in /etc/multipath/wwids gets a map whatever find_multipaths is (should_multipath() in libmultipath/wwids.c).
    """
    chosen, wwids = host.rules.general.find_multipaths, host.configuration.wwids
    if chosen.value != "strict" or (wwids is not None and wwid in wwids):
        return None
    text = f"find_multipaths is strict{remark(chosen.origin)}, and the WWID is not in /etc/multipath/wwids"
    if wwids is None:
        text = f"find_multipaths is strict{remark(chosen.origin)}: only a WWID in /etc/multipath/wwids gets a map"
    return text, line(chosen.origin)


def _unused(host: Host, behind: dict[str, list[DeviceFacts]], explained: set[str]) -> Iterator[Finding]:
    for label, disks in behind.items():
        unexplained = [disk for disk in disks if disk.name not in explained]
        if label in host.users or (disks and not unexplained):
            continue
        text, where = "no map uses it", ""
        if unexplained:
            names = [disk.name for disk in unexplained]
            text += f", and its {_disks(names)} in no map"
        if len(unexplained) == 1 and (strict := _strict(host, unexplained[0].wwid)):
            text, where = f"{text}: {strict[0]}", strict[1]
        yield Finding(FindingKind.SESSION_WITHOUT_PATH, label, text, where)


def _disks(names: list[str]) -> str:
    return f"{plural(len(names), 'disk')} ({listed(names)}) {'is' if len(names) == 1 else 'are'}"
