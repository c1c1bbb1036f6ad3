"""``mpathd-watch run``: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import (
    CONTROL_SOCKET,
    HTTP_SOCKET,
    ROOT_ONLY,
    STATUS_SOCKET,
    runtime_directory,
    state_directory,
)
from mpathd_watch.config import ConfigError
from mpathd_watch.config.web import WebConfigError
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.daemon.confinement import confine
from mpathd_watch.daemon.garbage import look_rarely
from mpathd_watch.daemon.heap import give_back, keep_little
from mpathd_watch.daemon.keeping import StateTakenError
from mpathd_watch.daemon.reporters import reporting
from mpathd_watch.daemon.service import Service
from mpathd_watch.daemon.surroundings import Surroundings
from mpathd_watch.sinks.http.listen import ListenError
from mpathd_watch.sinks.local_socket import LocalSocketError
from mpathd_watch.sinks.recorder import RecorderError

SWITCH_INTERVAL: Final = 0.001
"""Seconds after which a thread that computes lets another one go on; Python's own number is 5 ms. A uevent arrives
while a thread reads a listing or renders metrics, and its loop waits for the interpreter that long each time."""


def run(options: argparse.Namespace) -> int:
    """Run the daemon until SIGTERM or SIGINT. Returns the exit status."""
    keep_little()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        config = configuration(options)
        directory = runtime_directory()
        state = options.state_dir or state_directory()
        socket = directory / STATUS_SOCKET if directory else None
        control = directory / CONTROL_SOCKET if directory else None
        root_only = directory / ROOT_ONLY if directory else None
        own = (state, directory) if directory else (state,)
        starts_itself = root_only is None or not root_only.exists()
        confinement = confine(config, own, starts_itself=starts_itself)  # before the first thread starts
        with reporting() as reporters:

            def settled() -> None:
                reporters.log(Priority.INFO, confinement.line)
                look_rarely()
                give_back()

            service = Service(
                config,
                lambda: configuration(options),
                reporters,
                socket,
                control_socket=control,
                http_socket=directory / HTTP_SOCKET if directory else None,
                root=options.root,
                handed_over=root_only,
                state=state,
                starts_programs=confinement.starts_programs,
                surroundings=Surroundings(settled=settled),
            )
            asyncio.run(service.run())
    except (ConfigError, WebConfigError) as error:
        return fail(str(error), 2)
    except (RecorderError, ListenError, LocalSocketError, StateTakenError) as error:
        return fail(str(error))
    return 0
