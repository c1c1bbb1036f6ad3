"""Which daemons ran, by the output of ``ps``."""

from __future__ import annotations

import re

from mpathd_watch.immutable import immutable
from mpathd_watch.sources.bundle.outputs import Text

_KERNEL_OR_INIT = re.compile(r"(?:^|\s|/)(?:init|systemd|kthreadd|\[kthreadd\])(?:\s|$)", re.MULTILINE)


@immutable
class Processes:
    """The list of processes; ``None`` if the bundle has none that shows process 1."""

    text: str | None

    @classmethod
    def of(cls, output: Text | None) -> Processes:
        """The list, unless it is truncated before its first processes or an error message."""
        return cls(output.text if output is not None and _KERNEL_OR_INIT.search(output.text) else None)

    def runs(self, daemon: str) -> bool | None:
        """Whether a process is the daemon; ``None`` if that is not known."""
        if self.text is None:
            return None
        return re.search(rf"(?:^|\s)(?:/\S*/)?{re.escape(daemon)}(?:\s|$)", self.text, re.MULTILINE) is not None
