"""The sentences about a path: what holds or fails it, how long that took, and what the timeouts in force promise."""

from __future__ import annotations

from math import ceil, inf, isinf

from mpathd_watch.core.alerting.messages import evidence
from mpathd_watch.core.alerting.messages.arrays import done_by_array
from mpathd_watch.core.alerting.messages.context import Context
from mpathd_watch.core.alerting.messages.fields import more_paths
from mpathd_watch.core.catalog.causes import CAUSES
from mpathd_watch.core.catalog.causes import text as cause_text
from mpathd_watch.core.model.budget import TRANSITION_TIMEOUT
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.outage import Judgement, Outage
from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Cause, Liveness, Phase, Standing, Verdict
from mpathd_watch.core.state import PathState
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts.health import BY_ARRAY
from mpathd_watch.core.verdicts.outage import phases

__all__ = [
    "bound",
    "cause_so_far",
    "cause_text",
    "failed",
    "overdue",
    "recovering",
    "stalled",
    "suspect",
    "up_again",
]


def bound(phase: Phase, outage: Outage) -> float:
    """The most seconds that the phase may take; ``inf`` where nothing is promised."""
    return inf if outage.bounds is None else outage.bounds.of(phase)


# --- what a path has come into ----------------------------------------------------------------------------------------


def suspect(context: Context, path: PathState, siblings: int) -> str:
    """Why a path is suspect, what happens if nothing changes, and when."""
    noun = table.of(path.place.transport).words.noun
    text = f"is suspect{more_paths(siblings, noun)}: {evidence.suspicion(context, path)}. "
    left = _left(path, context.now)
    if left is None:
        return f"{text}I/O on it may hang"
    if left == 0:
        return f"{text}Its timeouts are over, and the kernel has not dropped the {noun}; I/O on it may hang"
    return (
        f"{text}Unless the target answers, the kernel drops the {noun} within {left} s; I/O on it may hang until then"
    )


def stalled(context: Context, path: PathState, outage: Outage) -> str:
    """What holds the path's I/O, and for how long; only a nexus that holds I/O has its timer running."""
    row, nexus = table.of(path.place.transport), context.nexus_of(path)
    if path.in_transition:
        done = done_by_array(outage.cause, path.disk.access.group)
        return (
            f"stalled: {done}. The kernel retries I/O on it meanwhile, by default for up to {TRANSITION_TIMEOUT:.0f} s"
        )
    if nexus is None or nexus.liveness is not Liveness.HOLDING:
        return f"stalled: its device is {path.disk.state}. I/O on it is held"
    silence = phases(outage).get(Phase.DETECTION)
    text = f"stalled: its {row.words.noun} is {nexus.status}"
    if silence is not None:
        text += f", {duration(silence)} after its last sign of life"
    if nexus.lost_to:
        text += f" (the kernel: {nexus.lost_to})"
    held, left = nexus.facts.timing.held, _left(path, context.now)
    if nexus.facts.timing.never_released:
        return f"{text}. I/O on it is held without end, because {row.words.hold} is off"
    if isinf(held):
        return f"{text}. I/O on it is held"
    seconds = ceil(held) if left is None else left
    return f"{text}. I/O on it is held for up to {seconds} s ({row.words.hold}), then the path fails"


def failed(context: Context, path: PathState, outage: Outage) -> str:
    """What failed the path, after how long, and why."""
    took = _took_to_fail(outage, context.now)
    return f"failed{took}: {_failed_by(context, path)}; cause: {cause_so_far(context, path, outage)}"


def recovering(context: Context, path: PathState, outage: Outage) -> str:
    """That the transport is back, and what the path waits for."""
    took = _after(outage, outage.transport_up or context.now)
    by, left = context.layer.reinstated_by, _left(path, context.now)
    waits = f"waiting for {by} to reinstate it" + ("" if left is None else f", within {left} s")
    if not context.managed:
        waits = f"{by} does not answer, and without it nothing reinstates the path"
    back = "the array accepts I/O over it again" if outage.cause in BY_ARRAY else "its transport is back"
    return f"recovering: {back}{took}, {waits}"


def up_again(context: Context, path: PathState, outage: Outage) -> str:
    """How long the outage lasted, its parts, its cause, and whether it kept its budget."""
    end = context.now
    if not outage.real:
        why = f"; cause: {cause_text(outage.cause)}" if outage.cause is not Cause.UNKNOWN else ""
        failed = "whether it failed is not known" if outage.unwatched else "never failed"
        return f"is up again{_after(outage, end)}; it was only suspect and {failed}{why}"
    cause = ", ".join(filter(None, (cause_text(outage.cause), evidence.reset(context, path, outage))))
    if outage.unwatched:
        return f"is up again{_after(outage, end)} ({NOT_WATCHED}); cause: {cause}{_verdict(outage)}"
    parts = []
    if outage.stalled is not None:
        ends = (moment.since(outage.stalled) for moment in (outage.failed, outage.transport_up, end) if moment)
        parts.append(f"stalled {duration(min(filter(None, ends), default=0.0))}")
    if outage.failed is None:
        parts.append("never failed")
    if outage.transport_up is not None and outage.transport_up != end:
        back = "the array accepted I/O over it again" if outage.cause in BY_ARRAY else "its transport was back"
        parts.append(f"reinstated {duration(end.since(outage.transport_up))} after {back}")
    details = f" ({', '.join(parts)})" if parts else ""
    return f"is up again{_after(outage, end)}{details}; cause: {cause}{_verdict(outage)}"


