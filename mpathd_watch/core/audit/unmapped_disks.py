"""Disks that should be in a map, but are in none: for the blacklist, find_multipaths, or no known reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mpathd_watch.core.audit import direct_use
from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import ASSUMED, line, remark
from mpathd_watch.core.audit.grouping import Sighting
from mpathd_watch.core.audit.not_loaded import comparable
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.formats.multipath_conf import Blacklist, Document, Rule, blacklist, quoted
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import DeviceState, Liveness, SourceName, Transport
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import immutable


def findings(host: Host) -> Iterator[Finding]:
    """By entry of the blacklist, then by WWID, then the sessions whose disks nothing explains."""
    behind = _behind(host)
    explained: set[str] = set()
    visible: list[DeviceFacts] = []
    if host.state.unmapped:
        entries, redundant = _entries(host), _with_second_paths(host)
        for label, disks in behind.items():
            by_entry = entries.sorted(disk for disk in disks if disk.state is DeviceState.RUNNING)
            visible += by_entry.visible
            for finding, names in by_entry.findings(label, redundant):
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

    def findings(self, label: str, redundant: frozenset[str]) -> Iterator[tuple[Finding, list[str]]]:
        """What hides disks behind the session of this label; ``redundant``: the disks whose LUN has a second path."""
        for rule, hidden in self.hidden.items():
            # A WWID spelled out is meant; an expression may catch more than it was meant to.
            if rule.criterion == "wwid" and rule.text.isalnum():
                yield _by(rule, label, hidden, FindingKind.BLACKLISTED_WWID), hidden
                continue
            lost = [name for name in hidden if name in redundant]
            alone = [name for name in hidden if name not in redundant]
            for names, level in ((lost, None), (alone, Severity.INFO)):
                if names:
                    yield _by(rule, label, names, FindingKind.BLACKLISTED_PATH, level), names
        for rule, names in self.stale.items():
            yield _by(rule, label, names, FindingKind.CONFIGURATION_NOT_LOADED), names


def _by(rule: Rule, label: str, names: list[str], kind: FindingKind, level: Severity | None = None) -> Sighting:
    """The disks that an entry hides; many sessions may have such disks."""
    loaded = kind is not FindingKind.CONFIGURATION_NOT_LOADED
    whose = "the blacklist" if loaded else "an entry that multipathd runs with, but multipath.conf no longer has"

    def told(disks: Sequence[str]) -> str:
        return f"{_disks(disks)} hidden by {whose}: {rule.criterion} {quoted(rule.text)}"

    where = f"{rule.file}:{rule.line}" if loaded else ""
    return Sighting(kind, label, told(names), where, level, cause=rule, parts=tuple(names), told=told)


@immutable
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


def _with_second_paths(host: Host) -> frozenset[str]:
    """The disks in no map that are not the only path to their LUN.

    Paths to one LUN have one WWID; where udev has none of them, they have one LUN of one target.
    """
    targets = {(nexus.transport, nexus.facts.handle): nexus.facts.target for nexus in host.nexuses}
    disks = [(disk.name, _lun(targets, disk)) for disk in host.state.unmapped.values()]
    paths = Counter(lun for _, lun in disks if lun)
    paths.update(map_.wwid for map_ in host.state.maps.values() for _ in map_.paths)
    return frozenset(name for name, lun in disks if paths[lun] > 1)


def _lun(targets: Mapping[tuple[Transport, Hashable], str], disk: DeviceFacts) -> str | tuple[str, str]:
    """What all paths to a disk's LUN have in common; empty if that is not known."""
    if disk.wwid:
        return disk.wwid
    handle = table.handle(disk)
    target = targets.get(handle, "") if handle else ""
    return (target, disk.hctl.rpartition(":")[2]) if target else ""


def _second_paths(host: Host, visible: list[DeviceFacts]) -> Iterator[tuple[Finding, list[str]]]:
    """Disks in no map that are further paths of a map, or of each other."""
    existing = {map_.wwid: map_ for map_ in host.maps}
    by_wwid: dict[str, list[str]] = {}
    for disk in visible:
        if disk.wwid:
            by_wwid.setdefault(disk.wwid, []).append(disk.name)
    for wwid, names in sorted(by_wwid.items()):
        map_ = existing.get(wwid)
        if map_ is None and len(names) == 1:
            continue
        if any(use.disk in names for use in host.state.usage.direct):
            # They are in no map because they are in use. Where there is a map, ``direct_use`` reports them.
            if map_ is None:
                yield direct_use.without_map(host, wwid, names), names
            continue
        why, where = "neither the blacklist nor find_multipaths explains it", ""
        if host.rules.general.find_multipaths.origin == ASSUMED:
            why = "the blacklist does not explain it"
        if host.state.source(SourceName.MULTIPATHD).up is False:
            why = "multipathd does not answer"
        elif map_ is None and (strict := _strict(host, wwid)):
            why, where = strict
        yield _not_in_map(map_.label if map_ else wwid, names, why, where, of_map=map_ is not None), names


def _not_in_map(subject: str, names: list[str], why: str, where: str, *, of_map: bool) -> Sighting:
    whose = "this map's" if of_map else "this"
    text = f"{_disks(names)} in no map, but {'has' if len(names) == 1 else 'have'} {whose} WWID: {why}"

    def told(disks: Sequence[str]) -> str:
        return f"{_disks(disks)} in no map, but have {'WWIDs of these maps' if of_map else 'these WWIDs'}: {why}"

    kind, cause = FindingKind.PATH_NOT_IN_MAP, (why, where, of_map)
    return Sighting(kind, subject, text, where, cause=cause, parts=tuple(names), told=told)


def _strict(host: Host, wwid: str) -> tuple[str, str] | None:
    """The reason, with its line, if find_multipaths keeps multipathd from making a map of a WWID; otherwise ``None``.

    A WWID in /etc/multipath/wwids gets a map whatever find_multipaths is (should_multipath() in libmultipath/wwids.c).
    """
    chosen, wwids = host.rules.general.find_multipaths, host.configuration.wwids
    if chosen.value != "strict" or chosen.origin == ASSUMED or (wwids is not None and wwid in wwids):
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
        strict = _strict(host, unexplained[0].wwid) if len(unexplained) == 1 else None
        level = Severity.INFO if host.without_multipath else None
        yield _without_path(label, [disk.name for disk in unexplained], level, *(strict or ()))


def _without_path(label: str, disks: list[str], level: Severity | None, why: str = "", where: str = "") -> Sighting:
    reason = f": {why}" if why else ""
    text = f"no map uses it, and its {_disks(disks)} in no map{reason}" if disks else "no map uses it"

    def told(names: Sequence[str]) -> str:
        return f"no map uses them, and their {_disks(names)} in no map{reason}" if names else "no map uses them"

    kind, cause = FindingKind.SESSION_WITHOUT_PATH, (bool(disks), why, where)
    return Sighting(kind, label, text, where, level, cause=cause, parts=tuple(disks), told=told)


def _disks(names: Sequence[str]) -> str:
    return f"{plural(len(names), 'disk')} ({listed(names)}) {'is' if len(names) == 1 else 'are'}"
