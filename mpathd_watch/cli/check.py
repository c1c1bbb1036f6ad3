"""``mpathd-watch check``: the audit of the configuration, as a Nagios plugin prints it or as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path

from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import ROOT_ONLY, runtime_directory
from mpathd_watch.config import ConfigError
from mpathd_watch.core.audit import audit
from mpathd_watch.daemon.once import look_at_bundle, look_once
from mpathd_watch.sinks import check
from mpathd_watch.sources import bundle
from mpathd_watch.sources.configuration import read


def run(options: argparse.Namespace) -> int:
    """Print the findings. Returns the exit status."""
    try:
        config = configuration(options)
        found = bundle.read(options.root)
        if found is not None:
            state = look_at_bundle(config, found).state
        else:
            state = asyncio.run(look_once(config, read(options.root, handed_over(options.root)))).state
    except ConfigError as error:
        if options.json:
            return fail(str(error), check.UNKNOWN)
        print(f"MPATHD-WATCH UNKNOWN: {error}")
        return check.UNKNOWN
    report = audit(state)
    if options.json:
        document = check.document(report, state)
        if found is not None:
            document["bundle"] = found.document
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        first, _, rest = check.text(report, state).partition("\n")
        print(first, *(found.lines if found is not None else ()), rest, sep="\n", end="")
    return check.exit_status(report, state)


def handed_over(root: Path) -> Path | None:
    """What root has read for the daemon, for a user who can't read the files; root reads the files themselves.

    It is about this host: below another root only the files count.
    """
    directory = runtime_directory()
    if os.geteuid() == 0 or directory is None or root != Path("/"):
        return None
    return directory / ROOT_ONLY
