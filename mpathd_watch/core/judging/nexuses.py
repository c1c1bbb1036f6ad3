"""Judging nexuses: the one alert for a nexus that is lost, and what it shares with others that are."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.effects import NexusAnnounced
from mpathd_watch.core.judging.expected import removal_reported
from mpathd_watch.core.model.vocabulary import Liveness
from mpathd_watch.core.state import NexusState
from mpathd_watch.core.state.lost_together import lost_together
from mpathd_watch.immutable import replace


def judge_nexuses(draft: Draft) -> None:
    """Report the nexuses that are lost or back."""
    if not draft.nexuses.changed:
        return
    before = draft.before.nexuses
    changed = {label: nexus for label, nexus in draft.nexuses.items() if before.get(label) != nexus}
    if not changed:
        return
    through = _paths_through(draft, changed)
    for label, nexus in changed.items():
        paths = len(through[label])
        maps = len({wwid for wwid, _ in through[label]})
        if nexus.liveness is Liveness.CARRYING:
            if nexus.announced_lost:
                draft.emit(messages.nexus_restored(nexus, paths, maps))
                draft.emit(NexusAnnounced(label, None))
            draft.nexuses[label] = replace(nexus, ever_up=True, announced_lost=False, announced_with="")
            _separate(draft, nexus.announced_with)
        elif nexus.liveness.lost and not nexus.announced_lost and _has_its_own_alert(nexus, paths):
            shared = lost_together([label], draft.nexuses, draft.rest.links)
            covered = any(
                other.announced_lost and other.announced_with == shared and other.label != label
                for other in draft.nexuses.values()
            )
            draft.emit(messages.nexus_lost(nexus, paths, maps, shared, covered=bool(shared) and covered))
            draft.emit(NexusAnnounced(label, shared))
            draft.nexuses[label] = replace(nexus, announced_lost=True, announced_with=shared)


def _separate(draft: Draft, words: str) -> None:
    """What was announced in these words no longer holds: a nexus that is lost again is news."""
    for label, nexus in tuple(draft.nexuses.items()):
        if words and nexus.announced_with == words:
            draft.emit(NexusAnnounced(label, ""))
            draft.nexuses[label] = replace(nexus, announced_with="")


def _has_its_own_alert(nexus: NexusState, paths: int) -> bool:
    """With one path, the path's own entry is the alert; a nexus without any is news only if it had been up."""
    return paths > 1 or (paths == 0 and nexus.ever_up and nexus.present)


def _paths_through(draft: Draft, labels: Iterable[str]) -> dict[str, list[PathKey]]:
    through: dict[str, list[PathKey]] = {label: [] for label in labels}
    for wwid, path in draft.paths_through(*through):
        if not removal_reported(draft, wwid):
            through[path.nexus].append((wwid, path.label))
    return through
