"""The audit: compares what is configured with what is in force. Pure: a state in, a report out."""

from mpathd_watch.core.audit.audit import audit

__all__ = ["audit"]
