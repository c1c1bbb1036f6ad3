"""The daemon's own configuration: what may be set, and the file it is read from."""

from mpathd_watch.config.file import DEFAULT_PATH, ConfigError, load, override, parse
from mpathd_watch.config.keys import Config

__all__ = ["DEFAULT_PATH", "Config", "ConfigError", "load", "override", "parse"]
