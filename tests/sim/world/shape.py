"""The shape of a simulated host: how many of everything, and what is configured."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

OFF = -1
"""``recovery_tmo`` where sysfs prints ``off``."""
QUEUE, FAIL = "queue", "fail"
FAILOVER, MULTIBUS = "failover", "multibus"
DEBIAN_12, DEBIAN_13, SID = (0, 9, 4), (0, 11, 1), (0, 15, 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """One host. Seconds are whole, as in the files that configure them.

    ``links``: network interfaces. ``portals``: sessions, spread over the links. ``busy``: I/O flows all the time.
    ``no_path_retry``: ``fail``, ``queue``, or a number of checks. ``version``: that of multipath-tools.
    """

    links: int = 2
    portals: int = 2
    maps: int = 1
    recv_tmo: int = 5
    ping_tmo: int = 10
    recovery_tmo: int = 5
    polling_interval: int = 5
    max_polling_interval: int = 20
    policy: str = MULTIBUS
    no_path_retry: str | int = FAIL
    version: tuple[int, int, int] = DEBIAN_13
    alua: bool = False
    busy: bool = False

    @classmethod
    def drawn(cls, random: Random) -> Shape:
        """A host as the seed decides."""
        links = random.choice((1, 2, 2, 2, 3, 4))
        recv, ping = random.choice(((5, 10), (5, 5), (2, 3), (10, 15), (5, 10), (0, 0)))
        polling = random.choice((2, 5, 5, 10))
        return cls(
            links=links,
            portals=max(2, links * random.choice((1, 1, 2))),
            maps=random.choice((1, 1, 1, 2, 3)),
            recv_tmo=recv,
            ping_tmo=ping,
            recovery_tmo=random.choice((5, 5, 5, 2, 15, 30, 120, 0, OFF)),
            polling_interval=polling,
            max_polling_interval=polling * random.choice((1, 4, 4)),
            policy=random.choice((FAILOVER, MULTIBUS)),
            no_path_retry=random.choice((FAIL, QUEUE, 6, 12)),
            version=random.choice((DEBIAN_12, DEBIAN_13, DEBIAN_13, SID)),
            alua=random.random() < 0.3,
            busy=random.random() < 0.5,
        )
