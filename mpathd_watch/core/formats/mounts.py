"""What is mounted at boot, and whether systemd takes it for local: fstab(5) and systemd.mount(5).

systemd mounts a file system of the network late, after the network and the sessions. It recognises one by its type or
by the option _netdev only (mount_is_network() in src/core/mount.c, systemd 252 and 257): an ordinary file system on an
iSCSI disk is local for it, whatever is between the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.formats.proc_mounts import unescaped
from mpathd_watch.immutable import immutable

MAX_LINES = 4096
"""Lines of a file that are read."""

NETWORK_TYPES = frozenset(
    {
        *("afs", "ceph", "cifs", "davfs", "gfs", "gfs2", "glusterfs", "lustre", "ncp", "ncpfs", "nfs", "nfs4"),
        *("ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "sshfs"),
    }
)
"""The types that systemd takes for file systems of the network (fstype_is_network() in src/basic/mount-util.c)."""

EXTRINSIC = frozenset({"/", "/usr"})
"""What the initramfs mounts, before any unit of the host is started (mount_is_extrinsic() in src/core/mount.c)."""

_ORDERING = ("x-systemd.requires", "x-systemd.after", "x-systemd.wants")
_OF_NETWORK = ("iscsi", "network", "remote-fs")
"""Names have one of these if the unit is there once the network or the sessions are."""
_PLAIN = frozenset(":_.")
_TAGS = {"LABEL": "label", "UUID": "uuid", "PARTLABEL": "partlabel", "PARTUUID": "partuuid", "ID": "id"}
_SAFE = frozenset("#+-.:=@_")


@immutable
class Entry:
    """A file system that may be mounted: ``where`` is the line or the file that declares it."""

    where: str
    source: str
    target: str
    kind: str
    options: tuple[str, ...]
    ordered: bool = False
    """It is ordered after the network or the sessions, or without systemd's defaults, by a unit file."""

    @property
    def local(self) -> bool:
        """Whether systemd mounts it at boot, before the network and the sessions are certain to be there."""
        if self.ordered or not self.target.startswith("/") or self.target in EXTRINSIC or self.kind == "swap":
            return False
        if self.kind.removeprefix("fuse.") in NETWORK_TYPES or not {"_netdev", "noauto"}.isdisjoint(self.options):
            return False
        if any(option.partition("=")[0] == "x-initrd.mount" for option in self.options):
            return False
        return not any(
            option.startswith(_ORDERING) and _of_network(option.partition("=")[2]) for option in self.options
        )

    @property
    def nofail(self) -> bool:
        """Whether the boot goes on without it."""
        return "nofail" in self.options

    @property
    def device(self) -> str:
        """The name of its device below /dev: ``disk/by-uuid/...``, ``mapper/mpatha``; ``""`` if it is not a device."""
        tag, equals, value = self.source.partition("=")
        if equals and tag in _TAGS:
            return f"disk/by-{_TAGS[tag]}/{encoded(value.strip(chr(34)))}"
        return self.source.removeprefix("/dev/") if self.source.startswith("/dev/") else ""


def fstab(text: str, file: str) -> Iterator[Entry]:
    """The entries of fstab. Lines with less than three fields are not read (getmntent(3))."""
    for number, line in enumerate(text.split("\n")[:MAX_LINES], 1):
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        source, target, kind = map(unescaped, fields[:3])
        options = unescaped(fields[3]) if len(fields) > 3 else ""
        yield Entry(f"{file}:{number}", source, _path(target), kind, tuple(options.split(",")))


def mount_unit(text: str, file: str) -> Entry | None:
    """The mount of a unit file; ``None`` if it names no device or no directory. Continued lines are not read."""
    values: dict[str, str] = {}
    ordered, section = False, ""
    for line in text.split("\n")[:MAX_LINES]:
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped
            continue
        name, equals, value = (part.strip() for part in stripped.partition("="))
        if not equals or name.startswith(("#", ";")):
            continue
        if section == "[Mount]":
            values[name] = value
        elif section == "[Unit]":
            after = name in ("After", "Requires", "BindsTo", "Wants") and _of_network(value)
            ordered = ordered or after or (name == "DefaultDependencies" and value.lower() in ("no", "false", "0", "n"))
    if not values.get("What") or not values.get("Where"):
        return None
    options = tuple(values.get("Options", "").split(","))
    return Entry(file, values["What"], _path(values["Where"]), values.get("Type", ""), options, ordered)


def unit_name(target: str) -> str:
    """The name of the unit that mounts ``target``, as ``systemd-escape --path --suffix=mount`` prints it."""
    path = "/".join(part for part in target.split("/") if part)
    if not path:
        return "-.mount"
    escaped = "".join(
        "-" if each == "/" else each if _is_plain(each, _PLAIN) and (at or each != ".") else _hexadecimal(each)
        for at, each in enumerate(path)
    )
    return f"{escaped}.mount"


def encoded(text: str) -> str:
    r"""A label as udev spells it in a link: ``data\x20one`` for ``data one`` (encode_devnode_name() in systemd)."""
    return "".join(each if _is_plain(each, _SAFE) or not each.isascii() else _hexadecimal(each) for each in text)


def _is_plain(character: str, others: frozenset[str]) -> bool:
    return (character.isascii() and character.isalnum()) or character in others


def _of_network(units: str) -> bool:
    return any(name in units for name in _OF_NETWORK)


def _hexadecimal(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _path(text: str) -> str:
    return text.rstrip("/") or "/" if text.startswith("/") else text
