"""Node records that are no files, can't be read, or change meanwhile: the step that runs as root, on real files.

Each is at most one line, which names it, and all other records count. No line of a record is ever quoted.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.configuration import Reason
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.sources.configuration import RootOnly, dump, read_root_only, reader
from mpathd_watch.sources.configuration.root_only import parse
from tests.component.process import PATIENCE

TARGET = "iqn.2024-01.org.example:disks"
NODES = f"var/lib/iscsi/nodes/{TARGET}"
SECRET = "correct-horse-battery"  # noqa: S105
NOBODY = 65534
AS_NOBODY = f"""
import ctypes, encodings.idna, locale, os, shutil, sys, mpathd_watch.cli.export_config
os.chdir(sys.argv.pop(1))
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(mpathd_watch.cli.main(sys.argv[1:]))
"""
"""Python's own files may be readable for root only, so everything is imported before."""
FAILING = """
import sys
from mpathd_watch.cli import main
from mpathd_watch.sources.configuration import files

def fail(text, file):
    raise ValueError(f"no idea what this is: {text}")

files.parse_record = fail
sys.exit(main())
"""


def node(timeout: int) -> str:
    return (
        f"# BEGIN RECORD 2.1.11\nnode.name = {TARGET}\n{keys.NOOP_OUT_INTERVAL} = {timeout}\n"
        f"node.session.auth.password = {SECRET}\n{keys.NOOP_OUT_TIMEOUT} = {timeout}\n# END RECORD\n"
    )


