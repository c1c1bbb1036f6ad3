"""The first package is upgraded to today's while a path is down, downgraded, upgraded again, and purged at the end.

The configuration of the first one is accepted, with one line about the key that is gone. The first one has no store.
Today's daemon reports the outage once, as it must: it has never seen it. After that it keeps it, over the time at which
the first one runs, under one id, and reports nothing twice. A store that is newer waits beside, and comes back.

Then: systemd executes itself again, and the service is reloaded ten times under load, without a restart, and without a
scrape that fails. needrestart finds the daemon when a library is replaced, and its restart costs nothing. At last
nothing of the package is left.
"""

import tempfile
from pathlib import Path

from tests.lab.kit import packages
from tests.lab.kit.san import PORTALS, QUICK
from tests.lab.kit.scenario import SESSION_LOSS, Lab

SAN = QUICK
SUITES = ("trixie", "bookworm")
ALERTS = SESSION_LOSS | {"config_finding", "daemon"}

FIRST = "05ca54e484bcd6c59deac1923a6e72cabd9286f6"
NAME = "mpathd-watch"
OLD, NEW = "/root/old.deb", "/root/product.deb"
STATE = f"/var/lib/{NAME}"
CONFIG = f"""\
listen = ":10068"
state_dir = "{STATE}"
single_path_ok = []
settle_seconds = 5.0
slack_seconds = 2.0
silence_grace_seconds = 2.0
flap_failures = 3
flap_window_seconds = 600.0
"""
"""Settings of the first release, of which one is gone."""
ONCE = ("path_failed", "path_stalled", "session_lost", "map_at_risk", "map_degraded", "incident_began")
"""Events that today's daemon reports once at most of one outage."""
OF_OTHERS = (
    *(
        "/root/",
        "/tmp/",
        "/var/tmp/",
        "/var/log/",
        "/var/cache/",
        "/var/lib/dpkg/",
        "/var/lib/apt/",
        "/var/lib/systemd/",
    ),
    *("/var/lib/iscsi/", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"),
)
"""Files that change while other programs work."""
RELOADS = 10
FAILED = 60.0
"""Seconds until a path has failed, or is back, at most."""


def run(lab: Lab) -> None:
    if not lab.watch.present:
        return
    with tempfile.TemporaryDirectory(prefix="mpathd-watch-lab-needrestart-") as work:
        packages.provide(lab.guest, lab.guest.image.suite, ("install", "needrestart"), Path(work))
    packages.apt(lab.guest, ("install", "needrestart"), "/root/needrestart.log", timeout=900)
    lab.guest.write_file(OLD, packages.built(FIRST))
    _purge(lab)
    before = _everything(lab)
    lab.check(not _ours(before), f"after the first purge there is still {_ours(before)}")

    _upgrade_and_downgrade(lab)
    _newer_store(lab)
    _undisturbed(lab)
    _needrestart(lab)

    _purge(lab)
    after = _everything(lab)
    left = sorted(line for line in after - before if not line.split()[-1].startswith(OF_OTHERS))
    lab.check(not left, f"purge has left {left[:20]}")
    gone = sorted(line for line in before - after if not line.split()[-1].startswith(OF_OTHERS))
    lab.check(not gone, f"purge has removed {gone[:20]}")
    units = lab.guest.run(f"systemctl list-units --all --no-legend --plain '{NAME}*'", check=False).strip()
    lab.check(not units, f"systemd still knows {units}")
    account = lab.guest.run(f"getent passwd {NAME}; getent group {NAME}", check=False).strip()
    lab.check(not account, f"the account is still there: {account}")
    catalog = lab.guest.run(f"journalctl --list-catalog --no-pager | grep -c '{NAME}: ' || true").strip()
    lab.check(catalog == "0", f"the catalog still has {catalog} messages")


def _upgrade_and_downgrade(lab: Lab) -> None:
    path = PORTALS[2]
    _install(lab, OLD)
    lab.guest.write_file(f"/etc/{NAME}/config.toml", CONFIG)
    lab.guest.run(f"systemctl restart {NAME}")
    lab.expect_state("map_health", "healthy", map="mpio", timeout=FAILED)
    lab.check("state.db" not in lab.guest.run(f"ls {STATE}"), "the first package has a store, too")

    cut = lab.faults.link_down(2)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    lab.expect_event("path_failed", after=cut, MAP="mpio", PATH=path)

    upgraded = lab.guest.now()
    _install(lab, NEW)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    known = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), FAILED)
    lab.say(f"today's daemon keeps the outage as {known}")
    lines = [each for each in lab.watch.entries(upgraded) if "state_dir has no effect" in each.message]
    lab.check(len(lines) == 1, f"the key that is gone was reported {len(lines)} times")
    lab.check("--state-dir" in "".join(each.message for each in lines), "the line does not name the option")

    downgraded = lab.guest.now()
    lab.say(f"reported by today's daemon: {_reported(lab, upgraded, downgraded)}")
    for event, count in _reported(lab, upgraded, downgraded).items():
        lab.check(count <= 1, f"{event} was reported {count} times by today's daemon")
    _install(lab, OLD)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)

    again = lab.guest.now()
    _install(lab, NEW)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    lab.expect_state("map_health", "at_risk", map="mpio", timeout=FAILED)
    found = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), FAILED)
    lab.check(found == known, f"after the second upgrade the outage is {found}, before it was {known}")

    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=FAILED)
    entry = lab.expect_event("path_reinstated", 20.0, plugged, MAP="mpio", PATH=path)
    lab.check(entry is None or entry.fields.get("OUTAGE") == known, f"its end has another outage: {entry}")
    lab.expect_state("map_health", "healthy", map="mpio", timeout=FAILED)
    repeated = {event: count for event, count in _reported(lab, again, plugged).items() if count}
    lab.check(not repeated, f"after the second upgrade these were reported again: {repeated}")
    lab.say(lab.guest.run("mpathd-watch history"))
    lab.say(lab.guest.run(f"mpathd-watch history show {known}"))
    lab.check(bool(lab.watch.outages()[known]["verdict"]), "the history has no verdict on the outage")


