"""What configures multipathd and iscsid: read by whoever may, handed over where only root may, told when it changes."""

from mpathd_watch.sources.configuration.files import read_root_only
from mpathd_watch.sources.configuration.root_only import RootOnly, RootOnlyError, dump
from mpathd_watch.sources.configuration.source import ConfigurationSource
from mpathd_watch.sources.configuration.survey import read

__all__ = ["ConfigurationSource", "RootOnly", "RootOnlyError", "dump", "read", "read_root_only"]
