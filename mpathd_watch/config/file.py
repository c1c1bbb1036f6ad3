"""The configuration file: TOML. All mistakes in it are reported at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mpathd_watch.config.keys import Config
from mpathd_watch.config.obsolete import OBSOLETE
from mpathd_watch.config.receivers import Receivers
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.declaration import Setting, declared
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.immutable import replace

DEFAULT_PATH = Path("/etc/mpathd-watch/config.toml")


class ConfigError(Exception):
    """One line that names every mistake, and the file or the option that it is in."""


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
        config = parse(tomllib.loads(text))
        return replace(config, obsolete=tuple(f"{path}: {note}" for note in config.obsolete))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    except ValueError:
        raise ConfigError(f"{path}: not TOML: a number of more digits than Python reads") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(table: Mapping[str, object]) -> Config:
    """The configuration in a TOML table. Raises ``ConfigError`` with every unknown key and every wrong value.

    Keys of an earlier version that have no effect any more are ignored, and named in ``Config.obsolete``.
    """
    own, core, notified = declared(Config), declared(Settings), declared(Receivers)
    known = {**own, **core, **notified}
    wrong = [
        f"unknown key {key!r} (known: {', '.join(sorted(known))})"
        for key in sorted(table.keys() - known - OBSOLETE.keys())
    ]
    values = _read({key: (known[key], table[key]) for key in sorted(table.keys() & known)}, wrong)
    wrong += _unknown_findings(values.get("acknowledge") or ())
    if wrong:
        raise ConfigError("; ".join(wrong))
    settings = Settings(**{key: value for key, value in values.items() if key in core})
    receivers = Receivers(**{key: value for key, value in values.items() if key in notified})
    return Config(
        **{key: value for key, value in values.items() if key in own},
        settings=settings,
        receivers=receivers,
        obsolete=tuple(f"{key} {OBSOLETE[key]}" for key in OBSOLETE if key in table),
    )


def override(config: Config, options: Mapping[str, tuple[str, object]]) -> Config:
    """``config`` with the values that ``options`` have for its keys: option -> (key, value).

    Raises ``ConfigError`` with every option whose value is wrong.
    """
    own = declared(Config)
    wrong: list[str] = []
    values = _read({option: (own[key], value) for option, (key, value) in options.items()}, wrong)
    if wrong:
        raise ConfigError("; ".join(wrong))
    return replace(config, **{key: values[option] for option, (key, _) in options.items()})


def _read(given: Mapping[str, tuple[Setting, object]], wrong: list[str]) -> dict[str, Any]:
    """The values by the names they were given under; what does not fit is added to ``wrong``."""
    values: dict[str, Any] = {}
    for name, (setting, value) in given.items():
        values[name] = setting.kind.read(value)
        if values[name] is None:
            fault = setting.kind.fault(value)
            wrong.append(f"{name}: {fault}" if fault else f"{name} must be {setting.kind.wanted}, not {_shown(value)}")
    return values


def _unknown_findings(acknowledgements: Iterable[Acknowledgement]) -> list[str]:
    """Codes that no finding has: an entry with a misspelt one would never have any effect."""
    codes = {kind.code for kind in FindingKind}
    unknown = sorted({each.finding for each in acknowledgements} - codes)
    return [f"acknowledge: there is no finding {code!r:.60}{_suggested(code, codes)}" for code in unknown]


def _suggested(code: str, codes: Iterable[str]) -> str:
    near = get_close_matches(code[:60], sorted(codes), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _shown(value: object) -> str:
    try:
        return f"{value!r:.60}"
    except ValueError:  # of an integer with thousands of digits, written in hexadecimal
        return "a number of that size"
