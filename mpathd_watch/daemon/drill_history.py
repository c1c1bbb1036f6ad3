"""What becomes of a drill that was made beside the daemon: it is kept in the store."""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.daemon.keeping import Keeping
from mpathd_watch.sinks.control.message import Reply
from mpathd_watch.store.drills import kept_drill


def keep_drill(keeping: Keeping | None, report: Mapping[str, object], now: float) -> Reply:
    """Have the report of a drill written at ``now`` (seconds since 1970), and reply. Returns at once."""
    if keeping is None:
        return Reply(done=False, text="this daemon keeps no history")
    try:
        kept = kept_drill(report, now)
    except (ValueError, RecursionError) as error:
        return Reply(done=False, text=f"the drill makes no sense: {error}")
    if not keeping.put_drill(kept):
        return Reply(done=False, text="too many drills wait to be written; the source store reports why")
    waits = " once the store can be written again" if keeping.outlet.stalled else ""
    return Reply(done=True, text=f"drill {kept.drill.id} is kept in the history{waits}")
