"""Who gets an answer: the rate limit and the passwords of the web configuration, for each request."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from mpathd_watch.config.web.model import RateLimit, WebConfig
from mpathd_watch.sinks.http.allowance import Allowance
from mpathd_watch.sinks.http.answer import Answer, plain
from mpathd_watch.sinks.http.passwords import Credentials, Passwords, credentials
from mpathd_watch.sinks.http.places import network_of

GUESSES: Final = 10
GUESS_EVERY: Final = 6.0
"""An address may have so many passwords checked at once, then one in so many seconds. A good one costs nothing."""
WAITING: Final = 64
WAITING_OF_ONE: Final = 4
"""Requests whose password waits to be checked, and those of one address. Others are answered 429."""

Decided: TypeAlias = Callable[[Answer | None], None]
"""Takes the answer for a request that is refused, ``None`` for one that may be served."""

_UNAUTHORIZED: Final = plain(
    HTTPStatus.UNAUTHORIZED,
    "401 unauthorized: name and password are needed",
    ("WWW-Authenticate", 'Basic realm="mpathd-watch", charset="UTF-8"'),
)
_TOO_MANY_REQUESTS: Final = plain(
    HTTPStatus.TOO_MANY_REQUESTS, "429 too many requests: the web configuration limits them", ("Retry-After", "1")
)
_TOO_MANY_GUESSES: Final = plain(
    HTTPStatus.TOO_MANY_REQUESTS, "429 too many passwords have been tried", ("Retry-After", str(int(GUESS_EVERY)))
)


class Gate:
    """Decides on requests. ``refused`` is called with a word for each that is refused."""

    def __init__(self, refused: Callable[[str], object]) -> None:
        self._refused = refused
        self._passwords = Passwords()
        self._guesses = Allowance(GUESS_EVERY, GUESSES)
        self._rate: tuple[RateLimit, Allowance] | None = None
        self._waiting: Counter[str] = Counter()
        self._checks: set[asyncio.Task[Any]] = set()

    def ask(self, address: str, authorization: str, config: WebConfig, decided: Decided) -> None:
        """Have ``decided`` called, now or later, for a request from ``address`` with this header Authorization."""
        network, now = network_of(address), asyncio.get_running_loop().time()
        if config.rate_limit is not None and not self._allowance(config.rate_limit).take(network, now):
            self._refuse("rate_limit", _TOO_MANY_REQUESTS, decided)
        elif not config.users:
            decided(None)
        elif (given := credentials(authorization)) is None:
            self._refuse("password", _UNAUTHORIZED, decided)
        elif (known := self._passwords.known(config.users, given)) is not None:
            self._decide(decided, good=known)
        elif (
            self._waiting.total() >= WAITING
            or self._waiting[network] >= WAITING_OF_ONE
            or not self._guesses.take(network, now)
        ):
            self._refuse("guesses", _TOO_MANY_GUESSES, decided)
        else:
            self._waiting[network] += 1
            check = asyncio.create_task(self._check(network, given, config, decided))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    def stop(self) -> None:
        """Decide on nothing more."""
        self._passwords.stop()

    async def _check(self, network: str, given: Credentials, config: WebConfig, decided: Decided) -> None:
        try:
            good = await self._passwords.check(config.users, given)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
        if good:
            self._guesses.give_back(network)
        self._decide(decided, good=good)

    def _decide(self, decided: Decided, *, good: bool) -> None:
        if good:
            decided(None)
        else:
            self._refuse("password", _UNAUTHORIZED, decided)

    def _refuse(self, why: str, answer: Answer, decided: Decided) -> None:
        self._refused(why)
        decided(answer)

    def _allowance(self, limit: RateLimit) -> Allowance:
        """What addresses may do; they begin again if the limit has changed."""
        if self._rate is None or self._rate[0] != limit:
            self._rate = (limit, Allowance(limit.interval, limit.burst))
        return self._rate[1]
