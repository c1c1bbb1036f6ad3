"""What every polling source needs: reads with a deadline, which decide whether the source answers.

A new source uses this without any change here or in another source. A source of Fibre Channel's remote ports, for
example, is a class in ``sources/fc``. It has a ``Poller`` with its own source name, a ``Worker`` for its reads, and a
poll that ``run`` repeats::

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

Between polls, ``run`` sleeps in ``pace.wait_at_most``, which a wake can end. ``pace.Round`` limits costly reads to a
small share of the time. If the disks behind a changed port must be read again, the core requests that (``Refresh``).

Readers that go up and down together share one poller. ``iscsi.session_source`` and ``sysfs.source`` do so: both are the
source ``sysfs``. If a read of either fails, the source is down until a full scan succeeds.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.reading.availability import Availability, Heartbeat
from mpathd_watch.sources.reading.worker import StalledError, Worker

Result = TypeVar("Result")
_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE})


class Poller:
    """Reads below ``root`` for one source.

    ``emit`` receives its events. ``clock`` returns CLOCK_MONOTONIC seconds. ``worker`` returns a new worker of a name.
    ``processor_time`` returns the seconds that the thread which calls it has used of a processor.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        source: SourceName,
        root: Path,
        worker: Callable[[str], Worker] = Worker,
        *,
        processor_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self.processor_time = processor_time
        self.emit = emit
        self.clock = clock
        self.root = root
        self.worker = worker
        self.availability = Availability(emit, source)
        self.heartbeat = Heartbeat(emit, clock, source)
        self._recover: Callable[[], None] = _do_nothing

    def recover_by(self, recover: Callable[[], None]) -> None:
        """Call ``recover`` at each failed read, before the failure is reported."""
        self._recover = recover

    async def read(self, worker: Worker, job: Callable[[], Result], deadline: float) -> Result | None:
        """Return what ``job`` returns; ``None`` if it hangs or raises ``OSError``, which means that the source is down.

        Only the first reason of an outage is reported: several readers may fail for different reasons.
        """
        try:
            return await worker.run(job, deadline)
        except StalledError:
            self._fail("timeout", f"a read below {self.root} did not return within {deadline:.0f} s; see dmesg")
        except OSError as error:
            remedy = "raise LimitNOFILE=" if error.errno in _OUT_OF_FILES else "is sysfs mounted there?"
            self._fail("unreadable", f"{error.filename or self.root}: {error.strerror}; {remedy}")
        return None

    def _fail(self, reason: str, detail: str) -> None:
        self._recover()
        if self.availability.up is not False:
            self.availability.report_down(reason, detail)


def reason_of(error: StalledError | OSError) -> str:
    """Why a read failed, as one word for a label: ``timeout``, or the name of the error number."""
    return errno.errorcode.get(error.errno or 0, "error") if isinstance(error, OSError) else "timeout"


def _do_nothing() -> None:
    """The next read at the usual pace is enough."""
