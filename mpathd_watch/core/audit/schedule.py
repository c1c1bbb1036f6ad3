"""When the audit is made again, and which of its findings are announced in the journal.

It takes time that grows with the host, and what it looks at changes in bursts: so it waits a moment after a change, and
keeps a distance from the last one. What a changed configuration leads to is announced at once; what merely came about
(a session that is gone) only once it has stood for a while, for an outage has its own entries. So is, whatever has
changed, what passes by itself while a host starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.audit import redundancy
from mpathd_watch.core.audit.audit import Work, advanced, begun, report
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import FindingsAnnounced, Scope
from mpathd_watch.core.events import ConfigurationRead, Event, MultipathdConfigured, NetworkRead, SystemRead
from mpathd_watch.core.judging import access_use
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.state import Auditing, Due, Wait
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts import carrier
from mpathd_watch.immutable import replace

COALESCE = 1.0
"""Seconds between a change and the audit."""
DISTANCE = 5.0
"""Seconds between two audits."""
STANDING = 60.0
"""Seconds that a finding must stand before it is announced, unless the configuration has changed."""
PATHS_AT_ONCE = 1000
"""Paths that one step takes through a stage of an audit, or through several: a few milliseconds."""

_WITH_ALERTS = frozenset(
    {
        *(FindingKind.MULTIPATHD_NOT_RUNNING, FindingKind.MULTIPATHD_NOT_ANSWERING),
        *(FindingKind.SINGLE_PATH, FindingKind.MAP_WITHOUT_PATH),
    }
)
"""Findings with an alert of their own: source_down, map_at_risk, map_lost."""

_WHILE_STARTING = frozenset(
    {
        *(FindingKind.RECORD_WITHOUT_SESSION, FindingKind.TOO_FEW_SESSIONS, FindingKind.SESSION_WITHOUT_PATH),
        *(FindingKind.PATH_NOT_IN_MAP, FindingKind.NO_MAP, FindingKind.FEWER_PATHS_THAN_ITS_KIN),
        *(FindingKind.ONE_CONTROLLER, FindingKind.ISCSID_NOT_RUNNING),
    }
)
"""Findings that every start of a host brings for a moment: sessions log in, and maps are made, one after the other."""

_AT_ONCE = frozenset({(FindingKind.WWID_DIFFERS, redundancy.EXCHANGED)})
"""Findings, by kind and cause, that do not wait: each write may destroy data."""

_AUDIT = Due(Wait.AUDIT)


def configuration_read(draft: Draft, event: ConfigurationRead) -> None:
    """Take over the files, and have multipathd asked what it makes of them."""
    auditing = draft.rest.auditing
    before, after = auditing.configuration, event.configuration
    if after == before:
        return
    # The same files, read again by root, bring nothing that is to be reported at once.
    changed = before is None or replace(after, wwids_read_at=before.wwids_read_at) != before
    if changed:
        draft.refresh(Scope.MAPS)
    fresh = auditing.fresh or changed
    draft.rest = replace(draft.rest, auditing=replace(auditing, configuration=after, fresh=fresh))


def multipathd_configured(draft: Draft, event: MultipathdConfigured) -> None:
    """Take over what multipathd runs with."""
    auditing = draft.rest.auditing
    if event.document != auditing.running:
        draft.rest = replace(draft.rest, auditing=replace(auditing, running=event.document, fresh=True))


def request(draft: Draft, event: Event) -> None:
    """Have an audit made soon if the event brought news, and once there is something to compare with."""
    auditing = draft.rest.auditing
    ready = draft.rest.watches and auditing.configuration is not None
    if not ready or _nothing_new(draft, event):
        return
    last = auditing.at
    soonest = max(draft.now.monotonic + COALESCE, -inf if last is None else last.monotonic + DISTANCE)
    if auditing.work is None:
        draft.deadlines[_AUDIT] = min(soonest, draft.deadlines.get(_AUDIT, inf))
    else:
        draft.rest = replace(draft.rest, auditing=replace(auditing, again=soonest))


def audit_when_due(draft: Draft) -> None:
    """Make the audit if its time has come: as many of its stages as a step may take, and the rest in the next steps."""
    if not draft.take(_AUDIT):
        return
    auditing = draft.rest.auditing
    work = auditing.work
    if not isinstance(work, Work):
        access_use.follow(draft)
        work = begun(draft.finished())
        auditing = replace(draft.rest.auditing, urgent=auditing.fresh, fresh=False)
    work = _advanced(work)
    if work.done:
        _announce(draft, replace(auditing, report=report(work), at=draft.now, work=None))
    else:
        draft.rest = replace(draft.rest, auditing=replace(auditing, work=work))
        draft.deadlines[_AUDIT] = draft.now.monotonic


def _advanced(work: Work) -> Work:
    maps = work.host.maps
    paths = max(1, sum(len(map_.paths) for map_ in maps))
    for _ in range(max(1, PATHS_AT_ONCE // paths)):
        if not work.done:
            work = advanced(work, max(1, len(maps) * PATHS_AT_ONCE // paths))
    return work


def _nothing_new(draft: Draft, event: Event) -> bool:
    """Whether everything is as it was: most polls show only life, and most interfaces carry no session."""
    if isinstance(event, NetworkRead):
        before, after = draft.before.links, draft.rest.links
        return before is not None and after is not None and _trunks(draft, before) == _trunks(draft, after)
    polled = not isinstance(event, SystemRead) and any(table.read(event))
    return polled and draft.nexuses == draft.before.nexuses


def _trunks(draft: Draft, links: carrier.Links) -> list[tuple[str, bool, list[object]]]:
    """What the audit asks of the interfaces."""
    found: list[tuple[str, bool, list[object]]] = []
    for nexus in draft.nexuses.values():
        end = nexus.facts.local
        trunk = carrier.trunk(end, links)
        named = [links[name] for name in (end.netdev, trunk) if name in links]
        settings: list[object] = [(link.mtu, link.speed, link.duplex, link.ipv4) for link in named]
        found.append((trunk, carrier.is_redundant(end, links), settings))
    return found


def _announce(draft: Draft, auditing: Auditing) -> None:
    found: dict[str, Finding] = {}
    for finding in auditing.report.findings:
        if finding.kind not in _WITH_ALERTS:
            found |= dict.fromkeys(_news(finding), finding)
    now = draft.now.monotonic
    # What was announced before a restart may take a while to be found again: sessions and maps come one by one.
    starting = Due(Wait.GRACE) in draft.deadlines
    announced = {news for news in auditing.announced if starting or news in found}
    standing = {news: auditing.standing.get(news, now) for news in found if news not in announced}
    ripe = dict.fromkeys(
        found[news]
        for news, since in standing.items()
        if now - since >= STANDING or _is_urgent(found[news], fresh=auditing.urgent)
    )
    for findings in _by_kind(ripe):
        draft.emit(messages.config_finding(findings))
    # An entry names all objects of its finding, also those that have not stood for long.
    announced |= {news for finding in ripe for news in _news(finding)}
    if announced != auditing.announced:
        draft.emit(FindingsAnnounced(frozenset(announced)))
    waiting = {news: since for news, since in standing.items() if news not in announced}
    if waiting:
        draft.deadlines[_AUDIT] = max(now + DISTANCE, min(waiting.values()) + STANDING)
    if auditing.again is not None:
        draft.deadlines[_AUDIT] = min(max(now + DISTANCE, auditing.again), draft.deadlines.get(_AUDIT, inf))
    auditing = replace(auditing, urgent=False, again=None, announced=frozenset(announced), standing=frozen(waiting))
    draft.rest = replace(draft.rest, auditing=auditing)


def _by_kind(findings: Iterable[Finding]) -> Iterable[Sequence[Finding]]:
    """The findings of each kind and severity: a mistake in a template may concern every session of a host."""
    groups: dict[tuple[FindingKind, Severity], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, finding.severity), []).append(finding)
    return groups.values()


def _is_urgent(finding: Finding, *, fresh: bool) -> bool:
    """Whether a finding is announced at once; ``fresh``: the configuration has changed since the last audit."""
    return (finding.kind, finding.cause) in _AT_ONCE or (fresh and finding.kind not in _WHILE_STARTING)


def _news(finding: Finding) -> list[str]:
    """What is new in a finding that has not been announced: each of its objects, as a line that is kept over restarts.

    Of severity info, the cause alone: with an orchestrator, objects come and go all day.
    """
    about = f"{finding.kind.code} {finding.severity.name.lower()} {finding.cause!r}"
    if finding.severity is Severity.INFO:
        return [about]
    return [f"{about} {each}" for each in finding.objects or (finding.subject,)]
