"""What earlier daemons knew of this host: what is expected, the outages that were going on, and what was announced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty, frozen
from mpathd_watch.core.model.outage import Outage
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Transport
from mpathd_watch.immutable import immutable, replace


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
class OpenOutage:
    """An outage that goes on, and its path. ``map`` is the label of its map.

    ``health`` has held since ``since``; ``announced`` is the last one in the journal. ``incident``: see ``PathState``.
    """

    wwid: str
    map: str
    path: str
    outage: Outage
    health: Health
    since: Instant
    announced: Health
    incident: str = ""


def by_path(outages: Iterable[OpenOutage]) -> Mapping[str, Mapping[str, OpenOutage]]:
    """The outages by WWID and label of the path."""
    found: dict[str, dict[str, OpenOutage]] = {}
    for known in outages:
        found.setdefault(known.wwid, {})[known.path] = known
    return frozen({wwid: frozen(paths) for wwid, paths in found.items()})


@immutable
class KeptMap:
    """A map as it was: ``health`` since ``since``; ``announced`` and ``troubled`` as in ``MapState``."""

    health: MapHealth
    since: Instant
    announced: MapHealth
    troubled: Instant | None = None


@immutable
class Memory:
    """The whole of it. ``expected`` and ``maps`` by WWID, ``outages`` by WWID and label of the path.

    ``lost``: the nexuses whose loss was announced, by label, and what each shared with others as it was announced
    (``NexusState.announced_with``). ``incidents``: those that were going on, by their ids. ``findings``: those of the
    audit that were announced. ``alive``: when the last daemon is known to have run, by the clocks of its boot; ``None``
    where there was none. ``same_boot``: the host has not been booted since, and CLOCK_MONOTONIC has gone on.
    """

    expected: Mapping[str, ExpectedMap] = field(default_factory=empty)
    outages: Mapping[str, Mapping[str, OpenOutage]] = field(default_factory=empty)
    maps: Mapping[str, KeptMap] = field(default_factory=empty)
    lost: Mapping[str, str] = field(default_factory=empty)
    incidents: Mapping[str, Incident] = field(default_factory=empty)
    findings: frozenset[str] = frozenset()
    alive: Instant | None = None
    same_boot: bool = False

    @property
    def going_on(self) -> frozenset[str]:
        """The ids of the incidents that a daemon with this memory goes on with: those of outages that go on."""
        return frozenset(known.incident for paths in self.outages.values() for known in paths.values()) & {
            *self.incidents
        }

    def without_outage(self, wwid: str, path: str) -> Memory:
        """The memory without the outage of one path."""
        left = {label: known for label, known in self.outages.get(wwid, {}).items() if label != path}
        others = {each: paths for each, paths in self.outages.items() if each != wwid}
        return replace(self, outages=frozen({**others, wwid: frozen(left)} if left else others))
