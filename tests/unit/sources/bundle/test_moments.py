"""When a bundle was made."""

from __future__ import annotations

import pytest

from mpathd_watch.sources.bundle.moments import moment

THEN = 1795660578.0  # 2026-11-26 02:36:18 UTC


@pytest.mark.parametrize(
    ("date", "modified", "expected"),
    [
        ("Thu Nov 26 02:36:18 UTC 2026\n", None, THEN),
        ("Thu Nov 26 02:36:18 AM UTC 2026\n", None, THEN),
        ("Thu Nov 26 02:36:18 PM UTC 2026\n", None, THEN + 12 * 3600),
        ("Thu 26 Nov 2026 02:36:18 AM GMT\n", THEN + 99, THEN),
        # Local time confirms when the file was written, within the widest of time zones.
        ("Thu Nov 26 03:36:18 CET 2026\n", THEN + 0.5, THEN + 0.5),
        ("Thu Nov 26 03:36:18 CET 2026\n", THEN + 99 * 3600, THEN + 3600),
        ("Thu Nov 26 03:36:18 CET 2026\n", None, THEN + 3600),
        ("Do 26. Nov 02:36:18 UTC 2026\n", THEN, THEN),
        ("Foo 26 02:36:18 UTC 2026\n", THEN, THEN),
        ("", THEN, THEN),
        (None, None, None),
    ],
)
def test_the_moment(date: str | None, modified: float | None, expected: float | None) -> None:
    assert moment(date, modified) == expected
