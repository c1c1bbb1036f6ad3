"""``mpathd-watch check``: the health of the paths and the audit of the configuration, for Nagios or as JSON."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from mpathd_watch.cli import core_dumps
from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.look import look_at_bundle, look_at_host
from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import ROOT_ONLY, runtime_directory, unreadable_root
from mpathd_watch.config import ConfigError
from mpathd_watch.core.audit import audit
from mpathd_watch.sinks import check
from mpathd_watch.sources.configuration import read

_THIS_HOST = Path("/")


def run(options: argparse.Namespace) -> int:
    """Print the result. Returns the exit status."""
    try:
        config = configuration(options)
    except ConfigError as error:
        return _fail(str(error), options)
    if problem := unreadable_root(options.root):
        return _fail(problem, options)
    if os.geteuid() == 0 or options.root != _THIS_HOST:
        # Anybody else gets what root has passed on, without passwords.
        core_dumps.forbid()
    seen = None if options.root == _THIS_HOST else look_at_bundle(config, options.root)
    seen = seen or look_at_host(config, read(options.root, handed_over(options.root)))
    state = seen.view.state
    result = check.judge(audit(state), state, _question(options))
    if options.json:
        print(json.dumps({**check.document(result), **seen.keys}, indent=2, ensure_ascii=False))
    else:
        first, _, rest = check.text(result).partition("\n")
        print(first, *seen.lines, rest, sep="\n", end="")
    return result.status


def handed_over(root: Path) -> Path | None:
    """What root has read for the daemon, for a user who can't read the files; root reads the files themselves.

    It is about this host: below another root only the files count.
    """
    directory = runtime_directory()
    if os.geteuid() == 0 or directory is None or root != _THIS_HOST:
        return None
    return directory / ROOT_ONLY


def _question(options: argparse.Namespace) -> check.Question:
    return check.Question(
        paths=not options.configuration,
        configuration=not options.paths,
        map=options.map,
        at_risk=check.Status[options.at_risk.upper()],
    )


def _fail(problem: str, options: argparse.Namespace) -> int:
    if options.json:
        return fail(problem, check.Status.UNKNOWN)
    print(f"MPATHD-WATCH UNKNOWN: {problem}")
    return check.Status.UNKNOWN
