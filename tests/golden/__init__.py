"""Recordings from the lab and what they must lead to."""

from pathlib import Path

GOLDEN = Path(__file__).parent
