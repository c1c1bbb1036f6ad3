"""The HTTP server as a process, for tests that measure it: ``python -m tests.component.sinks.serving [WEB]``.

``WEB`` is a web configuration. It writes its port as a line, and ends when its standard input is closed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.sinks.http.listen import Endpoints
from mpathd_watch.sinks.http.server import HttpServer
from mpathd_watch.sinks.http.web import WebSecurity
from mpathd_watch.sinks.view import View
from tests.factories import NOW, big_state


def complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    view = View(big_state(16, 4), NOW)
    web = (
        WebSecurity(Path(sys.argv[1]), lambda reason, _: complain(reason) if reason else None) if sys.argv[1:] else None
    )
    server = HttpServer(Endpoints((ListenAddress("127.0.0.1", 0),)), lambda: view, lambda: 0.0, complain, web=web)
    server.start()
    print(server.address.port, flush=True)
    sys.stdin.read()
    server.stop()
