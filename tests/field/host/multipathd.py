"""What multipathd answers: its maps, its paths and its configuration, in the words of 0.9.4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.sysfs import FakeDisk, FakeMap
from tests.field.host.storage import Member, Storage

FINE = ("active", "ready")
FAULTY = ("failed", "faulty")
GHOST = ("active", "ghost")


@dataclass(frozen=True)
class Configured:
    """What ``show config local`` prints, as far as the cases differ in it."""

    no_path_retry: object = 12
    polling_interval: int = 5
    max_polling_interval: int = 20
    user_friendly_names: str = "no"
    find_multipaths: str = "strict"
    flush_on_last_del: str = "no"
    fast_io_fail_tmo: object = 5
    path_grouping_policy: str = "failover"
    prio: str = "const"
    detect_prio: str = "yes"
    blacklist: str = ""
    """Lines before multipathd's own devnode."""
    blacklist_devices: str = ""
    devices: str = ""
    multipaths: str = ""

    def printed(self) -> str:
        """The reply."""
        return _PRINTED % vars(self)


@dataclass
class Gone:
    """A path that multipathd still lists although its disk is gone."""

    name: str


@dataclass
class Listed:
    """How multipathd lists one map; its paths are the slaves in one group unless ``groups`` names them."""

    map: FakeMap
    vendor: str
    product: str
    groups: Sequence[Sequence[Member | Gone]]
    hwhandler: str = "1 alua"


@dataclass
class Multipathd:
    """The daemon of a host: ``running`` or not, its pid, and what it knows of maps, paths and configuration."""

    storage: Storage
    running: bool = True
    pid: int = 655
    pidfile: str | None = None
    """What /run/multipathd.pid has in place of the pid, e.g. that in a container's namespace; empty for no file."""
    configured: Configured = field(default_factory=Configured)
    listed: list[Listed] = field(default_factory=list)
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    """dm's and the checker's word by disk; the others are ``FINE``."""
    orphans: list[str] = field(default_factory=list)
    """Lines of ``show paths`` for paths in no map."""
    replies: dict[str, str] = field(default_factory=dict)
    """Replies that differ from those that follow from the rest, by command."""
    connections: int = 0
    """How many connections the product has made so far."""

    def maps(self) -> str:
        """The reply to ``show maps json``."""
        document = {"major_version": 0, "minor_version": 1, "maps": [self._map(each) for each in self.listed]}
        return json.dumps(document, indent=3, separators=(",", " : ")) + "\n"

    def paths(self) -> str:
        """The reply to ``show paths raw format "%w|%m|%d|%D|%t|%T|%c|%M|%0"``; ``ok`` where there are none."""
        lines = []
        for listed in self.listed:
            wwid, name = _wwid(listed.map), listed.map.get("dm/name")
            for path in (path for group in listed.groups for path in group):
                dm, checker = self._words(path)
                dev, dev_t = ("-", "#:#") if isinstance(path, Gone) else (path.name, path.dev_t)
                lines.append("|".join((wwid, name, dev, dev_t, dm, checker, "tur", "normal", "0")))
        lines += self.orphans
        return "".join(f"{line}\n" for line in lines) or "ok\n"

    def _words(self, path: Member | Gone) -> tuple[str, str]:
        return self.words.get(path.name, FAULTY if isinstance(path, Gone) else FINE)

    def _map(self, listed: Listed) -> dict[str, object]:
        retry = self.configured.no_path_retry
        queueing = {"fail": "off", "queue": "on"}.get(str(retry), f"{retry} chk")
        paths = sum(map(len, listed.groups))
        return {
            "name": listed.map.get("dm/name"),
            "uuid": _wwid(listed.map),
            "sysfs": listed.map.sysfs_name,
            "failback": "immediate",
            "queueing": queueing if paths else "-",
            "paths": paths,
            "write_prot": "rw",
            "dm_st": "active",
            "features": "0" if queueing == "off" else "1 queue_if_no_path",
            "hwhandler": listed.hwhandler,
            "action": "create",
            "path_faults": 0,
            "vend": listed.vendor,
            "prod": listed.product,
            "rev": "0001",
            "switch_grp": 0,
            "map_loads": 1,
            "total_q_time": 0,
            "q_timeouts": 0,
            "path_groups": [
                {
                    "selector": "service-time 0",
                    "pri": max(map(self._priority, group), default=0),
                    "dm_st": "active" if number == 1 else "enabled",
                    "marginal_st": "normal",
                    "group": number,
                    "paths": [self._path(path) for path in group],
                }
                for number, group in enumerate(listed.groups, 1)
            ],
        }

    def _priority(self, path: Member | Gone) -> int:
        """As the prioritizers sysfs and const give it (libmultipath/prioritizers)."""
        if isinstance(path, Gone):
            return -1
        if self.configured.detect_prio == "no" or not isinstance(path, FakeDisk):
            return 1
        state = path.device.path("access_state")
        return _PRIORITIES.get(state.read_text(encoding="utf-8").strip(), 0) if state.exists() else 1

    def _path(self, path: Member | Gone) -> dict[str, object]:
        dm, checker = self._words(path)
        return {
            "dev": "-" if isinstance(path, Gone) else path.name,
            "dev_t": "#:#" if isinstance(path, Gone) else path.dev_t,
            "dm_st": dm,
            "dev_st": "undef" if isinstance(path, Gone) else self.storage.device_state(path),
            "chk_st": checker,
            "checker": "tur",
            "pri": self._priority(path),
            "host_wwnn": "[undef]",
            "target_wwnn": "[undef]",
            "host_wwpn": "[undef]",
            "target_wwpn": "[undef]",
            "host_adapter": "[undef]",
            "lun_hex": "0x0001000000000000",
            "marginal_st": "normal",
        }


_PRIORITIES = {"active/optimized": 50, "active/non-optimized": 10, "lba-dependent": 5, "standby": 1}


def _wwid(map_: FakeMap) -> str:
    return map_.get("dm/uuid").removeprefix("mpath-")


_PRINTED = """defaults {
	verbosity 2
	polling_interval %(polling_interval)s
	max_polling_interval %(max_polling_interval)s
	path_selector "service-time 0"
	path_grouping_policy "%(path_grouping_policy)s"
	uid_attribute "ID_SERIAL"
	features "0"
	prio "%(prio)s"
	path_checker "tur"
	failback "manual"
	no_path_retry "%(no_path_retry)s"
	queue_without_daemon "no"
	flush_on_last_del "%(flush_on_last_del)s"
	user_friendly_names "%(user_friendly_names)s"
	fast_io_fail_tmo %(fast_io_fail_tmo)s
	detect_prio "%(detect_prio)s"
	detect_checker "yes"
	find_multipaths "%(find_multipaths)s"
	uxsock_timeout 4000
}
blacklist {
%(blacklist)s	devnode "!^(sd[a-z]|dasd[a-z]|nvme[0-9])"
%(blacklist_devices)s}
blacklist_exceptions {
	property "(SCSI_IDENT_|ID_WWN)"
}
devices {
%(devices)s}
overrides {
}
%(multipaths)s"""
