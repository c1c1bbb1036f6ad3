"""How much is measured: all of it for the page, or a little to see that the benchmarks work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Sizes in paths, repetitions, and seconds."""

    sizes: tuple[int, ...]
    """For what grows with the host."""
    main: int
    """For events and storms."""
    of_commands: tuple[int, ...]
    of_clients: tuple[int, ...]
    clients_seconds: float
    storms: tuple[int, ...]
    starts: int
    scrapes: int
    busy_scrapes: int
    busy_seconds: float
    """Seconds for them: only those count that show new I/O counters, and a large host's are read every minute."""
    events: int
    storm_rounds: int
    commands: int
    settle: float
    """Seconds after the daemon is ready: what has just appeared is watched closely."""
    counters_every: float
    """Seconds between scrapes while disks are busy: their counters are read every 5 s."""
    seconds: float
    """How long idleness is watched."""
    scrape_every: float
    """Seconds between two scrapes of an idle host."""

    def described(self) -> str:
        """What the page has about it."""
        return (
            f"medians of {self.scrapes} scrapes, {self.starts} starts, {self.storm_rounds} storms of each size and "
            f"{self.commands} runs of each command; {self.events} events; {self.seconds:g} s of idleness"
        )


FULL = Effort(
    sizes=(1_000, 2_048, 5_000, 10_000),
    main=2_048,
    of_commands=(2, 10_000),
    of_clients=(64, 2_048),
    clients_seconds=15.0,
    storms=(512, 1_024, 2_048),
    starts=3,
    scrapes=7,
    busy_scrapes=3,
    busy_seconds=120.0,
    events=200,
    storm_rounds=5,
    commands=7,
    settle=8.0,
    counters_every=6.0,
    seconds=60.0,
    scrape_every=15.0,
)

QUICK = Effort(
    sizes=(8, 16),
    main=16,
    of_commands=(2,),
    of_clients=(8,),
    clients_seconds=0.5,
    storms=(8, 16),
    starts=1,
    scrapes=1,
    busy_scrapes=1,
    busy_seconds=8.0,
    events=4,
    storm_rounds=1,
    commands=1,
    settle=1.5,
    counters_every=0.5,
    seconds=0.6,
    scrape_every=0.2,
)
