"""An administrator edits a node record, and thinks that is it.

The session runs with the old timeout until it is logged out and in: `check` says so, naming both values, and has
nothing to say after the new login.
"""

from tests.lab.kit.array import TARGET
from tests.lab.kit.san import ARTICLE, PORTALS, set_pings
from tests.lab.kit.scenario import Lab

# What multipathd writes over it is another story: here it is as configured.
SAN = ARTICLE.with_iscsi(fast_io_fail_tmo="15")
LONG_SUITES = ("bookworm",)
ALERTS = ("path_missing", "path_failed", "map_at_risk", "session_lost", "config_finding")

NOT_IN_FORCE = "timeout_not_in_force"


def run(lab: Lab) -> None:
    label = f"{PORTALS[2]}/{TARGET}"
    lab.check(found(lab, label) == {}, f"findings before: {found(lab, label)}")

    lab.say("noop_out_timeout in the record: 7")
    set_pings(lab.guest, PORTALS[2], 5, 7)
    texts = found(lab, label)
    if lab.watch.present:
        lab.check(set(texts) >= {NOT_IN_FORCE}, f"findings after the edit: {texts}")
        text = texts.get(NOT_IN_FORCE, "")
        lab.check("7" in text and "10" in text, f"it does not name both values: {text}")

    lab.relogin(2)
    lab.wait("ping_tmo 7", lambda: lab.truth.find("session", portal=PORTALS[2], ping_tmo="7"), 10.0)
    lab.check(NOT_IN_FORCE not in found(lab, label), f"findings after the login: {found(lab, label)}")


def found(lab: Lab, subject: str) -> dict[str, str]:
    """Return what the check finds wrong with a session: code -> text."""
    findings = lab.watch.check()["findings"] if lab.watch.present else []
    return {each["code"]: each["text"] for each in findings if subject in each["subject"].split(", ")}
