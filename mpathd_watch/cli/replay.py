"""``mpathd-watch replay``: plays a recording."""

from __future__ import annotations

import argparse
import asyncio
import sys

from mpathd_watch.cli.output import fail, is_colourful
from mpathd_watch.config.listen_address import LISTEN_ADDRESS
from mpathd_watch.daemon.replay import Replay
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.http.listen import ListenError
from mpathd_watch.sinks.status import document, render
from mpathd_watch.sources.recording import RecordingError


def run(options: argparse.Namespace) -> int:
    """Play the recording and print what the daemon would report. Returns the exit status."""
    listen = LISTEN_ADDRESS.read(options.listen)
    if listen is None:
        return fail(f"--web.listen-address must be {LISTEN_ADDRESS.wanted}, not {options.listen!r}", 2)
    replay: Replay | None = None
    console = ConsoleSink(sys.stdout, lambda: replay.instant.wall if replay else 0.0, colour=is_colourful())
    failure = ""
    try:
        replay = Replay(options.file, options.speed, listen, console)
        print(replay.title, flush=True)
        asyncio.run(replay.run())
    except (RecordingError, ListenError) as error:
        failure = str(error)
    finally:
        console.stop()
    if replay is not None:
        print(f"\n{render(document(replay.view()), colour=is_colourful())}", end="")
    return fail(failure) if failure else 0
