"""Keys of an earlier version that have no effect any more, so that an upgrade does not stop the daemon for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OBSOLETE: Final[Mapping[str, str]] = {
    "state_dir": "has no effect and can be removed: the state is kept in /var/lib/mpathd-watch, "
    "or where 'mpathd-watch run --state-dir' names another directory",
}
"""Key -> what stands in its place, to follow the key. They are known until the next release."""
