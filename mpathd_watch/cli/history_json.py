"""The documents of ``mpathd-watch history --json``. They are loaded only for that option."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from mpathd_watch.sinks.history import document
from mpathd_watch.sinks.history.summary import Summary
from mpathd_watch.sinks.history.table import Gap
from mpathd_watch.store.past import PastOutage, ProvenPath


def listed_document(
    outages: Sequence[PastOutage], missed: Sequence[Gap], summary: Summary, now: float
) -> Iterator[str]:
    """The document in pieces, an outage a line: there may be a hundred thousand."""
    head = {
        **document.head(now),
        "summary": document.summary_entry(summary),
        "gaps": document.gap_entries(missed),
        "drills": [document.drill_entry(drill) for drill in summary.drills],
    }
    yield f'{json.dumps(head, indent=2, ensure_ascii=False)[:-2]},\n  "outages": ['
    for number, outage in enumerate(outages):
        text = json.dumps(document.outage_entry(outage), ensure_ascii=False)
        yield f"{',' if number else ''}\n    {text}"
    yield "\n  ]\n}\n"


def unproven_document(paths: Sequence[ProvenPath], now: float) -> str:
    """The document of the paths that are not proven."""
    shown = {**document.head(now), "unproven": [document.proven_entry(path) for path in paths]}
    return json.dumps(shown, indent=2, ensure_ascii=False)
