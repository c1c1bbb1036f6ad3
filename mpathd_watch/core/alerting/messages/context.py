"""What a message about a path may refer to: its map, the nexuses and the network around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.state import Arrays, MapState, NexusState, PathState
from mpathd_watch.immutable import immutable


@immutable
class Context:
    """``map`` is the path's map; ``links`` is ``None`` while the network interfaces are not known.

    ``managed``: whoever reinstates paths of this map answers. ``arrays``: what arrays have reported.
    """

    map: MapState
    nexuses: Mapping[str, NexusState]
    links: Mapping[str, LinkFacts] | None
    now: Instant
    managed: bool
    arrays: Arrays = field(default=Arrays())

    def nexus_of(self, path: PathState) -> NexusState | None:
        """The nexus the path goes through."""
        return self.nexuses.get(path.nexus) if path.nexus else None

    @property
    def layer(self) -> LayerRow:
        """What joins the paths of the map."""
        return layers.of(self.map.layer)
