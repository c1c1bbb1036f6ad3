"""The status document a while later, as long as nothing has changed: durations grow, and count-downs run down."""

from __future__ import annotations

from mpathd_watch.sinks.status.document import Document, MapEntry, PathEntry, SourceEntry


def aged(document: Document, seconds: float) -> Document:
    """The document as it is shown ``seconds`` after it was made. Moments stay as they are."""
    return {
        **document,
        "maps": [_map(entry, seconds) for entry in document["maps"]],
        "sources": [_source(source, seconds) for source in document["sources"]],
    }


def _map(entry: MapEntry, seconds: float) -> MapEntry:
    paths = [_path(path, seconds) for path in entry["paths"]]
    return {**entry, "seconds": entry["seconds"] + seconds, "paths": paths}


def _path(path: PathEntry, seconds: float) -> PathEntry:
    left, outage = path.get("seconds_left"), path["outage"]
    return {
        **path,
        "seconds": path["seconds"] + seconds,
        "seconds_left": None if left is None else left - seconds,
        "outage": None if outage is None else {**outage, "seconds": outage["seconds"] + seconds},
    }


def _source(source: SourceEntry, seconds: float) -> SourceEntry:
    passed = source["seconds"]
    return {**source, "seconds": None if passed is None else passed + seconds}
