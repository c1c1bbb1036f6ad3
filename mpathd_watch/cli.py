"""The command line: what each command takes, and how its failures are told, in one line each."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from mpathd_watch import __version__
from mpathd_watch.config import DEFAULT_PATH, Config, ConfigError, load

RUNTIME_DIRECTORY = Path("/run/mpathd-watch")
STATUS_SOCKET = "status.sock"
RECORDS = "records.json"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line and exits 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not stumble over it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _parser() -> _Parser:
    parser = _Parser(prog="mpathd-watch", description="Watches every iSCSI path below dm-multipath.")
    parser.add_argument("--version", action="version", version=f"mpathd-watch {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    run = commands.add_parser("run", help="the daemon, in the foreground")
    _add_host_options(run)
    run.add_argument("--listen", metavar="ADDR:PORT", help="where metrics are served (default :10068, all addresses)")
    run.add_argument("--state-dir", metavar="DIR", help="what outlives a restart (default /var/lib/mpathd-watch)")
    run.add_argument("--record", metavar="FILE", help="write every event to FILE, for replay")
    _add_root(run)
    run.set_defaults(command=_run)

    status = commands.add_parser("status", help="every map and path, from the running daemon or by one look")
    _add_host_options(status)
    status.add_argument("--json", action="store_true", help="as JSON (docs/status-json.md)")
    status.set_defaults(command=_status)

    check = commands.add_parser("check", help="what is configured, held against what is in force")
    _add_host_options(check)
    check.add_argument("--json", action="store_true", help="as JSON (docs/findings.md)")
    _add_root(check)
    check.set_defaults(command=_check)

    records = commands.add_parser("records", help="what root reads for the daemon: timeouts, and nothing secret")
    records.add_argument("--output", metavar="FILE", type=Path, help="write it to FILE, for the daemon")
    _add_root(records)
    records.set_defaults(command=_records)

    replay = commands.add_parser("replay", help="the daemon on a recording instead of this host")
    replay.add_argument("file", metavar="FILE", nargs="?", type=Path, help="the recording (default: the shipped one)")
    replay.add_argument("--speed", metavar="N", type=_speed, default=1.0, help="N times as fast as it happened")
    replay.add_argument(
        "--listen",
        metavar="ADDR:PORT",
        default="127.0.0.1:10068",
        help="where metrics are served meanwhile (default 127.0.0.1:10068)",
    )
    replay.set_defaults(command=_replay)
    return parser


def _add_host_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, help=f"the configuration (default {DEFAULT_PATH})")
    parser.add_argument("--sysfs", metavar="DIR", help="where sysfs is mounted (default /sys)")
    parser.add_argument("--multipathd-socket", metavar="NAME", help="multipathd's socket; @NAME for an abstract one")


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
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


def _fail(text: str, status: int = 1) -> int:
    print(f"mpathd-watch: {text}", file=sys.stderr)
    return status


def _config(options: argparse.Namespace) -> Config:
    """The configuration file with the command line's word over it. Raises ``ConfigError``."""
    config = load(options.config or DEFAULT_PATH, required=options.config is not None)
    given = {
        key: value
        for key in ("listen", "sysfs", "multipathd_socket", "state_dir", "record")
        if (value := getattr(options, key, None)) is not None
    }
    return replace(config, **given)


