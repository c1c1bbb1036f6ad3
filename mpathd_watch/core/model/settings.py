"""What an administrator may decide about the verdicts."""

from __future__ import annotations

from mpathd_watch.core.model.acknowledgement import ACKNOWLEDGEMENTS, Acknowledgement
from mpathd_watch.core.model.declaration import COUNT, NAMES, SECONDS, setting
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