def overdue(context: Context, path: PathState, outage: Outage, phase: Phase) -> str:
    """What should have ended by now, and when."""
    words, now, promised = table.of(path.place.transport).words, context.now, bound(phase, outage)
    if phase is Phase.REINSTATEMENT:
        by, begun = context.layer.reinstated_by, outage.transport_up or path.verdict.since
        by_array = outage.cause in BY_ARRAY
        back = "the array has accepted I/O over it again" if by_array else "its transport has been back"
        text = (
            f"{back} for {duration(now.since(begun))}, and it is not reinstated; {by}'s checks "
            f"should have taken {promised:.0f} s at most"
        )
        return text if context.managed else f"{text}; {by} does not answer, and without it nothing reinstates the path"
    if phase is Phase.TRANSITION:
        return (
            f"{done_by_array(outage.cause, path.disk.access.group)} for {duration(now.since(path.verdict.since))} now; "
            f"by default the kernel retries I/O for {promised:.0f} s at most. I/O hangs that other paths could carry"
        )
    if phase is Phase.DETECTION:
        return (
            f"its {words.noun} is silent, and the kernel has not dropped it; {words.detection} promise that it does "
            f"within {promised:.0f} s. I/O hangs that other paths could carry"
        )
    return (
        f"stalled for {duration(now.since(path.verdict.since))}, and not failed; {words.hold} is {promised:.0f} s. "
        "I/O hangs that other paths could carry"
    )


def cause_so_far(context: Context, path: PathState, outage: Outage) -> str:
    """The cause with its evidence; unknown at the first instant, it may become known by what is read because of it."""
    return ", ".join(filter(None, (_cause(context, path, outage), evidence.reset(context, path, outage))))


def _cause(context: Context, path: PathState, outage: Outage) -> str:
    if outage.cause is Cause.UNKNOWN and outage.began == context.now:
        return "not known yet"
    if outage.cause in BY_ARRAY:
        return f"{done_by_array(outage.cause, path.disk.access.group)}; its transport works"
    if not CAUSES[outage.cause].connection:
        return cause_text(outage.cause)
    around = evidence.around(context, path)
    # What the interface lacks explains more than the cause's own words.
    shown = outage.cause is Cause.CARRIER_LOST and evidence.is_cut_off(context, path)
    return ", ".join(around if shown else [_cause_with_silence(path, outage), *around])


def _cause_with_silence(path: PathState, outage: Outage) -> str:
    silence = phases(outage).get(Phase.DETECTION)
    if outage.cause is Cause.NOP_TIMEOUT and silence is not None:
        return f"no answer on {path.place.portal} for {duration(silence)}"
    return cause_text(outage.cause)


# --- their parts ------------------------------------------------------------------------------------------------------


def _after(outage: Outage, end: Instant) -> str:
    """How long the outage had lasted at ``end``, as far as that is known."""
    if outage.inherited:
        return ""
    return f" after {outage.between(outage.began, end).text}"


def _left(path: PathState, now: Instant) -> int | None:
    """Whole seconds until the path's deadline, rounded up so that the kernel may use them all."""
    deadline = path.verdict.deadline
    return None if deadline is None else max(0, ceil(round(deadline.monotonic - now.monotonic, 3)))


def _failed_by(context: Context, path: PathState) -> str:
    """What reports the path as failed; its nexus and disk are polled, and may be a step behind dm's uevent."""
    row, nexus = table.of(path.place.transport), context.nexus_of(path)
    reports = []
    if context.layer.standing(path.dm, path.disk) is Standing.FAILED:
        reports.append(context.layer.failed)
    if nexus is not None and nexus.liveness.down:
        reports.append(f"its {row.words.noun} is down")
    if path.disk.state.liveness is Liveness.GIVEN_UP:
        reports.append(f"its device is {path.disk.state}")
    return ", ".join(reports) or f"multipathd's checker reports {path.checker.state}"


NOT_WATCHED = "for a part of that time mpathd-watch did not run"


def _took_to_fail(outage: Outage, now: Instant) -> str:
    """How long a path that has just failed took for it."""
    if outage.stalled is None or outage.failed != now:
        return ""
    if outage.earliest(now) != now:
        return " while mpathd-watch did not run"
    stalled = f" after {duration(now.since(outage.stalled))} stalled"
    failover, promised = phases(outage).get(Phase.FAILOVER), bound(Phase.FAILOVER, outage)
    if failover is None:
        return stalled
    budget = "" if isinf(promised) else f" (budget: at most {promised:.0f} s)"
    return f"{stalled}, {duration(failover)} after its last sign of life{budget}"


def _verdict(outage: Outage) -> str:
    """Whether the outage kept its budget; nothing where there was none."""
    judgement = outage.judgement or Judgement()
    if judgement.broken is not None:
        took = judgement.phases.get(judgement.broken)
        measured = "took longer" if took is None else f"took {duration(took)}"
        return f"; over budget: {judgement.broken} {measured} of at most {bound(judgement.broken, outage):.0f} s"
    if judgement.verdict is not Verdict.WITHIN_BUDGET:
        return ""
    failover = judgement.phases.get(Phase.FAILOVER)
    if failover is None:
        return "; within budget"
    return f"; within budget: failover took {duration(failover)} of at most {bound(Phase.FAILOVER, outage):.0f} s"
