"""Who gets mail, and which commands are run: ``[mail]`` and ``[[hook]]``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from mpathd_watch.config.listen_address import read_listen_address
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.model.declaration import Kind, setting
from mpathd_watch.immutable import immutable

_SMTP: Final = 25
_MOST: Final = 64
"""Addresses, hooks, and words of a command."""
_LONGEST: Final = 4096
"""Characters of a word of a command."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(@[A-Za-z0-9.-]{1,255}|@\[[0-9A-Fa-f.:]{2,45}\])?")
"""A mailbox as RFC 5321 has it, without quotes. Without a domain it is a user of the mail server."""
PRIORITIES: Final = {priority.name.lower(): priority for priority in Priority}


@immutable
class Server:
    """A mail server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@immutable
class Mail:
    """Whom to send mail, through which ``server``. An empty ``sender`` stands for mpathd-watch@HOST."""

    to: tuple[str, ...]
    sender: str = ""
    server: Server = Server("localhost", _SMTP)
    priority: Priority = Priority.WARNING
    repeat_hours: float = 24.0


@immutable
class Hook:
    """A command to run. Without any ``events``, it is run for all."""

    command: tuple[str, ...]
    priority: Priority = Priority.WARNING
    events: frozenset[str] = frozenset()
    timeout_seconds: float = 30.0
    repeat_hours: float = 24.0


@immutable
class _Key:
    """A key of a table: ``read`` gives its value, ``None`` if it is not ``wanted``."""

    wanted: str
    read: Callable[[object], Any]
    name: str = ""
    """The field, if it has another name than the key."""


def _read_priority(value: object) -> Priority | None:
    return PRIORITIES.get(value) if isinstance(value, str) else None


def _number(least: float, most: float) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and least <= value <= most else None  # type: ignore[arg-type, operator]

    return read


def _read_address(value: object) -> str | None:
    return value if isinstance(value, str) and _ADDRESS.fullmatch(value) else None


def _read_addresses(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST or any(_read_address(each) is None for each in value):
        return None
    return tuple(dict.fromkeys(value))


def _read_server(value: object) -> Server | None:
    if not isinstance(value, str):
        return None
    unported = ":" not in value or (value.startswith("[") and value.endswith("]"))
    found = read_listen_address(f"{value}:{_SMTP}" if unported else value)
    if found is None or not found.host or not found.port or not re.fullmatch(r"[A-Za-z0-9.:%_-]{1,253}", found.host):
        return None
    return Server(found.host, found.port)


def _read_command(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST:
        return None
    words = [each for each in value if isinstance(each, str) and "\0" not in each and len(each) <= _LONGEST]
    return tuple(words) if len(words) == len(value) and words[0].strip() else None


def _read_events(value: object) -> frozenset[str] | None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None
    return frozenset(value)


_PRIORITY: Final = _Key(f"one of {', '.join(PRIORITIES)}", _read_priority)
_REPEAT: Final = _Key("a number of hours from 0 to 8760", _number(0, 8760))
_MAIL: Final[Mapping[str, _Key]] = {
    "to": _Key("a list of mail addresses", _read_addresses),
    "from": _Key("a mail address", _read_address, "sender"),
    "server": _Key("HOST or HOST:PORT, for example localhost:25 or [2001:db8::1]:25", _read_server),
    "priority": _PRIORITY,
    "repeat_hours": _REPEAT,
}
_HOOK: Final[Mapping[str, _Key]] = {
    "command": _Key('a list of words, for example ["/usr/local/bin/page", "--now"]', _read_command),
    "priority": _PRIORITY,
    "events": _Key("a list of events", _read_events),
    "timeout_seconds": _Key("a number of seconds from 1 to 600", _number(1, 600)),
    "repeat_hours": _REPEAT,
}


def _faults(table: Mapping[str, object], keys: Mapping[str, _Key], required: str) -> str:
    """What is wrong with a table, all of it, as clauses; empty if nothing is."""
    faults = [f"unknown key {key!r:.40} (known: {', '.join(keys)})" for key in sorted(table.keys() - keys)]
    if required not in table:
        faults.append(f"no {required}")
    for key in sorted(table.keys() & keys):
        read = keys[key].read(table[key])
        if read is None:
            faults.append(f"{key} must be {keys[key].wanted}")
        elif key == "events":
            faults += [f"there is no event {event!r:.60}{_suggested(event)}" for event in _unknown(read)]
    return ", and ".join(faults)


def _unknown(events: frozenset[str]) -> list[str]:
    return sorted(events - {kind.event for kind in AlertKind})


def _suggested(event: str) -> str:
    near = get_close_matches(event[:60], [kind.event for kind in AlertKind], 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _values(table: Mapping[str, object], keys: Mapping[str, _Key]) -> dict[str, Any]:
    return {keys[key].name or key: keys[key].read(value) for key, value in table.items()}


def _fault_of_mail(value: object) -> str:
    return _faults(value, _MAIL, "to") if isinstance(value, Mapping) else "it must be one table, headed [mail]"


def _read_mail(value: object) -> Mail | None:
    return None if _fault_of_mail(value) or not isinstance(value, Mapping) else Mail(**_values(value, _MAIL))


def _fault_of_hooks(value: object) -> str:
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return "it must be tables, each of them headed [[hook]]"
    if len(value) > _MOST:
        return f"there are more than {_MOST} tables"
    for number, entry in enumerate(value, 1):
        if faults := _faults(entry, _HOOK, "command"):
            return f"table {number}: {faults}"
    return ""


def _read_hooks(value: object) -> tuple[Hook, ...] | None:
    if _fault_of_hooks(value) or not isinstance(value, list):
        return None
    return tuple(Hook(**_values(entry, _HOOK)) for entry in value)


MAIL: Final[Kind[Mail | None]] = Kind("a table with to", _read_mail, _fault_of_mail)
HOOKS: Final = Kind("tables with command", _read_hooks, _fault_of_hooks)


@immutable
class Receivers:
    """Whom the daemon notifies. A reload replaces them."""

    mail: Mail | None = setting(
        None,
        MAIL,
        "Mail about what happens: one message for each step of an incident, an all-clear when it is over, and a "
        "reminder while it stands. to is a list of addresses. from is mpathd-watch@HOST unless set. server is the mail "
        "server, localhost:25 unless set; it is asked for neither encryption nor a password. priority is the least "
        "urgent priority that is sent: crit, err, warning (unless set), notice or info. repeat_hours is the time "
        "between two reminders, 24 unless set; 0 turns them off. /usr/share/doc/mpathd-watch/notifications.md "
        "describes the messages; mpathd-watch notify --test sends one.",
        example=(("to", ("root", "storage@example.com")), ("from", "san@example.com"), ("priority", "err")),
    )
    hook: tuple[Hook, ...] = setting(
        (),
        HOOKS,
        "A command that is run when something happens, one table for each. command is a list of words; no shell reads "
        "them. The command gets the fields of the journal entry as environment variables (MESSAGE, PRIORITY, "
        "MPATHD_WATCH_EVENT and so on) and as a JSON object on standard input. priority and repeat_hours are as for "
        "mail. events is a list of events, all unless set; an all-clear follows whatever it lists. After "
        "timeout_seconds, 30 unless set, the command is ended with all processes of its group. It runs as the daemon "
        "does: not as root, and only able to write below /var/lib/mpathd-watch.",
        example=(
            ("command", ("/usr/local/bin/page", "--team", "storage")),
            ("priority", "err"),
            ("timeout_seconds", 30),
        ),
    )
