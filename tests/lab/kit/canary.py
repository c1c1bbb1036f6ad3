"""Nothing of the product keeps a CHAP name or password: it is made to work, and then all of it is searched for them.

`chap.CANARY` is in each of them. The search is shown to find what is there: the canary in the node records and in
sysfs, and the name of the target in the memory of the daemon and in its files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.lab.kit.array import TARGET
from tests.lab.kit.chap import CANARY
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import CONFIG, METRICS_URL, RECORDING, UNIT

ALERTS = SESSION_LOSS | {"session_restored", "path_flapping", "config_finding"}

SCRIPT = Path(__file__).parent.parent / "guest/find_bytes.py"
FIND = "/run/lab/find_bytes.py"
OUTPUTS = "/root/outputs"
BUNDLE = "/root/bundle"
STATE = "/var/lib/mpathd-watch"
OWN = (STATE, "/run/mpathd-watch", str(Path(CONFIG).parent), "/var/log/mpathd-watch")
CORE = f"{STATE}/core"
SESSIONS = "/sys/class/iscsi_session/session*"
RECORDS = "/var/lib/iscsi /etc/iscsi"
USER = "mpathd-watch"
MAP = "mpio"
SESSIONS_COUNT = 2
SECRETS = ("username", "password", "username_in", "password_in")

SITE = METRICS_URL.removesuffix("/metrics")
FETCH = "import sys, urllib.request as web; [print(web.urlopen(each).read().decode()) for each in sys.argv[1:]]"
COMMANDS = {
    "status": "mpathd-watch status",
    "status.json": "mpathd-watch status --json",
    "check": "mpathd-watch check",
    "check.json": "mpathd-watch check --json",
    "history": "mpathd-watch history",
    "history.json": "mpathd-watch history --json",
    "export": "mpathd-watch export-config",
    "served": f"python3 -c '{FETCH}' {METRICS_URL} {SITE}/ {SITE}/healthz {SITE}/readyz",
    "systemd": f"systemctl show {UNIT}; systemctl status --no-pager --full {UNIT}",
    "bundle-check": f"mpathd-watch check --root {BUNDLE}",
    "bundle-check.json": f"mpathd-watch check --json --root {BUNDLE}",
    "bundle-status.json": f"mpathd-watch status --json --root {BUNDLE}",
}
"""What the product prints and serves, by the file that keeps it. `check` exits 1 or 2 where it finds something."""

PACK = f"""
mkdir -p {BUNDLE}/sos_commands/iscsi {BUNDLE}/sos_commands/multipath {BUNDLE}/etc {BUNDLE}/var/lib
cp -a /etc/iscsi /etc/multipath.conf {BUNDLE}/etc/; cp -a /var/lib/iscsi {BUNDLE}/var/lib/ 2>/dev/null
cd {BUNDLE}/sos_commands
iscsiadm -m node -o show -S > 'iscsi/iscsiadm_-m_node_--op_show'
iscsiadm -m session -P 3 -S > 'iscsi/iscsiadm_-m_session_-P_3'
multipath -ll > multipath/multipath_-ll
multipathd show config > multipath/multipathd_show_config
"""
"""A support bundle as by sos, with all secrets: `-S` has iscsiadm print them."""


def play(lab: Lab, seconds: float) -> None:
    """Have the product work for so long, through at least one outage, and expect the canary nowhere."""
    if not lab.watch.present:
        return
    lab.guest.write_file(FIND, SCRIPT.read_bytes())
    lab.guest.run(f"mkdir -p {OUTPUTS}")
    expect_secrets_in_use(lab)
    began = lab.guest.now()
    rounds = 0
    while rounds == 0 or lab.guest.now() - began < seconds:
        work(lab, f"{rounds}-up")
        lose_path(lab)
        rounds += 1
    work(lab, "last")
    lab.say(f"{rounds} outages in {lab.guest.now() - began:.0f} s")
    report = {"memory": expect_not_in_memory(lab)}
    dump_core(lab)
    report["files"] = expect_not_in_files(lab)
    (lab.logs / "canary.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def expect_secrets_in_use(lab: Lab) -> None:
    """Expect the canary wherever the secrets must be, and that the daemon's user can't read it there."""
    found = lab.guest.run(f"grep -rlF {CANARY} {RECORDS}", check=False).splitlines()
    lab.say(f"truth: the canary is in {', '.join(found)}")
    for part, least in (("/nodes/", SESSIONS_COUNT), ("/send_targets/", SESSIONS_COUNT), ("/iscsid.conf", 1)):
        lab.check(sum(part in path for path in found) >= least, f"no canary in {least} files of {part}: {found}")
    attributes = [f"{SESSIONS}/{name}" for name in SECRETS]
    counts = {each: int(lab.guest.run(f"cat {each} | grep -cF {CANARY}", check=False) or 0) for each in attributes}
    lab.say(f"truth: the canary is in {counts}")
    lab.check(counts[f"{SESSIONS}/password"] == SESSIONS_COUNT, "not every session has its password")
    files = " ".join((*attributes, *found))
    tried = f"runuser -u {USER} -- cat {files} 2>/dev/null | grep -cF {CANARY}"
    lab.check(int(lab.guest.run(tried, check=False) or 0) == 0, f"the user {USER} can read secrets")


def work(lab: Lab, name: str) -> None:
    """Discover the target again, reload, and keep what all commands print, and what a bundle shows."""
    for portal in lab.san.portals.values():
        lab.guest.run(f"iscsiadm -m discovery -t sendtargets -p '{portal}'")
    reload(lab)
    lab.guest.run(f"rm -rf {BUNDLE}; {PACK}", timeout=120)
    packed = lab.guest.run(f"grep -rlF {CANARY} {BUNDLE}", check=False).split()
    printed = [path for path in packed if "/sos_commands/" in path]
    lab.check(bool(printed) and len(packed) > len(printed), f"the bundle has the canary in {packed} alone")
    for file, command in COMMANDS.items():
        lab.guest.run(f"{{ {command}; }} > {OUTPUTS}/{name}-{file} 2>&1", timeout=120, check=False)


def reload(lab: Lab) -> None:
    """Have the product read everything again, what only root can read included."""
    before = lab.guest.now()
    lab.guest.run(f"systemctl reload {UNIT}", timeout=120)

    def done() -> bool | None:
        return any("was reloaded" in entry.message for entry in lab.watch.entries(before)) or None

    lab.wait("the reload", done, 30.0)


def lose_path(lab: Lab) -> None:
    """Cut a link, reload in the outage, and restore the link."""
    path = lab.san.portals[2]
    cut = lab.faults.drop_silently(2)
    lab.see_dm(path, "F", cut, timeout=60)
    reload(lab)
    plugged = lab.faults.drop_nothing()
    lab.see_dm(path, "A", plugged, timeout=120)
    lab.expect_state("path_health", "up", timeout=20, map=MAP, path=path)


def expect_not_in_memory(lab: Lab) -> Any:
    """Expect no canary in the memory of any process of the unit, and the name of the target there."""
    pids = lab.guest.run(f"cat /sys/fs/cgroup/system.slice/{UNIT}/cgroup.procs").split()
    found = search(lab, "memory", *pids)
    lab.check(f"process {main_process(lab)}" in found["control"], f"the search does not find {TARGET} in the memory")
    return found


def dump_core(lab: Lab) -> None:
    """Have the kernel write the core of the daemon, where the daemon may write."""
    lab.guest.run(
        f"echo {CORE} > /proc/sys/kernel/core_pattern; echo 0 > /proc/sys/kernel/core_uses_pid; "
        f"prlimit --pid {main_process(lab)} --core=unlimited:unlimited"
    )
    # The main process alone dies: systemd starts the next one.
    lab.watch.restart("ABRT")
    size = int(lab.guest.run(f"stat -c %s {CORE} || echo 0", check=False))
    lab.say(f"truth: the daemon left a core of {size / 2**20:.0f} MiB")
    lab.check(size > 1 << 20, f"the core has {size} bytes")


def expect_not_in_files(lab: Lab) -> Any:
    """Expect no canary in all that the product has written, printed, logged or served."""
    lab.guest.run(f"journalctl --unit={UNIT} --output=export > {OUTPUTS}/journal", timeout=120)
    lab.guest.run(f"mpathd-watch status > {OUTPUTS}/status-of-the-next 2>&1", timeout=60)
    private = lab.guest.run(f"ls -d /tmp/systemd-private-*-{UNIT}-* /var/tmp/systemd-private-*-{UNIT}-*", check=False)
    found = search(lab, "files", *OWN, OUTPUTS, *private.split())
    # The next daemon has begun another recording.
    for place in (CORE, f"{RECORDING}.1", f"{OUTPUTS}/0-up-served", f"{OUTPUTS}/last-bundle-status.json"):
        lab.check(place in found["control"], f"the search does not find {TARGET} in {place}")
    lab.check(f"{OUTPUTS}/journal" in found["control"], f"the search does not find {TARGET} in the journal")
    rows = search(lab, "files", f"{STATE}/state.db", control=MAP)
    lab.check(bool(rows["control"]), f"the search does not find {MAP} in the database")
    # The same search finds the canary where it is.
    proof = search(lab, "files", BUNDLE, expected=True)
    lab.check(len(proof["found"]) > 1, f"the search finds the canary in {[*proof['found']]} alone")
    return found


def search(lab: Lab, kind: str, *places: str, control: str = TARGET, expected: bool = False) -> Any:
    """Search memory or files for the canary, and for `control`; expect no canary unless `expected`."""
    found = json.loads(lab.guest.run(f"python3 {FIND} {CANARY} {control} {kind} {' '.join(places)}", timeout=600))
    lab.say(f"{kind}: {found['places']} searched, {found['bytes'] / 2**20:.0f} MiB; canary in {len(found['found'])}")
    if not expected:
        lab.check(not found["found"], f"the canary is in {found['found']}")
    return found


def main_process(lab: Lab) -> str:
    """Return the number of the daemon's process."""
    return lab.guest.run(f"systemctl show --value --property=MainPID {UNIT}").strip()
