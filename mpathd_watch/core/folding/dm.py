"""Folding what dm reports: kernel uevents, and multipathd's listings.

A uevent reports a transition and is believed at once. ``show maps json`` reads the kernel's status at the moment of
the answer, so it overrules any uevent that came before the request. ``show paths raw`` prints multipathd's memory,
which can lag behind the kernel: on dm it is believed only where nothing better is known, and where it contradicts, the
kernel is asked.

A path that dm reinstates is used again, whatever multipathd's checker reported last: after ``multipathd reinstate
path`` the listing goes on calling it faulty until the checker's next run, several seconds later (seen with 0.11.1).
Until then the checker is overruled.
"""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.draft import Draft
from mpathd_watch.core.effects import Scope
from mpathd_watch.core.events import BlockEvent, DmPathEvent, DmPathEvents, DmStatusRead, MapsListed, PathsListed
from mpathd_watch.core.judging.expected import CONFIRMED_WITHIN
from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.views import CheckerView, DmView
from mpathd_watch.core.model.vocabulary import DmAction, DmState, SourceName
from mpathd_watch.core.state import Due, MapState, PathState, Wait
from mpathd_watch.core.verdicts.health import CONDEMNED_BY_CHECKER
from mpathd_watch.immutable import replace

SAME_END = 1.5
"""Seconds by which two ends of the queueing differ that are the same: what multipathd prints is in whole seconds, and a
listing may wait for it."""
LONGEST = 1e9
"""Seconds: no_path_retry times polling_interval is less."""
_AFTER = {DmAction.PATH_FAILED: DmState.FAILED, DmAction.PATH_REINSTATED: DmState.ACTIVE}


def path_event(draft: Draft, event: DmPathEvent) -> None:
    """Take over one transition of one path.

    DM_SEQNUM orders the events of a dm device: those that were batched come newest first (dm_uevent_add() in
    drivers/md/dm-uevent.c inserts at the head), so an older one that comes later changes nothing any more.
    """
    count_uevent(draft, "change")
    map_ = draft.maps.get(event.wwid)
    members = draft.paths(event.wwid).values() if map_ else ()
    path = next((path for path in members if path.member and path.place.dev_t == event.dev_t), None)
    if map_ is None or path is None:
        draft.resync("unknown_path")
        return
    draft.refresh(Scope.PATHS, Scope.NEXUSES)
    draft.refresh_devices((path.place.dev,))
    seqnum = path.dm.seqnum
    if event.seqnum is not None:
        if map_.seqnum is not None and event.seqnum != map_.seqnum + 1:
            # A step back is a late event or a device made again, a step ahead may be a loss: ask the kernel.
            draft.refresh(Scope.MAPS)
        draft.maps[event.wwid] = replace(map_, seqnum=max(event.seqnum, map_.seqnum or 0))
        if seqnum is not None and event.seqnum <= seqnum:
            return
        seqnum = event.seqnum
    # dm reinstates only what had failed, even if that was never reported (reinstate_path() in dm-mpath.c).
    checker, overruled = path.checker, event.action is DmAction.PATH_REINSTATED
    if checker.overruled is not overruled:
        checker = replace(checker, overruled=overruled)
    dm = DmView(_AFTER[event.action], draft.now.monotonic, seqnum)
    draft.set_path(event.wwid, replace(path, dm=dm, checker=checker))


def path_events(draft: Draft, event: DmPathEvents) -> None:
    """Take over transitions of paths of different maps."""
    for each in event.events:
        path_event(draft, each)


def block_event(draft: Draft, event: BlockEvent) -> None:
    """Have read what can show what a disk's coming, going or change means."""
    count_uevent(draft, event.action)
    if event.action in ("add", "remove", "move") or event.resized:
        draft.refresh(Scope.SYSTEM)
    if not event.sysfs_name.startswith("dm-"):
        return
    if event.reloaded:
        draft.refresh(Scope.SYSTEM)
    for wwid in [map_.wwid for map_ in draft.maps.values() if map_.sysfs_name == event.sysfs_name]:
        if event.action == "remove":
            draft.deadlines[Due(Wait.REMOVED, wwid)] = draft.now.monotonic + CONFIRMED_WITHIN
        elif event.reloaded:
            _reloaded(draft, wwid)


def made_anew(draft: Draft, wwid: str) -> None:
    """Forget the dm device a map was: another one counts its DM_SEQNUM from the start."""
    draft.refresh(Scope.MAPS, Scope.PATHS)
    draft.maps[wwid] = replace(draft.maps[wwid], seqnum=None)
    for path in tuple(draft.paths(wwid).values()):
        draft.set_path(wwid, replace(path, dm=DmView()))


