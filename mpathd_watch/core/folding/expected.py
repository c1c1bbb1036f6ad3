"""Folding what is expected: what earlier runs knew, what is declared and forgotten, what node records name.

A path that has been in a map is expected there as long as the daemon and the map last. One that has been there without
a break for ``learn_seconds`` is expected over restarts, too. What is expected and not there is in the state without a
disk (``PathState.awaited``), a map without its device (``MapState.exists``).

A map that is removed while a path is usable was taken away on purpose, and nothing is expected of it any more. One
whose paths are all out when it goes is lost until it is back or forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mpathd_watch.core.alerting import messages
from mpathd_watch.core.audit.node_records import node_records
from mpathd_watch.core.configuration import NodeRecord
from mpathd_watch.core.draft import Draft, PathKey
from mpathd_watch.core.events import Forget, Remembered, SettingsChanged, Tick
from mpathd_watch.core.folding.dm import made_anew
from mpathd_watch.core.formats.open_iscsi import keys, setting
from mpathd_watch.core.judging import order, restarts
from mpathd_watch.core.judging.expected import GRACE, as_expected
from mpathd_watch.core.model import identity
from mpathd_watch.core.model.expectation import Expectation
from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.views import Place
from mpathd_watch.core.model.vocabulary import Health, Transport
from mpathd_watch.core.state import Due, MapState, PathState, PathVerdict, Queueing, Wait
from mpathd_watch.core.transports import table
from mpathd_watch.immutable import replace

NOT_READ_YET = 5.0
"""Seconds by which the time to come back is longer if sysfs has not been read by its end."""
AT_BOOT = "automatic"
"""``node.startup`` of a record that open-iscsi logs in by itself at boot."""
_OUT = frozenset({Health.MISSING, Health.FAILED, Health.RECOVERING, Health.STALLED})
_NOTHING = ExpectedMap("")


# --- the start, and the settings --------------------------------------------------------------------------------------


def remembered(draft: Draft, event: Remembered) -> None:
    """Go on with what is known from before; what was expected then has some time to come back."""
    restarts.remembered(draft, event)
    draft.rest = replace(draft.rest, expected=event.memory.expected)
    draft.deadlines[GRACE] = draft.now.monotonic + draft.rest.settings.start_grace_seconds


def settings_changed(draft: Draft, event: SettingsChanged) -> None:
    """Judge by other settings from now on, and expect what they declare."""
    before = draft.rest.settings
    order.settings_changed(draft, event)
    if event.expect != before.expect:
        for wwid, map_ in tuple(draft.maps.items()):
            _declare_no_more(draft, map_, before)
            declare(draft, wwid)
            if not (map_.exists or draft.paths(wwid) or draft.maps[wwid].declared):
                draft.drop_map(wwid)  # it was only declared
    if before.expect_maps and not event.expect_maps:
        for wwid, map_ in tuple(draft.maps.items()):
            if not map_.exists:
                draft.emit(messages.map_forgotten(map_))
                _drop(draft, wwid)


def _declare_no_more(draft: Draft, map_: MapState, before: Settings) -> None:
    """Expect no path any more that only the settings of ``before`` had declared."""
    was, now = (_declared(settings, map_.wwid, map_.name) for settings in (before, draft.rest.settings))
    known = draft.rest.expected.get(map_.wwid, _NOTHING)
    for label in was.paths - now.paths - known.paths.keys():
        path = draft.paths(map_.wwid).get(label)
        if path is not None and path.awaited:
            draft.drop_path(map_.wwid, label)


def _declared(settings: Settings, wwid: str, name: str) -> Expectation:
    """What the administrator has declared of a map."""
    return next((each for each in settings.expect if each.map in (wwid, name)), Expectation(""))


def declare(draft: Draft, wwid: str) -> None:
    """Expect of a map what the administrator has declared."""
    map_ = draft.maps[wwid]
    found = _declared(draft.rest.settings, wwid, map_.name)
    if found.number != map_.declared:
        draft.maps[wwid] = replace(map_, declared=found.number)
        draft.regrouped.add(wwid)
    for label in sorted(found.paths - draft.paths(wwid).keys()):
        draft.set_path(wwid, _awaited(draft, label, ExpectedPath()))


def take_up_deadlines(draft: Draft, event: Tick) -> None:
    """Take up every deadline that has come and is no other room's."""
    order.take_up_deadlines(draft, event)
    learned: list[PathKey] = []
    for due in draft.deadlines.come(draft.now.monotonic):
        if due.wait is Wait.LEARN:
            del draft.deadlines[due]
            learned.append((due.wwid, due.path))
        elif due.wait is Wait.REMOVED:
            there_after_all(draft, due.wwid)
        elif due.wait is Wait.GRACE:
            _start_is_over(draft)
    _learn(draft, learned)


