"""What every source needs that polls: reads with a deadline, which decide whether the source answers.

A new source reuses this as it is. One for the remote ports of Fibre Channel, say, is a class in ``sources/fc`` with a
``Poller`` under a source name of its own, a ``Worker`` for its reads, and a poll that ``run`` repeats::

    attributes = Attributes()
    ports = await self._poller.read(self._worker, lambda: self._ports.read(attributes), DEADLINE)
    if ports is None:  # the poller has reported why, and the core has forgotten the ports
        self._known = None
        return
    self._poller.availability.report_up()
    if ports != self._known:
        self._known = ports
        self._poller.heartbeat.report(RemotePortsRead(ports))
    else:
        self._poller.heartbeat.report_unchanged()
    self._poller.availability.report_problems(attributes.problems)

``pace.wait_at_most`` sleeps until the next poll is due or wanted. ``pace.Round`` takes only a share of the time, for
what is costly to read. The core can have the disks read again behind a port that changed, by its effect ``Refresh``.

Readers that are up and down together share a poller. So do ``iscsi.session_source`` and ``sysfs.source``, which are the
source ``sysfs``: whatever fails of either, the source is down until a whole look has succeeded.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.reading.availability import Availability, Heartbeat
from mpathd_watch.sources.reading.worker import StalledError, Worker

Result = TypeVar("Result")


class Poller:
    """Reads below ``root`` for one source.

    ``emit`` takes its events, ``clock`` gives CLOCK_MONOTONIC seconds.
    """

    def __init__(
        self, emit: Callable[[Event], None], clock: Callable[[], float], source: SourceName, root: Path
    ) -> None:
        self.emit = emit
        self.clock = clock
        self.root = root
        self.availability = Availability(emit, source)
        self.heartbeat = Heartbeat(emit, clock, source)
        self._recover: Callable[[], None] = _do_nothing

    def recover_by(self, recover: Callable[[], None]) -> None:
        """Have ``recover`` called at each read that fails, before that is reported."""
        self._recover = recover

    async def read(self, worker: Worker, job: Callable[[], Result], deadline: float) -> Result | None:
        """What ``job`` returns; ``None`` if it hangs or raises ``OSError``, and the source is down then.

        Only the first reason of an outage is reported: several readers may fail, each with a reason of its own.
        """
        try:
            return await worker.run(job, deadline)
        except StalledError:
            self._fail("timeout", f"a read below {self.root} has not returned within {deadline:.0f} s; see dmesg")
        except OSError as error:
            self._fail("unreadable", f"{error.filename or self.root}: {error.strerror}; is sysfs mounted there?")
        return None

    def _fail(self, reason: str, detail: str) -> None:
        self._recover()
        if self.availability.up is not False:
            self.availability.report_down(reason, detail)


def reason_of(error: StalledError | OSError) -> str:
    """A word for a label that says why a read failed: ``timeout``, or the name of the error number."""
    return errno.errorcode.get(error.errno or 0, "error") if isinstance(error, OSError) else "timeout"


def _do_nothing() -> None:
    """Recover by reading again at the usual pace."""
