"""The fields of the journal entries, each declared once. The table in docs/alerts.md is made from this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mpathd_watch.core.catalog import words
from mpathd_watch.core.catalog.words import Vocabulary
from mpathd_watch.immutable import immutable

PREFIX: Final = "MPATHD_WATCH_"
"""What every field's name begins with in the journal; the table leaves it out."""
DAEMON_EVENT: Final = "daemon"
"""The field ``EVENT`` of the daemon's entries about itself, which have no MESSAGE_ID."""


@immutable
class Field:
    """What a field holds, and which words it may hold where these are known beforehand."""

    meaning: str
    words: tuple[Vocabulary, ...] = ()


FIELDS: Final[Mapping[str, Field]] = {
    "EVENT": Field(f"the event, as in the table above; `{DAEMON_EVENT}` in the daemon's entries about itself"),
    "MAP": Field("the name of the map, as in the label `map` of the metrics"),
    "WWID": Field("the WWID of the map"),
    "PATH": Field("the name of the path, as in the label `path` of the metrics"),
    "DEV": Field("the kernel's name of the disk (`sdb`), the last known one while the path is missing"),
    "HCTL": Field("the SCSI address of the disk"),
    "TARGET": Field("the name of the iSCSI target (IQN)"),
    "PORTAL": Field("`ADDRESS:PORT` of the target's portal"),
    "SESSION": Field("the name of the session, as in the label `session` of the metrics"),
    "NEXUS": Field("the name of what paths of another transport than iSCSI go through, in alerts about it"),
    "HEALTH": Field("the new health of the path or map", (words.PATH_HEALTH, words.MAP_HEALTH)),
    "PREVIOUS_HEALTH": Field("its health before"),
    "CAUSE": Field("why the outage began, as far as is known", (words.CAUSE,)),
    "OUTAGE": Field("an id that all entries about one outage of one path share"),
    "INCIDENT": Field("an id that all entries about what one cause has brought about share"),
    "ELAPSED_SEC": Field("seconds since the outage began"),
    "PATHS_USABLE": Field("how many paths of the map are up or suspect"),
    "PATHS_EXPECTED": Field("how many paths the map should have"),
    "PATHS": Field("how many paths go through the session"),
    "MAPS": Field("how many maps these paths belong to"),
    "MAPS_LOST": Field("how many of them have no usable path"),
    "MAPS_AT_RISK": Field("how many of them have one usable path left"),
    "PORT_GROUP": Field("the number of the target port group (ALUA); in `array_moved`, those that are optimized now"),
    "PORT_GROUP_BEFORE": Field("the port groups that were active/optimized before"),
    "WAITED_SEC": Field("the seconds for which a map had no usable path while the array moved its LUN, the longest"),
    "ATTENTION": Field("what the target has reported", (words.ATTENTION,)),
    "COUNT": Field("how many unit attentions came within the second"),
    "SOURCE": Field("the source", (words.SOURCE,)),
    "REASON": Field("why the source does not answer", (words.SOURCE_REASON,)),
    "BUDGET_SEC": Field("seconds that the timeouts in force allow for the failover, or for the phase that has begun"),
    "VERDICT": Field("whether the outage kept within its budget", (words.VERDICT,)),
    "PHASE": Field("the phase that is overdue, or that exceeded its budget", (words.PHASE,)),
    "SILENCE_SEC": Field(
        "seconds from the last sign of life of the target to the failure of its session; in `path_suspect`, to the "
        "moment when the session was last read"
    ),
    "SHARED": Field("what lost and silent sessions have in common, for example `all 4 sessions through eth2`"),
    "FAILURES": Field(f"how often the path has failed within `{PREFIX}WITHIN_SEC`"),
    "WITHIN_SEC": Field("seconds since the first of these failures"),
    "MEASURE": Field("in what the path is slow", (words.MEASURE,)),
    "VALUE_SEC": Field("seconds that the path takes in that measure"),
    "SIBLINGS_SEC": Field("the median of what its siblings take, for a latency with I/Os of the same kinds and sizes"),
    "COMPARED_SEC": Field("seconds over which they were compared"),
    "COMPARED_IOS": Field("the path's I/Os in these seconds, for a latency"),
    "ENDED": Field("the event that is over, `path_flapping` or `path_slow`"),
    "CODE": Field("the code of the finding, see [findings.md](findings.md)"),
    "SEVERITY": Field("how severe the finding is", (words.SEVERITY,)),
    "SUBJECT": Field("what the finding is about: a session, a map, a file"),
    "OBJECTS": Field("how many objects the findings of the entry are about"),
    "WHERE": Field("the line of a file that the finding is about, `FILE:LINE`"),
    "DELAY_SEC": Field(
        "seconds that the entry waited in mpathd-watch until journald accepted it, if it was 1 or more: it is about a "
        "moment so long before its timestamp"
    ),
}
"""Every field that an alert may carry, without ``PREFIX``."""
