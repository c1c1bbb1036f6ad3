"""What a web configuration adds to the server. Loaded only where there is one, as are the libraries that it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mpathd_watch.sinks.http.connection import Connection
from mpathd_watch.sinks.http.dialogue import Request
from mpathd_watch.sinks.http.gate import Decided, Gate
from mpathd_watch.sinks.http.tls.layer import READ, TlsLayer
from mpathd_watch.sinks.http.web_files import EffectiveWeb, Report, WebFiles


class WebSecurity:
    """TLS, passwords, limits and headers, as the web configuration in ``path`` has them at each moment.

    It is read at once (``WebConfigError``). ``report`` as in ``EffectiveWeb``; a thread of the server calls it.
    """

    def __init__(self, path: Path, report: Report) -> None:
        files = WebFiles(path)
        self._web = EffectiveWeb(files, files.load(), report)
        self._gate = Gate(self._refused)
        self._buffer = bytearray(READ)
        self._count: Callable[[str], object] = _nothing

    def counted_by(self, count: Callable[[str], object]) -> None:
        """Have ``count`` called with a word for each handshake that fails, and each request that is refused."""
        self._count = count

    @property
    def has_tls(self) -> bool:
        """Whether clients expect TLS."""
        return self._web.now.tls is not None

    async def protocol(self, connection: Connection, *, local: bool) -> asyncio.BufferedProtocol:
        """The protocol for a new client's socket: the connection, or TLS below it. ``local`` clients need no TLS."""
        web = await self._web.fresh()
        connection.add_headers(web.config.headers)
        if web.tls is None or local:
            return connection
        return TlsLayer(web.tls, connection, self._buffer, self._refused)

    def ask(self, connection: Connection, request: Request, decided: Decided) -> None:
        """Have ``decided`` called with the refusal of a request, or with ``None``."""
        self._gate.ask(connection.address, request.authorization, self._web.now.config, decided)

    async def run(self) -> None:
        """Look whether the files have changed until cancelled."""
        try:
            await self._web.run()
        finally:
            self._gate.stop()

    def _refused(self, what: str) -> None:
        self._count(what)


def _nothing(_: str) -> None:
    """Count nothing."""
