"""How often something may be done by each address: a bucket of tokens for each, filled at a constant rate."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 4096
"""Addresses that are remembered. The one that has done nothing for longest is forgotten for a new one."""


class Allowance:
    """Gives each address a token every ``interval`` seconds, of which it may save up ``burst``."""

    def __init__(self, interval: float, burst: int) -> None:
        self.interval = interval
        self.burst = burst
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When the bucket of an address is full again."""

    def take(self, address: str, now: float) -> bool:
        """Take a token, if the address has one."""
        full_at = max(self._full_at.get(address, now), now)
        if full_at - now > (self.burst - 1) * self.interval:
            return False
        self._full_at[address] = full_at + self.interval
        self._full_at.move_to_end(address)
        if len(self._full_at) > MOST:
            self._full_at.popitem(last=False)
        return True

    def give_back(self, address: str) -> None:
        """Return a token that was not used."""
        if address in self._full_at:
            self._full_at[address] -= self.interval
