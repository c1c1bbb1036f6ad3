"""Who gets an answer: what waits, of whom, and what is refused."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from mpathd_watch.config.web.model import RateLimit, WebConfig
from mpathd_watch.sinks.http import gate
from mpathd_watch.sinks.http.answer import Answer
from mpathd_watch.sinks.http.gate import WAITING, WAITING_OF_ONE, Gate
from mpathd_watch.sinks.http.passwords import Credentials

if TYPE_CHECKING:
    import pytest

USERS = WebConfig(users={"ann": "$2b$04$" + "." * 53})


def header(password: str) -> str:
    return "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()


class Slow:
    """Checks passwords when the test wants it: ``good`` is right."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.checked: list[bytes] = []

    def known(self, _users: Mapping[str, str], _given: Credentials) -> bool | None:
        return None

    async def check(self, _users: Mapping[str, str], given: Credentials) -> bool:
        await self.go.wait()
        self.checked.append(given.password)
        return given.password == b"good"

    def stop(self) -> None:
        """Nothing to do."""


def run(monkeypatch: pytest.MonkeyPatch, story: Callable[[Gate, Slow, Counter[str]], Awaitable[None]]) -> Counter[str]:
    """What was refused in a story."""

    async def told() -> Counter[str]:
        slow, refused = Slow(), Counter[str]()
        monkeypatch.setattr(gate, "Passwords", lambda: slow)
        await story(Gate(lambda why: refused.update([why])), slow, refused)
        return refused

    return asyncio.run(told())


def test_only_so_many_of_one_address_and_of_all_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Answer | None] = []

    async def story(made: Gate, slow: Slow, refused: Counter[str]) -> None:
        for number in range(WAITING_OF_ONE + 2):
            made.ask("192.0.2.1", header(f"guess{number}"), USERS, answers.append)
        assert refused["guesses"] == 2
        for number in range(WAITING):
            made.ask(f"192.0.3.{number}", header("guess"), USERS, answers.append)
        assert refused["guesses"] == 2 + WAITING_OF_ONE
        slow.go.set()
        await asyncio.sleep(0.01)
        assert len(slow.checked) == WAITING
        made.ask("192.0.4.1", header("good"), USERS, answers.append)
        await asyncio.sleep(0.01)

    refused = run(monkeypatch, story)
    assert refused["password"] == WAITING
    statuses = [each and each.status.value for each in answers]
    assert statuses[-1] is None
    assert Counter(statuses) == {401: WAITING, 429: 2 + WAITING_OF_ONE, None: 1}


def test_a_network_of_ipv6_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(made: Gate, _slow: Slow, _refused: Counter[str]) -> None:
        for number in range(WAITING_OF_ONE + 1):
            made.ask(f"2001:db8::{number}", header("guess"), USERS, lambda _: None)

    assert run(monkeypatch, story)["guesses"] == 1


def test_a_good_password_costs_no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Answer | None] = []

    async def story(made: Gate, slow: Slow, _refused: Counter[str]) -> None:
        slow.go.set()
        for _ in range(3 * gate.GUESSES):
            made.ask("192.0.2.1", header("good"), USERS, answers.append)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    assert not run(monkeypatch, story)
    assert answers == [None] * 3 * gate.GUESSES


def test_the_limit_begins_again_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Answer | None] = []

    async def story(made: Gate, _slow: Slow, _refused: Counter[str]) -> None:
        for limit in (RateLimit(3600, 1), RateLimit(3600, 1), RateLimit(3600, 2), None):
            made.ask("192.0.2.1", "", WebConfig(rate_limit=limit), answers.append)

    run(monkeypatch, story)
    assert [each and each.status.value for each in answers] == [None, 429, None, None]
