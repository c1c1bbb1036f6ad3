"""``mpathd-watch history show ID``: one outage as a timeline, with the journal's entries, or as a plot."""

from __future__ import annotations

import argparse
import json
import sys

from mpathd_watch.cli.output import UsageError, fail
from mpathd_watch.sinks.history import document
from mpathd_watch.sinks.history.timeline import Entry, journal_lines, timeline
from mpathd_watch.sources.journal import JournalError, entries_of
from mpathd_watch.store.past import PastOutage
from mpathd_watch.store.reading import History


def show(options: argparse.Namespace, history: History, now: float) -> int:
    """Print the outage. Returns the exit status. Raises ``UsageError`` and ``HistoryError``."""
    outage = _found(history, options.id)
    if options.plot is not None:
        from mpathd_watch.sinks.history.plot import plot  # noqa: PLC0415  # only this option needs it

        try:
            options.plot.write_text(plot(outage, now), encoding="utf-8")
        except OSError as error:
            return fail(f"{options.plot}: {error.strerror}")
    drill = history.drill(outage.drill) if outage.drill else None
    entries, problem = _journal(outage)
    if options.json:
        shown = {
            **document.head(now),
            "outage": document.shown_outage(outage),
            "drill": None if drill is None else document.drill_entry(drill),
            "journal": document.journal_entries(entries),
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print(*timeline(outage, now, drill=drill), sep="\n")
        if entries:
            print("", *journal_lines(entries), sep="\n")
    if problem:
        print(f"mpathd-watch: {problem}", file=sys.stderr)
    return 0


def _found(history: History, wanted: str) -> PastOutage:
    """The outage with this id, or the only one whose id begins so."""
    outages = history.by_id(wanted)
    if not outages:
        raise UsageError(f"there is no outage {wanted!r}; 'mpathd-watch history' lists all")
    if len(outages) > 1:
        raise UsageError(f"more than one outage begins with {wanted!r}; give more of the id")
    return outages[0]


def _journal(outage: PastOutage) -> tuple[list[Entry], str]:
    """The journal's entries, and what to say of them if there is none."""
    try:
        found = entries_of(outage.id, outage.began)
    except JournalError as error:
        return [], str(error)
    entries = [Entry(entry.at, entry.priority, entry.event, entry.message) for entry in found]
    return entries, "" if entries else "the journal has no entries about this outage any more"
