"""What joins the paths of a disk, as a row: which paths it uses, who reinstates one, what happens without any.

It is another axis than the transport: dm-multipath joins paths of every kind, and a kernel with native NVMe multipath
joins paths without any dm device or multipathd. A new layer is one file that makes a row, and one line in ``table``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.model.views import DiskView, DmView
from mpathd_watch.core.model.vocabulary import Layer, SourceName, Standing
from mpathd_watch.immutable import immutable


@immutable
class Checks:
    """The checks by which a failed path is found up again.

    ``interval``: the seconds between them, by polling_interval, max_polling_interval and the version of
    multipath-tools (``None`` if it is not known). ``needed``: how many there are at most until a path whose transport
    is back is found up. ``lateness``: the seconds that one may come and be answered later.
    """

    interval: Callable[[int, int, Version | None], int]
    needed: int
    lateness: float

    def all_within(self, interval: int | None) -> float:
        """The most seconds that they take, ``interval`` seconds apart; ``inf`` where that is not known."""
        return inf if interval is None else self.needed * interval + self.lateness


@immutable
class Waiting:
    """What is known of how long I/O waits while no path of a map is usable.

    ``queues``: whether it waits at all, ``None`` if that is not known. ``word``: the manager's own word for it, ``""``
    if there is none. ``left``: the seconds until it fails, where the manager counts them down. ``interval``: the
    seconds between the manager's checks.
    """

    queues: bool | None
    word: str = ""
    left: float | None = None
    interval: int | None = None


@immutable
class LayerRow:
    """One layer.

    ``standing``: whether it sends I/O over a path. ``failed``: how a message says that it does not.
    ``without_path``: what happens to I/O once no path is usable; the last argument: it has happened.
    ``reinstated_by``: who reinstates a path, in a message. ``checks``: how it finds out; ``None`` where it needs none.
    ``manager``: the source that reinstates paths and knows whether I/O is queued; ``None`` where the kernel does that
    by itself.
    """

    layer: Layer
    standing: Callable[[DmView, DiskView], Standing]
    failed: str
    without_path: Callable[[Waiting, bool], str]
    reinstated_by: str
    checks: Checks | None = None
    manager: SourceName | None = None

    def reinstated_within(self, interval: int | None) -> float:
        """The most seconds from the return of a path's transport to its reinstatement; ``inf`` if not known."""
        return 0.0 if self.checks is None else self.checks.all_within(interval)
