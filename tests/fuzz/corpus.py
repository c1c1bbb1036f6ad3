"""Inputs that are kept: one file of a target, one input a line, so that a change of them can be read in a diff."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.fuzz.seeds import CORPUS
from tests.fuzz.target import Target

MOST = 24
"""Inputs that are kept of one target."""
LONGEST = 512
"""Bytes of each."""


def kept(target: Target, directory: Path = CORPUS) -> list[bytes]:
    """The inputs that are kept of a target."""
    file = directory / f"{target.name}.jsonl"
    if not file.exists():
        return []
    return [base64.b64decode(json.loads(line)) for line in file.read_text(encoding="ascii").splitlines()]


def keep(target: Target, inputs: Iterable[bytes], directory: Path = CORPUS) -> None:
    """Keep short and long ones of ``inputs`` in place of what was kept."""
    short = sorted({each for each in inputs if 0 < len(each) <= LONGEST}, key=lambda each: (len(each), each))
    chosen = short[:: -(-len(short) // MOST) or 1]
    lines = (json.dumps(base64.b64encode(each).decode()) + "\n" for each in chosen)
    directory.mkdir(exist_ok=True)
    (directory / f"{target.name}.jsonl").write_text("".join(lines), encoding="ascii")


def lay_out(inputs: Iterable[bytes], directory: Path) -> None:
    """Write each input to a file of its own, as libFuzzer reads them."""
    directory.mkdir(parents=True, exist_ok=True)
    for each in inputs:
        (directory / hashlib.sha256(each).hexdigest()[:32]).write_bytes(each)


def laid_out(directory: Path) -> Iterator[bytes]:
    """The inputs in a directory."""
    for path in sorted(directory.iterdir()):
        yield path.read_bytes()
