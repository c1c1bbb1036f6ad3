"""The status document's timeouts in words: what is in force, what that promises, and how much time is left."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.model.text import duration, plural
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.status.document import BudgetEntry, Document, PathEntry, TimeoutsEntry


@immutable
class Promise:
    """What is in force for one session, or for several with the same timeouts.

    ``configured`` is empty if the configured timeouts are in force.
    """

    who: str
    live: str
    promised: str
    configured: str


def promises(document: Document) -> Iterator[Promise]:
    """One for all sessions with the same timeouts; missing sessions are left out."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for session in document["sessions"]:
        live, wanted, budget = session["timeouts"], session.get("configured"), session.get("budget")
        if live is None:
            continue
        shown, promised = _spelled(live), _promised(budget)
        configured = "" if wanted is None or _spelled(wanted) == shown else f"configured {_spelled(wanted)}"
        alike.setdefault((shown, promised, configured), []).append(session["session"])
    for key, sessions in alike.items():
        yield Promise(sessions[0] if len(sessions) == 1 else f"{len(sessions)} sessions", *key)


def time_left(path: PathEntry) -> str:
    """``2.9 s left``, ``overdue by 7.0 s``, or nothing if no phase with a limit is running."""
    left = path.get("seconds_left")
    if left is None:
        return ""
    return f"overdue by {duration(-left)}" if path["overdue"] or left < 0 else f"{duration(left)} left"


def findings(document: Document) -> str:
    """How many findings the audit has that are worse than info; empty if there are none."""
    found = document.get("findings")
    if found is None:
        return ""
    counts = [f"{found['critical']} critical"] if found["critical"] else []
    if found["warning"]:
        counts.append(plural(found["warning"], "warning"))
    return f"in the configuration: {', '.join(counts)}; see mpathd-watch check" if counts else ""


def _promised(budget: BudgetEntry | None) -> str:
    """``failover in 15 to 21 s``, from the best case to the worst; a session whose timeouts can't be read has none."""
    if budget is None:
        return "failover unknown"
    best, worst = budget["failover_best"], budget["failover_worst"]
    if worst is None:
        return "failover without limit"
    return f"failover in {worst:.0f} s" if best in (None, worst) else f"failover in {best:.0f} to {worst:.0f} s"


def _spelled(timeouts: TimeoutsEntry) -> str:
    """``5/10, replacement 15 s``."""
    interval, timeout, replacement = (
        "?" if seconds is None else seconds if isinstance(seconds, str) else f"{seconds:g}"
        for seconds in (timeouts["noop_out_interval"], timeouts["noop_out_timeout"], timeouts["replacement_timeout"])
    )
    return f"{interval}/{timeout}, replacement {replacement}{'' if replacement == 'off' else ' s'}"
