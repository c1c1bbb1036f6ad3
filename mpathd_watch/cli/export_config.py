"""``mpathd-watch export-config``: exports the timeouts that only root can read."""

from __future__ import annotations

import argparse
from pathlib import Path
from traceback import extract_tb

from mpathd_watch.cli import core_dumps
from mpathd_watch.cli.output import fail
from mpathd_watch.daemon import export
from mpathd_watch.sources.configuration import RootOnlyError
from mpathd_watch.store.files import WriteError


def run(options: argparse.Namespace) -> int:
    """Print or write the export. Returns the exit status."""
    core_dumps.forbid()
    try:
        if options.output is None:
            print(export.shown(options.root), end="")
        else:
            export.hand_over(options.root, options.output)
    except (RootOnlyError, WriteError) as error:
        return fail(str(error))
    except Exception as error:  # noqa: BLE001  # a mistake of ours, of which the text may quote a password
        place = extract_tb(error.__traceback__)[-1]
        return fail(f"internal error: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}")
    return 0
