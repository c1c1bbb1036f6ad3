"""A transport that does not exist, as one file: SAS expander ports. And a layer: disks that the kernel joins itself.

What the core needs to follow such paths is in this file and in the two rows that ``installed`` adds to the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import pytest

from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.layers.row import LayerRow, Waiting
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.views import DiskView, DmView
from mpathd_watch.core.model.vocabulary import DeviceState, Layer, Liveness, Standing, Transport, Word
from mpathd_watch.core.transports import table
from mpathd_watch.core.transports.row import Nexus, Reading, Tie, Timing, TransportRow, Words


class PortState(Word):
    """What the kernel would call a port."""

    LINKED = "linked"
    WAITING = "waiting"
    DISABLED = "disabled"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExpanderPort:
    """One port: its number is that of the SCSI host, ``heard`` the second of its last sign of life."""

    number: int
    state: PortState
    enclosure: str
    heard: float


@dataclass(frozen=True, slots=True)
class ExpanderPortsRead:
    """All ports of this host."""

    ports: tuple[ExpanderPort, ...]
    requested: float


def _nexus(port: ExpanderPort) -> Nexus:
    return Nexus(
        handle=port.number,
        identity=port.number,
        base=f"port-{port.number}",
        status=port.state,
        target=port.enclosure,
        portal=f"port-{port.number}",
        timeouts=MappingProxyType({"phy_timeout": 4, "port_loss_tmo": 8}),
        timing=Timing(silent_after=2, dropped_after=6, held=8),
        budget=Budget(4, 6, 12, 14),
        heard=port.heard,
    )


def _read(event: object) -> Reading | None:
    if not isinstance(event, ExpanderPortsRead):
        return None
    return Reading(tuple(map(_nexus, event.ports)), event.requested)


def _handle(device: DeviceFacts) -> int:
    return int(device.hctl.partition(":")[0])


EXPANDER = TransportRow(
    transport=Transport.SCSI,
    words=Words("expander port", "SAS expander port", "NEXUS", "unplugged", "linked", "phy_timeout", "port_loss_tmo"),
    states=PortState,
    liveness=MappingProxyType(
        {
            PortState.LINKED: Liveness.CARRYING,
            PortState.WAITING: Liveness.HOLDING,
            PortState.DISABLED: Liveness.GIVEN_UP,
            PortState.MISSING: Liveness.GONE,
        }
    ),
    read=_read,
    handle=_handle,
    ties=(Tie("of enclosure {}", lambda nexus, _: nexus.target),),
)


def _standing(_: DmView, disk: DiskView) -> Standing:
    return Standing.USABLE if disk.state is DeviceState.RUNNING else Standing.FAILED


def _without_path(_waiting: Waiting, _lost: bool) -> str:
    return "I/O waits in the kernel until a path returns"


KERNEL = LayerRow(
    layer=Layer.UNKNOWN,
    standing=_standing,
    failed="the kernel does not use it",
    without_path=_without_path,
    reinstated_by="the kernel",
)
"""Paths joined by the kernel alone: no dm device, no multipathd."""


@contextmanager
def installed() -> Iterator[None]:
    """Both rows in their tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(table.ROWS, EXPANDER.transport, EXPANDER)
        patch.setitem(layers.ROWS, KERNEL.layer, KERNEL)
        yield
