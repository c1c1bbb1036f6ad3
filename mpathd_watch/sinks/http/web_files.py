"""The files of a web configuration, and which of them count.

A thread looks whether they have changed: before each connection is served, and every few seconds. A file system that
hangs therefore delays nobody for longer than a moment, and the old configuration stays in force meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, cast

from mpathd_watch.config.web.model import Pem, WebConfig, WebConfigError
from mpathd_watch.config.web.reading import read
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.deadline import within
from mpathd_watch.sinks.http.helper_thread import HelperThread
from mpathd_watch.sinks.http.passwords import check_library
from mpathd_watch.sinks.http.tls.context import ServerTls, named, server_tls

MOST_BYTES: Final = 1 << 20
"""Of each file."""
READ_WITHIN: Final = 5.0
"""Seconds that reading all of them may take at the start, and before it is reported that it does not end."""
PATIENCE: Final = 0.25
"""Seconds that a client waits for it."""
EVERY: Final = 5.0
"""Seconds between two looks without a client."""
SETTLED: Final = 2.0
"""Seconds after which a mistake is reported. Before, it may be half of a change: a certificate without its new key."""

Stamp: TypeAlias = tuple[int, ...]
Stamps: TypeAlias = tuple[tuple[str, Stamp], ...]
"""The state of each file, by its path."""
Report: TypeAlias = Callable[[str, str], None]
"""Takes the reason and the details of what is wrong, two empty texts when nothing is any more. It returns at once."""


@immutable
class Effective:
    """A web configuration as it is applied. ``stamps`` show of which state of the files it was made."""

    config: WebConfig
    tls: ServerTls | None
    stamps: Stamps


@immutable
class Mistake:
    """Why the files can't be applied, and the state in which they are; none if they are to be read again at once."""

    text: str
    stamps: Stamps


class Fault(NamedTuple):
    """The reason and the details of what is wrong, both empty if nothing is."""

    reason: str
    detail: str


NO_FAULT: Final = Fault("", "")


class _UnreadableError(WebConfigError):
    """A file can't be read."""


class WebFiles:
    """The web configuration in ``path``, and the files that it names, relative to its directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Effective:
        """Read all. Raises ``WebConfigError`` with the name of the file."""
        try:
            found = within(READ_WITHIN, lambda: self.look(()))
        except TimeoutError:
            raise WebConfigError(f"{self._path}: reading it took longer than {READ_WITHIN:g} s") from None
        if isinstance(found, Mistake):
            raise WebConfigError(found.text)
        return cast("Effective", found)

    def look(self, stamps: Stamps) -> Effective | Mistake | None:
        """Read all if a file is not in the state that ``stamps`` show; ``None`` if none has changed."""
        if stamps and all(_stamp(Path(name)) == stamp for name, stamp in stamps):
            return None
        taken = {str(self._path): _stamp(self._path)}
        try:
            config = read(_content(self._path))
            check_library(config.users)
            texts: dict[Pem, bytes] = {}
            for pem in config.tls.pems if config.tls else ():
                path = self._path.parent / pem.path
                if pem.path:
                    taken[str(path)] = _stamp(path)
                texts[pem] = _content(path, named(pem)) if pem.path else pem.text.encode()
            tls = server_tls(config.tls, texts) if config.tls else None
        except _UnreadableError as error:
            # It may be readable the next time without having changed: files or memory may be short only now.
            return Mistake(f"{self._path}: {error}", ())
        except WebConfigError as error:
            return Mistake(f"{self._path}: {error}", tuple(taken.items()))
        except OSError as error:
            return Mistake(f"{self._path}: {error.strerror}", ())
        return Effective(config, tls, tuple(taken.items()))


def _content(path: Path, name: str = "") -> bytes:
    """The content of a file, called ``name`` in messages."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _UnreadableError(": ".join(filter(None, (name, error.strerror or "can't be read")))) from None
    if len(content) > MOST_BYTES:
        raise WebConfigError(": ".join(filter(None, (name, f"the file has more than {MOST_BYTES >> 20} MiB"))))
    return content


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  # the same, and faster
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)


class EffectiveWeb:
    """The web configuration that counts: ``first`` until the files have changed to another one that can be applied.

    ``wall`` returns the seconds of the wall clock. All but the constructor runs in one loop.
    """

    def __init__(
        self, files: WebFiles, first: Effective, report: Report, wall: Callable[[], float] = time.time
    ) -> None:
        self.now = first
        self._files = files
        self._report = report
        self._wall = wall
        self._seen = first.stamps
        self._mistake: tuple[str, float] | None = None
        """What is wrong with the files, and the loop's seconds when that was found."""
        self._reported: Fault | None = None
        self._thread = HelperThread("web-config")
        self._looking: asyncio.Future[Effective | Mistake | None] | None = None
        self._began = 0.0
        self._next: asyncio.Task[None] | None = None

    async def fresh(self) -> Effective:
        """What counts after a look that began now, or what counted before if that takes too long."""
        if not self._hangs(PATIENCE):
            if self._next is None:
                self._next = asyncio.create_task(self._look())
            await asyncio.wait((self._next,), timeout=PATIENCE)
        return self.now

    async def run(self) -> None:
        """Look every few seconds, and report what is wrong and what no longer is, until cancelled."""
        try:
            while True:
                await self.fresh()
                found = self._fault()
                if found is not None and found != self._reported:
                    self._reported = found
                    self._report(*found)
                await asyncio.sleep(EVERY if self._mistake is None else SETTLED)
        finally:
            self._thread.stop()

    async def _look(self) -> None:
        """Look once the look before has ended. Who comes after this one has begun waits for the next one."""
        if self._looking is not None:
            await asyncio.wait((self._looking,))
        self._next = None
        seen = self._seen
        self._began = asyncio.get_running_loop().time()
        self._looking = self._thread.do(lambda: self._files.look(seen))
        try:
            self._take(await self._looking)
        finally:
            self._looking = None

    def _take(self, found: Effective | Mistake | None) -> None:
        if found is None:
            return
        self._seen = found.stamps
        if isinstance(found, Effective) and not (found.tls and found.tls.invalid and not self._invalid()):
            self.now, self._mistake = found, None
            return
        text = found.text if isinstance(found, Mistake) else found.tls.invalid if found.tls else ""
        since = self._began if self._mistake is None else self._mistake[1]
        self._mistake = (text, since)

    def _fault(self) -> Fault | None:
        """What is wrong; ``None`` if that is not clear yet."""
        if self._hangs(READ_WITHIN):
            return Fault("timeout", f"reading it took longer than {READ_WITHIN:g} s; see dmesg")
        if self._mistake is not None:
            text, since = self._mistake
            is_settled = asyncio.get_running_loop().time() - since >= SETTLED
            return Fault("bad_file", f"{text}; fix it, no reload is needed") if is_settled else None
        invalid = self._invalid()
        return Fault("expired", f"{invalid}; replace it, no reload is needed") if invalid else NO_FAULT

    def _hangs(self, seconds: float) -> bool:
        return self._looking is not None and asyncio.get_running_loop().time() - self._began > seconds

    def _invalid(self) -> str:
        """Why the certificate in force is not valid at present."""
        tls = self.now.tls
        if tls is None:
            return ""
        if tls.expires is not None and tls.expires < self._wall():
            return "the certificate has expired"
        return tls.invalid
