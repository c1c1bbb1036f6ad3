"""A supportconfig of SUSE, unpacked: text files in which each part has a headline.

    #==[ Command ]======================================#
    # /usr/sbin/multipath -ll
    ...
    #==[ Configuration File ]===========================#
    # /etc/multipath.conf

(supportutils 3.2, bin/supportconfig.rc: log_cmd(), conf_files()). Comments and blank lines of configuration files are
left out there. The part of a file keeps its place: a line that a finding names is that of the bundle's file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpathd_watch.core.configuration import Configuration, NodeRecord
from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Version, merge, parse
from mpathd_watch.core.formats.open_iscsi import Record, parse_record
from mpathd_watch.core.formats.printed import iscsiadm, packages
from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.bundle.files import Files
from mpathd_watch.sources.bundle.moments import moment
from mpathd_watch.sources.bundle.outputs import Output, Text
from mpathd_watch.sources.configuration.reader import shown

ENVIRONMENT = "basic-environment.txt"
_MPIO, _ISCSI = "mpio.txt", "fs-iscsi.txt"
_HEADLINE = re.compile(r"^#==\[ (?P<kind>[^\]\n]{1,64}) \]=+#\n# (?P<title>[^\n]{0,1024})\n?", re.MULTILINE)
_COMMAND, _FILE = "Command", "Configuration File"
_OUTPUTS: dict[Output, tuple[tuple[str, str], ...]] = {
    Output.TOPOLOGY: ((_MPIO, "multipath -ll"),),
    Output.SESSIONS: ((_ISCSI, "iscsiadm -m session -P 3"), (_ISCSI, "iscsiadm -m session -P 1")),
    Output.DM_INFO: ((_MPIO, "dmsetup info"),),
    Output.DM_TABLE: ((_MPIO, "dmsetup table"),),
    Output.UDEV: ((_MPIO, "udevadm info -e"), ("udev.txt", "udevadm info -e")),
    Output.ADDRESSES: (("network.txt", "ip addr"),),
    Output.PROCESSES: (("basic-health-check.txt", "ps axwwo"),),
    Output.KERNEL_LOG: (("messages.txt", "journalctl"), ("messages.txt", "/var/log/messages")),
}
"""In which file and below which command each output is; supportconfig runs the others not at all."""
_FAILED = "ERROR: Command not found or not executable"


@immutable
class _Part:
    kind: str
    title: str
    text: str
    line: int
    """The line of the file in which ``text`` begins."""


class SupportConfig:
    """The bundle below the root of ``files``."""

    name = "supportconfig"

    def __init__(self, files: Files) -> None:
        self._files = files
        self._parts: dict[str, list[_Part]] = {}

    @staticmethod
    def recognises(files: Files) -> bool:
        """Whether it is one."""
        return any("#==[ " in (files.text(name, 1 << 16) or "") for name in (ENVIRONMENT, _MPIO))

    def output(self, output: Output) -> Text | None:
        """The part of a file that has it."""
        for file, command in _OUTPUTS.get(output, ()):
            for part in self._in(file):
                if _is_command(part, command) and not part.text.startswith(_FAILED):
                    return Text(part.text, self._shown(file), part.line)
        return None

    def disk_state(self, device: str) -> str:  # noqa: ARG002  # supportconfig does not copy /sys
        """Never known."""
        return ""

    def disk_path(self, device: str) -> str:  # noqa: ARG002  # as above
        """Never known but by udev."""
        return ""

    def version(self) -> Version | None:
        """By the list of installed packages."""
        text = self._files.text("rpm.txt")
        return packages.multipath_tools(text) if text else None

    def obfuscated(self) -> bool:
        """Not known."""
        return False

    def configuration(self, *, iscsid_running: bool | None) -> Configuration:
        """The parts that are copies of the host's files; the records are what iscsiadm printed."""
        version = self.version()
        main, conf_d, wwids = Document(), list[Document](), None
        for part in self._copies(_MPIO):
            if part.title == "/etc/multipath.conf":
                main = self._document(part, version)
            elif part.title.startswith("/etc/multipath/conf.d/") and part.title.endswith(".conf"):
                conf_d.append(self._document(part, version))
            elif part.title == "/etc/multipath/wwids":
                wwids = frozenset(
                    clean(line[1:].partition("/")[0]) for line in part.text.split("\n") if line[:1] == "/"
                )
        return Configuration(
            merge([main, *conf_d]),
            iscsid=self._iscsid(),
            records=self._records(),
            version=version,
            wwids=wwids,
            iscsid_running=iscsid_running,
        )

    def taken_at(self) -> float | None:
        """When ``date`` ran; without it, when its file was written."""
        date = next((part.text for part in self._in(ENVIRONMENT) if _is_command(part, "date")), None)
        return moment(date, self._files.modified(ENVIRONMENT))

    def _document(self, part: _Part, version: Version | None) -> Document:
        padded = "\n" * (part.line - 1) + part.text
        return parse(padded, self._shown(_MPIO), version or NEWEST)

    def _iscsid(self) -> Record | None:
        for part in self._copies(_ISCSI):
            if part.title == "/etc/iscsi/iscsid.conf":
                return parse_record("\n" * (part.line - 1) + part.text, self._shown(_ISCSI))
        return None

    def _records(self) -> tuple[NodeRecord, ...]:
        found: dict[object, NodeRecord] = {}
        for part in self._in(_ISCSI):
            if _is_command(part, "iscsiadm -m node -T"):
                for place, record in iscsiadm.records(part.text, self._shown(_ISCSI), part.line):
                    found.setdefault(place, NodeRecord(place, record))
        return tuple(found.values())

    def _copies(self, file: str) -> Iterator[_Part]:
        return (part for part in self._in(file) if part.kind == _FILE)

    def _in(self, file: str) -> list[_Part]:
        if file not in self._parts:
            read = self._files.tail if file == "messages.txt" else self._files.text
            self._parts[file] = list(_parts(read(file) or ""))
        return self._parts[file]

    def _shown(self, file: str) -> str:
        return shown(self._files.root / file)


def _parts(text: str) -> Iterator[_Part]:
    if text and not text.startswith("#==["):
        # The headline of a large log is cut off: the log itself is what is left.
        yield _Part(_COMMAND, "journalctl", text[: text.find("\n#==[ ")], 1)
    headlines = list(_HEADLINE.finditer(text))
    line, counted = 1, 0
    for at, found in enumerate(headlines):
        end = headlines[at + 1].start() if at + 1 < len(headlines) else len(text)
        line += text.count("\n", counted, found.end())
        counted = found.end()
        yield _Part(found["kind"], found["title"].strip(), text[found.end() : end], line)


def _is_command(part: _Part, command: str) -> bool:
    """Whether a part is a command's, which is printed with its whole path; or the copy of a log."""
    if part.kind != _COMMAND:
        return part.title.partition(" - ")[0] == command
    program, _, options = part.title.partition(" ")
    wanted, _, given = command.partition(" ")
    if program.rpartition("/")[2] != wanted:
        return False
    return options == given or (command in _PREFIXES and options.startswith(given))


_PREFIXES = frozenset({"iscsiadm -m node -T", "journalctl", "ps axwwo"})
"""The commands that are followed by more: by a name, or by options that differ by version."""
