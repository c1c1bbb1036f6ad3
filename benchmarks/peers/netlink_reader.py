"""The least that can be done with a uevent of dm: ``python -m benchmarks.peers.netlink_reader``.

It sends journald one line for each, and a line with ``READER=ready`` when it begins.
"""

from __future__ import annotations

import socket

NETLINK_KOBJECT_UEVENT = 15
SO_RCVBUFFORCE = 33
BUFFER = 128 << 20
"""As large as that of the daemon."""


def main() -> None:
    """Read for ever."""
    uevents = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
    uevents.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    uevents.bind((0, 1))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.connect("/run/systemd/journal/socket")
    journal.send(b"MESSAGE=ready\nREADER=ready\n")
    while True:
        data = uevents.recv(8192)
        _, found, rest = data.partition(b"\0DM_ACTION=")
        if found:
            action, _, rest = rest.partition(b"\0")
            _, _, rest = rest.partition(b"\0DM_PATH=")
            journal.send(b"MESSAGE=%b %b\nPRIORITY=4\nREADER=event\n" % (action, rest.partition(b"\0")[0]))


if __name__ == "__main__":
    main()
