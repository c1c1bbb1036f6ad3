"""What an administrator may decide about the verdicts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of the configuration that the core works with; the seconds are of CLOCK_MONOTONIC.

    ``settle_seconds``: how long a map that has just appeared may gather its paths before it is called at risk.
    ``single_path_ok``: names or WWIDs of maps for which one path is enough. ``slack_seconds``: how much later than its
    bound a phase of an outage may be seen to end before it is called overdue, for polls and timers are late, too.
    ``silence_grace_seconds``: how much longer than noop_out_interval a session may be silent before its paths are
    suspect; docs/timeouts.md tells what it is a trade of. ``flap_failures`` failures of a path within
    ``flap_window_seconds`` make it flapping; 0 of them: never.
    """

    settle_seconds: float = 5.0
    single_path_ok: frozenset[str] = frozenset()
    slack_seconds: float = 2.0
    silence_grace_seconds: float = 2.0
    flap_failures: int = 3
    flap_window_seconds: float = 600.0
