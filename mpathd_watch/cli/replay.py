"""``mpathd-watch replay``: plays a recording, and shows what the daemon would report."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from mpathd_watch.cli.output import fail, is_colourful
from mpathd_watch.cli.places import replay_socket
from mpathd_watch.config.listen_address import LISTEN_ADDRESS
from mpathd_watch.daemon.replay import Replay
from mpathd_watch.sinks.http.listen import ListenError
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sources.recording import RecordingError


def run(options: argparse.Namespace) -> int:
    """Play the recording. Returns the exit status."""
    listen = LISTEN_ADDRESS.read(options.listen)
    if listen is None:
        return fail(f"--web.listen-address must be {LISTEN_ADDRESS.wanted}, not {options.listen!r}", 2)
    try:
        with replay_socket() as socket:
            colour = is_colourful()
            replay = Replay(options.files, options.speed, listen, sys.stdout, colour=colour, status_socket=socket)
            return asyncio.run(_play(replay))
    except (RecordingError, ListenError) as error:
        return fail(str(error))


async def _play(replay: Replay) -> int:
    async with replay.serving():
        print(replay.title, flush=True)
        failure = ""
        try:
            await replay.play()
        except RecordingError as error:
            failure = str(error)
        print(f"\n{render(document(replay.view()), colour=is_colourful())}", end="", flush=True)
        if failure:
            return fail(failure)
        # Someone at a terminal may want to open the page. In a pipe, nothing would ever end the replay.
        if sys.stdout.isatty():
            print(f"\nThe recording has ended. Until Ctrl-C, {replay.places}.", flush=True)
            await _interrupted()
    return 0


async def _interrupted() -> None:
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    await interrupted.wait()
