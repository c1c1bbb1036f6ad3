"""The configuration of multipathd and iscsid, reported at the start and after each change.

Files that only root can read are read by a privileged process, which passes on what is not secret.
"""

from mpathd_watch.sources.configuration.files import read_root_only
from mpathd_watch.sources.configuration.root_only import RootOnly, RootOnlyError, dump
from mpathd_watch.sources.configuration.source import ConfigurationSource
from mpathd_watch.sources.configuration.survey import read

__all__ = ["ConfigurationSource", "RootOnly", "RootOnlyError", "dump", "read", "read_root_only"]
