"""The causes of outages: what each is called in a sentence, and how much it explains."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mpathd_watch.core.model.vocabulary import Cause
from mpathd_watch.immutable import immutable


@immutable
class CauseText:
    """What there is to know of a cause.

    ``text``: the cause in a sentence. ``root``: it explains what dm and the checker report, which follow from it.
    ``connection``: the connection failed, so the timeouts that detect a failure and hold I/O were running.
    ``exact``: it names the reason for which a connection failed, and replaces ``connection_error``.
    """

    text: str
    root: bool = False
    connection: bool = False
    exact: bool = False


CAUSES: Mapping[Cause, CauseText] = MappingProxyType(
    {
        Cause.NOP_TIMEOUT: CauseText("no answer to the initiator's ping", root=True, connection=True, exact=True),
        Cause.CONNECTION_CLOSED: CauseText("the target closed the connection", root=True, connection=True, exact=True),
        Cause.CONNECTION_ERROR: CauseText("connection error", root=True, connection=True),
        Cause.CARRIER_LOST: CauseText(
            "its NIC has lost its carrier or its address", root=True, connection=True, exact=True
        ),
        Cause.LOGOUT: CauseText("its session was logged out", root=True),
        Cause.DEVICE_OFFLINE: CauseText("the SCSI device is offline", root=True),
        Cause.ARRAY_STANDBY: CauseText("the array has put it into standby (ALUA)", root=True),
        Cause.ARRAY_UNAVAILABLE: CauseText("the array has made it unavailable (ALUA)", root=True),
        Cause.ARRAY_TRANSITIONING: CauseText("the array changed the state of its port group (ALUA)", root=True),
        Cause.ARRAY_OFFLINE: CauseText("the array has taken it offline (ALUA)", root=True),
        Cause.CHECKER: CauseText("multipathd's checker reports it faulty, though its transport works"),
        Cause.ADMINISTRATOR: CauseText("an administrator failed it"),
        Cause.REMOVED: CauseText("it is no longer in the map", root=True),
        Cause.ABSENT: CauseText("it was not there when mpathd-watch started", root=True),
        Cause.UNKNOWN: CauseText("unknown"),
    }
)
"""Every cause."""


def text(cause: Cause) -> str:
    """``cause`` in a sentence."""
    return CAUSES[cause].text
