"""The configuration that a command works with: the file, overridden by the options of the command line."""

from __future__ import annotations

import argparse

from mpathd_watch.cli.parser import OVERRIDES
from mpathd_watch.config import DEFAULT_PATH, Config, ConfigError, load, override


def configuration(options: argparse.Namespace) -> Config:
    """The configuration file, overridden by ``options``. Raises ``ConfigError`` with the mistakes of both."""
    given = {
        # An option that may be repeated gives a list, of which one value is shown as it was written.
        option: (key, value[0] if isinstance(value, list) and len(value) == 1 else value)
        for option, key in OVERRIDES.items()
        if (value := getattr(options, key, None)) is not None
    }
    config, mistakes = Config(), []
    try:
        config = load(options.config or DEFAULT_PATH, required=options.config is not None)
    except ConfigError as error:
        mistakes.append(str(error))
    try:
        config = override(config, given)
    except ConfigError as error:
        mistakes.append(str(error))
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return config
