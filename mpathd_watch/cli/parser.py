"""The options of every command. This module imports nothing of the package that takes time to load."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from mpathd_watch import __version__


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line and exits 2."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> Parser:
    """The parser of the whole command line. The parsed ``command`` is the command's name."""
    main = Parser(prog="mpathd-watch", description="Watches every iSCSI path below dm-multipath.")
    main.add_argument("--version", action="version", version=f"mpathd-watch {__version__}")
    commands = main.add_subparsers(metavar="COMMAND", dest="command", required=True, parser_class=Parser)

    run = commands.add_parser("run", help="the daemon, in the foreground")
    _add_host_options(run)
    run.add_argument("--listen", metavar="ADDR:PORT", help="where metrics are served (default :10068, all addresses)")
    run.add_argument("--record", metavar="FILE", help="write every event to FILE, for replay")
    _add_root(run)

    status = commands.add_parser("status", help="every map and path, from the running daemon or by one look")
    _add_host_options(status)
    status.add_argument("--json", action="store_true", help="as JSON (docs/status-json.md)")

    check = commands.add_parser("check", help="what is configured, held against what is in force")
    _add_host_options(check)
    check.add_argument("--json", action="store_true", help="as JSON (docs/findings.md)")
    _add_root(check)

    export = commands.add_parser("export-config", help="export the timeouts that only root can read, without secrets")
    export.add_argument("--output", metavar="FILE", type=Path, help="write to FILE, for the daemon")
    _add_root(export)

    replay = commands.add_parser("replay", help="the daemon on a recording instead of this host")
    replay.add_argument("file", metavar="FILE", nargs="?", type=Path, help="the recording (default: the shipped one)")
    replay.add_argument("--speed", metavar="N", type=_speed, default=1.0, help="N times as fast as it happened")
    replay.add_argument(
        "--listen",
        metavar="ADDR:PORT",
        default="127.0.0.1:10068",
        help="where metrics are served meanwhile (default 127.0.0.1:10068)",
    )
    return main


def _add_host_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", metavar="FILE", type=Path, help="the configuration (default /etc/mpathd-watch/config.toml)"
    )
    command.add_argument("--sysfs", metavar="DIR", help="where sysfs is mounted (default /sys)")
    command.add_argument("--multipathd-socket", metavar="NAME", help="multipathd's socket; @NAME for an abstract one")


def _add_root(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--root", metavar="DIR", type=Path, default=Path("/"), help="where the host's /etc and /var are (default /)"
    )


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.01 to 1000")
    return speed
