"""The screen of a running drill: a line for each phase, with a bar that runs down to its limit."""

from __future__ import annotations

from mpathd_watch.core.drill import lines
from mpathd_watch.core.drill.following import Following
from mpathd_watch.core.drill.progress import Step, steps
from mpathd_watch.core.drill.promise import Promise
from mpathd_watch.core.model.text import duration
from mpathd_watch.core.model.vocabulary import Phase
from mpathd_watch.sinks.drill import texts

_NAMES = {
    Phase.DETECTION: "noticed",
    Phase.REPLACEMENT: "held I/O given up",
    Phase.FAILOVER: "I/O moved",
    Phase.REINSTATEMENT: "in use again",
}
_WIDTH = max(map(len, _NAMES.values()))
_BAR = 20
_GREEN, _RED, _YELLOW, _RESET = "\x1b[32m", "\x1b[1;31m", "\x1b[33m", "\x1b[0m"


def frame(following: Following, width: int, *, colour: bool) -> list[str]:
    """The lines, each at most ``width`` - 1 characters, so that no terminal wraps them."""
    passed = duration(following.now.since(following.began))
    found = [("", ""), (f"Drill on {following.plan.target}, {passed}", "")]
    promise = following.choice.promise if following.choice else Promise()
    if following.choice is None:
        found.append(("  none of the portals has failed yet", ""))
    else:
        found += [_line(step, promise) for step in steps(following)]
    found.append((f"  {'slowest I/O':<{_WIDTH}}  {texts.slowest(following.slowest)}", ""))
    undo = " && ".join(lines.undo(following.choice)) if following.choice else ""
    found.append((f"  {f'undo: {undo};  ' if undo else ''}Ctrl-C ends the drill", ""))
    return [_painted(text[: max(width - 1, 1)], code if colour else "") for text, code in found]


def _line(step: Step, promise: Promise) -> tuple[str, str]:
    start = f"  {_NAMES[step.phase]:<{_WIDTH}}  {step.done} of {step.paths}"
    if step.left is not None:
        limit = _limit(step.phase, promise)
        bar = _bar(step.left, limit)
        if step.left < 0:
            return f"{start}  {bar}  overdue by {duration(-step.left)}", _RED
        return f"{start}  {bar}  {duration(step.left)} left", _YELLOW
    if step.worst is None or step.worst.measured is None:
        return f"{start}  limit {texts.seconds(_limit(step.phase, promise))}", ""
    return f"{start}  {texts.promised_and_measured(step.worst)}", _RED if step.worst.kept is False else _GREEN


def _limit(phase: Phase, promise: Promise) -> float:
    match phase:
        case Phase.DETECTION:
            return promise.noticed_worst
        case Phase.REPLACEMENT:
            return promise.moved_worst - promise.noticed_worst
        case Phase.FAILOVER:
            return promise.moved_worst
        case _:
            return promise.back


def _bar(left: float, limit: float) -> str:
    """``[#####.....]``: how much of the limit is used up."""
    share = 1.0 if limit <= 0 else min(max(1 - left / limit, 0.0), 1.0)
    full = round(share * _BAR)
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def _painted(text: str, code: str) -> str:
    return f"{code}{text}{_RESET}" if code else text
