"""The configuration file: TOML, a handful of keys, and every mistake in it named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mpathd_watch.core.events import SettingsChanged

DEFAULT_PATH = Path("/etc/mpathd-watch/config.toml")


class ConfigError(Exception):
    """One line that names the file and everything wrong in it."""


@dataclass(frozen=True, slots=True)
class Config:
    """What an administrator may set; the command line overrides what it has options for.

    ``listen`` is ADDR:PORT or :PORT for all addresses. ``multipathd_socket`` empty: where multipathd listens by
    default; a leading ``@`` names an abstract socket. ``record`` empty: no recording.
    """

    listen: str = ":10068"
    sysfs: str = "/sys"
    multipathd_socket: str = ""
    record: str = ""
    single_path_ok: tuple[str, ...] = ()
    settle_seconds: float = 5.0
    slack_seconds: float = 2.0
    silence_grace_seconds: float = 2.0
    flap_failures: int = 3
    flap_window_seconds: float = 600.0

    def settings_event(self) -> SettingsChanged:
        """The part of the configuration that the core works with."""
        return SettingsChanged(
            settle_seconds=self.settle_seconds,
            single_path_ok=frozenset(self.single_path_ok),
            slack_seconds=self.slack_seconds,
            silence_grace_seconds=self.silence_grace_seconds,
            flap_failures=self.flap_failures,
            flap_window_seconds=self.flap_window_seconds,
        )


def load(path: Path, *, required: bool) -> Config:
    """The configuration in ``path``; the defaults if there is no such file and it is not ``required``.

    Raises ``ConfigError``.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        if not required:
            return Config()
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from error
    try:
        return parse(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    except ValueError:
        raise ConfigError(f"{path}: not TOML: a number of more digits than Python reads") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(table: dict[str, Any]) -> Config:
    """The configuration in a TOML table. Raises ``ConfigError`` with every unknown key and wrong type."""
    known = {field.name for field in fields(Config)}
    wrong = [f"unknown key {key!r} (known: {', '.join(sorted(known))})" for key in sorted(table.keys() - known)]
    values: dict[str, Any] = {}
    for key in sorted(table.keys() & known):
        fits, wanted, convert = _KINDS[key]
        if fits(table[key]):
            values[key] = convert(table[key])
        else:
            wrong.append(f"{key} must be {wanted}, not {_shown(table[key])}")
    if wrong:
        raise ConfigError("; ".join(wrong))
    return Config(**values)


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except ValueError:  # of an integer with thousands of digits, written in hexadecimal
        return "a number of that size"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 3600


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


_Kind = tuple[Callable[[object], bool], str, Callable[[Any], Any]]
_TEXT: _Kind = (_is_text, "a text", str)
_SECONDS: _Kind = (_is_seconds, "a number of seconds from 0 to 3600", float)
_COUNT: _Kind = (_is_count, "a whole number from 0 to 100", int)
_KINDS: dict[str, _Kind] = {
    "listen": _TEXT,
    "sysfs": _TEXT,
    "multipathd_socket": _TEXT,
    "record": _TEXT,
    "single_path_ok": (_are_texts, "a list of names or WWIDs", tuple),
    "settle_seconds": _SECONDS,
    "slack_seconds": _SECONDS,
    "silence_grace_seconds": _SECONDS,
    "flap_failures": _COUNT,
    "flap_window_seconds": _SECONDS,
}
