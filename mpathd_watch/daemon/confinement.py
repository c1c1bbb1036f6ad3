"""What the daemon gives up before it looks at anything: writing outside its directories, other programs, other ports.

systemd's unit confines it, too. This holds also for a daemon in a container, or one that is started by hand, and it is
narrower: the daemon starts no program, and opens no port that its configuration does not name. Hooks are programs, and
may need whatever an administrator has allowed the unit. So a daemon with hooks gives up nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mpathd_watch.config import Config
from mpathd_watch.config.listen_address import ListenAddress, UnixPath
from mpathd_watch.daemon.landlock import Kept, LandlockError, restrict
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.uevent.source import load_libudev

_COMMON: Final = (Path("/dev/null"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # where SQLite sorts what is large


@immutable
class Confinement:
    """Whether the daemon can still start programs, and a line about what it has given up for the log."""

    starts_programs: bool
    line: str


def confine(config: Config, directories: tuple[Path, ...], *, starts_itself: bool) -> Confinement:
    """Give up what the daemon does not need.

    It may write below ``directories``, and to the places that ``config`` names. ``starts_itself``: it has a process of
    its own read what only root can. No other thread may run yet. Never raises: the unit's sandbox is there in any case.
    """
    if config.receivers.hook:
        line = "With hooks, the daemon gives up no rights by itself: its unit limits what it and they may do."
        return Confinement(starts_programs=True, line=line)
    load_libudev()
    kept = Kept(
        writable=(*directories, *_places(config)),
        starts_programs=starts_itself,
        ports=tuple(place.port for place in config.listen if isinstance(place, ListenAddress)),
    )
    try:
        version = restrict(kept)
    except LandlockError as error:
        line = f"Landlock can't be used ({error}): only its unit and its user limit what the daemon may do."
        return Confinement(starts_programs=True, line=line)
    programs = "" if starts_itself else " and starting programs"
    line = f"The daemon has given up writing outside its own directories{programs} (Landlock, version {version})."
    return Confinement(starts_itself, line)


def _places(config: Config) -> Iterator[Path]:
    yield from _COMMON
    if config.record:
        yield Path(config.record).absolute().parent
    for place in config.listen:
        if isinstance(place, UnixPath):
            yield Path(place.path).parent