def _newer_store(lab: Lab) -> None:
    """Let the store be one of a newer version, and then one of this version again."""
    path = PORTALS[2]
    before = set(lab.watch.outages())
    version = _version(lab, f"{STATE}/state.db")
    lab.guest.run(f"systemctl stop {NAME}")
    _set_version(lab, f"{STATE}/state.db", 99)
    began = lab.watch.start().began
    lab.expect_state("map_health", "healthy", map="mpio", timeout=FAILED)
    lab.check(_lines(lab, began, "was written by a newer version") == 1, "the newer store was not reported once")
    lab.check("state.db.newer" in lab.guest.run(f"ls {STATE}"), "the newer store is not beside")
    lab.check(not set(lab.watch.outages()) & before, "the store that was begun is not empty")
    cut = lab.faults.link_down(2)
    lab.see_dm(path, "F", cut, timeout=FAILED)
    meanwhile = lab.wait("an outage in the new store", lambda: lab.watch.open_outage(path), FAILED)

    lab.guest.run(f"systemctl stop {NAME}")
    _set_version(lab, f"{STATE}/state.db.newer", version)
    back = lab.watch.start().began
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    lab.check(_lines(lab, back, "was put back") == 1, "that the store was put back was not reported once")
    found = set(lab.watch.outages())
    lab.check(found >= before | {meanwhile}, f"the history has {found}, expected {before} and {meanwhile}")
    lab.check("state.db." not in lab.guest.run(f"ls {STATE}"), "there is still a store beside")
    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=FAILED)
    entry = lab.expect_event("path_reinstated", 20.0, plugged, MAP="mpio", PATH=path)
    lab.check(entry is None or entry.fields.get("OUTAGE") == meanwhile, f"its end has another outage: {entry}")
    repeated = {event: count for event, count in _reported(lab, back, plugged).items() if count}
    lab.check(not repeated, f"with the store that was put back these were reported again: {repeated}")


def _undisturbed(lab: Lab) -> None:
    """The service manager executes itself again, and the service is reloaded, under load and during an outage."""
    path = PORTALS[2]
    lab.expect_state("map_health", "healthy", map="mpio", timeout=FAILED)
    before, began = lab.watch.service(), lab.guest.now()
    lab.load.io()
    lab.guest.run("systemctl daemon-reexec", timeout=120)
    cut = lab.faults.link_down(2)
    for number in range(RELOADS):
        if number == RELOADS // 2:
            lab.guest.run("systemctl daemon-reexec", timeout=120)
        reloaded = lab.guest.now()
        lab.guest.run(f"systemctl reload {NAME}", timeout=120)
    lab.wait("the last reload", lambda: _lines(lab, reloaded, "The configuration was reloaded") or None, FAILED)
    lab.see_dm(path, "F", cut, timeout=FAILED)
    lab.expect_event("path_failed", FAILED, cut, MAP="mpio", PATH=path)
    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=FAILED)
    lab.expect_event("path_reinstated", 20.0, plugged, MAP="mpio", PATH=path)
    lab.expect_state("map_health", "healthy", map="mpio", timeout=FAILED)
    lab.load.stop()
    for event, count in _reported(lab, cut, lab.guest.now()).items():
        lab.check(count <= 1, f"{event} was reported {count} times during the reloads")
    lab.expect_one_outage("mpio", path, since=cut)
    after = lab.watch.service()
    lab.check(after == before, f"the service is {after}, before the reloads it was {before}")
    failed = [each for each in lab.watch.scrapes(began) if each.error]
    lab.check(not failed, f"{len(failed)} scrapes failed: {failed[:3]}")
    started = [each.message for each in lab.watch.entries(began) if each.from_systemd and "Started" in each.message]
    lab.check(not started, f"systemd started it again: {started}")


