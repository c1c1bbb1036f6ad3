"""Asks the product about a host: ``check``, ``status``, or the daemon for a while.

The command line runs in this process with the host's directories as its options. Redirected are only what would ask
this machine's kernel about the network, and the look whether multipathd runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from mpathd_watch.cli import main
from mpathd_watch.config import Config, load, override
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.daemon import live_sources, once
from mpathd_watch.daemon.reporters import Reporters
from mpathd_watch.daemon.service import Service
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.presence import NAME
from mpathd_watch.sources.multipathd.replies import CONFIGURATION_COMMAND, MAPS_COMMAND, PATHS_COMMAND
from mpathd_watch.sources.network.source import NetworkSource
from mpathd_watch.sources.reading.presence import Daemon
from tests.fakes.multipathd import FakeMultipathd
from tests.field.host import Host

LEVELS = ("info", "warning", "critical")
PATIENCE = 10.0
_sockets = itertools.count()


@dataclass(frozen=True)
class Told:
    """One finding."""

    severity: str
    code: str
    subject: str
    text: str
    where: str
    remedy: str


@dataclass(frozen=True, repr=False)
class Check:
    """What ``check`` says."""

    status: str
    exit_status: int
    findings: tuple[Told, ...]
    document: dict[str, Any]

    def of(self, code: str) -> list[Told]:
        """The findings of one code."""
        return [told for told in self.findings if told.code == code]

    def only(self, code: str) -> Told:
        """The only finding of a code."""
        found = self.of(code)
        assert len(found) == 1, f"{len(found)} findings {code} in {self}"
        return found[0]

    def codes(self, least: str = "info") -> set[str]:
        """The codes of the findings of this severity or a worse one."""
        return {told.code for told in self.findings if LEVELS.index(told.severity) >= LEVELS.index(least)}

    def naming(self, text: str) -> list[Told]:
        """The findings whose sentence has this text."""
        return [told for told in self.findings if text in told.text]

    def __repr__(self) -> str:
        """As a person would read it."""
        lines = [f"{told.severity} {told.code}: {told.subject}: {told.text} ({told.where})" for told in self.findings]
        return "\n    ".join((f"check: {self.status}, exit status {self.exit_status}", *lines))


@dataclass(frozen=True, repr=False)
class Status:
    """What ``status`` says."""

    document: dict[str, Any]

    def map(self, name: str) -> dict[str, Any]:
        """One map's entry."""
        found: list[dict[str, Any]] = [map_ for map_ in self.document["maps"] if map_["map"] == name]
        assert len(found) == 1, f"{len(found)} maps {name} in {self}"
        return found[0]

    def health(self, name: str) -> str:
        """One map's health."""
        return str(self.map(name)["health"])

    def path(self, dev: str) -> dict[str, Any]:
        """The entry of the path over a disk."""
        paths: list[dict[str, Any]] = [path for map_ in self.document["maps"] for path in map_["paths"]]
        found = [path for path in paths if path["dev"] == dev]
        assert len(found) == 1, f"{len(found)} paths over {dev} in {self}"
        return found[0]

    def __repr__(self) -> str:
        """As a person would read it."""
        lines = []
        for map_ in self.document["maps"]:
            paths = ", ".join(f"{path['dev']} {path['health']} {path['states']}" for path in map_["paths"])
            lines.append(f"{map_['map']} {map_['health']}, {map_['usable']} usable: {paths}")
        return "\n    ".join(("status:", *lines))


def check(host: Host, *options: str) -> Check:
    """``mpathd-watch check --json``."""
    exit_status, printed = _ask(host, "check", "--root", str(host.root), "--json", *options)
    document = json.loads(printed)
    told = tuple(
        Told(each["severity"], each["code"], each["subject"], each["text"], each["where"] or "", each["remedy"])
        for each in document["findings"]
    )
    return Check(document["status"], exit_status, told, document)


def status(host: Host, *options: str) -> Status:
    """``mpathd-watch status --json``."""
    _, printed = _ask(host, "status", "--json", *options)
    return Status(json.loads(printed))


def text_of_check(host: Host, *options: str) -> str:
    """What ``check`` prints for people."""
    return _ask(host, "check", "--root", str(host.root), *options)[1]


