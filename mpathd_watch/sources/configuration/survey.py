"""All that configures multipathd and iscsid, put together, and read again only when some of it has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, Reason
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.sources.configuration import files, root_only
from mpathd_watch.sources.configuration.dpkg import STATUS, installed_version
from mpathd_watch.sources.configuration.iscsid import Iscsid
from mpathd_watch.sources.configuration.reader import Mark, Reader, mark
from mpathd_watch.sources.configuration.root_only import RootOnly, RootOnlyError


def read(root: Path = Path("/"), handed_over: Path | None = None) -> Configuration:
    """What the files below ``root`` say, with the rights of whoever runs this, or of whoever wrote ``handed_over``.

    Never raises for the sake of a file: what can't be read is named with its reason.
    """
    return Survey(root, handed_over, files.read_root_only).again()


class Survey:
    """One host's configuration. Whatever it does may block; it is not thread-safe.

    The files below ``root`` that are root's alone come from the file ``handed_over``, and where there is none from
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
        self._known: Configuration | None = None
        self._marks: dict[Path, Mark] = {}

    def look(self) -> Configuration:
        """The configuration, read again if a file or directory that it came from has changed since it was read."""
        if self._known is None or any(mark(path) != before for path, before in self._marks.items()):
            return self.again()
        running = self._iscsid.runs()
        if running is not self._known.iscsid_running:
            self._known = replace(self._known, iscsid_running=running)
        return self._known

    def again(self) -> Configuration:
        """The configuration, read again."""
        reader = Reader()
        packages = self._root / STATUS
        reader.marks[packages] = mark(packages)
        version = installed_version(self._root)
        private = self._private(reader)
        multipath = files.multipath(reader, self._root, version or NEWEST, private.conf_d if private else None)
        self._known = Configuration(
            multipath,
            iscsid=private.iscsid if private else None,
            records=private.records if private else (),
            unreadable=(*reader.unreadable, *(private.unreadable if private else ())),
            version=version,
            wwids=private.wwids if private else None,
            iscsid_running=self._iscsid.runs(),
        )
        self._marks = reader.marks
        return self._known

    def _private(self, reader: Reader) -> RootOnly | None:
        """What the files say that are root's alone; ``None`` where nobody can tell, which is noted."""
        if self._handed_over is not None:
            notes = len(reader.unreadable)
            raw = reader.content(self._handed_over, root_only.MAX_BYTES)
            if raw is not None:
                try:
                    return root_only.parse(raw)
                except RootOnlyError as error:
                    reader.note(self._handed_over, Reason.FAILED, f"{error}; run 'systemctl reload mpathd-watch'")
                    return None
            if len(reader.unreadable) > notes:
                return None
        # Before they are read, lest a change in between be missed; what can't be read is noted by who reads it.
        watching = Reader()
        files.watch_root_only(watching, self._root)
        reader.marks.update(watching.marks)
        try:
            return self._read_root_only(self._root)
        except RootOnlyError as error:
            reader.note(self._root / files.ISCSID_CONF, Reason.FAILED, str(error))
            return None
