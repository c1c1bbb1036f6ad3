"""Which paths carry the I/O of each map (``verdicts.access_use``), followed from one audit to the next."""

from __future__ import annotations

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.vocabulary import USABLE
from mpathd_watch.core.state import PathState
from mpathd_watch.core.verdicts import access_use
from mpathd_watch.immutable import replace


def follow(draft: Draft) -> None:
    """Take over what the disks of all maps have done since the last audit."""
    auditing = draft.rest.auditing
    found: dict[str, access_use.AccessUse] = {}
    for wwid in draft.maps:
        paths = [_reading(path) for path in draft.paths(wwid).values() if path.member]
        use = access_use.followed(auditing.access.get(wwid), paths, draft.now.monotonic)
        if use is not None:
            found[wwid] = use
    draft.rest = replace(draft.rest, auditing=replace(auditing, access=frozen(found)))


def _reading(path: PathState) -> access_use.Reading:
    """A marginal path is one that multipathd does not want to use."""
    usable = path.health in USABLE and not path.checker.marginal
    access = path.disk.access
    return access_use.Reading(
        path.label,
        path.place.device,
        access.state,
        bool(access.preferred),
        path.verdict.since.monotonic if usable else None,
        path.disk.io,
    )
