"""A cable is pulled and plugged in again: who learns of it when; and the same with the daemon killed in between.

The journal has the incident a second after the path is stalled, and a mail follows it at once. Alertmanager waits for
its `group_wait`, so that one notification has all of it. A daemon that is killed while the path is out sends nothing
again: the next one goes on with the incident.
"""

from tests.lab.kit import notifications
from tests.lab.kit.notifications import Notifications
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import CONFIG, Entry

SAN = QUICK
ALERTS = SESSION_LOSS | {"config_finding"}

MAILED_WITHIN = 5.0
"""Seconds from an entry to its mail."""
NOTIFIED_WITHIN = 420.0
"""Seconds within which Alertmanager has notified: a scrape, the rule's `for`, an evaluation, and `group_wait`.

If it has notified of the same host before, `group_interval` (5 min) takes the place of `group_wait`. Prometheus sends
what is resolved again for 15 min, so that Alertmanager does not forget the group.
"""


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    configuration = lab.guest.run(f"cat {CONFIG}")
    lab.watch.stop()
    lab.guest.write_file(CONFIG, configuration + notifications.CONFIG)
    with notifications.notified(lab.guest, lab.logs / "prometheus") as sent:
        lab.watch.start()
        for killed in (False, True):
            outage(lab, sent, killed=killed)


def outage(lab: Lab, sent: Notifications, *, killed: bool) -> None:
    """Pull a cable, kill the daemon or not, plug the cable in, and compare what each way brings, and when."""
    path = PORTALS[2]
    cut = lab.faults.link_down(2)
    lab.see_stalled(path, cut)
    began = _entry(lab, "incident_began", cut)
    if killed:
        lab.watch.restart("KILL")
    lab.see_failed(path, cut)
    mail = lab.wait("a mail", lambda: next(iter(sent.mails(cut, "incident_began")), None), 30.0)
    lab.check(killed or mail.at - began.at < MAILED_WITHIN, f"mailed {mail.at - began.at:.1f} s after the entry")
    at, first = lab.wait("a notification", lambda: next(iter(sent.alerts(cut, "firing")), None), NOTIFIED_WITHIN)
    lab.say(f"after the cut: journal {began.at - cut:.1f} s, mail {mail.at - cut:.1f} s, Alertmanager {at - cut:.1f} s")
    lab.say(f"mail: {mail.subject}")
    lab.say(f"Alertmanager to {first.receiver}: {first.names}")

    plugged = lab.faults.link_up(2)
    lab.see_logged_in(path, plugged)
    up = lab.see_dm(path, "A", plugged, timeout=60)
    ended = _entry(lab, "incident_ended", plugged)
    clear = lab.wait("its mail", lambda: next(iter(sent.mails(plugged, "incident_ended")), None), 30.0)
    over, _ = lab.wait("its end", lambda: next(iter(sent.alerts(plugged, "resolved")), None), NOTIFIED_WITHIN)
    took = f"journal {ended.at - up:.1f} s, mail {clear.at - up:.1f} s, Alertmanager {over - up:.1f} s"
    lab.say(f"after the path was up: {took}")
    mails = [each for each in sent.mails(cut) if each.event not in ("path_suspect", "config_finding")]
    steps = [(each.event, each.incident) for each in mails]
    incident = began.fields["INCIDENT"]
    lab.check(steps == [("incident_began", incident), ("incident_ended", incident)], f"the mails are {steps}")
    firing = [each for each in sent.alerts(cut, "firing") if "ConfigurationFinding" not in each[1].names]
    lab.check(len(firing) == 1, f"Alertmanager notified {len(firing)} times: {[each.names for _, each in firing]}")


def _entry(lab: Lab, event: str, after: float) -> Entry:
    return lab.wait(event, lambda: next(iter(lab.watch.entries(after, event)), None), 30.0)
