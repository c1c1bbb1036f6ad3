"""`mpathd-watch check` finds what nobody notices: replacement_timeout is 15, and the kernel waits 5 s.

multipathd has written its fast_io_fail_tmo over it, on both sessions; the failover budget is that of the 5 s. Once
fast_io_fail_tmo is 15 for iSCSI, in overrides/protocol, what is configured is in force and the finding is gone.
A multipath.conf of 2009 gets findings line by line. The check changes nothing; the daemon detects by itself that the
files have changed, and reports the same in the journal.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import ARTICLE, PORTALS
from tests.lab.kit.scenario import Lab

SAN = ARTICLE
LONG_SUITES = ("bookworm",)

ALERTS = frozenset({"config_finding"})

CONF = "/etc/multipath.conf"
OF_2009 = Path(__file__).parents[2] / "golden/conf/multipath-2009.conf"
FOR_ISCSI = 'overrides {\n\tprotocol {\n\t\ttype "scsi:iscsi"\n\t\tfast_io_fail_tmo 15\n\t}\n}\n'
OVERRIDDEN = "replacement_timeout_overridden"


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    sessions = {f"{portal}/{TARGET}" for portal in PORTALS.values()}

    report = lab.watch.check()
    lab.check(report["status"] == "WARNING", f"the check says {report['status']}")
    found = {each["subject"]: each["text"] for each in report["findings"] if each["code"] == OVERRIDDEN}
    lab.check({each for subject in found for each in subject.split(", ")} == sessions, f"overridden on {sorted(found)}")
    lab.check(
        all("recovery_tmo is 5 s" in text and "replacement_timeout is 15" in text for text in found.values()),
        f"it says {found}",
    )
    lab.check(warnings(report) == {OVERRIDDEN}, f"all findings: {report['findings']}")
    worst = SAN.noop_out_interval + SAN.noop_out_timeout + 1 + 5
    budgets = {label: budget["failover_worst_seconds"] for label, budget in report["budgets"].items()}
    lab.check(budgets == dict.fromkeys(sessions, worst), f"worst failovers: {budgets}")

    lab.say("fast_io_fail_tmo 15 for iSCSI")
    lab.guest.write_file(CONF, SAN.multipath_conf() + FOR_ISCSI)
    lab.guest.run("multipathd reconfigure")
    live = "cat /sys/class/iscsi_session/session*/recovery_tmo"
    lab.wait("recovery_tmo 15", lambda: lab.guest.run(live).split() == ["15", "15"] or None, 20.0)
    report = lab.watch.check()
    lab.check(report["status"] == "OK" and not warnings(report), f"then it finds {report['findings']}")

    lab.say("a multipath.conf of 2009, not put into force")
    lab.guest.write_file(CONF, OF_2009.read_text(encoding="utf-8"))
    found_there = [each for each in lab.watch.check()["findings"] if each["code"] in ("obsolete_keyword", "odd_regex")]
    lines = {each["where"] for each in found_there}
    wrong = {f"{CONF}:{line}" for line in (3, 4, 6, 7, 8, 17)}
    lab.check(wrong <= lines, f"obsolete or odd: {sorted(lines)}")
    number = Counter(each["code"] for each in found_there)
    lab.wait("the daemon to count the same", lambda: counted(lab, *number) >= number or None, 20.0)
    lab.guest.write_file(CONF, SAN.multipath_conf())


def warnings(report: Any) -> set[str]:
    """The codes of what is worth a warning or more."""
    return {each["code"] for each in report["findings"] if each["severity"] != "info"}


def counted(lab: Lab, *codes: str) -> Counter[str]:
    """How many objects the daemon's entries count of each code; one entry is about all findings of a kind."""
    found: Counter[str] = Counter()
    for code in codes:
        for entry in lab.watch.entries(0.0, "config_finding", CODE=code):
            found[code] += int(entry.fields["OBJECTS"])
    return found
