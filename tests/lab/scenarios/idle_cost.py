"""Nothing happens on two idle paths, and the daemon itself is watched: it takes at most 45 MiB of memory.

The scenario prints how much processor time it takes. The lab's own recorder and scraper are stopped meanwhile: nobody
scrapes three times a second.
"""

from tests.lab.kit.san import QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK

WATCHED = 40.0
RECORDERS = "'/run/lab/[a-z]*[.]py'"
MOST_MEMORY_MIB = 45.0
TICKS = 100
"""Of processor time in a second (USER_HZ)."""


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    pid = int(lab.guest.run("systemctl show --value --property=MainPID mpathd-watch.service"))
    lab.guest.run(f"pkill -STOP -f {RECORDERS}")
    before, began = ticks(lab, pid), lab.guest.now()
    lab.pause_until(began + WATCHED)
    used, took = ticks(lab, pid) - before, lab.guest.now() - began
    resident = int(lab.guest.run(f"sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/{pid}/status")) / 1024
    lab.guest.run(f"pkill -CONT -f {RECORDERS}")
    lab.say(f"ours: {used / TICKS / took:.2%} of one emulated processor over {took:.0f} s, VmRSS {resident:.1f} MiB")
    lab.check(resident <= MOST_MEMORY_MIB, f"VmRSS is {resident:.1f} MiB")


def ticks(lab: Lab, pid: int) -> int:
    """Return the processor time that a process has used, in user space and in the kernel, in ticks."""
    fields = lab.guest.run(f"cat /proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
