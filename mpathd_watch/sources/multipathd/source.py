"""Requests multipathd's paths, maps and configuration again and again, and reports what has changed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol, TypeVar

from mpathd_watch.core.events import (
    Event,
    MapsListed,
    MultipathdConfigured,
    PathsListed,
    SourceAnswered,
    SourceErrors,
)
from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Version
from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.multipathd.client import DEADLINE
from mpathd_watch.sources.multipathd.errors import BadReply, MultipathdError
from mpathd_watch.sources.multipathd.listing import SETTLE, Listing
from mpathd_watch.sources.multipathd.presence import Presence
from mpathd_watch.sources.multipathd.recovery import Recovery
from mpathd_watch.sources.multipathd.replies import (
    CONFIGURATION_COMMAND,
    MAPS_COMMAND,
    PATHS_COMMAND,
    parse_configuration,
    parse_maps,
    parse_paths,
)
from mpathd_watch.sources.reading.availability import Availability
from mpathd_watch.sources.reading.pace import Backoff, wait_at_most

T = TypeVar("T")

_LONGEST_MAPS_DEADLINE = 30.0
_PARSED_ON_THREAD = 100_000
"""Characters from which on a reply is parsed on a thread: the maps of a big host would block the loop too long."""


class Client(Protocol):
    """What the source needs of ``MultipathdClient``."""

    async def ask(self, command: str, deadline: float | None = None) -> str:
        """Return the reply to ``command``, or raise ``MultipathdError``."""

    def presence(self) -> Presence:
        """Whether multipathd is running, without a connect."""

    def close(self) -> None:
        """Close the connection."""


class MultipathdSource:
    """Emits multipathd's listings and its effective configuration, and whether it answers.

    The events are ``PathsListed``, ``MapsListed``, ``MultipathdConfigured``, ``SourceUp``, ``SourceDown``,
    ``SourceErrors`` and ``SourceAnswered``. All times are in seconds of ``clock``.

    Paths are requested at intervals of ``paths_every`` and maps of ``maps_every``; sooner after a wake, once none has
    come for ``settle``, but requests after wakes are at least ``wake_spacing`` apart. A listing is emitted if it was
    woken for, if it differs from the last one, or if it is the first since the source was down. A reply may take
    ``deadline``. Each time the maps take longer although paths are answered, their deadline is doubled, up to 30 s.

    After a failure the next attempt follows after 1, 2, 4, ... s, up to ``longest_backoff``. Meanwhile the process is
    checked at intervals of ``presence_every``: it may have stopped, or it may be a new one, which is asked at once. The
    paths decide whether the source is up; a failure of the maps alone is only counted. The reply to ``show maps json``
    can be just ``fail`` if a map is removed during the listing (all versions), and takes longer with more maps.

    The effective configuration is requested at intervals of ``maps_every`` and when maps are woken, since a
    reconfiguration reloads them, but at most every ``configuration_spacing``; always last, and only while paths are
    answered. It is emitted if it differs from the last one; a failure is only counted. ``version`` is that of
    multipath-tools. While it is ``None`` no configuration is requested: read by the grammar of another version, it
    would seem to change later.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        client: Client,
        clock: Callable[[], float],
        *,
        paths_every: float = 5.0,
        maps_every: float = 60.0,
        wake_spacing: float = 0.5,
        settle: float = SETTLE,
        shortest_backoff: float = 1.0,
        longest_backoff: float = 10.0,
        presence_every: float = 1.0,
        configuration_spacing: float = 10.0,
        deadline: float = DEADLINE,
        version: Callable[[], Version | None] = lambda: NEWEST,
    ) -> None:
        self._emit = emit
        self._availability = Availability(emit, SourceName.MULTIPATHD)
        self._client = client
        self._clock = clock
        after = wake_spacing, deadline, settle
        self._paths = Listing[PathListing](PATHS_COMMAND, parse_paths, PathsListed, paths_every, *after)
        self._maps = Listing[MapListing](MAPS_COMMAND, parse_maps, MapsListed, maps_every, *after)
        self._configuration = Listing[Document](
            CONFIGURATION_COMMAND,
            lambda text: parse_configuration(text, version() or NEWEST),
            lambda documents, _: MultipathdConfigured(documents[0]),
            maps_every,
            configuration_spacing,
            deadline,
            settle,
        )
        self._version = version
        self._bell = asyncio.Event()
        self._recovery = Recovery(
            self._availability, client.presence, clock, Backoff(shortest_backoff, longest_backoff), presence_every
        )
        self._maps_backoff = Backoff(shortest_backoff, maps_every)

    def wake_paths(self) -> None:
        """Request the paths soon."""
        self._paths.wake(self._clock())
        self._bell.set()

    def wake_maps(self) -> None:
        """Request the maps soon."""
        self._maps.wake(self._clock())
        self._configuration.wake(self._clock())
        self._bell.set()

    async def run(self) -> None:
        """Send requests until cancelled, then close the connection."""
        try:
            while True:
                if self._availability.up is False:
                    await self._recovery.wait()
                else:
                    await self._until_due()
                await self._ask_what_is_due()
        finally:
            self._client.close()

    async def read_once(self) -> bool:
        """Request everything once, then close the connection. Return whether multipathd answers."""
        try:
            await self._ask_what_is_due()
        finally:
            self._client.close()
        return bool(self._availability.up)

    async def _until_due(self) -> None:
        while (wait := min(self._paths.due(), self._maps.due(), self._configuration_due()) - self._clock()) > 0:
            self._bell.clear()
            await wait_at_most(self._bell, wait)

    async def _ask_what_is_due(self) -> None:
        await self._ask_listings()
        if self._availability.up and self._configuration_due() <= self._clock():
            await self._ask_configuration()

    def _configuration_due(self) -> float:
        return math.inf if self._version() is None else self._configuration.due()

    async def _ask_listings(self) -> None:
        now = self._clock()
        paths_due = self._paths.due() <= now
        maps_failure = ""
        news: list[Event] = []
        if not paths_due and self._maps.due() > now:
            return
        try:
            if self._maps.due() <= now:
                maps_failure = await self._ask_maps(news)
            if paths_due or maps_failure:
                await self._ask(self._paths, news)
        except (MultipathdError, BadReply) as error:
            self._fail(error)
            return
        self._recovery.succeeded()
        self._availability.report_up()
        if maps_failure:
            news.append(SourceErrors(SourceName.MULTIPATHD, maps_failure, 1))
        if maps_failure == "timeout":
            # multipathd does not hang, since it lists the paths: its dm ioctls take longer with more maps.
            self._maps.deadline = min(2 * self._maps.deadline, _LONGEST_MAPS_DEADLINE)
        for event in news:
            self._emit(event)

    async def _ask_maps(self, news: list[Event]) -> str:
        """Request the maps. Return why there is no listing, unless that already means that multipathd is down."""
        try:
            failure = await self._try_maps(news)
            if failure == "fail":
                failure = await self._try_maps(news)
        except MultipathdError as error:
            if error.reason != "timeout":
                raise
            failure = error.reason
        if failure:
            self._maps.routine = self._clock() + self._maps_backoff.next()
        else:
            self._maps_backoff.reset()
        return failure

    async def _try_maps(self, news: list[Event]) -> str:
        try:
            await self._ask(self._maps, news)
        except BadReply as error:
            return error.reason
        return ""

    async def _ask_configuration(self) -> None:
        listing, news = self._configuration, list[Event]()
        listing.last_woken, listing.wakes, known = self._clock(), None, listing.last
        try:
            await self._ask(listing, news)
        except (MultipathdError, BadReply) as error:
            news = [SourceErrors(SourceName.MULTIPATHD, error.reason, 1)]
            listing.last, listing.routine = known, self._clock() + listing.wake_spacing
            if isinstance(error, MultipathdError):
                # The paths decide whether multipathd is down.
                self._paths.routine = -math.inf
        for event in news:
            if not isinstance(event, SourceAnswered):
                self._emit(event)

    async def _ask(self, listing: Listing[T], news: list[Event]) -> None:
        requested = self._clock()
        previous = listing.begin(requested)
        text = await self._client.ask(listing.command, listing.deadline)
        if len(text) > _PARSED_ON_THREAD:
            reply, items = await asyncio.to_thread(listing.read, text, self._version(), previous)
        else:
            reply, items = listing.read(text, self._version(), previous)
        news += [SourceErrors(SourceName.MULTIPATHD, reason, count) for reason, count in reply.problems.items()]
        if items is None:
            news.append(SourceAnswered(SourceName.MULTIPATHD))
        else:
            news.append(listing.event(items, requested))
        listing.last = reply

    def _fail(self, error: MultipathdError | BadReply) -> None:
        self._paths.forget()
        self._maps.forget()
        self._configuration.forget()
        self._recovery.failed()
        self._availability.report_down(error.reason, error.detail)