def place(root: Path, address: str, iface: str = "default") -> Path:
    """The path of a record, of which the directory exists."""
    path = root / NODES / f"{address},3260,1" / iface
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with two records that nothing is wrong with, the first and the last of all."""
    for number in (0, 9):
        place(tmp_path, f"192.0.2.{number}").write_text(node(number))
    return tmp_path


def exported(root: Path, *arguments: str, program: tuple[str, ...] = ("-m", "mpathd_watch")) -> RootOnly:
    """What the step prints of the host below ``root``."""
    command = [sys.executable, *program, "export-config", *(arguments or ("--root", str(root)))]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert time.monotonic() - began < PATIENCE
    assert (done.returncode, done.stderr) == (0, "")
    assert SECRET not in done.stdout
    return parse(done.stdout.encode())


def values(found: RootOnly) -> dict[str, int | str | None]:
    """The value at the end of each record, by the address of its portal; of a record that has none, ``None``."""
    entries = {each.place.address: each.record.entries.get(keys.NOOP_OUT_TIMEOUT) for each in found.records}
    return {address: None if entry is None else entry.value for address, entry in entries.items()}


def complaints(found: RootOnly, root: Path) -> dict[str, tuple[Reason, str]]:
    """What is said of each path, and that it is said once and on one line."""
    assert len({each.path for each in found.unreadable}) == len(found.unreadable)
    assert all(each.path.isprintable() and each.text.isprintable() for each in found.unreadable)
    return {each.path.removeprefix(f"{root}/{NODES}/"): (each.reason, each.text) for each in found.unreadable}


DENIED = (Reason.NO_PERMISSION, "no permission to read it")
NO_FILE = (Reason.NOT_REGULAR, "it is not a regular file, so it is not read")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)


def make_huge(path: Path) -> None:
    path.write_text(node(5))
    os.truncate(path, 1 << 30)


KINDS: dict[str, tuple[Callable[[Path], object], tuple[Reason, str] | None]] = {
    "a link to an endless device": (lambda path: path.symlink_to("/dev/zero"), NO_FILE),
    "a link to an empty device": (lambda path: path.symlink_to("/dev/null"), NO_FILE),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), None),
    "a link to itself": (
        lambda path: path.symlink_to(path.name),
        (Reason.FAILED, "Too many levels of symbolic links"),
    ),
    "a FIFO": (os.mkfifo, NO_FILE),
    "a socket": (make_socket, NO_FILE),
    "a directory": (lambda path: (path / "below").mkdir(parents=True), NO_FILE),
    # This one is a regular file to the kernel, and no memory is mapped at its beginning. A process that can't dump core
    # may open it only as root.
    "what fails while it is read": (
        lambda path: path.symlink_to("/proc/self/mem"),
        (Reason.FAILED, "Input/output error") if os.geteuid() == 0 else DENIED,
    ),
    "1 GiB, most of it a hole": (make_huge, (Reason.TOO_LARGE, "it is larger than 1 MiB, so it is not read")),
}


def test_what_is_no_record_is_one_line_and_all_others_count(root: Path) -> None:
    expected: dict[str, tuple[Reason, str]] = {}
    for number, (make, complaint) in enumerate(KINDS.values(), 1):
        path = place(root, f"192.0.2.10{number}")
        make(path)
        if complaint is not None:
            expected[f"192.0.2.10{number},3260,1/default"] = complaint
    (root / "fifo").parent.mkdir(exist_ok=True)
    os.mkfifo(root / "fifo")
    place(root, "192.0.2.120").symlink_to(root / "fifo")
    expected["192.0.2.120,3260,1/default"] = NO_FILE
    place(root, "192.0.2.121").symlink_to(place(root, "192.0.2.0"))
    if os.geteuid() == 0:
        os.mknod(place(root, "192.0.2.122"), 0o600 | 0o020000, os.makedev(1, 5))
        expected["192.0.2.122,3260,1/default"] = NO_FILE
    found = exported(root)
    assert values(found) == {"192.0.2.0": 0, "192.0.2.9": 9, "192.0.2.121": 0}
    assert complaints(found, root) == expected


def test_names_with_line_breaks_and_escapes_stay_on_their_line(root: Path) -> None:
    os.mkfifo(place(root, "192.0.2.5", "a\nMESSAGE=forged\x1b[31m"))
    place(root, "192.0.2.6", "b\nc").write_text(node(6))
    other = root / os.fsdecode("var/lib/iscsi/nodes/iqn.x\n\x9b\xff/192.0.2.7,3260,1/default".encode("latin-1"))
    other.parent.mkdir(parents=True)
    other.write_text(node(7))
    found = exported(root)
    assert values(found) == {"192.0.2.0": 0, "192.0.2.9": 9, "192.0.2.6": 6, "192.0.2.7": 7}
    assert [*complaints(found, root)] == [r"192.0.2.5,3260,1/a\x0aMESSAGE=forged\x1b[31m"]
    for each in found.records:
        assert each.place.target.isprintable()
        assert each.place.iface.isprintable()
        assert each.record.file.isprintable()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become another user")
def test_a_record_that_may_not_be_read_is_one_line_and_all_others_count(root: Path) -> None:
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    root.chmod(0o755)
    shut = place(root, "192.0.2.5")
    shut.write_text(node(5))
    shut.chmod(0)
    closed = place(root, "192.0.2.6").parent
    place(root, "192.0.2.6").write_text(node(6))
    closed.chmod(0o700)
    # By a path from the directory itself: those above it are closed to others.
    program = ("-c", AS_NOBODY, str(root))
    command = [sys.executable, *program, "export-config", "--root", "."]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert (done.returncode, done.stderr) == (0, "")
    found = parse(done.stdout.encode())
    assert values(found) == {"192.0.2.0": 0, "192.0.2.9": 9}
    expected = {f"{NODES}/192.0.2.5,3260,1/default": DENIED, f"{NODES}/192.0.2.6,3260,1": DENIED}
    assert {each.path: (each.reason, each.text) for each in found.unreadable} == expected
    # Root reads them all.
    assert sorted(values(exported(root))) == ["192.0.2.0", "192.0.2.5", "192.0.2.6", "192.0.2.9"]


def fill(directory: Path, names: int) -> None:
    with contextlib.chdir(directory):
        for number in range(names):
            os.symlink("nothing", f"192.0.2.5,3260,{number}")  # noqa: PTH211  # a Path for each takes long


def test_a_directory_of_100_000_names_is_one_line_and_all_others_count(root: Path) -> None:
    """The names are such as of records: of interfaces in the one directory, of portals in the other."""
    fill(place(root, "192.0.2.5").parent, 100_000)
    for number in (0, 9):
        other = root / f"var/lib/iscsi/nodes/iqn.2024-01.org.example:other.{number}/192.0.2.10{number},3260,1/default"
        other.parent.mkdir(parents=True)
        other.write_text(node(number))
    between = root / "var/lib/iscsi/nodes/iqn.2024-01.org.example:other.5"
    between.mkdir()
    fill(between, 20_000)
    found = exported(root)
    assert values(found) == {"192.0.2.0": 0, "192.0.2.9": 9, "192.0.2.100": 0, "192.0.2.109": 9}
    assert {each.path: each.reason for each in found.unreadable} == {
        str(place(root, "192.0.2.5").parent): Reason.TOO_MANY,
        str(between): Reason.TOO_MANY,
    }


# --- what changes while it is read ------------------------------------------------------------------------------------

FILLER = "# a record may be longer than what its writer puts into the file at once\n" * 400


def version(number: int) -> str:
    """A record whose values are all ``number``, one at its beginning and one at its end."""
    return (
        f"# BEGIN RECORD 2.1.11\n{keys.NOOP_OUT_INTERVAL} = {number}\n{FILLER}"
        f"{keys.NOOP_OUT_TIMEOUT} = {number}\n# END RECORD\n"
    )


def write_in_place(path: Path, text: str) -> None:
    """As iscsiadm does: the file is emptied, and filled piece by piece."""
    with path.open("w", buffering=4096) as file:
        for line in text.splitlines(keepends=True):
            file.write(line)


def replace_whole(path: Path, text: str) -> None:
    """As an editor does."""
    draft = path.with_name("draft~")
    draft.write_text(text)
    draft.rename(path)


def cut_and_grow(path: Path, text: str) -> None:
    os.truncate(path, len(text) // 3)
    path.write_text(text)


def swap_with_fifo(path: Path, text: str) -> None:
    path.unlink()
    os.mkfifo(path)
    path.unlink()
    path.write_text(text)


@contextlib.contextmanager
def rewriting(path: Path, write: Callable[[Path, str], None], pause: float) -> Iterator[Callable[[], int]]:
    """Rewrite a record again and again, in turns with the values 1 and 2; yields how often that was done so far."""
    stop = threading.Event()
    count = 0

    def work() -> None:
        nonlocal count
        while not stop.wait(pause):
            write(path, version(count % 2 + 1))
            count += 1

    path.write_text(version(1))
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: count
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("write", [write_in_place, replace_whole, cut_and_grow, swap_with_fifo])
@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_a_record_that_changes_all_the_time_is_at_most_one_line(
    root: Path, write: Callable[[Path, str], None], pause: float
) -> None:
    """Whether a mixture counts is shown in tests/unit/sources/configuration/test_changing_files.py, without a race."""
    path = place(root, "192.0.2.5")
    with rewriting(path, write, pause) as written:
        until = time.monotonic() + 1.0
        while time.monotonic() < until or written() < 10:
            found = read_root_only(root)
            assert {"192.0.2.0": 0, "192.0.2.9": 9}.items() <= values(found).items()
            assert values(found).get("192.0.2.5") in (None, 1, 2)
            assert len([each for each in found.unreadable if each.path == str(path)]) <= 1
    assert values(read_root_only(root))["192.0.2.5"] in (1, 2)


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRET_KEYS = st.sampled_from(
    [
        f"{prefix}.auth.{name}{way}"
        for prefix in ("node.session", "discovery.sendtargets", "discovery.isns", "host", "iface")
        for name in ("username", "password")
        for way in ("", "_in")
    ]
)
KEYS = st.one_of(SECRET_KEYS, st.sampled_from([*keys.KEYS]), st.text(max_size=5))
BLANKS = st.text(" \t\v\f\r", max_size=3)
AROUND = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"=", b" = ", b"# ", b'"', b"'", b"\\", b"\0", b"\x1b[31m", b"x" * 2040, b"\xff\xfe", b"END"]),
).filter(lambda text: not text.isdigit())


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line with the secret in it, in its place or in a wrong one."""
    begin = draw(st.sampled_from(["", "", "#", "# ", " ", SECRET, "\ufeff"])) + draw(BLANKS)
    key, separator = draw(KEYS), draw(BLANKS) + draw(st.sampled_from(["=", "", "==", ":", " = "])) + draw(BLANKS)
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b"\0\n", b""]))
    # A number at the beginning of a value counts, as for open-iscsi. No digit is a part of this secret.
    return f"{begin}{key}{separator}".encode() + draw(AROUND) + SECRET.encode() + draw(AROUND) + end


