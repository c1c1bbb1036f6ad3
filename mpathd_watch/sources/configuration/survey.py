"""The whole configuration of multipathd and iscsid, read again only if a part of it has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, Reason
from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.immutable import replace
from mpathd_watch.sources.configuration import files, root_only
from mpathd_watch.sources.configuration.dpkg import STATUS, installed_version
from mpathd_watch.sources.configuration.iscsid import Iscsid
from mpathd_watch.sources.configuration.reader import Mark, Reader, mark
from mpathd_watch.sources.configuration.root_only import RootOnly, RootOnlyError
from mpathd_watch.sources.configuration.system import SystemFiles


def read(root: Path = Path("/"), handed_over: Path | None = None) -> Configuration:
    """The content of the files below ``root``, as far as this process or the writer of ``handed_over`` may read them.

    Never raises because of a file: what can't be read is listed with the reason.
    """
    return Survey(root, handed_over, files.read_root_only).read()


class Survey:
    """One host's configuration. Each method may block. Not thread-safe.

    The files below ``root`` that only root can read come from the file ``handed_over``; without that file from
    ``read_root_only``.
    """

    def __init__(
        self,
        root: Path,
        handed_over: Path | None,
        read_root_only: Callable[[Path], RootOnly],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._handed_over = handed_over
        self._read_root_only = read_root_only
        self._iscsid = Iscsid(root, clock)
        self._system = SystemFiles(root, clock)
        self._known: Configuration | None = None
        self.dm: DmStatusRead | None = None
        """dm's status of the maps, as old as what else only root can read; ``None`` if it is not known."""
        self._marks: dict[Path, Mark] = {}

    def read_changes(self) -> Configuration:
        """The configuration, read again only if one of its files or directories has changed since."""
        if self._known is None or any(mark(path) != before for path, before in self._marks.items()):
            return self.read()
        running, system = self._iscsid.is_running(), self._system.read_changes()
        if running is not self._known.iscsid_running or system != self._known.system:
            self._known = replace(self._known, iscsid_running=running, system=system)
        return self._known

    def read(self) -> Configuration:
        """Read the configuration."""
        reader = Reader()
        packages = self._root / STATUS
        reader.marks[packages] = mark(packages)
        version = installed_version(self._root)
        private, handed_over = self._private(reader)
        self.dm = private.dm if private else None
        multipath = files.multipath(reader, self._root, version, private.conf_d if private else None)
        self._known = Configuration(
            multipath,
            iscsid=private.iscsid if private else None,
            records=private.records if private else (),
            unreadable=(*reader.unreadable, *(private.unreadable if private else ())),
            version=version,
            wwids=private.wwids if private else None,
            iscsid_running=self._iscsid.is_running(),
            wwids_read_at=private.read_at if private and handed_over else None,
            system=self._system.read(),
        )
        self._marks = reader.marks
        return self._known

    def _private(self, reader: Reader) -> tuple[RootOnly | None, bool]:
        """The content of the files that only root can read, and whether it was handed over.

        ``None`` if it can't be had, which is noted.
        """
        if self._handed_over is not None:
            notes = len(reader.unreadable)
            raw = reader.content(self._handed_over, root_only.MAX_BYTES)
            if raw is not None:
                try:
                    return root_only.parse(raw), True
                except RootOnlyError as error:
                    reader.note(self._handed_over, Reason.FAILED, f"{error}; run 'systemctl reload mpathd-watch'")
                    return None, True
            if len(reader.unreadable) > notes:
                return None, True
        # Before they are read, so that a change in between is not missed. read_root_only notes what can't be read.
        watching = Reader()
        files.watch_root_only(watching, self._root)
        reader.marks.update(watching.marks)
        try:
            return self._read_root_only(self._root), False
        except RootOnlyError as error:
            reader.note(self._root / files.ISCSID_CONF, Reason.FAILED, str(error))
            return None, False
