"""``mpathd-watch forget``: a path or a map is gone for good, and nobody needs to be woken for it any more."""

from __future__ import annotations

import argparse

from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import CONTROL_SOCKET, runtime_directory
from mpathd_watch.sinks.control.client import ControlError, NoDaemonError, ask
from mpathd_watch.sinks.control.message import Reply, Request


def run(options: argparse.Namespace) -> int:
    """Ask the running daemon; without one, change what it has kept. Returns the exit status."""
    request = Request(options.map, options.path)
    try:
        reply = _asked(request)
    except ControlError as error:
        return fail(str(error))
    if not reply.done:
        return fail(reply.text)
    print(f"{reply.text}.")
    return 0


def _asked(request: Request) -> Reply:
    directory = runtime_directory()
    try:
        if directory is not None:
            return ask(directory / CONTROL_SOCKET, request)
    except NoDaemonError:
        pass
    # Imported only now: a daemon would have answered long before the store is loaded.
    from mpathd_watch.cli.forget_kept import forget_kept  # noqa: PLC0415

    return forget_kept(request)
