"""A recording as a source."""

from mpathd_watch.sources.recording.parts import RecordingError, read

__all__ = ["RecordingError", "read"]
