"""``mpathd-watch status``: every map and path, from the running daemon or read once from the host."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mpathd_watch.cli.collector import collector_paused
from mpathd_watch.cli.output import UsageError, fail, is_colourful
from mpathd_watch.cli.places import STATUS_SOCKET, replay_sockets, runtime_directory
from mpathd_watch.core.model.vocabulary import MapHealth
from mpathd_watch.sinks.exit_status import Status, of_health, worst
from mpathd_watch.sinks.status.choice import Choice, chosen
from mpathd_watch.sinks.status.client import NoAnswerError, read_status
from mpathd_watch.sinks.status.document import Document, StatusError
from mpathd_watch.sinks.status.screen import render


def run(options: argparse.Namespace) -> int:
    """Print the status. Returns the exit status."""
    asks = options.root is None and not (options.sysfs or options.multipathd_socket)
    refused = _refused() if asks else ""
    if options.watch:
        return _watch(options, refused) if asks else fail("--watch shows what the daemon reports, no other host", 2)
    if asks:
        answer, note = _ask()
        if answer is not None:
            return _show(options, answer, note)
    # Imported only now: a daemon would have answered long before all that reads a host is loaded.
    with collector_paused():
        from mpathd_watch.cli.status_once import shown  # noqa: PLC0415

    try:
        seen = shown(options)
    except UsageError as error:
        return fail(str(error), 2)
    note = f"{refused or 'No daemon answers'}; the host was read once." if options.root is None else ""
    return _show(options, seen.document, note, seen.lines, seen.keys)


def _watch(options: argparse.Namespace, refused: str) -> int:
    if refused:
        return fail(refused)
    if options.exit_status:
        return fail("--watch ends with Ctrl-C and has no --exit-status", 2)
    # Imported only now: threads and the terminal are for this option alone.
    from mpathd_watch.cli.status_watch import watch  # noqa: PLC0415

    return watch(options, _ask)


def _show(
    options: argparse.Namespace,
    found: Document,
    note: str,
    lines: tuple[str, ...] = (),
    keys: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Print the document, with ``lines`` above it or ``keys`` in it. Returns the exit status."""
    if note:
        print(note, file=sys.stderr)
    choice = Choice(options.map, options.problems)
    if options.json:
        print(json.dumps({**chosen(found, choice), **keys}, indent=2, ensure_ascii=False))
    else:
        above = "".join(f"{line}\n" for line in (*lines, "")) if lines else ""
        print(above + render(found, colour=is_colourful(), choice=choice), end="")
    return _exit_status(chosen(found, Choice(options.map)), options.map) if options.exit_status else 0


def _exit_status(found: Document, map_: str) -> int:
    """That of ``check``; a host of which nothing is known is not OK, nor is a map ``map_`` that is not there."""
    if not found["daemon"]["started"]:
        return Status.UNKNOWN
    if map_ and not found["maps"]:
        return Status.CRITICAL
    return worst([of_health(MapHealth.parse(entry["health"])) for entry in found["maps"]])


def _ask() -> tuple[Document | None, str]:
    """What the running daemon answers, otherwise what a running replay does; and what to print about it."""
    directory = runtime_directory()
    if directory is not None and (answer := _answer(directory / STATUS_SOCKET)) is not None:
        return answer, ""
    for socket in replay_sockets():
        if (answer := _answer(socket)) is not None:
            return answer, "No daemon answers; this is what a running 'mpathd-watch replay' shows, not this host."
    return None, ""


def _refused() -> str:
    """Why this user may not ask the daemon; empty if it may, or if there is none."""
    directory = runtime_directory()
    socket = directory / STATUS_SOCKET if directory else None
    if socket is None or not socket.exists() or os.access(socket, os.W_OK):
        return ""
    return f"Only root and members of its group may ask the daemon on {socket}"


def _answer(socket: Path) -> Document | None:
    with contextlib.suppress(NoAnswerError, StatusError):
        return read_status(socket)
    return None
