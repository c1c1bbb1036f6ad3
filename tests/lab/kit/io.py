"""The file system on the map, with writes going on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit.guest import Guest
from tests.lab.kit.san import MOUNT_POINT
from tests.lab.kit.tail import JsonTail, wait_for

WRITER = Path(__file__).parent.parent / "guest/writer.py"
LOG = "/run/lab/writes.jsonl"


@dataclass(frozen=True)
class Write:
    """One fsynced write. `at`: when it began (guest's CLOCK_MONOTONIC, seconds); `seconds`: None while under way."""

    at: float
    seconds: float | None
    error: str | None


class Writes:
    """A writer in the guest: a small fsynced write to the mounted file system every 0.2 s."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._tail = JsonTail(guest, LOG)
        self._writes: dict[float, Write] = {}

    def start(self) -> None:
        """Start writing, and return after the first write that went through."""
        self._guest.run("mkdir -p /run/lab")
        self._guest.write_file("/run/lab/writer.py", WRITER.read_text(encoding="utf-8"))
        self._guest.start(["/usr/bin/python3", "/run/lab/writer.py", f"{MOUNT_POINT}/written", LOG])
        self.wait_through(after=0.0, timeout=20.0)

    def store(self, directory: Path) -> None:
        """Keep the writer's reports as DIRECTORY/writes.jsonl."""
        self.all()
        self._tail.store(directory / "writes.jsonl")

    def all(self, after: float = 0.0) -> list[Write]:
        """Return the writes that began later than `after`, in order."""
        for line in self._tail.new():
            self._writes[line["mono"]] = Write(line["mono"], line.get("seconds"), line.get("error"))
        return [write for at, write in sorted(self._writes.items()) if at > after]

    def errors(self, after: float = 0.0) -> list[Write]:
        """Return the writes that failed."""
        return [write for write in self.all(after) if write.error is not None]

    def longest(self, after: float = 0.0) -> float:
        """Return how long, in seconds, the slowest completed write took."""
        return max((write.seconds for write in self.all(after) if write.seconds is not None), default=0.0)

    def wait_through(self, *, after: float, timeout: float) -> Write:
        """Wait for a write begun later than `after` that went through."""
        return wait_for(
            lambda: next((w for w in self.all(after) if w.seconds is not None and w.error is None), None),
            "a write that goes through",
            timeout,
        )

    def wait_error(self, *, after: float, timeout: float) -> Write:
        """Wait for a write begun later than `after` that failed."""
        return wait_for(lambda: next(iter(self.errors(after)), None), "a write that fails", timeout)

    def wait_hanging(self, *, after: float, timeout: float) -> Write:
        """Wait for a write that is reported as still under way after a second."""
        return wait_for(
            lambda: next((w for w in self.all(after) if w.seconds is None), None), "a write that hangs", timeout
        )