def _ask(host: Host, command: str, *options: str) -> tuple[int, str]:
    printed = io.StringIO()
    with _surroundings(host, once) as socket, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        places = ["--config", str(host.root / "etc/mpathd-watch/config.toml")]
        places += ["--sysfs", str(host.san.root), "--multipathd-socket", socket]
        with contextlib.redirect_stderr(io.StringIO()):
            exit_status = main([command, *places, *options])
    return exit_status, printed.getvalue()


@contextlib.contextmanager
def _surroundings(host: Host, module: ModuleType) -> Iterator[str]:
    """Have ``module`` find the host's network and multipathd; the name of multipathd's socket."""
    network, multipathd = host.network, host.multipathd
    presence = Daemon(NAME, host.root / "run/multipathd.pid", host.root / "proc", lambda _pid: False).look
    fake = FakeMultipathd(host.root / "fake", f"@field-{os.getpid()}-{next(_sockets)}")
    if multipathd.running:
        comm = host.tree.write(f"proc/{multipathd.pid}/comm", "multipathd\n")
    pidfile = f"{multipathd.pid}\n" if multipathd.pidfile is None else multipathd.pidfile
    if pidfile and (multipathd.running or multipathd.pidfile is not None):
        host.tree.write("run/multipathd.pid", pidfile)
    fake.replies = {
        MAPS_COMMAND: multipathd.maps(),
        PATHS_COMMAND: multipathd.paths(),
        CONFIGURATION_COMMAND: multipathd.configured.printed(),
        "show daemon": f"pid {multipathd.pid} idle\n",
        **multipathd.replies,
    }
    listening = fake if multipathd.running else contextlib.nullcontext()
    with pytest.MonkeyPatch.context() as patch, listening:
        patch.setattr(module, "MultipathdClient", partial(MultipathdClient, presence=presence))
        patch.setattr(module, "NetworkSource", partial(NetworkSource, read=network.links))
        patch.setattr(
            module,
            "SessionSource",
            partial(SessionSource, addresses=network.interfaces, route=network.route, tcp=network.connections),
        )
        yield fake.socket_name
    multipathd.connections += fake.connections
    if multipathd.running:
        comm.unlink()
        comm.parent.rmdir()
    (host.root / "run/multipathd.pid").unlink(missing_ok=True)


# --- the daemon -------------------------------------------------------------------------------------------------------


@dataclass
class Watched:
    """A daemon that watches the host: its alerts so far, and its metrics now."""

    alerts: list[Alert] = field(default_factory=list)
    address: str = ""
    serving: asyncio.Event = field(default_factory=asyncio.Event)

    # as a Reporter of the daemon

    @property
    def outlet(self) -> Outlet:
        return Outlet(lost=0, waiting=0, stalled=False)

    def alert(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def log(self, priority: Priority, text: str) -> None:  # noqa: ARG002  # a Reporter's signature
        if found := re.search(r"serves metrics on (\S+)\.$", text):
            self.address = found[1]
            self.serving.set()

    def stop(self, deadline: float = 2.0) -> bool:  # noqa: ARG002  # a Reporter's signature
        return True

    # as a case asks

    def events(self) -> list[str]:
        """What was reported, by name, in order."""
        return [alert.kind.name.lower() for alert in self.alerts]

    def scrape(self) -> list[str]:
        """The lines of the metrics now."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=PATIENCE) as answer:
            return answer.read().decode().splitlines()  # type: ignore[no-any-return]  # bytes' own method

    async def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Scrape until ``holds``; the lines of that scrape, or of the last one."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            lines = await asyncio.to_thread(self.scrape)
            if holds(lines) or loop.time() > deadline:
                return lines
            await asyncio.sleep(0.1)


def watch(host: Host, story: Callable[[Watched], Any]) -> Watched:
    """Run the daemon while the coroutine function ``story`` runs."""
    watched = Watched()

    async def run(config: Config) -> None:
        service = Service(config, lambda: config, Reporters({"field": watched}), None, root=host.root, handed_over=None)
        running = asyncio.create_task(service.run())
        try:
            await asyncio.wait_for(watched.serving.wait(), PATIENCE)
            await story(watched)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with _surroundings(host, live_sources) as socket:
        config = load(host.root / "etc/mpathd-watch/config.toml", required=True)
        config = replace(config, sysfs=str(host.san.root), multipathd_socket=socket)
        asyncio.run(run(override(config, {"--web.listen-address": ("listen", "127.0.0.1:0")})))
    return watched