def _start_is_over(draft: Draft) -> None:
    """What has not come back by now is reported."""
    if not draft.rest.started:
        draft.deadlines[GRACE] = draft.now.monotonic + NOT_READ_YET
        return
    del draft.deadlines[GRACE]
    for wwid, path in _by_records(draft):
        draft.set_path(wwid, path)
    for wwid in draft.maps:
        draft.regrouped.add(wwid)
        draft.touched.update((wwid, path.label) for path in draft.paths(wwid).values() if path.awaited)
    draft.remember({wwid: None for wwid in draft.rest.expected if wwid not in draft.maps})
    restarts.drop_unknown_maps(draft)


# --- what is learned --------------------------------------------------------------------------------------------------


def joined(draft: Draft, wwid: str, label: str) -> None:
    """A path has come into its map: it is expected there for good once it has stayed."""
    if label not in draft.rest.expected.get(wwid, _NOTHING).paths:
        draft.deadlines[Due(Wait.LEARN, wwid, label)] = draft.now.monotonic + draft.rest.settings.learn_seconds


def _learn(draft: Draft, learned: Iterable[PathKey]) -> None:
    """Expect these paths over restarts, if they are still in their maps."""
    fresh: dict[str, ExpectedMap | None] = {}
    for wwid, label in learned:
        path = draft.paths(wwid)[label]
        if path.member:
            known = fresh.get(wwid) or draft.rest.expected.get(wwid, _NOTHING)
            fresh[wwid] = ExpectedMap(draft.maps[wwid].name, frozen({**known.paths, label: as_expected(path)}))
    if fresh:
        draft.remember(fresh)


def renamed(draft: Draft, wwid: str) -> None:
    """A map may have another name: it is the one to keep."""
    known, name = draft.rest.expected.get(wwid), draft.maps[wwid].name
    if known is not None and name not in ("", known.name):
        draft.remember({wwid: replace(known, name=name)})


# --- what is expected and not there -----------------------------------------------------------------------------------


def await_paths(draft: Draft, wwid: str) -> None:
    """Expect of a map that has just been found, or is missing, what is known of it.

    That includes a path that had not been there long enough to be learned when it went, and whose outage goes on.
    """
    learned = draft.rest.expected.get(wwid, _NOTHING).paths
    out = dict.fromkeys(draft.rest.memory.outages.get(wwid, ()), ExpectedPath())
    for label, path in {**out, **learned}.items():
        draft.set_path(wwid, _awaited(draft, label, path))
    declare(draft, wwid)


def _awaited(draft: Draft, label: str, path: ExpectedPath) -> PathState:
    place = Place("", "", "", path.transport, path.nexus, path.target, path.portal, path.iface)
    return PathState(label, PathVerdict(draft.now), place, member=False, proven=path.proven)


def await_maps(draft: Draft, labels: Iterable[str]) -> None:
    """After a full scan, expect the maps that it has not shown. ``labels`` are those of the maps that it has shown."""
    taken = set(labels)
    for wwid, name in _expected_maps(draft):
        map_ = draft.maps.get(wwid)
        label = _free(taken, "" if map_ is None else map_.label, name)
        taken.add(label)
        if map_ is None:
            _await_map(draft, wwid, label, name)
        elif map_.label != label:
            draft.maps[wwid] = replace(map_, label=label)
    _drop_found(draft)


def _await_map(draft: Draft, wwid: str, label: str, name: str) -> None:
    draft.maps[wwid] = MapState(wwid=wwid, label=label, name=name, sysfs_name="", since=draft.now)
    draft.regrouped.add(wwid)
    await_paths(draft, wwid)


def _expected_maps(draft: Draft) -> Iterator[tuple[str, str]]:
    """WWID and name of every map that should exist; one that is only declared has its name for a WWID."""
    if not draft.rest.settings.expect_maps:
        return
    yield from [(wwid, map_.name) for wwid, map_ in draft.maps.items() if not map_.exists]
    yield from [(wwid, known.name) for wwid, known in draft.rest.expected.items() if wwid not in draft.maps]
    if draft.rest.started or not draft.rest.settings.expect:
        return
    names = {name for map_ in draft.maps.values() for name in (map_.wwid, map_.name)}
    names.update(name for wwid, known in draft.rest.expected.items() for name in (wwid, known.name))
    yield from [(each.map, each.map) for each in draft.rest.settings.expect if each.map not in names]


def _drop_found(draft: Draft) -> None:
    """A map that was known only by its declared name, and that is there now, has a WWID."""
    names = {each.map for each in draft.rest.settings.expect} & draft.maps.keys()
    found = {map_.name for map_ in draft.maps.values() if map_.exists} if names else set()
    for wwid in names & found:
        if not draft.maps[wwid].exists:
            draft.drop_map(wwid)


