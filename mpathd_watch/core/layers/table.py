"""The layers. Only this module imports a concrete row; everything else asks here."""

from __future__ import annotations

from mpathd_watch.core.layers.dm_multipath import DM_MULTIPATH
from mpathd_watch.core.layers.row import LayerRow
from mpathd_watch.core.model.vocabulary import Layer

ROWS: dict[Layer, LayerRow] = {row.layer: row for row in (DM_MULTIPATH,)}
"""Every layer."""


def of(layer: Layer) -> LayerRow:
    """The row of a layer; dm-multipath's for one that is not known."""
    return ROWS.get(layer, DM_MULTIPATH)
