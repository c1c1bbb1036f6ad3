"""``mpathd-watch drill``: watches a failover that the administrator causes on purpose, and reports what it took."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from mpathd_watch.cli.check import handed_over
from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.drill_kept import keep
from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import unreadable_root
from mpathd_watch.config import ConfigError
from mpathd_watch.core.drill.plan import Plan
from mpathd_watch.core.drill.result import DrillRecord, Outcome
from mpathd_watch.core.drill.target import Kind, Target, TargetError
from mpathd_watch.daemon.drill import Drill, Interrupted
from mpathd_watch.sinks.drill import document, markdown, texts
from mpathd_watch.sinks.drill.display import Display
from mpathd_watch.sinks.drill.plot import plot

PASSED, NOT_PASSED, REFUSED = 0, 1, 2
"""Exit statuses; wrong usage is 2 as well."""


def run(options: argparse.Namespace) -> int:
    """Make the drill. Returns the exit status."""
    try:
        config = configuration(options)
    except ConfigError as error:
        return fail(str(error), REFUSED)
    if problem := unreadable_root(options.root) or _unwritable(options.report):
        return fail(problem, REFUSED)
    # With --json, standard output is for the document alone.
    stream = sys.stderr if options.json else sys.stdout
    drill = Drill(
        config,
        _target(options),
        options.limit,
        root=options.root,
        handed_over=handed_over(options.root),
        terminal=_own_address(),
    )
    live = stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    if live:
        print("Reading this host, for a few seconds.", file=stream, flush=True)
    display = Display(stream, live=live, colour=live and "NO_COLOR" not in os.environ)
    try:
        result = asyncio.run(drill.run(display))
    except TargetError as error:
        return fail(str(error), REFUSED)
    except Interrupted:
        return fail("stopped before the drill began", NOT_PASSED)
    finally:
        display.stop()
    if isinstance(result, Plan):
        print(*texts.refusal(result), sep="\n", file=stream)
        if options.json:
            print(json.dumps(document.refusal(result), indent=2, ensure_ascii=False))
        return REFUSED
    status = PASSED if result.outcome is Outcome.PASSED else NOT_PASSED
    problem = ""
    # What is to be kept comes before what is printed: the terminal may have hung with the path that was tested.
    if options.report is not None:
        try:
            _write(options.report, result)
        except OSError as error:
            problem = f"the report can't be written: {error.filename}: {error.strerror}"
    # The last thing to do as root: it may need to go on as another user.
    kept = keep(result)
    if display.hangs:
        # Python would wait for the stream's lock and not see Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    print(*texts.summary(result), sep="\n", file=stream, flush=True)
    if options.json:
        print(json.dumps(document.document(result), indent=2, ensure_ascii=False))
    if problem:
        status = fail(problem, NOT_PASSED)
    if kept.done:
        print(f"{kept.text[0].upper()}{kept.text[1:]}.", file=stream)
    else:
        print(f"mpathd-watch: the drill is not in the history: {kept.text}", file=sys.stderr)
    return status


def _target(options: argparse.Namespace) -> Target:
    for kind in Kind:
        name: str | None = getattr(options, kind.value)
        if name is not None:
            return Target(kind, name)
    raise AssertionError  # the parser requires one of them


def _own_address() -> str:
    """The address of this host that the administrator's ssh connection leads to; empty if there is none."""
    # sshd(8): the client's address and port, then the server's.
    fields = os.environ.get("SSH_CONNECTION", "").split()
    return fields[2].partition("%")[0] if len(fields) == 4 else ""


def _unwritable(report: Path | None) -> str:
    """Why the report could not be written at the end, as far as that shows now."""
    if report is None:
        return ""
    if report.is_dir() or not report.parent.is_dir():
        return f"--report {report}: it must be a file in a directory that exists"
    return "" if os.access(report.parent, os.W_OK) else f"--report {report}: its directory can't be written to"


def _write(report: Path, record: DrillRecord) -> None:
    """A JSON document, or Markdown with its picture beside it. Raises ``OSError``."""
    if report.suffix == ".json":
        text = json.dumps(document.document(record), indent=2, ensure_ascii=False) + "\n"
        report.write_text(text, encoding="utf-8")
        return
    picture = report.with_suffix(".svg")
    drawn = plot(record)
    if drawn:
        picture.write_text(drawn, encoding="utf-8")
    report.write_text(markdown.report(record, picture.name if drawn else ""), encoding="utf-8")
