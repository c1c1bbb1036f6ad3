"""What asyncio's transports need so that they are freed as soon as their connection is over."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_BOUND: Final = "_read_ready_cb"
"""A method of the transport of a socket, bound to it, which the transport keeps: so it refers to itself. Python 3.11
keeps it when the connection is over (asyncio/selector_events.py), 3.12 does not."""


def untie(transport: asyncio.BaseTransport) -> None:
    """Have a transport that reads no more refer to itself no longer.

    Otherwise only the garbage collector frees it, with its socket and buffers, and in the daemon that looks at what has
    lasted for a few seconds rarely (``daemon/garbage.py``).
    """
    attributes: dict[str, Any] = getattr(transport, "__dict__", {})
    attributes.pop(_BOUND, None)
