"""Folding dm's own word: kernel uevents, and multipathd's listings.

A uevent tells of a transition and is believed at once. ``show maps json`` reads the kernel's status at the moment of
the answer, so it overrules any uevent that came before the request. ``show paths raw`` prints multipathd's memory,
which can lag behind the kernel: on dm it is believed only where nobody knows better, and where it contradicts, the
kernel is asked.

A path that dm takes back is used again, whatever multipathd's checker said last: after ``multipathd reinstate path``
the listing goes on calling it faulty until the checker's next turn, some seconds later (seen with 0.11.1). Until then
the checker is overruled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mpathd_watch.core.draft import Turn
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import BlockEvent, DmPathEvent, MapsListed, PathsListed
from mpathd_watch.core.folding.sources import forget_dm
from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.core.model.vocabulary import CheckerState, DmAction, DmState, SourceName
from mpathd_watch.core.state import PathState, frozen
from mpathd_watch.core.verdicts.health import CONDEMNED_BY_CHECKER

_AFTER = {DmAction.PATH_FAILED: DmState.FAILED, DmAction.PATH_REINSTATED: DmState.ACTIVE}


def path_event(turn: Turn, event: DmPathEvent) -> None:
    """Take over one transition of one path.

    DM_SEQNUM orders the events of a dm device: those that were batched come newest first (dm_uevent_add() in
    drivers/md/dm-uevent.c inserts at the head), so an older one that comes later changes nothing any more.
    """
    count_uevent(turn, "change")
    known = turn.maps.get(event.wwid)
    members = turn.paths(event.wwid).values() if known else ()
    path = next((path for path in members if path.member and path.dev_t == event.dev_t), None)
    if known is None or path is None:
        turn.resync("unknown_path")
        return
    turn.refresh(Scope.PATHS, Scope.SESSIONS)
    turn.refresh_devices((path.dev,))
    if event.seqnum is not None:
        if known.seqnum is not None and event.seqnum != known.seqnum + 1:
            # A step back is a late event or a device made anew, a step ahead may be a loss: ask the kernel.
            turn.refresh(Scope.MAPS)
        turn.maps[event.wwid] = replace(known, seqnum=max(event.seqnum, known.seqnum or 0))
        if path.dm_seqnum is not None and event.seqnum <= path.dm_seqnum:
            return
        path = replace(path, dm_seqnum=event.seqnum)
    turn.set_path(
        event.wwid,
        replace(
            path,
            dm=_AFTER[event.action],
            dm_changed=turn.now.monotonic,
            # dm reinstates only what had failed, even if that was never heard of (reinstate_path() in dm-mpath.c).
            checker_overruled=event.action is DmAction.PATH_REINSTATED,
        ),
    )


def block_event(turn: Turn, event: BlockEvent) -> None:
    """Wake whoever can tell what a disk's coming, going or change means."""
    count_uevent(turn, event.action)
    if event.action in ("add", "remove", "move"):
        turn.refresh(Scope.SYSTEM)
    if not event.sysfs_name.startswith("dm-"):
        return
    if event.reloaded:
        turn.refresh(Scope.SYSTEM)
    for wwid in [known.wwid for known in turn.maps.values() if known.sysfs_name == event.sysfs_name]:
        if event.action == "remove":
            made_anew(turn, wwid)
        elif event.reloaded:
            _doubt_reloaded(turn, wwid)


def made_anew(turn: Turn, wwid: str) -> None:
    """Forget the dm device a map was: another one counts its DM_SEQNUM from the start."""
    turn.refresh(Scope.MAPS, Scope.PATHS)
    turn.maps[wwid] = replace(turn.maps[wwid], seqnum=None)
    for path in tuple(turn.paths(wwid).values()):
        turn.set_path(wwid, replace(path, dm=DmState.UNKNOWN, dm_changed=None, dm_seqnum=None))


def count_uevent(turn: Turn, action: str) -> None:
    """Count an event under its action; ``other`` stands for what lib/kobject_uevent.c does not know."""
    word = action if action in _ACTIONS else "other"
    uevents = dict(turn.counters.uevents)
    uevents[word] = uevents.get(word, 0) + 1
    turn.counters = replace(turn.counters, uevents=frozen(uevents))


_ACTIONS = ("add", "remove", "change", "move", "online", "offline", "bind", "unbind")