def count_uevent(draft: Draft, action: str) -> None:
    """Count an event under its action; ``other`` stands for what lib/kobject_uevent.c does not know."""
    word = action if action in _ACTIONS else "other"
    counters = draft.counters
    uevents = {**counters.uevents, word: counters.uevents.get(word, 0) + 1}
    draft.counters = replace(counters, uevents=frozen(uevents))


_ACTIONS = ("add", "remove", "change", "move", "online", "offline", "bind", "unbind")


def _reloaded(draft: Draft, wwid: str) -> None:
    """A table just loaded has all its paths active, without any uevent (parse_path() in drivers/md/dm-mpath.c)."""
    draft.refresh(Scope.MAPS, Scope.PATHS)
    if draft.is_up(SourceName.MULTIPATHD):
        return
    for path in tuple(draft.paths(wwid).values()):
        if path.dm.state is DmState.FAILED:
            draft.set_path(wwid, replace(path, dm=DmView(changed=path.dm.changed)))


def paths_listed(draft: Draft, event: PathsListed) -> None:
    """Take over the checkers' states; dm's only where it is unknown or no uevents come."""
    draft.multipathd_answered()
    listed = _by_device(event.paths)
    for wwid, map_ in tuple(draft.maps.items()):
        for path in map_.paths.values():
            if not path.member:
                continue
            listing = listed.get((wwid, path.place.dev, path.place.dev_t))
            if listing is not None and _is_known(path, listing):
                continue
            after = _checked(path, listing, event.requested)
            if listing is not None and listing.dm_state is not DmState.UNKNOWN:
                if after.dm.state is DmState.UNKNOWN or not draft.is_up(SourceName.UEVENT):
                    after = _settled(after, listing.dm_state, event.requested)
                elif listing.dm_state is not after.dm.state:
                    draft.refresh(Scope.MAPS)
            draft.set_path(wwid, path if after == path else after)
    _look_for_unknown_maps(draft, (path.wwid for path in event.paths if path.map_name))


def maps_listed(draft: Draft, event: MapsListed) -> None:
    """Take over the kernel's path states and whatever multipathd knows of the maps."""
    draft.multipathd_answered()
    for listing in event.maps:
        if listing.wwid in draft.maps:
            _fold_listing(draft, listing, event.requested)
    _look_for_unknown_maps(draft, (listing.wwid for listing in event.maps))
    if draft.rest.dm_stale is not None and event.requested >= draft.rest.dm_stale:
        draft.rest = replace(draft.rest, dm_stale=None)
        # A map that the listing leaves out was not read from the kernel, and events of it may be lost.
        forget(draft, draft.maps.keys() - {listing.wwid for listing in event.maps})


def status_read(draft: Draft, event: DmStatusRead) -> None:
    """Take over the kernel's path states while multipathd, which reads the same, does not answer.

    A reading from before the first uevent that could be received, or from before uevents were lost, is of no use: a
    path may have failed since.
    """
    since, stale = draft.rest.uevents_since, draft.rest.dm_stale
    watched = draft.source(SourceName.UEVENT).up is not None
    missed = (watched and since is None) or event.requested < max(since or 0.0, stale or 0.0)
    if draft.is_up(SourceName.MULTIPATHD) or missed:
        return
    read = {status.name: status for status in event.maps}
    for wwid, map_ in tuple(draft.maps.items()):
        status = read.get(map_.name)
        if status is None:
            continue
        if status.queues is not None:
            draft.maps[wwid] = replace(map_, queueing=replace(map_.queueing, waits=status.queues))
            draft.regrouped.add(wwid)
        for path in map_.paths.values():
            state = status.paths.get(path.place.dev_t, DmState.UNKNOWN)
            if path.member and state is not DmState.UNKNOWN:
                draft.set_path(wwid, _settled(path, state, event.requested))
    if stale is not None and all(map_.name in read for map_ in draft.maps.values()):
        draft.rest = replace(draft.rest, dm_stale=None)