def _runtime_directory() -> Path | None:
    """Where the running daemon can be asked: systemd's RuntimeDirectory=, else the usual place if it exists."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    directory = Path(given) if given else RUNTIME_DIRECTORY
    return directory if directory.is_dir() else None


# Each command imports what it needs when it runs: ``status`` shall not wait for the HTTP server and pyudev to load.


def _run(options: argparse.Namespace) -> int:
    from mpathd_watch.daemon.reporters import reporting  # noqa: PLC0415  # see above
    from mpathd_watch.daemon.service import Service  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.http.listen import ListenError  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.recorder import RecorderError  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.status.socket import StatusSocketError  # noqa: PLC0415  # see above

    try:
        config = _config(options)
        with reporting() as reporters:
            directory = _runtime_directory()
            socket = directory / STATUS_SOCKET if directory else None
            records = directory / RECORDS if directory else None
            service = Service(
                config, lambda: _config(options), reporters, socket, root=options.root, handed_over=records
            )
            asyncio.run(service.run())
    except ConfigError as error:
        return _fail(str(error), 2)
    except (RecorderError, ListenError, StatusSocketError) as error:
        return _fail(str(error))
    return 0


def _status(options: argparse.Namespace) -> int:
    from mpathd_watch.daemon.once import look_once  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.status import StatusError, document, render  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.status.socket import StatusSocketError, read_status  # noqa: PLC0415  # see above

    found = None
    directory = _runtime_directory()
    if directory is not None and not (options.sysfs or options.multipathd_socket):
        with contextlib.suppress(StatusSocketError, StatusError):
            found = read_status(directory / STATUS_SOCKET)
    if found is None:
        try:
            found = document(asyncio.run(look_once(_config(options))))
        except ConfigError as error:
            return _fail(str(error), 2)
        print("No running mpathd-watch answers; this is one look at the host.", file=sys.stderr)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(render(found, colour=_colourful()), end="")
    return 0


def _check(options: argparse.Namespace) -> int:
    from mpathd_watch.core.audit import audit  # noqa: PLC0415  # see above
    from mpathd_watch.daemon.once import look_once  # noqa: PLC0415  # see above
    from mpathd_watch.sinks import check  # noqa: PLC0415  # see above
    from mpathd_watch.sources.configuration import read  # noqa: PLC0415  # see above

    try:
        config = _config(options)
        state = asyncio.run(look_once(config, read(options.root, _handed_over()))).state
    except ConfigError as error:
        if options.json:
            return _fail(str(error), check.UNKNOWN)
        print(f"MPATHD-WATCH UNKNOWN: {error}")
        return check.UNKNOWN
    report = audit(state)
    if options.json:
        print(json.dumps(check.document(report, state), indent=2, ensure_ascii=False))
    else:
        print(check.text(report, state), end="")
    return check.exit_status(report, state)


def _handed_over() -> Path | None:
    """What the daemon was given of the files that are root's alone, if it is needed; root reads them as they are."""
    directory = _runtime_directory()
    if os.geteuid() == 0 or directory is None:
        return None
    return directory / RECORDS


def _records(options: argparse.Namespace) -> int:
    from mpathd_watch.daemon import export  # noqa: PLC0415  # see above
    from mpathd_watch.sources.configuration import RootOnlyError  # noqa: PLC0415  # see above
    from mpathd_watch.store.files import WriteError  # noqa: PLC0415  # see above

    try:
        if options.output is None:
            print(export.shown(options.root), end="")
        else:
            export.hand_over(options.root, options.output)
    except (RootOnlyError, WriteError) as error:
        return _fail(str(error))
    return 0


def _replay(options: argparse.Namespace) -> int:
    from mpathd_watch.daemon.replay import Replay  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.console import ConsoleSink  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.http.listen import ListenError  # noqa: PLC0415  # see above
    from mpathd_watch.sinks.status import document, render  # noqa: PLC0415  # see above
    from mpathd_watch.sources.recording import RecordingError  # noqa: PLC0415  # see above

    replay: Replay | None = None
    console = ConsoleSink(sys.stdout, lambda: replay.instant.wall if replay else 0.0, colour=_colourful())
    failure = ""
    try:
        replay = Replay(options.file, options.speed, options.listen, console)
        print(replay.title, flush=True)
        asyncio.run(replay.run())
    except (RecordingError, ListenError) as error:
        failure = str(error)
    finally:
        console.stop()
    if replay is not None:
        print(f"\n{render(document(replay.view()), colour=_colourful())}", end="")
    return _fail(failure) if failure else 0


def _colourful() -> bool:
    """Colour on a terminal only, and not for those who don't want any (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
