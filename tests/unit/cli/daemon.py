"""A control socket without a daemon behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def control_socket(state: Path, *serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Serve the socket that belongs to the state directory: one client with each of ``serve``, then no further one."""
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(10)
        server.bind(str(state.parent / "run" / "control.sock"))
        server.listen()

        def serve_all() -> None:
            for each in serve:
                client, _ = server.accept()
                with client:
                    each(client)

        thread = threading.Thread(target=serve_all)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def hang_up(_: socket.socket) -> None:
    """Close the connection without a reply, as a daemon does that is too busy."""
