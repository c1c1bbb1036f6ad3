"""``mpathd-watch run``: the service around one engine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpathd_watch import __version__
from mpathd_watch.config import Config, ConfigError
from mpathd_watch.config.receivers import Receivers
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert, Kept, Refresh
from mpathd_watch.core.events import Event, Remembered, SettingsChanged, SourceDown, SourceUp, Tick
from mpathd_watch.core.model.declaration import declared
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon.drill_history import keep_drill
from mpathd_watch.daemon.engine import Engine, Outlets
from mpathd_watch.daemon.forgetting import forget
from mpathd_watch.daemon.internal_errors import where
from mpathd_watch.daemon.keeping import Keeping, Place
from mpathd_watch.daemon.notifying import Notifying, Prepared, prepared
from mpathd_watch.daemon.pulse import Pulse
from mpathd_watch.daemon.reporters import Reporters
from mpathd_watch.daemon.surroundings import HOST, Serving, Surroundings
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.control.message import DrillMade, Reply, Request
from mpathd_watch.sinks.control.server import ControlSocket
from mpathd_watch.sinks.http.past import PastDay, no_past
from mpathd_watch.sinks.http.site import About
from mpathd_watch.sinks.local_socket import LocalSocket
from mpathd_watch.sinks.recorder import Recorder, RecorderError
from mpathd_watch.sinks.status.socket import StatusSocket
from mpathd_watch.sinks.status.summary import summary
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.reading.worker import StalledError
from mpathd_watch.store.pruning import Limits

RELOADED_WITHIN = 5.0
"""Seconds that reading the configuration file may take at a reload. It is on the root file system, which may hang."""
RESYNC_AFTER_BUG = 60.0
"""Seconds between two resyncs after bugs of ours, so that one bug does not become a storm of reads."""


@dataclass
class _Wanted:
    """What signals and threads have asked for of the ``loop``, and ``read``, which reads the configuration again."""

    read: Callable[[], tuple[Config, Prepared]]
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


class Service(Outlets):
    """The daemon. ``run`` returns after SIGTERM or SIGINT.

    ``reload`` gives the new configuration at SIGHUP, or raises ``ConfigError``. ``control_socket`` takes what an
    administrator asks for; on ``http_socket`` this host's users get what is served over HTTP. ``root`` holds the files
    that configure multipathd and iscsid; ``handed_over`` holds what root has read of them. ``state`` is the directory
    for what outlives the daemon; without one, nothing does. ``starts_programs``: see ``Notifying``. Raises
    ``StateTakenError`` if another daemon uses that, ``RecorderError`` if the recording can't be written,
    ``ListenError`` or ``LocalSocketError`` if one of the sockets can't be opened, and ``WebConfigError`` if the web
    configuration has a mistake. ``surroundings`` are by default this host.
    """

    def __init__(
        self,
        config: Config,
        reload: Callable[[], Config],
        reporters: Reporters,
        status_socket: Path | None,
        *,
        control_socket: Path | None = None,
        http_socket: Path | None = None,
        root: Path = Path("/"),
        handed_over: Path | None = None,
        state: Path | None = None,
        starts_programs: bool = True,
        surroundings: Surroundings = HOST,
    ) -> None:
        limits = Limits(config.history_days, config.history_mib)
        place = None if state is None else Place(state, limits)
        self._keeping = None if place is None else Keeping(place, surroundings.now, reporters.log)
        remembered = None if self._keeping is None else self._keeping.remembered
        going_on = frozenset[str]() if remembered is None else remembered.memory.going_on
        self._notifying = Notifying(state, surroundings.now, reporters.log, going_on, starts_programs=starts_programs)
        self._notifying.notify(prepared(config.receivers))
        self._config = config
        self._reporters = reporters
        self._surroundings = surroundings
        self._notifier = surroundings.notifier()
        self._engine = Engine(surroundings.now, self)
        self._pulse = Pulse(self._notifier, self._clock, lambda: summary(self._view()))
        self._recorder = _recorder(config)
        past = no_past if state is None else PastDay(state, lambda: surroundings.now().wall)
        about = About(socket.gethostname(), past)
        self._http = surroundings.http(
            Serving(config, http_socket, self._view, self._pulse.age, about, self._complain, self._web_changed)
        )
        self._sockets: list[LocalSocket] = []
        if status_socket is not None:
            self._sockets.append(StatusSocket(status_socket, self._view))
        if control_socket is not None:
            self._sockets.append(ControlSocket(control_socket, self._carry_out))
        self._sources = surroundings.sources(config, self._feed, root, handed_over)
        self._wanted = _Wanted(lambda: _read(reload))
        self._timer: asyncio.TimerHandle | None = None
        self._resynced = float("-inf")

    async def run(self) -> None:
        """Watch until a signal ends it."""
        self._wanted.loop = loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._wanted.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._wanted.reload.set)
        self._http.start()
        for each in self._sockets:
            await each.start()
        places = ", ".join(map(str, self._http.places))
        self._reporters.log(Priority.INFO, f"mpathd-watch {__version__} serves metrics on {places}.")
        self._log_obsolete()
        self._feed(SettingsChanged.to(self._config.settings))
        self._feed(SourceUp(SourceName.CONFIG))
        remembered = None if self._keeping is None else self._keeping.remembered
        self._feed(remembered or Remembered(Memory()))  # without any, too, what is declared has time to come
        keeping = asyncio.create_task(self._keep_on())
        watching = asyncio.create_task(self._sources.run())
        beating = asyncio.create_task(self._pulse.run())
        reloading = asyncio.create_task(self._reload_on_request())
        stopping = asyncio.create_task(self._wanted.stop.wait())
        tasks = (watching, beating, reloading, stopping, keeping)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._notifier.stopping()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()

    async def _keep_on(self) -> None:
        """Write the store until cancelled."""
        if self._keeping is None:
            await asyncio.Event().wait()
        else:
            await self._keeping.run(self._feed)

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for each in self._sockets:
            await each.stop()
        self._http.stop()
        if self._recorder is not None:
            self._recorder.close()
        if self._keeping is not None:
            self._keeping.stop()
        self._notifying.stop()

    # --- outlets of the engine ----------------------------------------------------------------------------------------

    def alert(self, alert: Alert) -> None:
        """Report an alert."""
        self._reporters.alert(alert)
        self._notifying.alert(alert)
        if self._recorder is not None:
            self._recorder.write()

    def refresh(self, refresh: Refresh) -> None:
        """Make a source read again."""
        self._sources.refresh(refresh)

    def keep(self, kept: Kept) -> None:
        """Have something kept over restarts."""
        if self._keeping is not None:
            self._keeping.put(kept)

    def recorded(self, event: Event, now: Instant) -> None:
        """Write the event to the recording."""
        if self._recorder is None:
            return
        try:
            self._recorder.add(event, now)
        except RecorderError as error:
            self._reporters.log(Priority.ERR, str(error))

    def broken(self, event: Event, report: str) -> None:
        """Report a bug, and make the sources read everything again, which corrects the state."""
        if self._recorder is not None:
            self._recorder.write()
        last = "; ".join(report.split("\n")[-3:])
        self._reporters.log(
            Priority.ERR,
            f"Internal error while processing a {type(event).__name__} ({last}); reading the whole state again. "
            "Please report this, with a recording (mpathd-watch run --record FILE).",
        )
        if self._clock() - self._resynced > RESYNC_AFTER_BUG:
            self._resynced = self._clock()
            self._sources.sysfs.wake_system()
            self._sources.multipathd.wake_maps()

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an exception that nothing in the loop has caught, in place of asyncio's own traceback."""
        error = context.get("exception")
        last = "; ".join(where(error).split("\n")[-3:]) if error is not None else context.get("message")
        self._reporters.log(Priority.ERR, f"Internal error in the event loop ({last}). Please report this.")

    def _complain(self, text: str) -> None:
        """Report an error inside the HTTP server. Called from one of its threads."""
        self._reporters.log(Priority.ERR, text)

    def _web_changed(self, reason: str, detail: str) -> None:
        """Report what is wrong with the web configuration, or that nothing is. Called from a thread of the server."""
        event = SourceDown(SourceName.WEB, reason, detail) if reason else SourceUp(SourceName.WEB)
        if self._wanted.loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._wanted.loop.call_soon_threadsafe(self._feed, event)

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _feed(self, *events: Event) -> None:
        self._engine.feed(*events)
        self._arm()
        if not self._pulse.ready and self._is_ready():
            self._pulse.start_is_complete()
            if self._keeping is not None:
                self._keeping.watch()
            self._surroundings.settled()

    def _carry_out(self, request: Request | DrillMade) -> Reply:
        """Do what an administrator asks for."""
        if isinstance(request, DrillMade):
            return keep_drill(self._keeping, request.report, self._surroundings.now().wall)
        event, reply = forget(self._engine.state, request)
        if event is not None:
            self._feed(event)
        return reply

    def _clock(self) -> float:
        """CLOCK_MONOTONIC seconds."""
        return self._surroundings.now().monotonic

    def _view(self) -> View:
        """The state as it stands, and what was not accepted. Any thread may call it."""
        outlets = self._reporters.outlets() | self._notifying.outlets
        if (systemd := self._notifier.outlet) is not None:
            outlets["systemd"] = systemd
        if self._recorder is not None:
            outlets["recording"] = self._recorder.outlet
        history = None
        if self._keeping is not None:
            outlets["store"] = self._keeping.outlet
            history = self._keeping.outages
        deliveries = self._notifying.deliveries
        return replace(self._engine.view(), outlets=outlets, history=history, deliveries=deliveries)

    def _arm(self) -> None:
        """Feed a ``Tick`` at the core's next deadline. The loop's clock is CLOCK_MONOTONIC, as the core's is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._engine.deadline
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._feed, Tick())

    def _is_ready(self) -> bool:
        """Whether sysfs has been read completely, and the other sources have answered or failed at least once."""
        state = self._engine.state
        return state.watches and state.source(SourceName.UEVENT).up is not None

    # --- configuration ------------------------------------------------------------------------------------------------

    async def _reload_on_request(self) -> None:
        """At each SIGHUP, take over what can change at run time. A configuration with a mistake changes nothing."""
        worker = self._surroundings.worker("reload")
        while True:
            await self._wanted.reload.wait()
            self._wanted.reload.clear()
            self._notifier.reloading(self._surroundings.now())
            try:
                fresh, receivers = await worker.run(self._wanted.read, RELOADED_WITHIN)
            except ConfigError as error:
                self._feed(SourceDown(SourceName.CONFIG, "bad_file", f"{error}; fix it and reload"))
            except StalledError:
                detail = (
                    f"reading the configuration file took longer than {RELOADED_WITHIN:g} s; see dmesg, then reload"
                )
                self._feed(SourceDown(SourceName.CONFIG, "timeout", detail))
            else:
                self._take_over(fresh)
                self._notifying.notify(receivers)
            self._sources.configuration.wake()
            self._notifier.ready(summary(self._view()))

    def _take_over(self, fresh: Config) -> None:
        self._feed(SourceUp(SourceName.CONFIG))
        self._config = replace(
            self._config, settings=fresh.settings, receivers=fresh.receivers, obsolete=fresh.obsolete
        )
        self._log_obsolete()
        if self._config != fresh:
            self._reporters.log(
                Priority.WARNING,
                f"Of the new configuration only {', '.join((*declared(Settings), *declared(Receivers)))} took effect; "
                "restart for the rest.",
            )
        self._feed(SettingsChanged.to(self._config.settings))
        self._reporters.log(Priority.INFO, "The configuration was reloaded.")

    def _log_obsolete(self) -> None:
        for line in self._config.obsolete:
            self._reporters.log(Priority.WARNING, f"{line}.")


def _read(reload: Callable[[], Config]) -> tuple[Config, Prepared]:
    """The configuration of now, with its receivers."""
    config = reload()
    return config, prepared(config.receivers)


def _recorder(config: Config) -> Recorder | None:
    return Recorder(Path(config.record), __version__, config.record_mib << 20) if config.record else None
