"""The sentences before and after a drill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf

from mpathd_watch.core.drill.io_wait import SlowIo
from mpathd_watch.core.drill.plan import Choice, Plan
from mpathd_watch.core.drill.result import DrillRecord, Outcome, PhaseResult
from mpathd_watch.core.model.text import clean, duration, plural

OUTCOMES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "FAILED",
    Outcome.INTERRUPTED: "interrupted",
}


def refusal(plan: Plan) -> Iterator[str]:
    """Why no drill is made."""
    yield f"A drill on {plan.target} is refused:"
    for reason in plan.reasons:
        yield f"  - {reason}"


def announcement(plan: Plan) -> Iterator[str]:
    """What the drill is about, how the administrator may cause the fault, and what must follow."""
    several = len(plan.choices) > 1
    yield f"Drill on {plan.target}: it is safe now." + (" Let one of these fail:" if several else "")
    for choice in plan.choices:
        yield f"{choice.fault.target}: {_losses(choice)}."
        yield f"  Expected: {choice.promise}."
        for number, way in enumerate(choice.ways):
            yield "  Cause the fault with:" if number == 0 else "  or with:"
            yield from (f"      {command}" for command in way.cause)
            yield "    and undo it, once I/O has moved, with:"
            yield from (f"      {command}" for command in way.undo)
        yield "  or pull the cable. mpathd-watch runs none of these commands."
    yield "Waiting for the fault. Ctrl-C ends the drill."


def summary(record: DrillRecord) -> Iterator[str]:
    """The result: promised against measured, and why it has not passed."""
    took = duration(record.ended.since(record.began))
    yield f"Drill on {record.target}: {OUTCOMES[record.outcome]} after {took}."
    for phase in record.worst:
        yield f"  {phase.phase:<14} {promised_and_measured(phase)}"
    yield f"  {'slowest I/O':<14} {slowest(record.slowest)}"
    yield from (f"  - {reason}" for reason in record.reasons)


def promised_and_measured(phase: PhaseResult) -> str:
    """``20.4 s of at most 21.0 s: kept``; with what timers and polling may add where only that makes it so."""
    limit = seconds(phase.promised)
    if phase.kept and phase.measured is not None and phase.measured > phase.promised:
        limit = f"{limit} and {seconds(phase.tolerance)} for timers and polling"
    return f"{seconds(phase.measured)} of at most {limit}: {judged(phase)}"


def judged(phase: PhaseResult) -> str:
    """Whether the promise was kept, in a word or two."""
    return {True: "kept", False: "BROKEN", None: "not proven"}[phase.kept]


def seconds(value: float | None) -> str:
    """``20.4 s``; a promise without limit or a phase that was not measured in words."""
    if value is None:
        return "not measured"
    return "no limit" if isinf(value) else f"{value:.1f} s"


def slowest(io: SlowIo | None) -> str:
    """What is known of the slowest I/O."""
    if io is None:
        return "no I/O has ended on the paths of these maps"
    mean = "" if io.ios == 1 else f", the mean of {io.ios} that ended together"
    return f"at least {duration(io.seconds)} on {clean(io.path)} of {clean(io.map)}{mean}"


def named(paths: Sequence[str], maps: int) -> str:
    """``192.168.2.1:3260 of 24 maps``."""
    return f"{', '.join(map(clean, paths))} of {plural(maps, 'map')}"


def _losses(choice: Choice) -> str:
    maps = len({wwid for wwid, _ in choice.fault.paths})
    return f"{plural(len(choice.fault.paths), 'path')} of {plural(maps, 'map')} would be lost; each has another one"
