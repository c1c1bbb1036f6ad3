"""``mpathd-watch history``: past outages as a table, one of them as a timeline, or the paths that are not proven."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

from mpathd_watch.cli.moments import WANTED, moment
from mpathd_watch.cli.output import UsageError, fail
from mpathd_watch.cli.places import state_directory
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import Cause, Verdict
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.history.summary import WORST_WITHIN_DAYS, Summary, summary_lines, unproven_lines
from mpathd_watch.sinks.history.table import gaps, table
from mpathd_watch.sinks.history.text import moment as shown_moment
from mpathd_watch.store.reading import Filters, History, HistoryError, opened

_LISTED = 100
"""Outages of the table, unless --limit is given. All of them are counted in the lines below it."""
_OPEN = "open"
_UNKNOWN = 3
"""The exit status if the history can't be read, as that of ``check`` where nothing is known."""


def run(options: argparse.Namespace) -> int:
    """Print what is asked for. Returns the exit status."""
    now = time.time()
    try:
        with opened(options.state_dir or state_directory()) as history:
            if options.action == "show":
                # Imported only now: a table needs neither the journal nor the plot.
                from mpathd_watch.cli.history_show import show  # noqa: PLC0415

                return show(options, history, now)
            return _list(options, history, now)
    except UsageError as error:
        return fail(str(error), 2)
    except HistoryError as error:
        return fail(str(error), _UNKNOWN)


def _list(options: argparse.Namespace, history: History, now: float) -> int:
    filters = _filters(options, now)
    if options.unproven:
        return _unproven(options, history, filters, now)
    limit = options.limit if options.limit is not None else (0 if options.json else _LISTED)
    outages = history.outages(filters, limit)
    summary = _summary(history, filters, now)
    begin = filters.since if filters.since is not None else (outages[0].began if outages else 0.0)
    until = now if filters.until is None else filters.until
    missed = [gap for gap in gaps(history.runs(now)) if gap.end > begin and gap.begin < until]
    if options.json:
        from mpathd_watch.cli.history_json import listed_document  # noqa: PLC0415  # the table needs none of it

        _write(listed_document(outages, missed, summary, now))
        return 0
    lines = table(outages, missed, now, width=_width())
    _write(f"{line}\n" for line in (lines if outages or missed else ()))
    left_out = summary.outages - len(outages)
    if left_out > 0:
        print(f"{left_out} older outages are not listed; see --limit and --since")
    if outages or missed:
        print()
    _write(f"{line}\n" for line in summary_lines(summary))
    if history.unreadable:
        print(f"{history.unreadable} stored outages can't be read and are left out", file=sys.stderr)
    return 0


def _unproven(options: argparse.Namespace, history: History, filters: Filters, now: float) -> int:
    paths = history.unproven(filters)
    if options.json:
        from mpathd_watch.cli.history_json import unproven_document  # noqa: PLC0415  # the table needs none of it

        print(unproven_document(paths, now))
        return 0
    since = "" if filters.since is None else f" since {shown_moment(filters.since, None)}"
    _write(f"{line}\n" for line in unproven_lines(paths))
    print(f"failover not proven{since}: {plural(len(paths), 'expected path')}")
    return 0


def _summary(history: History, filters: Filters, now: float) -> Summary:
    return Summary(
        verdicts=history.verdicts(filters),
        risks=history.risks(filters, now),
        worst=history.longest_failover(filters, now - WORST_WITHIN_DAYS * 86400),
        unproven=history.unproven(replace(filters, since=None)),
        drills=history.drills(filters),
    )


def _filters(options: argparse.Namespace, now: float) -> Filters:
    """What is asked for. Raises ``UsageError``."""
    verdicts = (*(verdict.value for verdict in Verdict), _OPEN)
    return Filters(
        since=_moment("--since", options.since, now),
        until=_moment("--until", options.until, now),
        map=options.map,
        path=options.path,
        cause=_word("--cause", options.cause, [cause.value for cause in Cause]),
        verdict=_word("--verdict", options.verdict, verdicts),
    )


def _moment(option: str, text: str | None, now: float) -> float | None:
    if text is None:
        return None
    try:
        return moment(text, now)
    except ValueError:
        raise UsageError(f"{option} must be {WANTED}, not {text!r}") from None


def _word(option: str, word: str | None, words: Iterable[str]) -> str | None:
    if word is not None and word not in words:
        raise UsageError(f"{option} must be one of {', '.join(words)}, not {word!r}")
    return word


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _write(pieces: Iterable[Any]) -> None:
    sys.stdout.writelines(pieces)
