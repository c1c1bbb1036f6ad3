"""What the kernel has logged of iSCSI connections (iscsi_conn_error_event() in scsi_transport_iscsi.c), as text."""

from __future__ import annotations

import re

_ERROR = re.compile(r"connection(?P<sid>\d{1,10}):0: detected conn error \((?P<error>\d{1,5})\)", re.ASCII)
_BACK = re.compile(r"\b[Cc]onnection(?P<sid>\d{1,10}):0 (?:to \[.*\] )?is operational", re.ASCII)
_BOOT = re.compile(r"kernel: Linux version ", re.ASCII)
_LONGEST_LINE = 1024


def connection_errors(text: str) -> dict[int, int]:
    """By session number, the error that took its connection after the last login that the log shows.

    Of several errors after that the first counts: those that follow are of attempts to log in again. Session numbers
    start again with each boot.
    """
    found: dict[int, int] = {}
    for line in text.split("\n"):
        line = line[:_LONGEST_LINE]  # noqa: PLW2901  # the rest of a line is never read
        if (error := _ERROR.search(line)) is not None:
            found.setdefault(int(error["sid"]), int(error["error"]))
        elif (back := _BACK.search(line)) is not None:
            found.pop(int(back["sid"]), None)
        elif _BOOT.search(line):
            found.clear()
    return found
