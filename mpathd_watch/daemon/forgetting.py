"""What becomes of a request to forget a path or a map: the events that do it, and the answer in a line."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.events import Forget
from mpathd_watch.core.model.expectation import Expectation
from mpathd_watch.core.model.text import listed
from mpathd_watch.core.state import MapState, State
from mpathd_watch.sinks.control.message import Reply, Request


def forget(state: State, request: Request) -> tuple[Forget | None, Reply]:
    """The event that forgets what is asked for, if it can be forgotten, and the reply."""
    name, label = request
    map_ = next((each for each in state.maps.values() if name in (each.label, each.name, each.wwid)), None)
    if map_ is None:
        wwid = next((wwid for wwid, known in state.expected.items() if name in (wwid, known.name)), None)
        if wwid is None or label:
            return None, Reply(done=False, text=f"no map {name!a} is expected")
        return Forget(wwid), Reply(done=True, text=f"{name}: the map is no longer expected")
    if refusal := _refusal(state, map_, label):
        return None, Reply(done=False, text=f"{map_.label}: {refusal}")
    gone = sorted(path.label for path in map_.paths.values() if not path.member and label in ("", path.label))
    if not map_.exists and len(gone) == len(map_.paths):
        return Forget(map_.wwid), Reply(done=True, text=f"{map_.label}: the map is no longer expected")
    are = "path is" if len(gone) == 1 else "paths are"
    return Forget(map_.wwid, label), Reply(done=True, text=f"{map_.label}: {are} no longer expected: {listed(gone)}")


def _refusal(state: State, map_: MapState, label: str) -> str:
    """Why nothing of it can be forgotten, a clause; empty if something can."""
    declared = next((each for each in state.settings.expect if each.map in (map_.wwid, map_.name)), Expectation(""))
    if label:
        path = map_.paths.get(label)
        if path is None:
            return f"no path {label!a} is expected; missing are: {_missing(map_)}"
        if path.member:
            return f"path {label} is in the map, and would be learned again"
        if label in declared.paths:
            return f"path {label} is declared in config.toml: change [[expect]] there, and reload"
        return ""
    if not map_.exists and declared.number:
        return "the map is declared in config.toml: remove its [[expect]] there, and reload"
    gone = {path.label for path in map_.paths.values() if not path.member}
    if map_.exists and not gone - declared.paths:
        return (
            "the map exists, and none of its paths is missing"
            if not gone
            else "what is missing is declared in config.toml"
        )
    return ""


def _missing(map_: MapState) -> str:
    gone: Iterable[str] = sorted(path.label for path in map_.paths.values() if not path.member)
    return listed(list(gone)) or "none"
