"""Support bundles: what sos or supportconfig has collected on another host, as the events that live sources emit."""

from mpathd_watch.sources.bundle.bundle import Bundle, read

__all__ = ["Bundle", "read"]
