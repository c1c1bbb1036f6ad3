"""What becomes of outages is passed on, to be kept; the end of one is counted."""

from __future__ import annotations

from mpathd_watch.core.alerting.transitions import evidence_of
from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import OutageChanged, OutageDropped, OutageEnded
from mpathd_watch.core.judging.expected import keep_proof
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import OpenOutage
from mpathd_watch.core.model.outage import Judgement, Outage, PathStates
from mpathd_watch.core.model.vocabulary import Health, Phase, Verdict, Word
from mpathd_watch.core.state import NexusState, PathState
from mpathd_watch.immutable import replace


def end_outage(draft: Draft, wwid: str, path: PathState) -> PathState:
    """The path without its outage, if it is up again; an outage in which it was only suspect leaves no trace."""
    outage = path.outage
    if outage is None or path.health is not Health.UP:
        return path
    if outage.real:
        # What its disk counted meanwhile is nothing that the next outage begins with.
        draft.refresh_devices([path.place.dev])
        _count(draft, outage.judgement or Judgement())
        path = replace(path, reinstatements=path.reinstatements + 1)
        if _proves(outage.judgement):
            path = keep_proof(draft, wwid, path)
        label, states = draft.maps[wwid].label, _states(draft, path)
        draft.emit(OutageEnded(wwid, label, path.label, _final(outage), states, path.incident))
    else:
        draft.emit(OutageDropped(outage.id, real=False))
    draft.release(wwid, path.label, path.incident, outage)
    return replace(path, outage=None, incident="", last_incident=path.incident)


def pass_on(draft: Draft, wwid: str, before: PathState, path: PathState) -> None:
    """Have what is new of the path's outage kept, if it goes on."""
    outage, verdict = path.outage, path.verdict
    if outage is None:
        return
    states = _states(draft, path)
    known = before.outage is not None and (outage, verdict.health, verdict.announced) == (
        before.outage,
        before.health,
        before.verdict.announced,
    )
    if not known or states != _states_before(draft, wwid, path.label):
        kept = OpenOutage(
            wwid,
            draft.maps[wwid].label,
            path.label,
            outage,
            verdict.health,
            verdict.since,
            verdict.announced,
            path.incident,
        )
        out = outage.real and not (before.outage and before.outage.real)
        draft.emit(OutageChanged(kept, states, draft.now, evidence_of(draft, wwid, path) if out else ""))


def _states(draft: Draft, path: PathState) -> PathStates:
    return _states_of(path, draft.nexus_of(path))


def _states_before(draft: Draft, wwid: str, label: str) -> PathStates | None:
    """Those before the event, which has been folded into the draft already; ``None`` of a path that is new."""
    map_ = draft.before.maps.get(wwid)
    path = None if map_ is None else map_.paths.get(label)
    return None if path is None else _states_of(path, draft.before.nexuses.get(path.nexus))


def _states_of(path: PathState, nexus: NexusState | None) -> PathStates:
    access = path.disk.access.state
    return PathStates(
        path.health.value,
        _known(path.dm.state),
        _known(path.checker.state),
        _known(path.disk.state),
        "" if nexus is None else _known(nexus.status),
        "" if access is None else access.value,
    )


def _known(word: Word) -> str:
    return "" if word.value == "unknown" else word.value


def _final(outage: Outage) -> Outage:
    return replace(outage, judgement=outage.judgement or Judgement())


def _proves(judgement: Judgement | None) -> bool:
    """Whether the path failed over, and within its budget."""
    if judgement is None or judgement.verdict is not Verdict.WITHIN_BUDGET:
        return False
    return Phase.FAILOVER in judgement.phases


def _count(draft: Draft, judgement: Judgement) -> None:
    """Put an outage that is over into the totals."""
    counters = draft.counters
    verdicts = {**counters.verdicts, judgement.verdict: counters.verdicts.get(judgement.verdict, 0) + 1}
    phases = dict(counters.phases)
    for phase, seconds in judgement.phases.items():
        phases[phase] = phases.get(phase, Histogram()).observed(seconds)
    draft.counters = replace(counters, verdicts=frozen(verdicts), phases=frozen(phases))
