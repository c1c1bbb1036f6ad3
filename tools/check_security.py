"""Check that each promise in SECURITY.md names a test, and that each test that it names exists.

``python -m tools.check_security`` prints a line for each that does not, and fails then.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = "SECURITY.md"
PROMISES: Final = "## What it promises"
_TEST: Final = re.compile(r"`([^`\s]+\.py)::([^`\s]+)`")
_RULE: Final = re.compile(r"[|\s:-]+")


def faults(page: str, root: Path) -> Iterator[str]:
    """What is wrong with the page whose text is ``page``, a line each. ``root`` is the top of the tree."""
    if f"\n{PROMISES}\n" not in page:
        yield f"{PAGE}: there is no section '{PROMISES}'"
        return
    for number, line in _rows(page):
        tests = _TEST.findall(line)
        if not tests:
            yield f"{PAGE}:{number}: the promise names no test"
        for file, name in tests:
            if name not in _functions(root / file):
                yield f"{PAGE}:{number}: there is no test {file}::{name}"


def _rows(page: str) -> Iterator[tuple[int, str]]:
    """The rows of the tables of promises with the numbers of their lines, without the heads."""
    within, previous = False, ""
    lines = page.splitlines()
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True), start=1):
        if re.match(r"## ", line):
            within = line == PROMISES
        is_head = line.startswith("|") and not previous.startswith("|") and _is_rule(following)
        if within and line.startswith("|") and not is_head and not _is_rule(line):
            yield number, line
        previous = line


def _is_rule(line: str) -> bool:
    """Whether this is the line below the head of a table."""
    return line.startswith("|") and _RULE.fullmatch(line) is not None


@lru_cache(maxsize=256)
def _functions(file: Path) -> frozenset[str]:
    """The names of the test functions in a file; none if there is no such file."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def main() -> int:
    """Print what is wrong. Returns the exit status."""
    found = list(faults((ROOT / PAGE).read_text(encoding="utf-8"), ROOT))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