def _needrestart(lab: Lab) -> None:
    """A library of the daemon is replaced, as by an upgrade, while a path is down."""
    path = PORTALS[2]
    listed = lab.guest.run("needrestart -b -l 2>&1", timeout=300, check=False)
    lab.check(f"{NAME}.service" not in listed, f"needrestart wants a restart without a reason: {listed}")
    cut = lab.faults.link_down(2)
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    known = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), FAILED)
    pid = lab.watch.service()["MainPID"]
    library = lab.guest.run(
        f"sed -n 's,.* \\(/.*python3.*[.]so\\)$,\\1,p' /proc/{pid}/maps | sort -u | head -n 1"
    ).strip()
    lab.say(f"replaced: {library}")
    lab.guest.run(f"cp -a {library} {library}.new && mv {library}.new {library}")
    listed = lab.guest.run("needrestart -b -l 2>&1", timeout=300, check=False)
    lab.say(listed)
    lab.check(f"NEEDRESTART-SVC: {NAME}.service" in listed, "needrestart does not list the service")
    restarted = lab.guest.now()
    lab.guest.run(
        "DEBIAN_FRONTEND=noninteractive needrestart -l -r a >/root/restarted.log 2>&1 </dev/null", timeout=600
    )
    lab.check(lab.watch.service()["MainPID"] != pid, "needrestart has not restarted the service")
    lab.expect_state("path_health", "failed", map="mpio", path=path, timeout=FAILED)
    found = lab.wait("the outage in the store", lambda: lab.watch.open_outage(path), FAILED)
    lab.check(found == known, f"after the restart the outage is {found}, before it was {known}")
    plugged = lab.faults.link_up(2)
    lab.see_dm(path, "A", plugged, timeout=FAILED)
    lab.expect_event("path_reinstated", 20.0, plugged, MAP="mpio", PATH=path)
    repeated = {event: count for event, count in _reported(lab, restarted, plugged).items() if count}
    lab.check(not repeated, f"after the restart these were reported again: {repeated}")
    lab.check(cut < restarted, "the path was not down")


def _install(lab: Lab, deb: str) -> None:
    lab.say(f"installing {deb}")
    lab.guest.run(
        f"DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i {deb} 2>&1 && systemctl start {NAME}", timeout=300
    )


def _purge(lab: Lab) -> None:
    lab.say("purge")
    lab.say(lab.guest.run(f"DEBIAN_FRONTEND=noninteractive dpkg --purge {NAME} 2>&1", timeout=300))


def _everything(lab: Lab) -> set[str]:
    """Every file, with its type, mode and owner, but for what Python compiles of other packages."""
    listed = lab.guest.run(
        "find / /run -xdev -ignore_readdir_race -printf '%y %m %u:%g %p\\n'", timeout=180, check=False
    )
    lines = {line for line in listed.splitlines() if not line.split()[-1].startswith("/run/")}
    ours = {line for line in listed.splitlines() if f"/{NAME}" in line and line.split()[-1].startswith("/run/")}
    return {line for line in lines if "__pycache__" not in line or "mpathd" in line} | ours


def _ours(listed: set[str]) -> list[str]:
    """What has the product's name, but for what the lab itself keeps."""
    return sorted(each for each in listed if "mpathd-watch" in each or "mpathd_watch" in each)


def _reported(lab: Lab, since: float, until: float) -> dict[str, int]:
    """How often each event that may come once was reported between two instants."""
    return {event: sum(each.at <= until for each in lab.watch.entries(since, event)) for event in ONCE}


def _lines(lab: Lab, since: float, text: str) -> int:
    return sum(text in each.message for each in lab.watch.entries(since - 10.0))


def _version(lab: Lab, database: str) -> int:
    return int(_sql(lab, database, "PRAGMA user_version"))


def _set_version(lab: Lab, database: str, version: int) -> None:
    _sql(lab, database, f"PRAGMA user_version = {version}")
    lab.guest.run(f"chown {NAME}: {database}*")


def _sql(lab: Lab, database: str, statement: str) -> str:
    program = f"import sqlite3; print(*(sqlite3.connect('{database}').execute('{statement}').fetchone() or ('',)))"
    return lab.guest.run(f'python3 -c "{program}"').strip()