def _doubt_reloaded(turn: Turn, wwid: str) -> None:
    """A freshly loaded table has all its paths active and says so to nobody (parse_path() in drivers/md/dm-mpath.c)."""
    turn.refresh(Scope.MAPS, Scope.PATHS)
    if turn.is_up(SourceName.MULTIPATHD):
        return
    for path in tuple(turn.paths(wwid).values()):
        if path.dm is DmState.FAILED:
            turn.set_path(wwid, replace(path, dm=DmState.UNKNOWN, dm_seqnum=None))


def paths_listed(turn: Turn, event: PathsListed) -> None:
    """Take over the checkers' states; dm's only where it is unknown or no uevents come."""
    turn.hear_multipathd()
    listed = _by_device(event.paths)
    for wwid, known in tuple(turn.maps.items()):
        for path in known.paths.values():
            if not path.member:
                continue
            listing = listed.get((wwid, path.dev, path.dev_t))
            after = _checked(path, listing, event.requested)
            if listing is not None and listing.dm_state is not DmState.UNKNOWN:
                if after.dm is DmState.UNKNOWN or not turn.is_up(SourceName.UEVENT):
                    after = _settled(after, listing.dm_state, event.requested)
                elif listing.dm_state is not after.dm:
                    turn.refresh(Scope.MAPS)
            turn.set_path(wwid, path if after == path else after)
    _look_for_unknown_maps(turn, (path.wwid for path in event.paths if path.map_name))


def maps_listed(turn: Turn, event: MapsListed) -> None:
    """Take over the kernel's path states and whatever multipathd knows of the maps."""
    turn.hear_multipathd()
    for listing in event.maps:
        if listing.wwid in turn.maps:
            _fold_listing(turn, listing, event.requested)
    _look_for_unknown_maps(turn, (listing.wwid for listing in event.maps))
    if turn.dm_doubted is not None and event.requested >= turn.dm_doubted:
        turn.dm_doubted = None
        # A map that the listing leaves out was not read from the kernel, and events of it may be lost.
        forget_dm(turn, turn.maps.keys() - {listing.wwid for listing in event.maps})


def _fold_listing(turn: Turn, listing: MapListing, requested: float) -> None:
    known = turn.maps[listing.wwid]
    after = replace(
        known,
        queues=listing.queues,
        queueing=listing.queueing,
        vendor=listing.vendor,
        product=listing.product,
    )
    if after != known:
        turn.maps[listing.wwid] = after
        turn.regrouped.add(listing.wwid)
    listed = _by_device(listing.paths)
    for path in known.paths.values():
        found = listed.get((listing.wwid, path.dev, path.dev_t))
        if not path.member or found is None:
            continue
        after_path = _checked(path, found, requested)
        if found.dm_state is not DmState.UNKNOWN:
            after_path = _settled(after_path, found.dm_state, requested)
        turn.set_path(listing.wwid, path if after_path == path else after_path)


def _by_device(paths: Iterable[PathListing]) -> dict[tuple[str, str, str], PathListing]:
    return {(path.wwid, path.dev, path.dev_t): path for path in paths}


def _checked(path: PathState, listing: PathListing | None, requested: float) -> PathState:
    """The path with the checker's state, unless a later request has already told it."""
    if path.checker_read is not None and requested < path.checker_read:
        return path
    checker = listing.checker_state if listing else CheckerState.UNKNOWN
    marginal = listing.marginal if listing else None
    # show maps json does not tell how often a path has failed.
    failures = None
    if listing is not None:
        failures = path.multipathd_failures if listing.failures is None else listing.failures
    older = path.dm_changed is not None and requested < path.dm_changed
    overruled = path.checker_overruled and (older or checker in CONDEMNED_BY_CHECKER)
    return replace(
        path,
        checker=checker,
        checker_name=listing.checker if listing else "",
        checker_read=requested,
        checker_overruled=overruled,
        marginal=marginal,
        multipathd_failures=failures,
    )


def _settled(path: PathState, dm: DmState, requested: float) -> PathState:
    """The path with the kernel's state, unless a uevent has come since it was asked for."""
    if path.dm_changed is not None and requested < path.dm_changed:
        return path
    taken_back = path.dm is DmState.FAILED or path.checker_overruled
    return replace(path, dm=dm, checker_overruled=taken_back and dm is DmState.ACTIVE)


def _look_for_unknown_maps(turn: Turn, wwids: Iterable[str]) -> None:
    if any(wwid not in turn.maps for wwid in wwids):
        turn.refresh(Scope.SYSTEM)
