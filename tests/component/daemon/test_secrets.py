"""CHAP names and passwords are in no output, and not even in the memory of the daemon.

The host of these tests has them in its node records and in iscsid.conf. What only root can read is read as by the
service, or by a daemon that root has started by hand. Both must keep them out.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mpathd_watch.core.formats.open_iscsi import keys
from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.sysfs import TARGET, healthy_san

IFACE = f"eth-{uuid4().hex}"
"""The name of an iface, which the daemon has in memory: if it is found there, a secret would be found as well."""

PAGE = resource.getpagesize()

OLD = f"etc/iscsi/nodes/{TARGET}"
NEW = f"var/lib/iscsi/nodes/{TARGET}"


def chap(secret: str) -> str:
    """Every place where iscsid.conf and a node record have secrets, and where a mistake may have put one."""
    return f"""node.session.auth.authmethod = CHAP
node.session.auth.username = {secret}-1
node.session.auth.password = {secret}-2
node.session.auth.username_in = {secret}-3
node.session.auth.password_in = {secret}-4
discovery.sendtargets.auth.username = {secret}-5
discovery.sendtargets.auth.password = {secret}-6
discovery.sendtargets.auth.password_in = {secret}-7
#node.session.auth.password = {secret}-8
# the password is {secret}-9
node.session.auth.password={secret}-10
node.session.auth.pass = {secret}-11
{secret}-12
{secret}-13 = x
= {secret}-14
node.startup = {secret}-15
node.session.scan{secret}-16 = auto
{keys.REPLACEMENT_TIMEOUT} = {secret}-17
{keys.NOOP_OUT_INTERVAL} {secret}-18
{keys.NOOP_OUT_TIMEOUT}{secret}-19 = 5
{"x" * 2040} {secret}-20
{"ü" * 1020}node.session.auth.password = {secret}-21
"""


def node(secret: str) -> str:
    return f"""# BEGIN RECORD 2.1.11 {secret}-22
node.name = {TARGET}
iface.iscsi_ifacename = {IFACE}
node.startup = manual
{keys.REPLACEMENT_TIMEOUT} = 15
{chap(secret)}# END RECORD {secret}-23
node.session.auth.password = {secret}-24"""


class Host:
    """A host whose files hold ``secret`` wherever they can."""

    def __init__(self, directory: Path) -> None:
        self.secret = f"chap-{uuid4().hex}"
        self.root = directory / "host"
        self.put("etc/multipath.conf", "defaults {\n\tselector x\n}\n")
        self.put(
            "etc/multipath/wwids", f"# {self.secret}-25\n/36001405a4f0c2d1e8b94f6c9a1b2c3d4/\n#/{self.secret}-26/\n"
        )
        self.put("etc/iscsi/iscsid.conf", chap(self.secret))
        self.put("etc/iscsi/initiatorname.iscsi", f"InitiatorName={self.secret}-27\n")
        self.put(f"{NEW}/192.168.1.1,3260,1/default", node(self.secret))
        self.put(f"{NEW}/192.168.2.1,3260,1/{IFACE}", node(self.secret))
        self.put(f"{OLD}/192.168.2.1,3260", node(self.secret))
        self.put(f"{OLD}/192.168.3.1,3260", f"\ud800{node(self.secret)}")
        self.put(f"{OLD}/192.168.4.1,3260", node(self.secret) * 400)

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))

    def run(self, *arguments: str) -> str:
        """What a command prints on standard output and standard error."""
        command = [sys.executable, "-m", "mpathd_watch", *arguments, "--root", str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


def unpacked(recording: bytes) -> bytes:
    """What a recording holds, of which the end may not be written yet."""
    return zlib.decompressobj(31).decompress(recording)


class Watched:
    """A host, and a daemon that has read, audited, seen an outage, and read again."""

    def __init__(self, directory: Path, *, by_service: bool) -> None:
        self.directory = directory
        self.sysfs = directory / "sys"
        self.recording = directory / "run.jsonl"
        self.san = healthy_san(self.sysfs)
        self.host = Host(directory)
        (directory / "run").mkdir(exist_ok=True)
        if by_service:
            assert self.host.run("export-config", "--output", str(directory / "run/root-only.json")) == ""
        self.daemon = Daemon(directory, "--root", str(self.host.root), "--record", str(self.recording))

    def live_through_everything(self) -> None:
        self.daemon.wait_notified(r"^READY=1$")
        until(lambda: self.daemon.status()["findings"], "the audit")
        self.san.sessions[1].fail()
        self.daemon.wait_scraped('mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0')
        self.host.put("etc/multipath.conf", "defaults {\n\tudev_dir x\n}\n")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_notified(r"^READY=1$", times=2)
        until(lambda: b"udev_dir" in unpacked(self.recording.read_bytes()) or None, "the files, read again")


@pytest.fixture(scope="module", params=["by the service", "by hand"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One daemon for both tests: the second one stops it."""
    directory = tmp_path_factory.mktemp("watched")
    found = Watched(directory, by_service=request.param == "by the service")
    try:
        found.live_through_everything()
        yield found
    finally:
        found.daemon.close()


