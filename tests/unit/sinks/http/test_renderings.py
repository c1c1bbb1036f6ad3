"""Answers that take a while: made one at a time, and shared by all who wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from mpathd_watch.sinks.http.answer import Answer, plain
from mpathd_watch.sinks.http.page import Wanted
from mpathd_watch.sinks.http.renderings import Renderings
from mpathd_watch.sinks.http.site import Rendering
from mpathd_watch.sinks.metrics import Format

PAGE = Rendering(page=Wanted())


class Maker:
    """Makes answers with a number, each once the test lets it go on."""

    def __init__(self) -> None:
        self.made = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.seconds = 0.0
        self.failures: list[Exception] = []

    def make(self, _: Rendering) -> Answer:
        self.may_go_on.wait(10)
        time.sleep(self.seconds)
        self.made += 1
        return plain(HTTPStatus.OK, str(self.made))


def number(answer: Answer) -> int:
    return int(b"".join(answer.content.pieces))


def run(maker: Maker, story: Callable[[Renderings], Awaitable[None]]) -> None:
    async def whole() -> None:
        renderings = Renderings(maker.make, maker.failures.append)
        task = asyncio.create_task(renderings.run())
        try:
            await asyncio.wait_for(story(renderings), 10)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(whole())


def broken(_: Answer) -> None:
    raise ZeroDivisionError


def ask(renderings: Renderings) -> asyncio.Future[Answer]:
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    renderings.ask(PAGE, future.set_result)
    return future


def test_all_who_wait_share_one_answer_and_who_comes_later_gets_the_next() -> None:
    maker = Maker()
    maker.may_go_on.clear()

    async def story(renderings: Renderings) -> None:
        together = [ask(renderings) for _ in range(3)]
        await asyncio.sleep(0.05)  # it is being made now
        later = ask(renderings)
        maker.may_go_on.set()
        assert [number(await each) for each in together] == [1, 1, 1]
        assert number(await later) == 2

    run(maker, story)


def test_rendering_takes_at_most_half_of_the_time() -> None:
    maker, took = Maker(), 0.1
    maker.seconds = took

    async def story(renderings: Renderings) -> None:
        began = time.monotonic()
        await ask(renderings)
        await ask(renderings)
        assert time.monotonic() - began >= 3 * took

    run(maker, story)


def test_a_client_that_cannot_be_answered_keeps_no_other_from_its_answer() -> None:
    maker = Maker()

    async def story(renderings: Renderings) -> None:
        renderings.ask(PAGE, broken)
        assert number(await ask(renderings)) == 1
        assert number(await ask(renderings)) == 2

    run(maker, story)
    assert [type(each) for each in maker.failures] == [ZeroDivisionError]


def test_a_scraper_waits_for_no_page_but_the_one_that_is_being_made() -> None:
    order: list[Rendering] = []

    class Noting(Maker):
        def make(self, rendering: Rendering) -> Answer:
            order.append(rendering)
            return super().make(rendering)

    metrics = Rendering(Format("text/plain", gzipped=False, names=frozenset(), encode=lambda _: b""))

    async def story(renderings: Renderings) -> None:
        made: asyncio.Queue[Answer] = asyncio.Queue()
        for number in range(5):
            renderings.ask(Rendering(page=Wanted(text=str(number))), made.put_nowait)
        renderings.ask(metrics, made.put_nowait)
        for _ in range(6):
            await made.get()

    run(Noting(), story)
    assert order.index(metrics) == 0
    assert len(order) == 6
