"""dm-multipath: the kernel's dm device fails paths, and multipathd checks and reinstates them.

Reinstatement: multipathd checks a failed path at an interval of its own (``Checks.interval``). The first check after
the return may collect the answer of one that was on its way when the path was lost (libmultipath/checkers/tur.c): then
the second one finds it up. multipathd's loop turns once a second, and a checker that has no answer at once is looked at
a second later.
"""

from __future__ import annotations

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.core.layers.row import Checks, LayerRow, Waiting
from mpathd_watch.core.model.views import DiskView, DmView
from mpathd_watch.core.model.vocabulary import DmState, Layer, SourceName, Standing

_STANDINGS = {
    DmState.ACTIVE: Standing.USABLE,
    DmState.FAILED: Standing.FAILED,
    DmState.UNKNOWN: Standing.UNKNOWN,
}


def _recheck_interval(polling_interval: int, max_polling_interval: int, version: Version | None) -> int:
    """Seconds between multipathd's checks of a failed path; ``version`` is its own, ``None`` if it is not known.

    Meant is polling_interval. From 0.10.0 on, the interval that had grown to max_polling_interval while the path was up
    is reset only when the checker itself sees the path go down: where I/O fails first and dm reports it, as on a path
    in use, the failed path is checked every max_polling_interval. Fixed in 0.10.4 and 0.12.0, not in Debian 13's 0.11.1
    (update_path() in multipathd/main.c).
    """
    if version is None or (0, 10, 0) <= version < (0, 10, 4) or (0, 11, 0) <= version < (0, 12, 0):
        return max(polling_interval, max_polling_interval)
    return polling_interval


def _standing(dm: DmView, _: DiskView) -> Standing:
    return _STANDINGS[dm.state]


def _without_path(waiting: Waiting, lost: bool) -> str:
    if waiting.queues is None:
        return "I/O fails or hangs; multipathd does not report which"
    if not waiting.queues:
        return "I/O fails now" if lost else "I/O fails at once"
    checks = _checks(waiting.word)
    left = _all_of(checks, waiting.interval) if waiting.left is None else waiting.left
    if lost and left is not None and left < 1.0:
        return "I/O is about to fail"
    if left is not None:
        return f"I/O hangs for {left:.0f} s{' more' if lost else ''}, then fails"
    if checks is not None:
        return f"I/O hangs for {checks} checks of multipathd, then fails"
    return "I/O hangs until a path returns"


def _checks(word: str) -> int | None:
    """The N of ``N chk``, which multipathd prints for ``%Q`` while it has yet to begin to count down."""
    number, _, unit = word.partition(" ")
    return int(number) if unit == "chk" and number.isascii() and number.isdigit() else None


def _all_of(checks: int | None, interval: int | None) -> float | None:
    """The seconds that it counts down: the checks, and one second (enter_recovery_mode() in structs_vec.c)."""
    return None if checks is None or interval is None else checks * interval + 1.0


DM_MULTIPATH = LayerRow(
    layer=Layer.DM_MULTIPATH,
    standing=_standing,
    failed="dm has failed it",
    without_path=_without_path,
    reinstated_by="multipathd",
    checks=Checks(_recheck_interval, needed=2, lateness=2.0),
    manager=SourceName.MULTIPATHD,
)
