"""Judging one path: its health, its outage, its cause, its deadline, and whether it flaps. Nothing is reported here."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.judging import expected, restarts
from mpathd_watch.core.judging.paths.beginning import begun, seen_to_begin, with_checks
from mpathd_watch.core.judging.paths.corrections import as_reinstated, as_reopened, with_last_alive, without_carrier
from mpathd_watch.core.judging.paths.counting import counted
from mpathd_watch.core.judging.paths.deadlines import timed
from mpathd_watch.core.judging.paths.evidence import raw_states
from mpathd_watch.core.judging.paths.flaps import failure_noted, steady
from mpathd_watch.core.model.vocabulary import Health, Standing
from mpathd_watch.core.state import PathState
from mpathd_watch.core.verdicts.health import evidence, path_health
from mpathd_watch.core.verdicts.outage import advance, judge
from mpathd_watch.immutable import replace

_OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED, Health.SUSPECT})


def judged(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path, judged by all that is known of it now; what must be looked at again gets its deadline."""
    if restarts.waits(draft, wwid, path):
        return path
    raw = raw_states(draft, wwid, path)
    outage = as_reopened(raw, as_reinstated(path, raw))
    was_lost = outage is not None and outage.transport_lost
    failed = outage is not None and outage.real
    health = path_health(raw, transport_was_lost=was_lost, out=outage is not None, failed=failed)
    seen = evidence(raw)
    if outage is None and health in _OUT and not expected.may_still_come(draft, wwid, path):
        outage = begun(draft, wwid, path, inherited=not seen_to_begin(path, seen, health))
    if outage is not None and health is not Health.UNKNOWN:
        outage = restarts.until_known(path, outage, draft.now)
    if outage is not None:
        outage = with_last_alive(draft, path, without_carrier(draft, path, outage))
        outage = advance(with_checks(draft, wwid, outage), health, seen, draft.now)
        if health is Health.UP and outage.real:
            outage = replace(outage, judgement=judge(outage, draft.rest.settings.slack_seconds))
    if health is not path.health:
        path = replace(path, verdict=replace(path.verdict, health=health, since=draft.now))
    if outage is not None:
        path = failure_noted(draft, path, outage)
        path = timed(draft, wwid, counted(draft, wwid, path, outage))
    path = steady(draft, wwid, path)
    # Where dm is silent, it may have failed the path long before.
    ever_up = path.ever_up or (health is Health.UP and raw.standing is Standing.USABLE)
    ever_reached = path.ever_reached or seen.transport_good
    if (ever_up, ever_reached) == (path.ever_up, path.ever_reached):
        return path
    return replace(path, ever_up=ever_up, ever_reached=ever_reached)
