"""Commands and options by the names that they had in an earlier version. They are known until the next release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "records": ("export-config", "; the daemon reads what that writes to /run/mpathd-watch/root-only.json"),
}
"""Old name -> the new one, and what else has changed."""
OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "run": {"--listen": "--web.listen-address"},
    "replay": {"--listen": "--web.listen-address"},
}
"""Command -> old name of an option -> the new one."""


def renamed(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments with the names of today, and a line for each that was an old one."""
    command, *rest = arguments or ("",)
    notes = []
    if command in COMMANDS:
        old, (command, more) = command, COMMANDS[command]
        notes.append(f"the command {old} is called {command} now{more}; the old name is known until the next release")
    words = [command] if arguments else []
    options = OPTIONS.get(command, {})
    for index, word in enumerate(rest):
        if word == "--":
            return [*words, *rest[index:]], notes
        name, equals, value = word.partition("=")
        if name in options:
            notes.append(f"{name} is called {options[name]} now; the old name is known until the next release")
        words.append(f"{options.get(name, name)}{equals}{value}")
    return words, list(dict.fromkeys(notes))
