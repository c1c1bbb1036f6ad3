"""What configures multipathd and iscsid: read by whoever may, handed over where only root may, told when it changes."""

from mpathd_watch.sources.configuration.files import root_only
from mpathd_watch.sources.configuration.handover import Handover, HandoverError, dump
from mpathd_watch.sources.configuration.source import ConfigurationSource
from mpathd_watch.sources.configuration.survey import read

__all__ = ["ConfigurationSource", "Handover", "HandoverError", "dump", "read", "root_only"]
