"""Figures that are measured and not asserted; docs/measured.md says which command gave which."""
