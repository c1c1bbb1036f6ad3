"""``mpathd-watch export-config``: exports the timeouts that only root can read."""

from __future__ import annotations

import argparse

from mpathd_watch.cli.output import fail
from mpathd_watch.daemon import export
from mpathd_watch.sources.configuration import RootOnlyError
from mpathd_watch.store.files import WriteError


def run(options: argparse.Namespace) -> int:
    """Print or write the export. Returns the exit status."""
    try:
        if options.output is None:
            print(export.shown(options.root), end="")
        else:
            export.hand_over(options.root, options.output)
    except (RootOnlyError, WriteError) as error:
        return fail(str(error))
    return 0
