"""Mail and hooks of the daemon: one thread for each of both, and what they have been sent about over restarts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from mpathd_watch.config.receivers import Hook, Mail, Receivers
from mpathd_watch.core.alerting.notices import HOUR, Wish
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.deadline import within
from mpathd_watch.sinks.hooks.post import Post, Receiver, Standings
from mpathd_watch.sinks.hooks.results import Deliveries
from mpathd_watch.store import notified
from mpathd_watch.store.files import WriteError

MAIL: Final = "mail"
HOOKS: Final = "hooks"
LOADED_WITHIN: Final = 5.0
"""Seconds that reading a file may take at the start."""
SAVED_WITHIN: Final = 2.0
"""Seconds that the thread waits for a write. Then mail and hooks go on, and what stands is not kept for now."""

Log = Callable[[Priority, str], None]


@immutable
class Prepared:
    """The receivers that a configuration names, ready for use."""

    mail: tuple[Receiver, ...]
    hooks: tuple[Receiver, ...]


def prepared(receivers: Receivers) -> Prepared:
    """The receivers. May read modules from the disk, so not to be called in the loop."""
    host = hostname()
    mail = () if receivers.mail is None else (_mail(receivers.mail, host),)
    hooks = tuple(_hook(hook, number, host) for hook, number in _numbered(receivers.hook))
    return Prepared(mail, hooks)


def hostname() -> str:
    """This host's name, as messages show it."""
    return clean(os.uname().nodename) or "localhost"


class Notifying:
    """Notifies the receivers of a configuration. ``state`` is the directory for what outlives the daemon, if any.

    ``incidents``: the ids of those that the daemon goes on with. ``starts_programs`` is whether the process can still
    run hooks.
    """

    def __init__(
        self,
        state: Path | None,
        now: Callable[[], Instant],
        log: Log,
        incidents: Collection[str] = (),
        *,
        starts_programs: bool = True,
    ) -> None:
        self._log = log
        self._starts_programs = starts_programs
        self._posts = {
            name: Post(
                name,
                noun,
                now,
                log,
                standing=_load(state, name, log),
                incidents=incidents,
                keep=_Saver(state, name, log).save,
            )
            for name, noun in ((MAIL, "mail"), (HOOKS, "hook"))
        }

    @property
    def outlets(self) -> dict[str, Outlet]:
        """What has not been delivered, by the names of the outlets. Any thread may read it."""
        return {name: post.outlet for name, post in self._posts.items() if post.is_used}

    @property
    def deliveries(self) -> Deliveries:
        """How many attempts had which result. Any thread may read it."""
        mail = {result: count for (_, result), count in self._posts[MAIL].results.items()}
        return Deliveries(mail, self._posts[HOOKS].results)

    def notify(self, receivers: Prepared) -> None:
        """Notify these from now on. Returns at once."""
        self._posts[MAIL].notify(receivers.mail)
        self._posts[HOOKS].notify(receivers.hooks)
        if receivers.hooks and not self._starts_programs:
            self._log(
                Priority.WARNING,
                "Hooks can't be run yet: the daemon began without any, and has given up starting programs. "
                "Run 'systemctl restart mpathd-watch'.",
            )

    def alert(self, alert: Alert) -> None:
        """Pass an alert on to those who want it. Returns at once."""
        for post in self._posts.values():
            post.alert(alert)

    def stop(self, deadline: float = 2.0) -> None:
        """Deliver what is due, for at most ``deadline`` seconds each."""
        for post in self._posts.values():
            post.stop(deadline)


class _Saver:
    """Writes the file of one kind of receivers. If that hangs, later ones are not begun until it is over."""

    def __init__(self, state: Path | None, name: str, log: Log) -> None:
        self._file = None if state is None else notified.path(state, name)
        self._log = log
        self._hangs = False
        self._fault = ""

    def save(self, standing: Standings) -> None:
        """Write what stands. Logs the first failure of several."""
        if self._file is None or self._hangs:
            return
        self._hangs = True
        fault = ""
        try:
            within(SAVED_WITHIN, lambda: self._write(standing))
        except TimeoutError:
            fault = f"{self._file}: the write does not return; see dmesg"
        except WriteError as error:
            fault = str(error)
        if fault and not self._fault:
            self._log(Priority.WARNING, f"After a restart, mail or hooks may miss an all-clear: {fault}.")
        self._fault = fault

    def _write(self, standing: Standings) -> None:
        try:
            if self._file is not None:
                notified.save(self._file, standing)
        finally:
            self._hangs = False


def _load(state: Path | None, name: str, log: Log) -> Standings:
    if state is None:
        return {}
    file = notified.path(state, name)
    try:
        return within(LOADED_WITHIN, lambda: notified.load(file))
    except FileNotFoundError:
        return {}
    except TimeoutError:
        fault = "the read does not return; see dmesg"
    except (OSError, ValueError) as error:
        fault = str((isinstance(error, OSError) and error.strerror) or error)
    log(Priority.WARNING, f"Mail and hooks may miss an all-clear: {file}: {fault}.")
    return {}


def _mail(mail: Mail, host: str) -> Receiver:
    from mpathd_watch.sinks.hooks.mail import Mailer  # noqa: PLC0415  # smtplib and email take 1.3 MiB

    wish = Wish(mail.priority, frozenset(), mail.repeat_hours * HOUR)
    return Receiver(MAIL, MAIL, wish, Mailer(mail, host).deliver)


def _hook(hook: Hook, number: int, host: str) -> Receiver:
    from mpathd_watch.sinks.hooks.command import Command  # noqa: PLC0415  # as above, 0.3 MiB

    suffix = "" if number == 1 else f"#{number}"
    wish = Wish(hook.priority, hook.events, hook.repeat_hours * HOUR)
    label = f"{clean(hook.command[0])}{suffix}"
    # A hash: the command may hold a password, and everybody may read the file with the keys.
    key = hashlib.sha256(json.dumps([hook.command, number]).encode()).hexdigest()
    return Receiver(key, label, wish, Command(hook, host).deliver)


def _numbered(hooks: tuple[Hook, ...]) -> list[tuple[Hook, int]]:
    """The hooks, those with the same program numbered from 1 on."""
    seen: dict[str, int] = {}
    found = []
    for hook in hooks:
        program = hook.command[0]
        seen[program] = seen.get(program, 0) + 1
        found.append((hook, seen[program]))
    return found
