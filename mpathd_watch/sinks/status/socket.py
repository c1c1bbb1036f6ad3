"""The status socket: it sends the status document as JSON to every client, and closes the connection."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

from mpathd_watch.sinks.local_socket import PATIENCE, LocalSocket, Terms
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.view import Views

_TERMS: Final = Terms("serve the status", mode=0o660, clients=8, backlog=16)


class StatusSocket(LocalSocket):
    """Serves the views on the unix socket ``path`` to root, the daemon's own user and its group.

    A password for the pages would be worth little if every local user could read the same here.

    The document is built on a worker thread: with ten thousand paths that takes longer than an event may wait.
    """

    def __init__(self, path: Path, views: Views, patience: float = PATIENCE) -> None:
        super().__init__(path, _TERMS, patience)
        self._views = views

    async def _reply(self, _reader: asyncio.StreamReader) -> bytes:
        return await asyncio.to_thread(self._render)

    def _render(self) -> bytes:
        return json.dumps(document(self._views()), ensure_ascii=False).encode() + b"\n"
