"""What the process of the daemon can still do after it has given up rights (Landlock), as the kernel judges."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpathd_watch.daemon import landlock
from tests.component.process import Daemon, until
from tests.fakes.sysfs import healthy_san

PROBE = """
import json, os, socket, subprocess, sys
from pathlib import Path
def bound():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0)); return it.getsockname()[1]
def listens(port):
    with socket.socket() as it:
        it.bind(("127.0.0.1", port))
def attempts(own, other):
    return {
        "write below its own": lambda: (own / "new").write_text("x"),
        "rename below its own": lambda: ((own / "d").mkdir(), (own / "new").rename(own / "d/new")),
        "remove below its own": lambda: (own / "d/new").unlink(),
        "make a device below its own": lambda: os.mknod(own / "disk", 0o060600, os.makedev(8, 0)),
        "write to /dev/null": lambda: Path("/dev/null").write_text("x"),
        "read elsewhere": lambda: (other / "there").read_text(),
        "make elsewhere": lambda: (other / "new").write_text("x"),
        "write elsewhere": lambda: (other / "there").write_text("y"),
        "remove elsewhere": lambda: (other / "there").unlink(),
        "link elsewhere": lambda: (other / "link").symlink_to("there"),
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "listen on another port": lambda: listens(20001),
        "listen on any port": bound,
    }
def probe(own, other):
    results = {}
    for what, attempt in attempts(own, other).items():
        try:
            attempt()
        except OSError as error:
            results[what] = type(error).__name__
        else:
            results[what] = ""
    return results
"""
DENIED = "PermissionError"
OWN = {
    "write below its own": "",
    "rename below its own": "",
    "remove below its own": "",
    "write to /dev/null": "",
    "read elsewhere": "",
    "make a device below its own": DENIED,
    "make elsewhere": DENIED,
    "write elsewhere": DENIED,
    "remove elsewhere": DENIED,
    "link elsewhere": DENIED,
}
DAEMON = f"""{PROBE}
from mpathd_watch.cli import main
from mpathd_watch.daemon import confinement
from mpathd_watch.daemon.service import Service
own, other = Path(sys.argv.pop(1)), Path(sys.argv.pop(1))
confinement._COMMON = (Path("/dev/null"),)  # not /tmp, where everything is in this test
run = Service.run
async def probing(self):
    (own / "results").write_text(json.dumps(probe(own, other)))
    await run(self)
Service.run = probing
sys.exit(main())
"""


def version() -> int:
    """The version of the kernel's Landlock, which decides what can be tested."""
    code = (
        "from mpathd_watch.daemon.landlock import Kept, LandlockError, restrict\n"
        "try:\n    print(restrict(Kept((), False, ())))\nexcept LandlockError as error:\n    print(0, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    number, _, reason = done.stdout.strip().partition(" ")
    if number == "0":
        pytest.skip(f"NOT TESTED: this kernel has no Landlock ({reason})")
    return int(number)


@pytest.fixture(scope="module")
def known() -> int:
    return version()


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A directory of the process, and another one."""
    own, other = tmp_path / "state", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "there").write_text("x")
    return own, other


def restricted(own: Path, other: Path, kept: str) -> Mapping[str, str]:
    """What a process can do that keeps these rights."""
    code = (
        f"{PROBE}\nfrom mpathd_watch.daemon.landlock import Kept, restrict\n"
        f"own, other = Path({str(own)!r}), Path({str(other)!r})\nrestrict({kept})\n"
        "print(json.dumps(probe(own, other)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_what_is_not_kept_is_given_up(places: tuple[Path, Path], known: int) -> None:
    own, other = places
    found = restricted(own, other, "Kept((own, Path('/dev/null'), own / 'absent'), False, (0,))")
    assert {what: result for what, result in found.items() if what in OWN} == OWN
    assert found["start a program"] == DENIED
    if known >= 4:
        assert (found["listen on any port"], found["listen on another port"]) == ("", DENIED)
    assert (other / "there").read_text() == "x"


def test_programs_may_be_kept(places: tuple[Path, Path], known: int) -> None:
    assert known
    assert restricted(*places, "Kept((own,), True, (20001,))")["start a program"] == ""


def test_a_device_is_not_written_to(places: tuple[Path, Path], known: int) -> None:
    assert known
    assert restricted(*places, "Kept((own,), False, ())")["write to /dev/null"] == DENIED


def test_an_error_of_the_kernel_is_one_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "_VERSION", 1 << 20)  # a flag that no kernel knows
    with pytest.raises(landlock.LandlockError, match=r"^[A-Z][a-z ]+$"):
        landlock.restrict(landlock.Kept((), starts_programs=True, ports=()))
    monkeypatch.setattr("os.uname", lambda: type("uname", (), {"machine": "mips64"}))
    with pytest.raises(landlock.LandlockError, match="architecture"):
        landlock.restrict(landlock.Kept((), starts_programs=True, ports=()))


def of_daemon(directory: Path, places: tuple[Path, Path], configuration: str = "") -> Mapping[str, str]:
    """What a daemon can do that has become ready, and reports an outage all the same."""
    san = healthy_san(directory / "sys")
    (directory / "run").mkdir(exist_ok=True)
    (directory / "run/root-only.json").write_text("{}")
    (directory / "config.toml").write_text(configuration)
    daemon = Daemon(directory, program=("-c", DAEMON, *map(str, places)))
    try:
        daemon.wait_notified(r"^READY=1$")
        san.sessions[1].fail()
        daemon.wait_scraped('mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0')
        until(lambda: (places[0] / "state.db").exists() or None, "the store")
        assert daemon.stop() == 0, daemon.said()
    finally:
        daemon.close()
    found: dict[str, str] = json.loads((places[0] / "results").read_text())
    return found


def test_the_daemon_writes_to_its_directories_alone_and_starts_nothing(
    tmp_path: Path, places: tuple[Path, Path], known: int
) -> None:
    found = of_daemon(tmp_path, places)
    assert {what: result for what, result in found.items() if what in OWN} == OWN
    assert found["start a program"] == DENIED
    if known >= 4:
        assert found["listen on any port"] == ""  # port 0 is in its configuration


def test_a_daemon_with_hooks_keeps_what_its_unit_gives_it(tmp_path: Path, places: tuple[Path, Path]) -> None:
    found = of_daemon(tmp_path, places, '[[hook]]\ncommand = ["/bin/true"]\n')
    assert found["start a program"] == ""
    assert found["make elsewhere"] == ""


MOUNT = """
import ctypes, os, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x20000)
libc.mount(b"none", b"/", None, 0x44000, None)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"hanging", sys.argv[1].encode(), b"fuse", 0, options):
    print("NOT TESTED:", os.strerror(ctypes.get_errno()))
    sys.exit()
from pathlib import Path
from mpathd_watch.daemon import landlock
landlock.ANSWERED_WITHIN = 0.5
try:
    landlock.restrict(landlock.Kept((Path(sys.argv[1]) / "state",), False, ()))
except landlock.LandlockError as error:
    print(error)
Path(sys.argv[2], "new").write_text("x")
sys.stdout.flush()
os._exit(0)
"""


def test_a_file_system_that_hangs_takes_no_right_and_little_time(places: tuple[Path, Path], known: int) -> None:
    assert known
    command = [sys.executable, "-c", MOUNT, *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)  # noqa: S603  # our own program
    if done.stdout.startswith("NOT TESTED"):
        pytest.skip(done.stdout.strip())
    assert done.stdout == "a file system that is written to did not answer within 0.5 s\n"
    assert (places[1] / "new").exists()
