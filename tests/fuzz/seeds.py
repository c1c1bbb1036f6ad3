"""Where inputs that make sense come from."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).parent.parent.parent
GOLDEN = CHECKOUT / "tests/golden"
RECORDING = CHECKOUT / "mpathd_watch/recordings/article.jsonl"
CORPUS = CHECKOUT / "tests/fuzz/corpus"
"""What was kept of the campaigns: for each target a file."""
