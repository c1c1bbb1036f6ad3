"""The command line. Each command is the module of its name; ``parser`` has the options of all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mpathd_watch.cli.collector import collector_paused
from mpathd_watch.cli.parser import parser
from mpathd_watch.cli.renamed import renamed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    words, notes = renamed(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    for note in notes:
        print(f"mpathd-watch: {note}", file=sys.stderr)
    try:
        # Only this command's module is imported: 'status' must not wait until the HTTP server and pyudev are loaded.
        with collector_paused():
            command = import_module(f"{__name__}.{options.command.replace('-', '_')}")
        status: int = command.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output is gone; the interpreter must not fail on it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status
