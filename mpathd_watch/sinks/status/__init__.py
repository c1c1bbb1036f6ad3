"""The status: one document of everything a person asks first, and its forms on a terminal and in ``STATUS=``."""

from mpathd_watch.sinks.status.document import Document, StatusError, document, parse
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.status.summary import summary

__all__ = ["Document", "StatusError", "document", "parse", "render", "summary"]
