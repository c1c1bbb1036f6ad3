"""Neighbours that hang: whatever does not read or answer, the loop goes on, and scrapes are answered in time.

Each neighbour here is real: a socket that nobody reads, a full pipe, a FIFO without a writer. A mount namespace gives
the daemon a /run with a journald of the test's own; that needs root.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.component.process import PATIENCE, Daemon, until
from tests.fakes.journald import Journald
from tests.fakes.sysfs import FakeSysfs, healthy_san

ANSWERED_WITHIN = 0.25
"""Seconds for a scrape."""
ATTEMPTS = 4
"""On a busy machine one round of scrapes may be late. A neighbour that hangs makes every round late, by seconds."""
ROUND = 1.5
"""Seconds of scrapes. A loop that stands still has no beat in that time."""
STALLED = 'mpathd_watch_path_health{map="mpio",path="192.168.2.1:3260",state="stalled"} 1.0'
Start = Callable[..., Daemon]


@pytest.fixture
def san(tmp_path: Path) -> FakeSysfs:
    return healthy_san(tmp_path / "sys")


@pytest.fixture
def start(tmp_path: Path, san: FakeSysfs) -> Iterator[Start]:  # noqa: ARG001  # the SAN must be there
    started: list[Daemon] = []

    def starter(*options: str, **places: object) -> Daemon:
        started.append(Daemon(tmp_path, *options, **places))  # type: ignore[arg-type]  # as Daemon takes them
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    unshared("journald", "mount --version", "--mount")
    run = tmp_path / "whole-run"
    (run / "systemd/journal").mkdir(parents=True)
    made = Journald(run / "systemd/journal/socket")
    yield made
    made.close()


def unshared(peer: str, needs: str, *namespaces: str) -> None:
    """Skip the test unless the command ``needs`` runs in namespaces of its own.

    A user gets none, in a container or a chroot not even root does, and a small system lacks mount or ip.
    """
    command = ["unshare", *namespaces, "sh", "-c", needs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed command
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED with a {peer} of our own: {done.stderr.strip()}")


def in_namespace(tmp_path: Path) -> tuple[str, ...]:
    """The start of a command that has the test's directory as its /run."""
    return ("unshare", "--mount", "sh", "-c", f'mount --bind {tmp_path / "whole-run"} /run && exec "$@"', "sh")


def goes_on(daemon: Daemon, san: FakeSysfs, *, notifies: bool = True) -> None:
    """Scrapes are answered in time, a failure shows in the metrics, and the watchdog is fed."""
    url = daemon.url()
    for attempt in range(1, ATTEMPTS + 1):
        worst = max(scrapes(url))
        if worst <= ANSWERED_WITHIN:
            break
        assert attempt < ATTEMPTS, f"a scrape took {worst:.3f} s"
    san.sessions[1].fail()
    daemon.wait_scraped(STALLED)
    assert scraped(daemon, "/healthz")
    if notifies:
        fed = daemon.notified().count("WATCHDOG=1")
        daemon.wait_notified(r"^WATCHDOG=1$", times=fed + 2)


def scrapes(url: str) -> Iterator[float]:
    """How long each scrape took."""
    end = time.monotonic() + ROUND
    while (began := time.monotonic()) < end:
        for page in ("/metrics", "/healthz"):
            with urllib.request.urlopen(f"{url}{page}", timeout=PATIENCE) as answer:  # noqa: S310  # loopback
                answer.read()
        yield (time.monotonic() - began) / 2
        time.sleep(0.05)


def scraped(daemon: Daemon, page: str = "/metrics") -> str:
    return daemon.scrape(page)


def sample(daemon: Daemon, name: str, outlet: str) -> float:
    found = re.search(rf'^mpathd_watch_{name}{{outlet="{outlet}"}} (\S+)$', scraped(daemon), re.MULTILINE)
    assert found is not None, f"no {name} of {outlet}"
    return float(found[1])


