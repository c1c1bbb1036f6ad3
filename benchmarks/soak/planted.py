"""The daemon with leaks planted, to show that a soak finds them: ``python -m benchmarks.soak.planted LEAK,LEAK ...``.

What follows the names of the leaks are the arguments of mpathd-watch.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from mpathd_watch.cli import main
from mpathd_watch.core.events import DmPathEvent, Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.daemon.engine import Engine

BYTES = 16384
"""That are never freed, for each event about a path."""
EVERY = 200
"""Events about paths for one more descriptor, thread or child."""

_kept: list[object] = []


def _memory(_number: int) -> None:
    _kept.append(os.urandom(BYTES))


def _descriptor(number: int) -> None:
    if number % EVERY == 0:
        _kept.append(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))


def _thread(number: int) -> None:
    if number % EVERY == 0:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def _child(number: int) -> None:
    if number % EVERY == 0:
        _kept.append(subprocess.Popen(["sleep", "3600"]))


PLANTED: dict[str, Callable[[int], None]] = {
    "memory": _memory,
    "descriptor": _descriptor,
    "thread": _thread,
    "child": _child,
}


def leaking(names: Sequence[str]) -> list[str]:
    """The command that runs mpathd-watch with these leaks."""
    return [sys.executable, "-m", "benchmarks.soak.planted", ",".join(names)]


def plant(names: Sequence[str]) -> None:
    """Have each event about a path leak."""
    feed, number = Engine.feed, 0

    def leaky(self: Engine, *events: Event, at: Instant | None = None) -> None:
        nonlocal number
        for each in events:
            if isinstance(each, DmPathEvent):
                number += 1
                for name in names:
                    PLANTED[name](number)
        feed(self, *events, at=at)

    Engine.feed = leaky  # type: ignore[method-assign]  # that is what planting is


if __name__ == "__main__":
    plant(sys.argv[1].split(","))
    del sys.argv[1]
    sys.exit(main())