def _fold_listing(draft: Draft, listing: MapListing, requested: float) -> None:
    map_ = draft.maps[listing.wwid]
    ends = _queueing_ends(map_, listing, draft.now)
    queueing = replace(map_.queueing, text=listing.queueing, ends=ends, waits=listing.queues)
    known = (map_.queueing, map_.vendor, map_.product)
    if known != (queueing, listing.vendor, listing.product):
        draft.maps[listing.wwid] = replace(
            map_,
            queueing=queueing,
            vendor=listing.vendor,
            product=listing.product,
        )
        draft.regrouped.add(listing.wwid)
    listed = _by_device(listing.paths)
    for path in map_.paths.values():
        found = listed.get((listing.wwid, path.place.dev, path.place.dev_t))
        if not path.member or found is None or _is_known(path, found):
            continue
        after_path = _checked(path, found, requested)
        if found.dm_state is not DmState.UNKNOWN:
            after_path = _settled(after_path, found.dm_state, requested)
        draft.set_path(listing.wwid, path if after_path == path else after_path)


def _queueing_ends(map_: MapState, listing: MapListing, now: Instant) -> Instant | None:
    """When multipathd has the I/O fail that waits: it prints the seconds that are left (%Q, snprint_queueing()).

    It counts down once a second, and may be late. So what differs little is the same moment.
    """
    left, _, unit = listing.queueing.partition(" ")
    if not listing.queues or unit != "sec" or not (left.isascii() and left.isdigit()):
        return None
    ends, before = now.later(min(float(left), LONGEST)), map_.queueing.ends
    return before if before is not None and abs(ends.monotonic - before.monotonic) <= SAME_END else ends


def _by_device(paths: Iterable[PathListing]) -> dict[tuple[str, str, str], PathListing]:
    return {(path.wwid, path.dev, path.dev_t): path for path in paths}


def _is_known(path: PathState, listing: PathListing) -> bool:
    """Whether the listing shows a path that is not in an outage just as it is known.

    Most do, and then it costs little. Only what takes a path depends on when the checker was read last.
    """
    checker = path.checker
    return (
        path.outage is None
        and checker.read is not None
        and not checker.overruled
        and listing.checker_state is checker.state
        and listing.checker == checker.name
        and listing.marginal == checker.marginal
        and listing.failures in (None, checker.failures)
        and listing.group in (None, checker.group)
        and listing.priority in (None, checker.priority)
        and listing.dm_state in (DmState.UNKNOWN, path.dm.state)
    )


def _checked(path: PathState, listing: PathListing | None, requested: float) -> PathState:
    """The path with the checker's state, unless a later request has already given it."""
    before = path.checker
    if before.read is not None and requested < before.read:
        return path
    if listing is None:
        return replace(path, checker=CheckerView(read=requested, overruled=_overruled(path, None, requested)))
    checker = CheckerView(
        listing.checker_state,
        listing.checker,
        requested,
        overruled=_overruled(path, listing, requested),
        marginal=listing.marginal,
        # show maps json does not print how often a path has failed, and the other listing neither of these.
        failures=before.failures if listing.failures is None else listing.failures,
        group=before.group if listing.group is None else listing.group,
        priority=before.priority if listing.priority is None else listing.priority,
    )
    return replace(path, checker=checker)


def _overruled(path: PathState, listing: PathListing | None, requested: float) -> bool:
    """Whether dm's reinstatement still counts for more than what the checker reports."""
    older = path.dm.changed is not None and requested < path.dm.changed
    condemned = listing is not None and listing.checker_state in CONDEMNED_BY_CHECKER
    return path.checker.overruled and (older or condemned)


def _settled(path: PathState, dm: DmState, requested: float) -> PathState:
    """The path with the kernel's state, unless a uevent has come since it was asked for."""
    if path.dm.changed is not None and requested < path.dm.changed:
        return path
    reinstated = path.dm.state is DmState.FAILED or path.checker.overruled
    overruled = reinstated and dm is DmState.ACTIVE
    if dm is path.dm.state and overruled is path.checker.overruled:
        return path
    return replace(path, dm=replace(path.dm, state=dm), checker=replace(path.checker, overruled=overruled))


def _look_for_unknown_maps(draft: Draft, wwids: Iterable[str]) -> None:
    if any(wwid not in draft.maps or not draft.maps[wwid].exists for wwid in set(wwids)):
        draft.refresh(Scope.SYSTEM)


def forget(draft: Draft, wwids: Iterable[str]) -> None:
    """Whether dm uses the paths of these maps is not known any more."""
    for wwid in tuple(wwids):
        for path in tuple(draft.paths(wwid).values()):
            if path.dm.state is not DmState.UNKNOWN:
                draft.set_path(wwid, replace(path, dm=replace(path.dm, state=DmState.UNKNOWN)))