def test_a_journald_that_does_not_read(start: Start, san: FakeSysfs, journald: Journald, tmp_path: Path) -> None:
    daemon = start(prefix=in_namespace(tmp_path))
    daemon.wait_notified(r"^READY=1$")
    journald.fill()
    goes_on(daemon, san)
    waiting = sample(daemon, "outlet_waiting", "journal")
    assert waiting >= 2
    daemon.wait_notified(r"STATUS=.*journald does not read")
    entries = [dict(entry) for entry in iter(lambda: journald.read(2.0), None)]
    events = [entry["MPATHD_WATCH_EVENT"].decode() for entry in entries]
    assert len(events) >= waiting
    assert "path_stalled" in events
    late = [entry for entry in entries if "MPATHD_WATCH_DELAY_SEC" in entry]
    assert late
    assert all(float(entry["MPATHD_WATCH_DELAY_SEC"]) >= 1 for entry in late)
    assert sample(daemon, "outlet_waiting", "journal") == sample(daemon, "outlet_lost_total", "journal") == 0
    assert daemon.stop() == 0


def test_an_entry_of_udev_s_database_that_can_not_be_read(
    start: Start, san: FakeSysfs, journald: Journald, tmp_path: Path
) -> None:
    """Some versions of libudev look an event's device up there; the sysfs source reads serial numbers there."""
    block = Path("/sys/devices/virtual/block/loop0")
    if not block.exists():
        pytest.skip("NOT TESTED with a uevent: this host has no loop0")
    database = tmp_path / "whole-run/udev/data"
    database.mkdir(parents=True)
    for device in ("b7:0", "b8:0", "b8:16"):
        os.mkfifo(database / device)
    journald.close()
    daemon = start(prefix=in_namespace(tmp_path))
    daemon.wait_notified(r"^READY=1$")
    (block / "uevent").write_text("change", encoding="ascii")
    until(
        lambda: re.search(r'^mpathd_watch_uevents_total{action="change"} [1-9]', scraped(daemon), re.MULTILINE), "one"
    )
    goes_on(daemon, san)


def test_the_end_with_a_journald_that_does_not_read(
    start: Start, san: FakeSysfs, journald: Journald, tmp_path: Path
) -> None:
    daemon = start(prefix=in_namespace(tmp_path))
    daemon.wait_notified(r"^READY=1$")
    journald.fill()
    san.sessions[1].fail()
    daemon.wait_scraped(STALLED)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 10
    assert re.search(r"journald accepted nothing at the end; entries lost: \d+$", daemon.said(), re.MULTILINE)


def test_a_service_manager_that_does_not_read(start: Start, san: FakeSysfs) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                other.sendto(b"X_OTHER=1", str(daemon.directory / "notify"))
    goes_on(daemon, san, notifies=False)
    until(lambda: sample(daemon, "outlet_waiting", "systemd") or None, "notifications to wait for systemd")
    before = daemon.notified().count("WATCHDOG=1")
    daemon.wait_notified(r"^WATCHDOG=1$", times=before + 1)
    daemon.wait_notified(r"^STATUS=.*stalled")


def test_a_standard_error_that_nobody_reads(start: Start, san: FakeSysfs) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"\n")
    os.set_blocking(writing, True)
    daemon = start(stderr=writing)
    os.close(writing)
    daemon.wait_notified(r"^READY=1$")
    goes_on(daemon, san)
    # The end is clean, although text is left that nobody reads: no lock of the interpreter's own stream is held.
    assert daemon.stop() == 0
    os.close(reading)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def test_a_recording_on_a_file_system_that_hangs(start: Start, san: FakeSysfs, fifo: Path) -> None:
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.close(writer)
    daemon = start("--record", str(fifo))
    daemon.wait_notified(r"^READY=1$")
    goes_on(daemon, san)
    until(lambda: sample(daemon, "outlet_waiting", "recording") or None, "events to wait for the file")
    assert daemon.stop() == 0
    os.close(reader)


