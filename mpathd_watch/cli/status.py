"""``mpathd-watch status``: every map and path, from the running daemon or from one look at the host."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys

from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.output import fail, is_colourful
from mpathd_watch.cli.places import STATUS_SOCKET, runtime_directory
from mpathd_watch.config import ConfigError
from mpathd_watch.daemon.once import look_once
from mpathd_watch.sinks.status import StatusError, document, render
from mpathd_watch.sinks.status.socket import StatusSocketError, read_status


def run(options: argparse.Namespace) -> int:
    """Print the status. Returns the exit status."""
    found = None
    directory = runtime_directory()
    if directory is not None and not (options.sysfs or options.multipathd_socket):
        with contextlib.suppress(StatusSocketError, StatusError):
            found = read_status(directory / STATUS_SOCKET)
    if found is None:
        try:
            found = document(asyncio.run(look_once(configuration(options))))
        except ConfigError as error:
            return fail(str(error), 2)
        print("No running mpathd-watch answers; this is one look at the host.", file=sys.stderr)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(render(found, colour=is_colourful()), end="")
    return 0
