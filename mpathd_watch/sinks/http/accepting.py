"""Accepts the clients of one socket, a few at a time, so that others have their turn, too."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

BATCH: Final = 16
"""Clients taken in before others have their turn, and the rest of the process has the interpreter lock."""
MOST_ACCEPTED: Final = 64
"""Connections accepted in a batch; those of clients that have gone cost almost nothing."""
BETWEEN: Final = 0.004
"""Seconds between two batches."""
OUT_OF_FILES_PAUSE: Final = 0.25
"""Seconds without accepting when there are no more file descriptors: the waiting client stays readable."""

_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """Passes the clients of ``listening`` to ``take_in``, which returns whether there is one to serve.

    ``lost`` is called for each that has gone before it was accepted, and ``out_of_files`` with the error when the
    process may open no more files.
    """

    def __init__(
        self,
        listening: socket.socket,
        take_in: Callable[[socket.socket, str], bool],
        lost: Callable[[], object],
        out_of_files: Callable[[OSError], None],
    ) -> None:
        self._listening = listening
        self._take_in = take_in
        self._lost = lost
        self._out_of_files = out_of_files
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    def start(self) -> None:
        """Accept from now on."""
        self._loop.add_reader(self._listening, self._accept)

    def stop(self) -> None:
        """Accept no more."""
        self._stopped = True
        self._loop.remove_reader(self._listening)

    def _accept(self) -> None:
        taken = 0
        for _ in range(MOST_ACCEPTED):
            try:
                client, address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    self._out_of_files(error)
                    self._rest(OUT_OF_FILES_PAUSE)
                    return
                self._lost()
                continue
            taken += self._take_in(client, address[0] if isinstance(address, tuple) else "")
            if taken == BATCH:
                break
        self._rest(BETWEEN)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        if not self._stopped:
            self.start()
