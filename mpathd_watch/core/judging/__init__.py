"""Applying the verdicts to the draft: sessions, paths, maps, and in which order."""
