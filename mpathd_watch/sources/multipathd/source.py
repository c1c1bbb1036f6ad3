"""Keeps asking multipathd for its paths, its maps and its configuration, and tells what is new."""

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
from mpathd_watch.sources.multipathd.listing import Listing
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
_PARSED_ASIDE = 100_000  # characters; a worker thread keeps the loop free while it parses the maps of a big host


class Client(Protocol):
    """What the source needs of ``MultipathdClient``."""

    async def ask(self, command: str, deadline: float | None = None) -> str:
        """Return the reply to ``command``, or raise ``MultipathdError``."""

    def presence(self) -> Presence:
        """Whether multipathd runs, without connecting."""

    def close(self) -> None:
        """Close the connection."""


class MultipathdSource:
    """Emits what multipathd lists and has in force, and whether it answers.

    ``PathsListed``, ``MapsListed``, ``MultipathdConfigured``; ``SourceUp``, ``SourceDown``, ``SourceErrors`` and
    ``SourceAnswered``.

    All times are in seconds of ``clock``. Paths are asked for ``paths_every``, maps ``maps_every``, and either sooner
    after a wake, but for wakes no more often than each ``wake_spacing``. A listing is emitted when it was woken for,
    when it differs from the last, and when it is the first since the source was down. A reply may take ``deadline``;
    that of the maps gets twice as long, up to 30 s, each time it took too long while paths were answered.

    After a failure the next try waits 1, 2, 4, ... up to ``longest_backoff``; meanwhile a look each ``presence_every``
    tells whether multipathd stopped, or was started anew and can be asked at once. Paths decide whether the source is
    up: a failure of the maps' listing alone is counted, as ``show maps json`` can be just ``fail`` when a map vanishes
    while it is listed (all versions) and the more maps there are the longer it takes.

    The configuration in force is asked for ``maps_every`` and when maps are woken, for a reconfiguration reloads them,
    but no more often than each ``configuration_spacing``; after everything else, and as long as paths are answered. It
    is emitted when it differs from the last; trouble with it is counted and no more. ``version`` tells whose words it
    is made of, and until that is known it waits: read by another version's grammar it would seem to change later on.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        client: Client,
        clock: Callable[[], float],
        *,
        paths_every: float = 5.0,
        maps_every: float = 60.0,
        wake_spacing: float = 1.0,
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
        self._paths = Listing[PathListing](PATHS_COMMAND, parse_paths, PathsListed, paths_every, wake_spacing, deadline)
        self._maps = Listing[MapListing](MAPS_COMMAND, parse_maps, MapsListed, maps_every, wake_spacing, deadline)
        self._configuration = Listing[Document](
            CONFIGURATION_COMMAND,
            lambda text: parse_configuration(text, version() or NEWEST),
            lambda documents, _: MultipathdConfigured(documents[0]),
            maps_every,
            configuration_spacing,
            deadline,
        )
        self._version = version
        self._bell = asyncio.Event()
        self._recovery = Recovery(
            self._availability, client.presence, clock, Backoff(shortest_backoff, longest_backoff), presence_every
        )
        self._maps_backoff = Backoff(shortest_backoff, maps_every)

    def wake_paths(self) -> None:
        """Ask for the paths soon: something happened to one."""
        self._paths.woken = True
        self._bell.set()

    def wake_maps(self) -> None:
        """Ask for the maps soon: something happened to one."""
        self._maps.woken = True
        self._configuration.woken = True
        self._bell.set()

    async def run(self) -> None:
        """Ask until cancelled; the connection is closed then."""
        try:
            while True:
                if self._availability.up is False:
                    await self._recovery.wait()
                else:
                    await self._until_due()
                await self._ask_what_is_due()
        finally:
            self._client.close()

    async def look(self) -> None:
        """Ask for everything once; the connection is closed then."""
        try:
            await self._ask_what_is_due()
        finally:
            self._client.close()

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
        maps_trouble = ""
        news: list[Event] = []
        if not paths_due and self._maps.due() > now:
            return
        try:
            if self._maps.due() <= now:
                maps_trouble = await self._ask_maps(news)
            if paths_due or maps_trouble:
                await self._ask(self._paths, news)
        except (MultipathdError, BadReply) as error:
            self._went_down(error)
            return
        self._recovery.succeeded()
        self._availability.report_up()
        if maps_trouble:
            news.append(SourceErrors(SourceName.MULTIPATHD, maps_trouble, 1))
        if maps_trouble == "timeout":
            # Paths answer, so it does not hang: the more maps, the longer its dm ioctls take.
            self._maps.deadline = min(2 * self._maps.deadline, _LONGEST_MAPS_DEADLINE)
        for event in news:
            self._emit(event)

    async def _ask_maps(self, news: list[Event]) -> str:
        """Ask for the maps, and return why there is no listing where that does not settle that multipathd is down."""
        try:
            trouble = await self._try_maps(news)
            if trouble == "fail":
                trouble = await self._try_maps(news)
        except MultipathdError as error:
            if error.reason != "timeout":
                raise
            trouble = error.reason
        if trouble:
            self._maps.routine = self._clock() + self._maps_backoff.next()
        else:
            self._maps_backoff.reset()
        return trouble

    async def _try_maps(self, news: list[Event]) -> str:
        try:
            await self._ask(self._maps, news)
        except BadReply as error:
            return error.reason
        return ""

    async def _ask_configuration(self) -> None:
        listing, news = self._configuration, list[Event]()
        listing.last_woken, listing.woken, known = self._clock(), False, listing.last
        try:
            await self._ask(listing, news)
        except (MultipathdError, BadReply) as error:
            news = [SourceErrors(SourceName.MULTIPATHD, error.reason, 1)]
            listing.last, listing.routine = known, self._clock() + listing.wake_spacing
            if isinstance(error, MultipathdError):
                # Paths decide whether multipathd is down.
                self._paths.routine = -math.inf
        for event in news:
            if not isinstance(event, SourceAnswered):
                self._emit(event)

    async def _ask(self, listing: Listing[T], news: list[Event]) -> None:
        requested = self._clock()
        previous = listing.begin(requested)
        text = await self._client.ask(listing.command, listing.deadline)
        if len(text) > _PARSED_ASIDE:
            parsed = await asyncio.to_thread(listing.parse, text)
        else:
            parsed = listing.parse(text)
        news += [SourceErrors(SourceName.MULTIPATHD, reason, count) for reason, count in parsed.problems.items()]
        if parsed.items == previous:
            news.append(SourceAnswered(SourceName.MULTIPATHD))
        else:
            news.append(listing.event(parsed.items, requested))
        listing.last = parsed.items

    def _went_down(self, error: MultipathdError | BadReply) -> None:
        self._paths.forget()
        self._maps.forget()
        self._configuration.forget()
        self._recovery.failed()
        self._availability.report_down(error.reason, error.detail)
