"""The options of every command. This module imports nothing of the package that takes time to load."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from mpathd_watch import __version__

_DOCUMENTATION = "/usr/share/doc/mpathd-watch"
OVERRIDES = {
    "--web.listen-address": "listen",
    "--web.systemd-socket": "systemd_socket",
    "--web.config.file": "web_config",
    "--sysfs": "sysfs",
    "--multipathd-socket": "multipathd_socket",
    "--record": "record",
}
"""The options that override the configuration file, and the keys that they override."""


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

    run = commands.add_parser("run", help="run the daemon in the foreground")
    _add_host_options(run)
    _add_override(
        run, "--web.listen-address", "ADDRESS:PORT", "serve metrics on this address, or on unix:/PATH; may be repeated"
    )
    _add_override(run, "--web.systemd-socket", "", "serve metrics on the sockets that systemd has opened")
    _add_override(run, "--web.config.file", "FILE", "configure TLS and passwords by this file")
    _add_override(run, "--record", "FILE", "record all events in FILE, for replay")
    run.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        help="keep what outlives the daemon in DIR (default /var/lib/mpathd-watch)",
    )
    _add_root(run)

    status = commands.add_parser("status", help="show every map and path with its health")
    _add_host_options(status)
    status.add_argument("--json", action="store_true", help=f"print JSON ({_DOCUMENTATION}/status-json.md)")
    status.add_argument("--root", metavar="DIR", type=Path, help="show what the support bundle in DIR shows")
    status.add_argument(
        "--exit-status", action="store_true", help="exit 0, 1, 2 or 3 by the health of the maps, as check does"
    )
    status.add_argument("--watch", action="store_true", help="show what the daemon reports until Ctrl-C")
    status.add_argument("--map", metavar="MAP", default="", help="show only this map (name or WWID), with its paths")
    status.add_argument("--problems", action="store_true", help="show only the maps that have a problem")

    check = commands.add_parser("check", help="audit paths and configuration; exit status for Nagios")
    _add_host_options(check)
    check.add_argument("--json", action="store_true", help=f"print JSON ({_DOCUMENTATION}/findings.md)")
    part = check.add_mutually_exclusive_group()
    part.add_argument("--paths", action="store_true", help="check only the health of the paths")
    part.add_argument("--configuration", action="store_true", help="check only the configuration")
    part.add_argument("--map", metavar="MAP", default="", help="check only the paths of this map (name or WWID)")
    check.add_argument(
        "--at-risk",
        choices=("warning", "critical"),
        default="warning",
        help="the status of a map that has one usable path left (default %(default)s)",
    )
    _add_root(check)

    forget = commands.add_parser("forget", help="expect a path or a map no more that is gone for good")
    forget.add_argument("--map", metavar="MAP", required=True, help="the map, by name or WWID")
    forget.add_argument(
        "--path", metavar="PATH", default="", help="only this path of it (default: all that is missing)"
    )

    _add_history(commands)

    export = commands.add_parser("export-config", help="export the timeouts that only root can read, without secrets")
    export.add_argument("--output", metavar="FILE", type=Path, help="write the export to FILE, for the daemon")
    _add_root(export)

    notify = commands.add_parser("notify", help="send a test mail, and run each hook once")
    notify.add_argument("--test", action="store_true", required=True, help="do so, and print what became of each")
    notify.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="read the configuration from FILE (default /etc/mpathd-watch/config.toml)",
    )

    _add_drill(commands)

    replay = commands.add_parser("replay", help="play a recording instead of watching this host")
    replay.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=Path,
        help="the recording, or its parts, the oldest first (default: the one that is shipped)",
    )
    replay.add_argument(
        "--speed", metavar="N", type=_speed, default=1.0, help="play N times as fast as it was recorded"
    )
    # The same name as for 'run': one thing has one name, also in the error messages that both commands share.
    replay.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="ADDRESS:PORT",
        default="127.0.0.1:10068",
        help="serve metrics and the page on this address (default %(default)s)",
    )
    return main


def _add_history(commands: argparse._SubParsersAction[Parser]) -> None:
    history = commands.add_parser("history", help="show past outages")
    json_help = f"print JSON ({_DOCUMENTATION}/history-json.md)"
    _add_state_dir(history, None)
    history.add_argument("--json", action="store_true", help=json_help)
    history.add_argument(
        "--since", metavar="T", help="only outages that began at T or later: a date, or 12h or 7d ago as 12h, 7d"
    )
    history.add_argument("--until", metavar="T", help="only outages that began before T")
    history.add_argument("--map", metavar="MAP", help="only outages of this map (name or WWID)")
    history.add_argument("--path", metavar="PATH", help="only outages of this path")
    history.add_argument("--cause", metavar="CAUSE", help="only outages with this cause")
    history.add_argument(
        "--verdict", metavar="VERDICT", help="only outages with this verdict; open for those that go on"
    )
    history.add_argument("--limit", metavar="N", type=_count, help="list the newest N only (default 100; 0: all)")
    history.add_argument(
        "--unproven", action="store_true", help="list the paths that were never proven to fail over, or not since T"
    )
    actions = history.add_subparsers(metavar="show ID", dest="action", parser_class=Parser)
    show = actions.add_parser("show", help="show one outage as a timeline beside its budget")
    show.add_argument("id", metavar="ID", help="the id of the outage, or its first digits")
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=json_help)
    show.add_argument("--plot", metavar="FILE", type=Path, help="draw it in FILE, as SVG")
    _add_state_dir(show, argparse.SUPPRESS)


def _add_state_dir(command: argparse.ArgumentParser, default: str | None) -> None:
    command.add_argument(
        "--state-dir",
        metavar="DIR",
        type=Path,
        default=default,
        help="read what the daemon has stored in DIR (default /var/lib/mpathd-watch)",
    )


def _add_host_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="read the configuration from FILE (default /etc/mpathd-watch/config.toml)",
    )
    _add_override(command, "--sysfs", "DIR", "read sysfs in DIR")
    _add_override(command, "--multipathd-socket", "NAME", "ask multipathd on this socket; @NAME for an abstract one")


def _add_override(command: argparse.ArgumentParser, option: str, value: str, text: str) -> None:
    key = OVERRIDES[option]
    about = f"{text} (overrides '{key}' of the configuration)"
    if not value:
        command.add_argument(option, dest=key, action="store_true", default=None, help=about)
    else:
        action = "append" if option == "--web.listen-address" else "store"
        command.add_argument(option, dest=key, metavar=value, action=action, help=about)


def _add_root(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--root",
        metavar="DIR",
        type=Path,
        default=Path("/"),
        help="read the host's files in DIR/etc and DIR/var (default /)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.01 to 1000")
    return speed


def _limit(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 86400")
    return seconds


def _add_drill(commands: argparse._SubParsersAction[Parser]) -> None:
    drill = commands.add_parser("drill", help="watch a failover that you cause on purpose, and measure it")
    _add_host_options(drill)
    failing = drill.add_mutually_exclusive_group(required=True)
    failing.add_argument("--interface", metavar="NAME", help="a network interface fails")
    failing.add_argument("--portal", metavar="ADDRESS:PORT", help="a portal fails")
    failing.add_argument("--map", metavar="MAP", help="one of the portals of this map (name or WWID) fails")
    drill.add_argument(
        "--limit",
        metavar="SECONDS",
        type=_limit,
        default=1800.0,
        help="end the drill after this time at the latest (default %(default)g)",
    )
    drill.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="write the report: JSON if the name ends in .json, otherwise Markdown with an .svg beside it",
    )
    drill.add_argument("--json", action="store_true", help=f"print the result as JSON ({_DOCUMENTATION}/drill.md)")
    _add_root(drill)
