"""The host as a case sees it: sessions, disks, maps, records and files, each added by one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fakes.sysfs import TARGET, WWID, FakeDisk, FakeMap, FakeSession, FakeSysfs
from tests.field.host.debian import ROOT_FS, Debian
from tests.field.host.multipathd import Configured, Gone, Listed, Multipathd
from tests.field.host.network import Network
from tests.field.host.storage import Member, Storage
from tests.field.host.tree import Tree

RETRY = "defaults {\n    no_path_retry 12\n}\n"


class Host:
    """A Debian host below ``root``, with multipath-tools (unless ``version`` is empty) and open-iscsi.

    At first it has neither sessions nor maps, and its system is on /dev/vda1. multipath.conf and multipathd agree on
    ``no_path_retry 12``.
    """

    def __init__(self, root: Path, *, version: str = "0.9.4-3+deb12u2", iscsi: bool = True) -> None:
        self.tree = Tree(root)
        self.nodes = "etc/iscsi/nodes"
        """Where open-iscsi has the node records; /var/lib/iscsi/nodes from 2.1.9 on, and so on Debian 13."""
        root.mkdir(parents=True, exist_ok=True)
        self.san = FakeSysfs(root / "sys")
        self.san.run.joinpath("udev/data").mkdir(parents=True)
        self.storage = Storage(self.tree, self.san)
        self.system_disk = self.storage.virtio_disk("vda")
        self.storage.partition(self.system_disk, 1, fs=ROOT_FS)
        self.network = Network(self.tree)
        self.debian = Debian(self.tree)
        self.debian.lay_out()
        self.multipathd = Multipathd(self.storage, running=bool(version))
        self.tree.write("etc/mpathd-watch/config.toml", "")
        if version:
            self.debian.install_multipath(version)
            self.configure(RETRY)
        if iscsi:
            self.debian.install_iscsi()

    @property
    def root(self) -> Path:
        """Where its files are."""
        return self.tree.root

    # --- iSCSI --------------------------------------------------------------------------------------------------------

    def login(
        self,
        portal: str = "192.168.1.1:3260",
        *,
        target: str = TARGET,
        iface: str = "default",
        local: str = "",
        bound: str = "",
        record: Mapping[str, object] | None = None,
        timeouts: tuple[int, int, int] = (5, 10, 5),
    ) -> FakeSession:
        """Log in through ``portal``, from an interface with the address ``local``, to which it may be ``bound``.

        A node record that starts at boot and has the ``timeouts`` in force (noop_out_interval, noop_out_timeout,
        replacement_timeout) is there; ``record`` changes it.
        """
        interval, timeout, replacement = timeouts
        session = self.san.login(
            portal,
            target=target,
            iface=iface,
            recv_tmo=interval,
            ping_tmo=timeout,
            recovery_tmo=replacement,
            local=local,
        )
        address = session.iscsi_host.get("ipaddress")
        self.network.reach(address, prefix=64 if ":" in address else 24, bound=bound)
        self.record(portal, target=target, iface=iface, timeouts=timeouts, settings=record or {})
        return session

    def record(
        self,
        portal: str,
        *,
        target: str = TARGET,
        iface: str = "default",
        tpgt: int = 1,
        timeouts: tuple[int, int, int] = (5, 10, 5),
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Write a node record, as discovery does and iscsiadm updates it."""
        address, _, port = portal.rpartition(":")
        address = address.strip("[]")
        interval, timeout, replacement = timeouts
        values = {
            "node.name": target,
            "node.tpgt": tpgt,
            "node.startup": "automatic",
            "node.leading_login": "No",
            "iface.iscsi_ifacename": iface,
            "node.session.nr_sessions": 1,
            "node.session.timeo.replacement_timeout": replacement,
            "node.conn[0].address": address,
            "node.conn[0].port": port,
            "node.conn[0].timeo.noop_out_interval": interval,
            "node.conn[0].timeo.noop_out_timeout": timeout,
            **(settings or {}),
        }
        lines = "".join(f"{key} = {value}\n" for key, value in values.items())
        path = f"{self.nodes}/{target}/{address},{port},{tpgt}/{iface}"
        self.tree.write(path, f"# BEGIN RECORD 2.1.8\n{lines}# END RECORD\n")

    def forget_record(self, portal: str, *, target: str = TARGET, iface: str = "default", tpgt: int = 1) -> None:
        """Have no record of a session, as where a driver or the firmware made it."""
        address, _, port = portal.rpartition(":")
        (self.root / f"{self.nodes}/{target}/{address.strip('[]')},{port},{tpgt}/{iface}").unlink()

    # --- disks and maps -----------------------------------------------------------------------------------------------

    def disk(
        self,
        session: FakeSession | None = None,
        *,
        place: str = "",
        lun: int = 1,
        wwid: str = WWID,
        vendor: str = "LIO-ORG",
        product: str = "disk",
        size: int | None = None,
        access: str = "active/optimized",
        group: int = 0,
    ) -> FakeDisk:
        """A disk behind a session, or at a place of another transport."""
        more = {} if size is None else {"size": size}
        return self.storage.disk(
            session, place=place, lun=lun, wwid=wwid, vendor=vendor, product=product, access=access, group=group, **more
        )

    def map(
        self,
        name: str,
        *members: Member,
        wwid: str = WWID,
        vendor: str | None = None,
        product: str | None = None,
        groups: Sequence[Sequence[Member | Gone]] | None = None,
        hwhandler: str = "1 alua",
    ) -> FakeMap:
        """A map over ``members``, which multipathd lists in one group unless ``groups`` are given."""
        made = self.storage.map(name, members, wwid)
        first = members[0] if members else None
        inquiry = ["##", "##"]
        if isinstance(first, FakeDisk):
            inquiry = [first.device.get("vendor").strip(), first.device.get("model").strip()]
        listed = Listed(
            made, vendor or inquiry[0], product or inquiry[1], [members] if groups is None else groups, hwhandler
        )
        self.multipathd.listed.append(listed)
        self.tree.append("etc/multipath/wwids", f"/{wwid}/\n")
        return made

    def two_paths(self, name: str = "mpio", count: int = 2, *, wwid: str = WWID, lun: int = 1) -> FakeMap:
        """A map over a disk of each of ``count`` sessions, to 192.168.1.1, 192.168.2.1 and so on."""
        portals = [f"192.168.{number}.1:3260" for number in range(1, count + 1)]
        known = {session.connection.get("persistent_address"): session for session in self.san.sessions}
        sessions = [known.get(portal.partition(":")[0]) or self.login(portal) for portal in portals]
        return self.map(name, *(self.disk(session, wwid=wwid, lun=lun) for session in sessions), wwid=wwid)

    # --- configuration ------------------------------------------------------------------------------------------------

    def configure(self, multipath_conf: str, **printed: object) -> None:
        """Write multipath.conf; ``printed`` is what the running multipathd makes of it (see ``Configured``)."""
        self.tree.write("etc/multipath.conf", multipath_conf)
        self.multipathd.configured = Configured(**printed)  # type: ignore[arg-type]  # the field's own types

    def watch_with(self, config: str) -> None:
        """Write mpathd-watch's own configuration."""
        self.tree.write("etc/mpathd-watch/config.toml", config)
