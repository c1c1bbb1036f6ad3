"""``mpathd-watch status``: every map and path, from the running daemon or read once from the host."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from pathlib import Path

from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.output import fail, is_colourful
from mpathd_watch.cli.places import STATUS_SOCKET, replay_sockets, runtime_directory
from mpathd_watch.config import ConfigError
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.daemon.once import look_once
from mpathd_watch.sinks import check
from mpathd_watch.sinks.status import Document, StatusError, document, render
from mpathd_watch.sinks.status.socket import StatusSocketError, read_status


def run(options: argparse.Namespace) -> int:
    """Print the status. Returns the exit status."""
    found, note = None, ""
    if not (options.sysfs or options.multipathd_socket):
        found, note = _ask()
    if found is None:
        try:
            found = document(asyncio.run(look_once(configuration(options))))
        except ConfigError as error:
            return fail(str(error), 2)
        note = "No daemon answers; the host was read once."
    if note:
        print(note, file=sys.stderr)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(render(found, colour=is_colourful()), end="")
    return _exit_status(found) if options.exit_status else 0


def _exit_status(found: Document) -> int:
    """That of ``check --paths``; a host of which nothing is known is not OK."""
    if not found["daemon"]["started"]:
        return check.Status.UNKNOWN
    return check.worst([check.of_health(MapHealth.parse(entry["health"])) for entry in found["maps"]])


def _ask() -> tuple[Document | None, str]:
    """What the running daemon answers, otherwise what a running replay does; and what to print about it."""
    directory = runtime_directory()
    if directory is not None and (answer := _answer(directory / STATUS_SOCKET)) is not None:
        return answer, ""
    for socket in replay_sockets():
        if (answer := _answer(socket)) is not None:
            return answer, "No daemon answers; this is what a running 'mpathd-watch replay' shows, not this host."
    return None, ""


def _answer(socket: Path) -> Document | None:
    with contextlib.suppress(StatusSocketError, StatusError):
        return read_status(socket)
    return None
