"""Makes answers that take a while, one at a time, in a thread beside the server's loop; all who wait share them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeAlias

from mpathd_watch.sinks.http.answer import Answer, plain
from mpathd_watch.sinks.http.site import Rendering

Made: TypeAlias = Callable[[Answer], None]


class Renderings:
    """Calls ``make`` in a thread for what is asked for; ``failed`` gets what that raises.

    Who asks while a rendering is being made waits for the next one: an answer shows nothing older than its request.
    After each rendering there is a pause of the same length, so that clients, however many, take at most half of one
    processor, and of the interpreter lock.
    """

    def __init__(self, make: Callable[[Rendering], Answer], failed: Callable[[Exception], None]) -> None:
        self._make = make
        self._failed = failed
        self._waiting: dict[Rendering, list[Made]] = {}
        self._asked = asyncio.Event()

    def ask(self, rendering: Rendering, made: Made) -> None:
        """Have an answer made, and ``made`` called with it."""
        self._waiting.setdefault(rendering, []).append(made)
        self._asked.set()

    async def run(self) -> None:
        """Make what is asked for until cancelled."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="render")
        try:
            while True:
                await self._asked.wait()
                # The metrics first: there may be a page for each of many clients, and a scraper waits for none of them.
                rendering = min(self._waiting, key=lambda each: each.metrics is None)
                waiting = self._waiting.pop(rendering)
                if not self._waiting:
                    self._asked.clear()
                began = loop.time()
                answer = await loop.run_in_executor(thread, self._made, rendering)
                took = loop.time() - began
                for made in waiting:
                    try:
                        made(answer)
                    except Exception as error:  # noqa: BLE001  # a bug of ours must not keep others from their answers
                        self._failed(error)
                await asyncio.sleep(took)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    def _made(self, rendering: Rendering) -> Answer:
        try:
            return self._make(rendering)
        except Exception as error:  # noqa: BLE001  # a bug of ours must not end the server
            self._failed(error)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "500 internal error; the journal has more")
