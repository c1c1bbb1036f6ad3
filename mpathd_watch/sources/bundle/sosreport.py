"""A report of sos, unpacked: outputs in ``sos_commands/PLUGIN/``, files of the host under their own paths.

Names as in sos 4.0 to 4.9: ``_mangle_command()`` makes the command the file's name, with ``_`` for blanks.
"""

from __future__ import annotations

import re
from pathlib import Path

from mpathd_watch.core.configuration import Configuration, NodeRecord
from mpathd_watch.core.formats.multipath_conf import NEWEST, Version
from mpathd_watch.core.formats.printed import iscsiadm, packages
from mpathd_watch.sources.bundle.files import Confined, Files
from mpathd_watch.sources.bundle.moments import moment
from mpathd_watch.sources.bundle.outputs import Output, Text
from mpathd_watch.sources.configuration import files as configured
from mpathd_watch.sources.configuration.reader import shown

DIRECTORY = "sos_commands"
_OUTPUTS: dict[Output, tuple[str, ...]] = {
    Output.TOPOLOGY: ("multipath/multipath_-ll", "multipath/multipath_-v4_-ll"),
    Output.RUNNING: ("multipath/multipathd_show_config",),
    Output.SESSIONS: ("iscsi/iscsiadm_-m_session_-P_3",),
    Output.DM_INFO: ("devicemapper/dmsetup_info_-c",),
    Output.DM_TABLE: ("devicemapper/dmsetup_table",),
    Output.DM_STATUS: ("devicemapper/dmsetup_status",),
    Output.UDEV: ("devices/udevadm_info_--export-db",),
    Output.ADDRESSES: ("networking/ip_-d_address", "networking/ip_address"),
    Output.PROCESSES: ("process/ps_auxwwwm", "process/ps_auxwww", "process/ps_auxfwww", "process/ps_aux"),
    Output.KERNEL_LOG: (
        *("logs/journalctl_--no-pager_--boot", "logs/journalctl_--no-pager_--catalog_--boot"),
        *("kernel/dmesg", "kernel/dmesg_-T"),
    ),
}
"""Where each output may be, the best first."""
_RECORDS = ("iscsi/iscsiadm_-m_node_--op_show", "iscsi/iscsiadm_-m_node_--op=show")
_PACKAGES = ("installed-debs", "installed-rpms", f"{DIRECTORY}/dpkg/dpkg_-l", f"{DIRECTORY}/rpm/package-data")
_DATES = (f"{DIRECTORY}/date/date_--utc", f"{DIRECTORY}/date/date", "date")
_NAME = re.compile(r"[A-Za-z0-9!_.-]{1,64}", re.ASCII)


class SosReport:
    """The bundle below ``root``."""

    name = "sosreport"

    def __init__(self, files: Files) -> None:
        self._files = files

    @staticmethod
    def recognises(files: Files) -> bool:
        """Whether it is one."""
        return bool(files.names(DIRECTORY) or (files.names("sos_logs") and files.names("sos_reports")))

    def output(self, output: Output) -> Text | None:
        """The first file that there is; of a log its end."""
        read = self._files.tail if output is Output.KERNEL_LOG else self._files.text
        for path in _OUTPUTS[output]:
            text = read(f"{DIRECTORY}/{path}")
            if text:
                return Text(text, shown(self._files.root / DIRECTORY / path))
        return self._udev_of_each_disk() if output is Output.UDEV else None

    def disk_state(self, device: str) -> str:
        """From the part of /sys that the plugin block copies."""
        path = f"sys/block/{device}/device/state"
        return (self._files.text(path, 64) or "").strip() if _NAME.fullmatch(device) else ""

    def disk_path(self, device: str) -> str:
        """The target of /sys/block/DEVICE."""
        return self._files.link(f"sys/block/{device}") if _NAME.fullmatch(device) else ""

    def version(self) -> Version | None:
        """By the list of installed packages."""
        for path in _PACKAGES:
            text = self._files.text(path)
            if text and (found := packages.multipath_tools(text)):
                return found
        return None

    def obfuscated(self) -> bool:
        """Whether ``sos clean`` has replaced the addresses: it does in texts, but not in the names of directories."""
        copied, printed = self._copied_records(), self._printed_records()
        return bool(copied and printed) and not _portals(copied) & _portals(printed)

    def configuration(self, *, iscsid_running: bool | None) -> Configuration:
        """The copied files; in place of node records that were not copied, what iscsiadm printed of them."""
        root, version = self._files.root, self.version()
        reader = Confined(root)
        private = configured.read_root_only(root, reader, version)
        records = () if self.obfuscated() else private.records
        records = records or self._printed_records()
        return Configuration(
            configured.multipath(reader, root, version or NEWEST, private.conf_d),
            iscsid=private.iscsid,
            records=records,
            unreadable=tuple(reader.unreadable),
            version=version,
            wwids=private.wwids,
            iscsid_running=iscsid_running,
        )

    def taken_at(self) -> float | None:
        """When ``date`` ran; without it, when sos wrote its version."""
        for path in _DATES:
            text = self._files.text(path, 256)
            if text:
                return moment(text, self._files.modified(path))
        return self._files.modified("version.txt")

    def _copied_records(self) -> tuple[NodeRecord, ...]:
        return configured.read_root_only(self._files.root, Confined(self._files.root)).records

    def _printed_records(self) -> tuple[NodeRecord, ...]:
        for name in _RECORDS:
            path = f"{DIRECTORY}/{name}"
            text = self._files.text(path)
            if text:
                found = iscsiadm.records(text, shown(self._files.root / path))
                return tuple(NodeRecord(place, record) for place, record in found)
        return ()

    def _udev_of_each_disk(self) -> Text | None:
        """What udev knew of each disk, as the plugin block asks it; for a report without the plugin devices."""
        prefix = "udevadm_info_.dev."
        names = [name for name in self._files.names(f"{DIRECTORY}/block") if name.startswith(prefix)]
        texts = [self._files.text(f"{DIRECTORY}/block/{name}", 1 << 16) or "" for name in names[:4096]]
        directory: Path = self._files.root / DIRECTORY / "block"
        return Text("\n\n".join(texts), shown(directory)) if any(texts) else None


def _portals(records: tuple[NodeRecord, ...]) -> set[tuple[str, int]]:
    return {(node.place.address, node.place.port) for node in records}
