"""Command line of the lab: `python -m tests.lab --help`."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

from tests.lab.kit import image, runner, san
from tests.lab.kit.cache import cache_directory
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.judge import STORY, Judge, Logs
from tests.lab.kit.runner import Extent
from tests.lab.kit.san import ARTICLE, LIO, San
from tests.lab.kit.states import States

SANS = {"tgt": ARTICLE, "lio": LIO}
"""Array -> the SAN that `up` makes of it."""

CHECKOUT = Path(__file__).parent.parent.parent

USAGE = """\
The guest ({suite}) runs; the SAN is up, {map} is mounted on {mount}.

  a root shell in it    {python} -m tests.lab shell --suite {suite}      (or: make lab-shell)
                        {ssh}
  its metrics           http://127.0.0.1:{metrics}/metrics
  what the daemon says  journalctl -fu mpathd-watch        mpathd-watch status      (both in the guest)
{hints}
  end the guest         {python} -m tests.lab down --suite {suite}
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    # Ended from outside, the lab still has guests to end and directories to remove.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        status: int = options.command(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="The real-kernel lab of mpathd-watch.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        added.add_argument("--suite", choices=image.SUITES, help="Debian suite of the guest (default: trixie)")
        return added

    def add_deb(added: argparse.ArgumentParser) -> None:
        text = "the product's package, or `none` (default: the newest dist/mpathd-watch_*_all.deb)"
        added.add_argument("--deb", metavar="FILE", help=text)

    add("build", _build, "build the guest image, unless it is cached")
    up = add("up", _up, "leave a guest running with the SAN up, and print how to use it")
    add_deb(up)
    up.add_argument("--array", choices=SANS, default="tgt", help="what serves the LUNs; lio has ALUA (default: tgt)")
    add("shell", _shell, "open a root shell in the guest that `up` left running")
    add("down", _down, "end the guest that `up` left running")
    judge = commands.add_parser("judge", help="judge the logs of a chaos scenario again")
    judge.add_argument("logs", metavar="DIR", type=Path, help="the scenario's logs")
    judge.set_defaults(command=_judge)
    test = add("test", _test, "run scenarios: those named, or all")
    add_deb(test)
    test.add_argument("--sit", action="store_true", help="stop at the first failure and keep its guest running")
    extent = test.add_mutually_exclusive_group()
    extent.set_defaults(extent=Extent.WHOLE)
    for name, meaning, text in (
        ("--quick", Extent.QUICK, "run what CI runs"),
        ("--long", Extent.LONG, "run the scenarios that take long (hours), each once only"),
    ):
        extent.add_argument(name, action="store_const", dest="extent", const=meaning, help=text)
    test.add_argument("--logs", metavar="DIR", type=Path, default=CHECKOUT / "tests/lab/logs", help="where logs go")
    test.add_argument("scenarios", metavar="SCENARIO", nargs="*")
    return parser


def _build(options: argparse.Namespace) -> int:
    for suite in [options.suite] if options.suite else image.SUITES:
        print(image.get(suite).directory)
    return 0


def _up(options: argparse.Namespace) -> int:
    suite = _suite(options)
    directory = _guest_directory(suite)
    if Guest.attach(image.get(suite), directory).alive:
        raise LabError(f"a guest is running already; `python -m tests.lab down --suite {suite}` ends it")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    states = States(image.get(suite), _deb(options), directory / "states", _say, record=False)
    chosen: San = SANS[options.array]
    guest = Guest.restore(states.ready(chosen), directory)
    print(
        USAGE.format(
            suite=suite,
            python=Path(sys.executable).name,
            map=chosen.map_name(1),
            hints="\n".join(f"  {what:<22}{command}" for what, command in chosen.array.hints.items()),
            mount=san.MOUNT_POINT,
            ssh=shlex.join(guest.ssh_command),
            metrics=guest.port("metrics"),
        ),
        flush=True,
    )
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("This is a root shell in the guest; leaving it leaves the guest running.", flush=True)
        return _shell(options)
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _shell(options: argparse.Namespace) -> int:
    suite = _suite(options)
    guest = _running(suite)
    command = guest.ssh_command
    os.execvp(command[0], command)  # noqa: S606 - ssh takes over this terminal


def _down(options: argparse.Namespace) -> int:
    suite = _suite(options)
    _running(suite).stop()
    # QEMU removes its sockets as it ends, and so may we at the same moment.
    shutil.rmtree(_guest_directory(suite), ignore_errors=True)
    return 0


def _test(options: argparse.Namespace) -> int:
    suites = (options.suite,) if options.suite else ()
    settings = runner.Options(suites, _deb(options), options.logs, options.sit, options.extent)
    return 0 if runner.run(options.scenarios, settings) else 1


def _judge(options: argparse.Namespace) -> int:
    found = Judge(Logs.read(options.logs))
    for violation in found.judge():
        print(f"--- rule ({violation.rule}) does not hold at {violation.at:.1f} s: {violation.text}")
        print("\n".join(found.story(violation.at, STORY, 5.0)))
    print(f"{len(found.outages)} outages, {found.judged} healths compared, {len(found.violations)} violations")
    return int(bool(found.violations))


def _suite(options: argparse.Namespace) -> str:
    suite: str = options.suite or image.SUITES[0]
    return suite


def _guest_directory(suite: str) -> Path:
    return cache_directory() / f"up-{suite}"


def _running(suite: str) -> Guest:
    directory = _guest_directory(suite)
    guest = Guest.attach(image.get(suite), directory)
    if not guest.alive:
        raise LabError(f"no guest is running; `python -m tests.lab up --suite {suite}` starts one")
    return guest


def _deb(options: argparse.Namespace) -> Path | None:
    if options.deb == "none":
        return None
    if options.deb:
        chosen = Path(options.deb)
        if not chosen.is_file():
            raise LabError(f"no such package: {chosen}")
        return chosen
    built = sorted((CHECKOUT / "dist").glob("mpathd-watch_*_all.deb"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise LabError("no package in dist/: run `make deb` first, or give --deb FILE (`--deb none`: the SAN alone)")
    return built[-1]


if __name__ == "__main__":
    sys.exit(main())
