"""The transports. Only this module imports a concrete one; everything else asks here."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.facts import DeviceFacts
from mpathd_watch.core.model.vocabulary import Transport
from mpathd_watch.core.transports.iscsi import ISCSI
from mpathd_watch.core.transports.row import Failure, FastIoFail, Reading, TransportRow

ROWS: dict[Transport, TransportRow] = {
    row.transport: row
    for row in (
        ISCSI,
        # Until its remote ports are read, a Fibre Channel path is followed through its disk alone.
        TransportRow(
            Transport.FC,
            protocol="scsi:fcp",
            fast_io_fail=FastIoFail(
                frozenset({"off"}), "a path is given up only after dev_loss_tmo", below_dev_loss=True
            ),
            remedies=MappingProxyType(
                {
                    FindingKind.SINGLE_PATH: "Connect and zone a second port of the host or of the array. If one path "
                    "is intended, add the map to single_path_ok in /etc/mpathd-watch/config.toml.",
                }
            ),
        ),
    )
}
"""Every transport that there is more to know of than the disk shows."""

_PLAIN: Mapping[Transport, TransportRow] = {transport: TransportRow(transport) for transport in Transport}


def of(transport: Transport) -> TransportRow:
    """The row of a transport; one of which nothing more is known has a row without any nexus."""
    return ROWS.get(transport) or _PLAIN[transport]


def read(event: object) -> Iterator[tuple[TransportRow, Reading]]:
    """All nexuses that an event shows, by transport."""
    for row in ROWS.values():
        found = row.read(event)
        if found is not None:
            yield row, found


def failures(event: object) -> Iterator[tuple[TransportRow, Failure]]:
    """The failure of a nexus that an event reports, with its transport."""
    for row in ROWS.values():
        found = row.failure(event)
        if found is not None:
            yield row, found


def handle(device: DeviceFacts) -> tuple[Transport, Hashable] | None:
    """The transport and the kernel's name of the nexus that a disk hangs off; ``None`` where there is none."""
    found = of(device.transport).handle(device)
    return None if found is None else (device.transport, found)