def test_a_configuration_file_that_can_not_be_read_at_a_reload(start: Start, san: FakeSysfs, fifo: Path) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    fifo.replace(daemon.config)
    daemon.process.send_signal(signal.SIGHUP)
    goes_on(daemon, san)
    daemon.wait_scraped('mpathd_watch_source_errors_total{reason="timeout",source="config"} 1.0')
    daemon.wait_notified(r"^READY=1$", times=2)
    os.close(os.open(daemon.config, os.O_WRONLY))
    daemon.config.unlink()
    daemon.config.write_text("settle_seconds = 1\n", encoding="utf-8")

    def reloaded() -> bool | None:
        # A reload is refused as long as the read that hung has not returned.
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        return 'mpathd_watch_source_up{source="config"} 1.0' in scraped(daemon) or None

    until(reloaded, "the configuration to be read again")


def test_clients_of_the_status_socket_that_do_not_read(start: Start, san: FakeSysfs) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    with contextlib.ExitStack() as clients:
        for _ in range(24):
            client = clients.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):  # it has as many clients waiting as it takes
                client.connect(str(daemon.directory / "run/status.sock"))
        goes_on(daemon, san)


HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
database.execute(f"PRAGMA locking_mode = {sys.argv[2]}")
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(database: Path, mode: str) -> Iterator[None]:
    """Another process holds the database: nothing can be written, or in the mode ``exclusive`` not even read."""
    command = [sys.executable, "-c", HOLDER, str(database), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603  # our own program
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


STORE = 'mpathd_watch_source_up{source="store"} %d.0'


def test_a_process_that_holds_the_database_while_the_daemon_runs(start: Start, san: FakeSysfs, tmp_path: Path) -> None:
    daemon = start()
    daemon.wait_notified(r"^READY=1$")
    daemon.wait_scraped(STORE % 1)
    with held(tmp_path / "state/state.db", "normal"):
        goes_on(daemon, san)
        daemon.wait_scraped(STORE % 0)
    daemon.wait_scraped(STORE % 1)
    assert daemon.stop() == 0


def test_a_process_that_holds_the_database_at_the_start(start: Start, san: FakeSysfs, tmp_path: Path) -> None:
    first = start()
    first.wait_notified(r"^READY=1$")
    first.wait_scraped(STORE % 1)
    assert first.stop() == 0
    (tmp_path / "notify").unlink(missing_ok=True)
    with held(tmp_path / "state/state.db", "exclusive"):
        daemon = start()
        daemon.wait_notified(r"^READY=1$")
        goes_on(daemon, san)
        daemon.wait_scraped(STORE % 0)
    daemon.wait_scraped(STORE % 1)


def test_a_recording_that_can_not_be_opened_ends_the_start_with_one_line(fifo: Path) -> None:
    command = [sys.executable, "-m", "mpathd_watch", "run"]
    command += ["--web.listen-address", "127.0.0.1:0", "--record", str(fifo)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("it could not be opened within 5 s")


def test_a_name_server_that_does_not_answer_ends_the_start_with_one_line(tmp_path: Path) -> None:
    unshared("name server", "mount --version && ip -Version", "--net", "--mount")
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions attempts:5 timeout:10\n", encoding="ascii")
    silent = (
        "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 53)); "
        "time.sleep(30)"
    )
    script = (
        f'ip link set lo up && mount --bind {resolver} /etc/resolv.conf && {{ "$1" -c "$2" & server=$!; sleep 1; '
        'shift 2; "$@"; status=$?; kill $server; exit $status; }'
    )
    command = ["unshare", "--net", "--mount", "sh", "-c", script, "sh", sys.executable, silent]
    command += [sys.executable, "-m", "mpathd_watch", "run", "--web.listen-address", "monitor.example.com:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("looking the name up took longer than 5 s; give an IP address")
