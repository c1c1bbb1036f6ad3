"""What ``forget`` does without a daemon: it changes what the last one has kept. It is loaded only then."""

from __future__ import annotations

from mpathd_watch.cli.places import state_directory
from mpathd_watch.cli.state_owner import become_owner_of
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap
from mpathd_watch.core.model.text import listed
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.control.message import Reply, Request
from mpathd_watch.store.directly import replace_expected
from mpathd_watch.store.expected import StoreError, read_expected


def forget_kept(request: Request) -> Reply:
    """Forget a path or a map that was kept. It is not known what is there, so anything can be forgotten."""
    directory = state_directory()
    try:
        become_owner_of(directory)
        for wwid, known in read_expected(directory).items():
            if request.map in (wwid, known.name):
                return _forget(wwid, known, request.path)
    except StoreError as error:
        return Reply(done=False, text=str(error))
    except OSError as error:
        return Reply(done=False, text=f"{directory}: {error.strerror}")
    return Reply(done=False, text=f"no map {request.map!a} is expected")


def _forget(wwid: str, known: ExpectedMap, label: str) -> Reply:
    if label and label not in known.paths:
        return Reply(
            done=False, text=f"{known.name}: no path {label!a} is expected; there are: {listed(sorted(known.paths))}"
        )
    kept = frozen({name: path for name, path in known.paths.items() if name != label}) if label else {}
    replace_expected(state_directory(), wwid, replace(known, paths=kept) if kept else None)
    what = f"path is no longer expected: {label}" if kept else "the map is no longer expected"
    return Reply(done=True, text=f"{known.name}: {what}")