def files(directory: Path) -> Iterator[tuple[Path, bytes]]:
    """All files that the daemon and the privileged step have written."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_relative_to(directory / "host"):
            yield path, path.read_bytes()


def spellings(text: str) -> list[bytes]:
    """How Python may keep ``text``: as bytes, or as a part of a text with any other characters (PEP 393)."""
    return [text.encode(), text.encode("utf-16-le"), text.encode("utf-32-le")]


def memory(pid: int) -> Iterator[bytes]:
    """All that a process has in its memory, a region at a time."""
    regions = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        for region in regions:
            begin, end = (int(number, 16) for number in region.split()[0].split(b"-"))
            # The kernel's own regions ([vvar], [vsyscall]) hold nothing of the process.
            if region.split()[1].startswith(b"r") and b"[v" not in region:
                yield readable(file.fileno(), begin, end)


def readable(memory: int, begin: int, end: int) -> bytes:
    """What can be read of a region of a process's memory; a page that can't be read counts as zeros.

    A new glibc guards the stacks of threads by a page within their region (MADV_GUARD_INSTALL, Linux 6.13), which has
    no line of its own in /proc/PID/maps. Reading it fails with EIO, as reading past the end of a mapped file does.
    """
    found = bytearray()
    while begin < end:
        try:
            part = os.pread(memory, end - begin, begin)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            part = b""
        part = part or bytes(PAGE)
        found += part
        begin += len(part)
    return bytes(found)


def found_in_memory(pid: int, *texts: str) -> set[str]:
    """Which of ``texts`` the process has in its memory. The process is stopped meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        return {
            text for region in memory(pid) for text in texts if any(spelling in region for spelling in spellings(text))
        }
    except PermissionError:
        pytest.skip("NOT TESTED: the memory of a process of ours may not be read here (ptrace is restricted)")
    finally:
        os.kill(pid, signal.SIGCONT)


def test_no_secret_is_in_the_memory_of_the_daemon(watched: Watched) -> None:
    host, pid = watched.host, watched.daemon.process.pid
    assert host.secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert host.secret.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert found_in_memory(pid, IFACE, host.secret) == {IFACE}


def test_no_secret_comes_out_anywhere(watched: Watched) -> None:
    daemon, host = watched.daemon, watched.host
    told = {
        "the metrics": daemon.scrape("/metrics"),
        "the page": daemon.scrape("/"),
        "the status": str(daemon.status()),
        "the notifications": daemon.notified(),
        "the check": host.run("check", "--sysfs", str(watched.sysfs)),
        "the check as JSON": host.run("check", "--json", "--sysfs", str(watched.sysfs)),
        "what root would pass on": host.run("export-config"),
    }
    assert daemon.stop() == 0
    told["the terminal"] = daemon.said()
    recording = str(watched.recording)
    command = [
        sys.executable,
        "-m",
        "mpathd_watch",
        "replay",
        recording,
        "--speed",
        "1000",
        "--web.listen-address",
        "127.0.0.1:0",
    ]
    told["the journal"] = subprocess.run(command, env=daemon.environ, capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own program
    assert "config_finding" in told["the journal"]
    assert "node.startup" in told["the check"]
    assert IFACE in told["what root would pass on"]
    for place, text in told.items():
        assert host.secret not in text, place
        assert "Traceback" not in text, place
    written = dict(files(watched.directory))
    assert {"run.jsonl", "stderr"} <= {path.name for path in written}
    written[watched.recording] = unpacked(written[watched.recording])
    assert IFACE.encode() in written[watched.recording]
    for path, content in written.items():
        assert host.secret.encode() not in content, path
