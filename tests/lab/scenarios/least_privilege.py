"""What a process can do as the daemon's user within its unit, and what a hook can do.

A program takes the daemon's place in a copy of its unit, and tries what must not be: to open a disk, to read node
records and secrets, to write outside its directories, to load a module, to see or stop other processes. The daemon runs
it as a hook, too: a hook can do no more, and has no capability. AppArmor confines both, and is on in the guest.
"""

import json
from pathlib import Path

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import CONFIG, UNIT

SAN = QUICK
LONG_SUITES = ("bookworm",)
ALERTS = SESSION_LOSS | {"config_finding"}

PROBE = Path(__file__).parent.parent / "guest/probe.py"
PROGRAM = "/usr/local/lib/mpathd-watch-probe.py"
COPY = "mpathd-watch-probe"
RESULT = "/run/lab/probe.json"
OWN = "/var/lib/mpathd-watch"

ALLOWED = (
    *("read a map", "read the state of a session", "receive uevents", "ask multipathd", "listen"),
    *("write to its own directory", "use CAP_NET_ADMIN", "start a program"),
)
"""What the unit must allow. A daemon without hooks gives up programs by itself, with Landlock."""
OF_THE_DAEMON_ALONE = frozenset({"use CAP_NET_ADMIN"})
NET_ADMIN = 1 << 12
AS_ANOTHER = (
    f"sed -e 's#^ExecStart=.*#ExecStart=/usr/bin/python3 {PROGRAM} {OWN}#' "
    "-e '/^ExecStartP/d;/^ExecReload/d;/^WatchdogSec/d;/^Restart/d;/^NotifyAccess/d' -e 's/^Type=.*/Type=oneshot/' "
    f"-e 's#^RuntimeDirectory=.*#RuntimeDirectory={COPY}#' -e '/^User=/a StandardOutput=file:{RESULT}' "
    f"/usr/lib/systemd/system/{UNIT} > /run/systemd/system/{COPY}.service && systemctl daemon-reload"
)
HOOK = f"""
[[hook]]
command = ["/usr/bin/python3", "{PROGRAM}", "{OWN}", "{OWN}/probe.json"]
priority = "info"
events = ["path_failed"]
"""


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    lab.guest.write_file(PROGRAM, PROBE.read_text(encoding="utf-8"))
    lab.guest.run(AS_ANOTHER)
    lab.guest.run(f"systemctl start {COPY}.service")
    _expect(lab, "in the daemon's place", RESULT, frozenset(ALLOWED), NET_ADMIN)

    log = lab.guest.run(f"journalctl --boot --unit {UNIT} --output cat | grep Landlock")
    lab.say(log)
    lab.check("has given up writing outside its own directories and starting programs" in log, "Landlock is not used")
    pid = lab.guest.run(f"systemctl show --property MainPID --value {UNIT}").strip()
    profile = lab.guest.run(f"cat /proc/{pid}/attr/current").strip("\0\n")
    lab.check(profile == "mpathd-watch (enforce)", f"the daemon's profile is {profile}")

    lab.watch.stop()
    lab.guest.run(f"cat >> {CONFIG} <<'END'\n{HOOK}END")
    lab.watch.start()
    cut = lab.faults.link_down(2)
    lab.see_dm(PORTALS[2], "F", cut, timeout=60)
    found = f"{OWN}/probe.json"
    lab.wait("the hook's result", lambda: lab.guest.run(f"cat {found}", check=False) or None, 60.0)
    _expect(lab, "as a hook", found, frozenset(ALLOWED) - OF_THE_DAEMON_ALONE, 0)
    lab.faults.link_up(2)
    lab.expect_state("path_health", "up", map="mpio", path=PORTALS[2], timeout=60)


def _expect(lab: Lab, where: str, file: str, allowed: frozenset[str], capabilities: int) -> None:
    found = json.loads(lab.guest.run(f"cat {file}"))
    (lab.logs / f"probe {where}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    attempts, facts = found["attempts"], found["facts"]
    lab.check(len(attempts) > 40, f"{where}: only {len(attempts)} attempts")
    for attempt, error in attempts.items():
        if attempt in allowed:
            lab.check(not error, f"{where}: could not {attempt}: {error}")
        elif lab.check(bool(error), f"{where}: could {attempt}"):
            lab.say(f"{where}: {attempt}: {error}")
    lab.say(f"{where}: {facts}")
    effective = {facts[name] for name in ("CapEff", "CapPrm", "CapAmb")}
    lab.check({int(each, 16) for each in effective} <= {capabilities}, f"{where}: capabilities {effective}")
    lab.check(int(facts["CapBnd"], 16) == NET_ADMIN, f"{where}: bounding set {facts['CapBnd']}")
    lab.check((facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2"), f"{where}: {facts}")
    lab.check(facts["AppArmor"] == "mpathd-watch (enforce)", f"{where}: AppArmor has {facts['AppArmor']}")
