"""One of two portals with 64 LUNs behind it is lost, and returns: one cause, one incident.

People are woken by the suspicion and by the loss, which counts 64 paths of 64 maps with one path left, and once when it
is over. The 64 paths fail and return one by one; their entries, and those of their maps and session, have priority info
and the id of the incident. A guest without KVM takes minutes to set its 128 disks up.
"""

from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab
from tests.lab.kit.watch import WARNING

LUNS = 64
SAN = QUICK.with_luns({lun: f"lun{lun:02d}" if lun > 1 else "mpio" for lun in range(1, LUNS + 1)})
ALERTS = SESSION_LOSS

NOTICE = 5
REINSTATED_WITHIN = 60.0


def run(lab: Lab) -> None:
    path = PORTALS[2]
    cut = lab.faults.link_down(2)
    lab.see_stalled(path, cut)
    lab.see_failed(path, cut)
    if lab.watch.present:
        loss = lab.wait("the incident", lambda: next(iter(lab.watch.entries(cut, "incident_began")), None), 10.0)
        lab.say(f"{loss}")
        told = {name: loss.fields.get(name) for name in ("PATHS", "MAPS", "MAPS_AT_RISK", "MAPS_LOST")}
        right = {"PATHS": str(LUNS), "MAPS": str(LUNS), "MAPS_AT_RISK": str(LUNS), "MAPS_LOST": "0"}
        lab.check(told == right, f"counted {told}")

    plugged = lab.faults.link_up(2)
    lab.see_logged_in(path, plugged)
    for lun in range(1, LUNS + 1):
        lab.see_dm(path, "A", plugged, timeout=REINSTATED_WITHIN, lun=lun)
    if not lab.watch.present:
        return
    end = lab.wait("its end", lambda: next(iter(lab.watch.entries(plugged, "incident_ended")), None), 20.0)
    lab.say(f"{end}")
    lab.check(end.fields.get("PATHS") == str(LUNS), f"it counts {end.fields.get('PATHS')} paths")

    entries = [each for each in lab.watch.entries(cut) if each.event != "config_finding"]
    woken = [each for each in entries if each.priority <= WARNING]
    notices = [each for each in entries if each.priority == NOTICE]
    lab.check(len(woken) <= 3, f"{len(woken)} entries wake people: {[str(each) for each in woken]}")
    lab.check(len(notices) == 1, f"{len(notices)} notices: {[str(each) for each in notices]}")
    parts = [each for each in entries if (each.event or "").startswith(("path_", "map_", "session_", "incident_"))]
    ids = {each.fields.get("INCIDENT") for each in parts}
    lab.check(ids == {loss.fields["INCIDENT"]}, f"{len(parts)} entries belong to {ids}")
    lab.say(f"{len(entries)} entries, of which {len(woken)} wake people, and {len(notices)} notice")
