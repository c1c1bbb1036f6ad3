"""What the daemon knows from earlier runs: the maps and paths that are expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.immutable import immutable


@immutable
class ExpectedPath:
    """One expected path: what it goes through, which is the same after a reboot (``Place``).

    ``proven``: when it last proved that its failover keeps its budget (seconds since 1970), ``None`` if it never did.
    """

    transport: Transport = Transport.UNKNOWN
    nexus: str = ""
    target: str = ""
    portal: str = ""
    iface: str = ""
    proven: float | None = None


@immutable
class ExpectedMap:
    """One expected map: its name, and its expected paths by label."""

    name: str
    paths: Mapping[str, ExpectedPath] = field(default_factory=empty)


@immutable
class Memory:
    """The whole of it. ``expected`` by WWID."""

    expected: Mapping[str, ExpectedMap] = field(default_factory=empty)
