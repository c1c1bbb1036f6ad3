"""What becomes of a drill when it has been made: it is kept in the history, by the daemon or without one."""

from __future__ import annotations

import json
import time
from typing import Any

from mpathd_watch.cli.places import CONTROL_SOCKET, runtime_directory, state_directory
from mpathd_watch.cli.state_owner import become_owner_of
from mpathd_watch.core.drill.result import DrillRecord
from mpathd_watch.sinks.control.client import ControlError, NoDaemonError, ask
from mpathd_watch.sinks.control.message import MOST_OF_DRILL, DrillMade, Reply, encode_request
from mpathd_watch.sinks.drill.document import document, shortened
from mpathd_watch.store.database import StoreError
from mpathd_watch.store.directly import keep_drill
from mpathd_watch.store.drills import kept_drill


def keep(record: DrillRecord) -> Reply:
    """Hand the drill to the running daemon; without one, write it to the store.

    This process may have to go on as the owner of the store, so nothing may be left to do as root.
    """
    report = document(record)
    if len(encode_request(DrillMade(report))) > MOST_OF_DRILL:
        report = shortened(report)
    directory = runtime_directory()
    try:
        if directory is not None:
            return ask(directory / CONTROL_SOCKET, DrillMade(report))
    except NoDaemonError:
        pass
    except ControlError as error:
        return Reply(done=False, text=str(error))
    return _written(report)


def _written(report: dict[str, Any]) -> Reply:
    directory = state_directory()
    try:
        become_owner_of(directory)
        # As a daemon would receive it.
        keep_drill(directory, kept_drill(json.loads(json.dumps(report)), time.time()))
    except (StoreError, ValueError) as error:
        return Reply(done=False, text=str(error))
    except OSError as error:
        return Reply(done=False, text=f"{directory}: {error.strerror}")
    return Reply(done=True, text=f"drill {report['id']} is kept in the history")
