"""What an administrator may decide about the verdicts."""

from __future__ import annotations

from mpathd_watch.core.model.acknowledgement import ACKNOWLEDGEMENTS, Acknowledgement
from mpathd_watch.core.model.declaration import COUNT, NAMES, SECONDS, YES_OR_NO, setting
from mpathd_watch.core.model.expectation import EXPECTATIONS, Expectation
from mpathd_watch.immutable import immutable


@immutable
class Settings:
    """The part of the configuration that the core works with. The seconds are those of CLOCK_MONOTONIC.

    A recording holds these fields (``SettingsChanged``), so a field that is renamed or removed makes the old recordings
    unreadable.
    """

    settle_seconds: float = setting(
        5.0, SECONDS, "How long a map that has just appeared may gather its paths before it is reported as at risk."
    )
    single_path_ok: frozenset[str] = setting(
        frozenset(),
        NAMES,
        "Maps for which one path is enough, by name or WWID, for example "
        '["backup", "360000000000000000e00000000010001"].',
    )
    slack_seconds: float = setting(
        2.0,
        SECONDS,
        "How much longer than the timeouts promise a phase of an outage may take before it is reported as overdue. "
        "Both ends of a phase are found by polling, up to half a second late, and the timers of the kernel and of "
        "multipathd fire late, too.",
    )
    silence_grace_seconds: float = setting(
        2.0,
        SECONDS,
        "How much longer than noop_out_interval a session may be silent before its paths are suspect. A lower value "
        "warns earlier, but it also warns falsely where answers to pings take that long. "
        "/usr/share/doc/mpathd-watch/early-warning.md has measured figures.",
    )
    flap_failures: int = setting(
        3,
        COUNT,
        "A path is flapping when it has failed this many times within flap_window_seconds. 0 turns the check off.",
    )
    flap_window_seconds: float = setting(600.0, SECONDS, "The period within which flap_failures are counted.")
    learn_seconds: float = setting(
        60.0,
        SECONDS,
        "How long a path must have been in its map, without a break, before it is expected there over restarts, too.",
    )
    start_grace_seconds: float = setting(
        60.0,
        SECONDS,
        "How long after the start of the daemon a path or map that has not come back stays unreported. Status and "
        "metrics show it as missing at once.",
    )
    expect_maps: bool = setting(
        True,
        YES_OR_NO,
        "Whether maps are expected to come back after a restart, and not to vanish while all their paths are down. "
        "false is for hosts whose maps come and go at any time, restarts included: then only the paths of those maps "
        "are expected that exist.",
    )
    expect: tuple[Expectation, ...] = setting(
        (),
        EXPECTATIONS,
        "What a map should have, one table for each map. map is its name or WWID. paths is the number of its paths, "
        "or the list of their names as mpathd-watch status prints them. Paths that are learned are expected beside "
        "these.",
        example=(("map", "mpatha"), ("paths", ("192.168.1.1:3260", "192.168.2.1:3260"))),
    )
    acknowledge: tuple[Acknowledgement, ...] = setting(
        (),
        ACKNOWLEDGEMENTS,
        "A finding that is meant: one table for each. It is shown with its reason, but neither counts nor alerts. "
        "finding is its code, as mpathd-watch check prints it. object is the session, map, file or service that check "
        "names; it may end in *, which stands for any text, and is * unless set. reason is a text for people. An entry "
        "that fits no finding has no effect. As a table takes up all keys that follow it, such entries belong at the "
        "end of the file.",
        example=(("finding", "single_path"), ("object", "backup*"), ("reason", "the backup array has one port")),
    )
