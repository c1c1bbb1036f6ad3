"""When the audit runs, and which of its findings the journal reports.

An audit takes time that grows with the host, and its input changes in bursts. So it runs a moment after a change, and
not too soon after the last one. After a change of the configuration, new findings are reported at once. Other findings
(a session that is gone) are reported only after they have stood for a while, because an outage has its own entries.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.audit.audit import audit
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.formats.multipath_conf import Document
from mpathd_watch.core.state import Auditing, Due, Wait, frozen

COALESCE = 1.0
"""Seconds between a change and the audit."""
DISTANCE = 5.0
"""Seconds between two audits."""
STANDING = 60.0
"""Seconds that a finding must stand before it is reported, unless the configuration has changed."""
MOST_TOLD = 50
"""Entries of one audit: a mistake in a template may affect every session of a host."""

_WITH_ALERT = frozenset({FindingKind.MULTIPATHD_NOT_RUNNING, FindingKind.SINGLE_PATH, FindingKind.MAP_WITHOUT_PATH})
"""Findings with an alert of their own: source_down, map_at_risk, map_lost."""

_AUDIT = Due(Wait.AUDIT)


def configuration_read(turn: Turn, configuration: Configuration) -> None:
    """Take over the files, and have multipathd asked how it reads them."""
    if configuration != turn.auditing.configuration:
        turn.refresh(Scope.MAPS)
        turn.auditing = replace(turn.auditing, configuration=configuration, fresh=True)


def multipathd_configured(turn: Turn, document: Document) -> None:
    """Take over what multipathd runs with."""
    if document != turn.auditing.running:
        turn.auditing = replace(turn.auditing, running=document, fresh=True)


def want(turn: Turn) -> None:
    """Have an audit run soon, as soon as there is something to compare."""
    if not turn.started or turn.auditing.configuration is None or not turn.multipathd_heard:
        return
    last = turn.auditing.at
    soonest = max(turn.now.monotonic + COALESCE, -inf if last is None else last.monotonic + DISTANCE)
    turn.deadlines[_AUDIT] = min(soonest, turn.deadlines.get(_AUDIT, inf))


def due(turn: Turn) -> None:
    """Run the audit if it is due."""
    moment = turn.deadlines.get(_AUDIT)
    if moment is None or moment > turn.now.monotonic:
        return
    del turn.deadlines[_AUDIT]
    report = audit(turn.finished())
    _tell(turn, replace(turn.auditing, report=report, at=turn.now))


def _tell(turn: Turn, auditing: Auditing) -> None:
    found = dict.fromkeys(finding for finding in auditing.report.findings if finding.kind not in _WITH_ALERT)
    now = turn.now.monotonic
    told = {finding for finding in auditing.told if finding in found}
    standing = {finding: auditing.standing.get(finding, now) for finding in found if finding not in told}
    ripe = [finding for finding, since in standing.items() if auditing.fresh or now - since >= STANDING]
    for finding in ripe[:MOST_TOLD]:
        turn.emit(messages.config_finding(finding))
    if len(ripe) > MOST_TOLD:
        turn.emit(messages.more_findings(ripe[MOST_TOLD:]))
    waiting = {finding: since for finding, since in standing.items() if finding not in set(ripe)}
    if waiting:
        turn.deadlines[_AUDIT] = max(now + DISTANCE, min(waiting.values()) + STANDING)
    turn.auditing = replace(auditing, fresh=False, told=frozenset(told | set(ripe)), standing=frozen(waiting))