def _free(taken: set[str], label: str, name: str) -> str:
    """The label, or else one made of the name, that no other map has."""
    number, free = 1, label or name or "unknown"
    while free in taken:
        number += 1
        free = identity.numbered(name or "unknown", number)
    return free


def _by_records(draft: Draft) -> Iterator[tuple[str, PathState]]:
    """Paths that node records should have brought at boot, and that no map has ever had.

    A record names a target and a portal, and no map. Where each session of the target leads to a map, so would its own.
    """
    configuration = draft.rest.auditing.configuration
    if configuration is None:
        return
    sessions = [nexus for nexus in draft.nexuses.values() if nexus.present and table.of(nexus.transport).node_records]
    records = node_records(configuration.records, sessions)
    for node in records:
        if setting(keys.STARTUP, node.record, None).value != AT_BOOT or records.present(node) is not False:
            continue
        through = {nexus.label for nexus in records.targets.get(node.place.target, ())}
        label, path = _of_record(node)
        for wwid in tuple(draft.maps) if through else ():
            paths = draft.paths(wwid)
            if label not in paths and through <= {each.nexus for each in paths.values() if each.member}:
                yield wwid, _awaited(draft, label, path)


def _of_record(node: NodeRecord) -> tuple[str, ExpectedPath]:
    """The path that the session of a record would bring, and its label."""
    place = node.place
    portal = identity.portal(place.address, place.port)
    label = identity.connection(portal, place.iface)
    return label, ExpectedPath(Transport.ISCSI, f"{label}/{place.target}", place.target, portal, place.iface)


# --- what is taken away -----------------------------------------------------------------------------------------------


def there_after_all(draft: Draft, wwid: str) -> None:
    """A map whose removal was reported exists, or nothing has shown that it does not."""
    draft.deadlines.drop(Due(Wait.REMOVED, wwid))
    made_anew(draft, wwid)
    draft.touched.update((wwid, label) for label in draft.paths(wwid))
    draft.regrouped.add(wwid)


def is_expected(draft: Draft, map_: MapState) -> bool:
    """Whether something was learned or declared of the map."""
    return map_.wwid in draft.rest.expected or map_.declared > 0


def vanished(draft: Draft, wwid: str) -> None:
    """A full scan has not shown a map that was there: it was taken away, or is lost."""
    map_ = draft.whole_map(wwid)
    out = bool(map_.paths) and all(path.health in _OUT for path in map_.paths.values())
    if draft.rest.settings.expect_maps and is_expected(draft, map_) and out:
        draft.emit(messages.map_removed(map_, lost=True))
        _without_device(draft, wwid)
        return
    for path in map_.paths.values():
        draft.emit(messages.path_removed(map_, path))
    draft.emit(messages.map_removed(map_, lost=False))
    _drop(draft, wwid)


def _without_device(draft: Draft, wwid: str) -> None:
    draft.deadlines.drop(Due(Wait.REMOVED, wwid))
    for path in tuple(draft.paths(wwid).values()):
        if path.member:
            draft.set_path(wwid, path.forgotten(member=False))
    # Whole, because whether a map exists is seen by its paths, too.
    draft.maps[wwid] = replace(
        draft.whole_map(wwid),
        sysfs_name="",
        suspended=None,
        block=BlockFacts(),
        queueing=Queueing(),
        seqnum=None,
        unplaced=frozenset(),
    )
    draft.regrouped.add(wwid)


def _drop(draft: Draft, wwid: str) -> None:
    """Expect nothing of a map any more, and forget it."""
    draft.drop_map(wwid)
    if wwid in draft.rest.expected:
        draft.remember({wwid: None})


def forget(draft: Draft, event: Forget) -> None:
    """Expect a path, or a map, no more. What is there stays, because it would be learned again."""
    known = draft.rest.expected.get(event.wwid)
    if event.wwid not in draft.maps:
        if known is None or event.path:
            return
        # Sysfs has not been read since the start, or missing maps are not reported.
        label = _free({map_.label for map_ in draft.maps.values()}, "", known.name)
        _await_map(draft, event.wwid, label, known.name)
    map_ = draft.whole_map(event.wwid)
    gone = [path for path in map_.paths.values() if not path.member and event.path in ("", path.label)]
    if not map_.exists and (not event.path or len(gone) == len(map_.paths)):
        draft.emit(messages.map_forgotten(map_))
        _drop(draft, event.wwid)
        return
    for path in gone:
        draft.drop_path(event.wwid, path.label)
        draft.emit(messages.path_forgotten(map_, path))
    if known is not None and gone:
        labels = {path.label for path in gone}
        kept: Mapping[str, ExpectedPath] = {label: path for label, path in known.paths.items() if label not in labels}
        draft.remember({event.wwid: replace(known, paths=frozen(kept)) if kept else None})