@settings(max_examples=150, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=8))
def test_no_secret_of_any_record_is_passed_on(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]) -> None:
    root = tmp_path_factory.mktemp("host")
    path = place(root, "192.0.2.5")
    path.write_bytes(b"# BEGIN RECORD 2.1.11\n" + b"".join(content) + b"# END RECORD\n")
    (root / "etc/iscsi").mkdir(parents=True)
    (root / "etc/iscsi/iscsid.conf").write_bytes(b"".join(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "PAUSE", 0.0)
        found = read_root_only(root)
    assert len(found.records) == 1
    assert SECRET not in dump(found)
    assert SECRET not in repr(found)
    assert parse(dump(found).encode()) == found


def test_a_mistake_of_ours_quotes_no_line_of_a_record(root: Path) -> None:
    command = [sys.executable, "-c", FAILING, "export-config", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"mpathd-watch: internal error: ValueError in <string>, line \d+\n", done.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can give a directory to another user")
@pytest.mark.parametrize("kind", ["link", "fifo", "file"])
def test_what_it_writes_belongs_to_root_whatever_the_daemons_user_has_put_there(root: Path, kind: str) -> None:
    victim, directory = root / "victim", root / "run"
    victim.write_text("precious")
    directory.mkdir()
    output = directory / "root-only.json"
    match kind:
        case "link":
            output.symlink_to(victim)
        case "fifo":
            os.mkfifo(output)
        case "file":
            output.write_text("old")
    for path in (directory, output):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    program = f"from mpathd_watch.daemon import export; export._owners = lambda: {{{NOBODY}}}"
    program += "; import sys; from mpathd_watch.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "export-config", "--root", str(root), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status = output.lstat()
    assert stat.S_ISREG(status.st_mode)
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o644)
    assert sorted(values(parse(output.read_bytes()))) == ["192.0.2.0", "192.0.2.9"]
    assert victim.read_text() == "precious"
    assert [each.name for each in directory.iterdir()] == ["root-only.json"]
