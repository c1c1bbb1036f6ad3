"""A multipathd in a process of its own, so that what it does is not counted as ours."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.host.listing import Listing
from mpathd_watch.sources.multipathd.presence import PIDFILE
from tests.fakes.multipathd import FakeMultipathd


class Multipathd:
    """The process, which listens on ``socket``."""

    def __init__(self, socket: Path, control: Connection) -> None:
        self.socket = socket
        self._control = control

    def change(self, *, failed: Iterable[str] = (), active: Iterable[str] = ()) -> None:
        """From now on it lists these devices as failed, and those as active."""
        self._control.send((tuple(failed), tuple(active)))
        self._control.recv()


@contextlib.contextmanager
def multipathd(directory: Path, listing: Listing, pidfile: Path | None = PIDFILE) -> Iterator[Multipathd]:
    """A process called multipathd that answers on a socket in ``directory``."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(directory, listing, its), daemon=True)
    process.start()
    try:
        if pidfile is not None:
            pidfile.write_text(str(process.pid))
        ours.recv()
        yield Multipathd(directory / "multipathd.socket", ours)
    finally:
        process.kill()
        process.join()
        if pidfile is not None:
            pidfile.unlink()


def _serve(directory: Path, listing: Listing, control: Connection) -> None:
    # By this name it is found, wherever its pidfile is.
    Path("/proc/self/comm").write_text("multipathd")
    with FakeMultipathd(directory, replies=listing.replies()) as fake, contextlib.suppress(EOFError):
        control.send(None)
        while True:
            failed, active = control.recv()
            listing.change(failed=failed, active=active)
            fake.replies.update(listing.replies())
            control.send(None)
