"""How fast the network interfaces run, by /sys/class/net/NIC/speed and duplex (net/core/net-sysfs.c).

A reading waits for the kernel's RTNL lock and asks the driver, which may ask its firmware. Therefore it is done rarely,
and only of interfaces that are no virtual ones by their kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mpathd_watch.immutable import immutable
from mpathd_watch.sources.reading.attributes import Attributes

NET = Path("/sys/class/net")
AGAIN_AFTER = 60.0
"""Seconds after which an interface is asked again, unless its carrier has returned meanwhile."""
MAX_ASKED = 64
"""Interfaces that are asked in one round; a host with more has them for its guests."""
_DUPLEX = frozenset({"full", "half"})


@immutable
class Speed:
    """``speed`` in Mbit/s, ``duplex`` as ``full`` or ``half``; ``None`` and ``""`` where the driver reports none."""

    speed: int | None = None
    duplex: str = ""


@immutable
class _Asked:
    speed: Speed
    at: float
    carrier: bool


class Speeds:
    """The speeds as last read. ``clock`` returns CLOCK_MONOTONIC seconds."""

    def __init__(self, clock: Callable[[], float], net: Path = NET) -> None:
        self._clock = clock
        self._net = net
        self._asked: dict[str, _Asked] = {}

    def of(self, names: Iterable[tuple[str, bool]]) -> dict[str, Speed]:
        """The speeds of the interfaces with these names; each comes with whether it has a carrier.

        One without a carrier keeps the speed that it had.
        """
        found: dict[str, _Asked] = {}
        left = MAX_ASKED
        for name, carrier in names:
            known = self._asked.get(name, _Asked(Speed(), float("-inf"), carrier=False))
            due = carrier and (not known.carrier or self._clock() - known.at >= AGAIN_AFTER)
            if due and left > 0:
                left -= 1
                known = _Asked(self._read(name), self._clock(), carrier=True)
            elif not carrier:
                known = _Asked(known.speed, known.at, carrier=False)
            found[name] = known
        self._asked = found
        return {name: asked.speed for name, asked in found.items()}

    def _read(self, name: str) -> Speed:
        """Nothing is known if the interface is not up (EINVAL), or if the driver prints -1."""
        if "/" in name or name in ("", ".", ".."):
            return Speed()
        attributes = Attributes()
        speed = attributes.number(self._net / name / "speed")
        duplex = attributes.optional(self._net / name / "duplex")
        return Speed(speed if speed is not None and speed > 0 else None, duplex if duplex in _DUPLEX else "")
