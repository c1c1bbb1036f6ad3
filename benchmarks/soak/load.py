"""What is done to the host and the daemon: each deed in steps, and what must be in the journal of it."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.host.daemon import Daemon
from benchmarks.host.host import Host
from benchmarks.host.scraping import scrape
from benchmarks.host.tree import Map, Member
from benchmarks.host.uevents import Uevents
from benchmarks.soak import exposed
from benchmarks.soak.ledger import FAILED, REINSTATED, Ledger
from benchmarks.soak.plan import GIVEN_UP, SESSIONS, Action, Deed, Done
from mpathd_watch.store.database import NAME as DATABASE
from tests.fakes.sysfs import FakeSession, FakeSysfs

SOON = 1.0
"""Seconds after which a journald that has come back has been sent what waited for it."""
FRESH = 5.0
"""Seconds within which an outage is in the database. There is one every 2 s or more often."""
FILL = 1 << 16
"""Bytes that are written at once to fill a disk; then fewer."""

Step = tuple[float, Callable[[], None]]
"""A moment of a deed, in seconds from its beginning, and what is done then."""


@dataclass(slots=True)
class Load:
    """Everything that is done to a ``host`` and its ``daemon``, whose state is on the small disk ``disk``."""

    host: Host
    daemon: Daemon
    uevents: Uevents
    ledger: Ledger
    disk: Path
    done: Done = field(default_factory=Done)
    _failures: int = 0
    """Those of the store before the disk was filled."""

    def steps(self, action: Action) -> list[Step]:
        """What the action consists of."""
        sessions = [action.session, (action.session + 1) % SESSIONS]
        match action.deed:
            case Deed.UEVENT_LOSS:
                return self._uevent_loss(action.session, action.lasts)
            case Deed.SESSION_LOSS:
                return self._session_loss(sessions[:1], action.lasts)
            case Deed.RESTART:
                return self._session_loss(sessions, action.lasts)
            case Deed.RELOAD:
                return [(0.0, self._reload)]
            case Deed.JOURNALD:
                back = action.lasts + SOON
                return [
                    (0.0, self._journald_goes),
                    (action.lasts, self._journald_comes),
                    (back, self._journald_is_back),
                ]
            case Deed.DISK:
                return [(0.0, self._fill), (action.lasts, self._free)]

    def fail(self, session: int, *, counts: bool = True) -> None:
        """Have dm fail the paths of a session."""
        self._send("PATH_FAILED", FAILED, session, counts=counts)

    def reinstate(self, session: int, *, counts: bool = True) -> None:
        """Have dm reinstate them."""
        self._send("PATH_REINSTATED", REINSTATED, session, counts=counts)

    def health(self, failed: Sequence[int] = ()) -> Mapping[tuple[str, str], str]:
        """What each path must be, by map and path, if dm has failed those of these sessions."""
        return {
            (map_.name, path.portal): "failed" if number in failed else "up"
            for map_ in self.host.tree.maps
            for number, path in enumerate(map_.paths)
        }

    @property
    def _filling(self) -> Path:
        return self.disk / "filling"

    def _uevent_loss(self, session: int, lasts: float) -> list[Step]:
        return [(0.0, lambda: self.fail(session)), (lasts, lambda: self.reinstate(session))]

    def _session_loss(self, sessions: Sequence[int], lasts: float) -> list[Step]:
        san = self.host.tree.san
        lost = [Connection(san.sessions[each], san) for each in sessions]

        def lose() -> None:
            for each in lost:
                each.lose()

        def give_up() -> None:
            for each in lost:
                each.session.expire()
            for number in sessions:
                self.fail(number, counts=False)

        def restore() -> None:
            for each in lost:
                each.restore()
            for number in sessions:
                self.reinstate(number, counts=False)

        return [(0.0, lose), (GIVEN_UP * lasts, give_up), (lasts, restore)]

    def _send(self, action: str, event: str, session: int, *, counts: bool) -> None:
        paths = [(map_, map_.paths[session]) for map_ in self.host.tree.maps]
        devices = [path.dev_t for _, path in paths]
        self.host.multipathd.change(**{"failed" if event == FAILED else "active": devices})
        for map_, path in paths:
            self._send_one(action, event, map_, path, counts=counts)

    def _send_one(self, action: str, event: str, map_: Map, path: Member, *, counts: bool) -> None:
        message = self.uevents.message(action, map_, path.dev_t)
        # Expected before it is sent: the thread of journald may have the entry before this goes on.
        self.ledger.expect((map_.name, path.portal, event), time.time_ns(), counts=counts)
        self.uevents.send(message)
        self.ledger.sent += 1

    def _reload(self) -> None:
        self.daemon.reload()
        self.done.reloads += 1

    def _journald_goes(self) -> None:
        self.ledger.journald(accepting=False)
        self.host.journald.close()

    def _journald_comes(self) -> None:
        self.host.journald.come_back()
        self.done.journald += 1

    def _journald_is_back(self) -> None:
        self.ledger.journald(accepting=True)

    def _fill(self) -> None:
        self._failures = self._store_failures()
        fill(self._filling)
        self.done.disk += 1

    def _free(self) -> None:
        """Note whether the daemon has noticed that the disk is full, and give the disk back what it was filled with."""
        if self._store_failures() == self._failures:
            written = time.time() - newest_outage(self.disk / DATABASE) < FRESH
            self.done.written += written
            self.done.unnoticed += not written
        self._filling.unlink()

    def _store_failures(self) -> int:
        return exposed.failures(
            scrape(self.daemon.port, "/metrics?name[]=mpathd_watch_source_errors_total").text.decode(), "store"
        )


class Connection:
    """A session that can be lost and restored, with its TCP connection, which stays."""

    def __init__(self, session: FakeSession, san: FakeSysfs) -> None:
        self.session = session
        self._san = san
        self._ends = {
            session.iscsi_host.path("ipaddress"): "",
            **{session.connection.path(name): "" for name in ("address", "port", "local_port")},
        }

    def lose(self) -> None:
        """It has failed, and its disks are blocked."""
        self._ends = {path: path.read_text().rstrip("\n") for path in self._ends}
        self.session.fail()

    def restore(self) -> None:
        """It is logged in again."""
        self.session.recover()
        for path, value in self._ends.items():
            self._san.write(path, f"{value}\n".encode())


def newest_outage(database: Path) -> float:
    """When the last outage began that is in the database (Unix time); 0 if it can't be read, as its log needs room."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db,
    ):
        (began,) = db.execute("SELECT max(began) FROM outages").fetchone()
        return float(began or 0) / 1e6
    return 0.0


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    descriptor, size = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), FILL
    try:
        while size:
            try:
                if os.write(descriptor, bytes(size)) < size:
                    size //= 2
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of so many MiB until the end of the block; only root can mount it, in a namespace of its own."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
