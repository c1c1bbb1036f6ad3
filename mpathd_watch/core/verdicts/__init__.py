"""Verdicts: values in, verdict out. Nothing here knows the state or an event."""
