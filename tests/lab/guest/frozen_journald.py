"""Freezes journald, fills its queue, pulls a link for a while, and lets journald go on; run in the guest.

Usage: frozen_journald.py CABLE,... DOWN UP UNIT LOG

The cables are interfaces in the network namespace `san`. They are down for DOWN seconds, and UP seconds later journald
goes on. LOG then has the instants (CLOCK_MONOTONIC, seconds) and the status text of UNIT as one JSON object.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SOCKET = "/run/systemd/journal/socket"
SENDERS = 8
"""One socket alone would reach the limit of its own send buffer first. What a closed socket has sent stays queued."""


def fill() -> None:
    """Queue as many entries as journald's socket takes."""
    for _ in range(SENDERS):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                while True:
                    sender.sendto(b"MESSAGE=another service\nPRIORITY=7\n", SOCKET)
            except BlockingIOError:
                continue


def set_cables(cables: str, state: str) -> float:
    """Set the interfaces up or down; return the instant before that."""
    at = time.monotonic()
    for cable in cables.split(","):
        subprocess.run(["ip", "-n", "san", "link", "set", cable, state], check=True)
    return at


def main() -> None:
    cables, down, up, unit, log = sys.argv[1:]
    journald = int(subprocess.run(["pidof", "systemd-journald"], capture_output=True, check=True).stdout)
    frozen = time.monotonic()
    os.kill(journald, signal.SIGSTOP)
    try:
        fill()
        cut = set_cables(cables, "down")
        time.sleep(float(down))
        plugged = set_cables(cables, "up")
        time.sleep(float(up))
        command = ["systemctl", "show", "--value", "--property=StatusText", unit]
        status = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    finally:
        thawed = time.monotonic()
        os.kill(journald, signal.SIGCONT)
    found = {"frozen": frozen, "cut": cut, "plugged": plugged, "thawed": thawed, "status": status}
    draft = Path(f"{log}.new")
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.rename(log)


if __name__ == "__main__":
    main()
