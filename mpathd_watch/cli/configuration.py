"""The configuration that a command works with: the file, overridden by the options of the command line."""

from __future__ import annotations

import argparse
from dataclasses import replace

from mpathd_watch.config import DEFAULT_PATH, Config, load


def configuration(options: argparse.Namespace) -> Config:
    """The configuration file, overridden by ``options``. Raises ``ConfigError``."""
    config = load(options.config or DEFAULT_PATH, required=options.config is not None)
    given = {
        key: value
        for key in ("listen", "sysfs", "multipathd_socket", "record")
        if (value := getattr(options, key, None)) is not None
    }
    return replace(config, **given)
