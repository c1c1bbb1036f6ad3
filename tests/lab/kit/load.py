"""What keeps a guest busy: I/O on the map, and processes that want the processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.lab.kit.guest import Guest
from tests.lab.kit.san import MOUNT_POINT
from tests.lab.kit.tail import wait_for

BEGUN = "/run/lab/load-begun"
LOADER = Path(__file__).parent.parent / "guest/loader.py"

SPIN = "while :; do :; done"


class Load:
    """Load in one guest, on the map `device` and on the file system that is mounted from it."""

    def __init__(self, guest: Guest, device: str, say: Callable[[str], None]) -> None:
        self._guest = guest
        self._device = device
        self._say = say
        self._processes: list[int] = []

    def io(self, on: float = 1.0, off: float = 0.0) -> None:
        """Read and write by direct I/O at full speed: `on` seconds busy, `off` seconds idle, over and over.

        Returns when it has begun.
        """
        self._say(f"load: {on:g} s on, {off:g} s off" if off else "load: direct I/O at full speed")
        self._guest.run(f"mkdir -p /run/lab; rm -f {BEGUN}")
        self._guest.write_file("/run/lab/loader.py", LOADER.read_text(encoding="utf-8"))
        rhythm = [f"{on:g}", f"{off:g}"]
        command = ["/usr/bin/python3", "/run/lab/loader.py", self._device, f"{MOUNT_POINT}/load", *rhythm, BEGUN]
        self._processes.append(self._guest.start(command))
        begun = f"test -e {BEGUN} && echo begun"
        wait_for(lambda: self._guest.run(begun, check=False) or None, "load", 30.0)

    def touch(self, blocks: int = 16) -> None:
        """Read a few blocks, one after the other: dm sends one after the other over each path of the group in use."""
        self._guest.run(f"dd if={self._device} of=/dev/null bs=4k count={blocks} iflag=direct 2>/dev/null")

    def noise(self, count: int = 4) -> None:
        """Have `count` processes, as important as any other, do nothing as fast as they can."""
        self._say(f"load: {count} busy loops")
        self._processes += [self._guest.start(["/bin/sh", "-c", SPIN]) for _ in range(count)]

    def stop(self) -> None:
        """End all load that was begun here."""
        if self._processes:
            self._say("load: none")
            self._guest.run(f"kill -KILL {' '.join(map(str, self._processes))}", check=False)
            self._processes = []
