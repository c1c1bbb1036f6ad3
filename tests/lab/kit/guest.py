"""A QEMU guest: booted or restored from a saved state, driven through the guest agent, reachable by ssh for people."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.kit.channels import Agent, qmp
from tests.lab.kit.errors import CommandError, LabError, WaitTimeoutError
from tests.lab.kit.image import Image

MEMORY_MIB = 1024
"""Memory of a guest, unless its SAN needs more."""
METRICS_PORT = 10068

MACHINE = (
    *("-machine", "pc", "-cpu", "Nehalem", "-smp", "2"),
    # Emulation everywhere, even where there is KVM: the same speed on every host, and machines without KVM are common.
    *("-accel", "tcg,thread=single,tb-size=512"),
    # Each instruction takes 2 ns of the guest's clock, however long it takes here: what is late in a guest does not
    # depend on how fast this host is, or what else it does. While nothing runs in the guest, its clock goes as ours.
    *("-icount", "shift=1,sleep=on"),
    *("-nodefaults", "-display", "none"),
    *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
)
KERNEL_COMMAND_LINE = (
    "console=ttyS0 root=/dev/vda quiet mitigations=off nokaslr selinux=0 "
    "random.trust_cpu=1 no_timer_check net.ifnames=0 systemd.show_status=0"
)

RESTORE_ATTEMPTS = 2
"""Guests restored at most until one answers. Why a rare one does not is unknown; it is no fault of the product."""

PANIC = b"Kernel panic"

QUIT_PATIENCE = 10.0
"""Seconds that QEMU may take to end on request."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
"""Seconds between two questions whether a command has ended. The agent logs each (slog() in qga/commands.c), and stands
still once journald does not keep up: a guest that is busy with thousands of disks was without its agent for minutes."""


@dataclass(frozen=True)
class SavedState:
    """A stopped guest on disk: its RAM and its root disk as an overlay of the image.

    Any number of guests can start from it.
    """

    image: Image
    ram: Path
    overlay: Path
    memory_mib: int = MEMORY_MIB


class Guest:
    """One running guest. Use `boot` or `restore` to get one, `stop` to end it."""

    def __init__(
        self,
        image: Image,
        directory: Path,
        overlay: Path,
        process: subprocess.Popen[bytes] | None,
        memory_mib: int = MEMORY_MIB,
    ) -> None:
        self.image = image
        self.directory = directory
        self.overlay = overlay
        self.memory_mib = memory_mib
        self._process = process
        self._agent: Agent | None = None

    @classmethod
    def boot(cls, image: Image, directory: Path, timeout: float = 120.0, memory_mib: int = MEMORY_MIB) -> Guest:
        """Boot `image` with everything that is written kept in `directory`; return when the system is up."""
        guest = cls._start(image, directory, image.disk, "raw", (), memory_mib=memory_mib)
        with guest._ended_on_error():
            guest._wait_for_agent(timeout)
            guest.run("systemctl is-system-running --wait >/dev/null || true", timeout=timeout)
            guest.run("systemctl start ssh.service")
        return guest

    @classmethod
    def restore(cls, state: SavedState, directory: Path, timeout: float = 30.0) -> Guest:
        """Continue a saved guest in `directory`, with the clock set to now. The saved state stays as it is."""
        for attempt in range(1, RESTORE_ATTEMPTS):
            try:
                return cls._restore(state, directory, timeout)
            except LabError as error:
                print(f"lab: attempt {attempt} to restore a guest: {error}", file=sys.stderr, flush=True)
                # QEMU leaves sockets behind when it dies.
                shutil.rmtree(directory)
        return cls._restore(state, directory, timeout)

    @classmethod
    def _restore(cls, state: SavedState, directory: Path, timeout: float) -> Guest:
        incoming = ("-incoming", f"exec:cat {shlex.quote(str(state.ram))}")
        guest = cls._start(state.image, directory, state.overlay, "qcow2", incoming, memory_mib=state.memory_mib)
        with guest._ended_on_error():
            deadline = time.monotonic() + timeout
            while guest._qmp("query-status")["status"] in {"inmigrate", "prelaunch"}:
                if time.monotonic() > deadline:
                    raise WaitTimeoutError("the saved guest did not load")
                time.sleep(0.02)
            guest._qmp("cont")
            guest._wait_for_agent(timeout)
            # The guest's wall clock stood still while it was saved. The agent's own guest-set-time wants hwclock.
            guest.run(f"date --set @{time.time():.3f}")
        return guest

    @classmethod
    def attach(cls, image: Image, directory: Path) -> Guest:
        """Return the guest that an earlier command left running in `directory`, or that ended there since."""
        return cls(image, directory, directory / "overlay.qcow2", None)

    @classmethod
    def _start(
        cls,
        image: Image,
        directory: Path,
        backing: Path,
        backing_format: str,
        extra: tuple[str, ...],
        *,
        memory_mib: int,
    ) -> Guest:
        directory.mkdir(parents=True, exist_ok=True)
        overlay = directory / "overlay.qcow2"
        _create_overlay(overlay, backing, backing_format)
        ssh_port, metrics_port = _free_ports(2)
        (directory / "ports.json").write_text(json.dumps({"ssh": ssh_port, "metrics": metrics_port}), encoding="utf-8")
        forwards = f"hostfwd=tcp:127.0.0.1:{ssh_port}-:22,hostfwd=tcp:127.0.0.1:{metrics_port}-:{METRICS_PORT}"
        command = [
            "qemu-system-x86_64",
            *MACHINE,
            *("-m", str(memory_mib)),
            *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", KERNEL_COMMAND_LINE),
            *("-drive", f"file={overlay},if=none,id=root,format=qcow2,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=root"),
            *("-serial", f"file:{directory}/console.log"),
            *("-chardev", f"socket,path={directory}/agent,server=on,wait=off,id=agent"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            *("-netdev", f"user,id=net,restrict=on,{forwards}"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
            *("-qmp", f"unix:{directory}/qmp,server=on,wait=off"),
            *("-pidfile", f"{directory}/qemu.pid"),
            *extra,
        ]
        log = (directory / "qemu.log").open("wb")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        guest = cls(image, directory, overlay, process, memory_mib)
        _wait_for(lambda: (directory / "qmp").exists() or not guest.alive, 10.0, "QEMU did not start")
        if not guest.alive:
            raise LabError(f"QEMU ended: {(directory / 'qemu.log').read_text(errors='replace').strip()}")
        return guest

    @property
    def alive(self) -> bool:
        """Whether the QEMU process is running."""
        return self._pid() is not None

    def port(self, name: str) -> int:
        """Return the host's TCP port (on 127.0.0.1) that leads to `ssh` or `metrics` of the guest."""
        ports: dict[str, int] = json.loads((self.directory / "ports.json").read_text(encoding="utf-8"))
        return ports[name]

    @property
    def ssh_command(self) -> list[str]:
        """Command that opens a root shell in the guest."""
        options = ("UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR")
        command = ["ssh", "-i", str(self.image.ssh_key), "-p", str(self.port("ssh"))]
        for option in options:
            command += ["-o", option]
        return [*command, "root@127.0.0.1"]

    def save(self, name: str = "state") -> SavedState:
        """Write the guest's RAM beside its overlay, end the guest, and return both as a state to start others from."""
        ram = self.directory / f"{name}.ram"
        self.run("sync")
        self._close_agent()
        self._qmp("stop")
        self._qmp("migrate-set-parameters", **{"max-bandwidth": 10**11})
        self._qmp("migrate", uri=f"exec:cat > {shlex.quote(str(ram))}")
        deadline = time.monotonic() + 60
        while (status := self._qmp("query-migrate").get("status")) != "completed":
            if status == "failed" or time.monotonic() > deadline:
                raise LabError(f"saving the guest: {status}")
            time.sleep(0.05)
        self.stop()
        return SavedState(self.image, ram, self.overlay, self.memory_mib)

    def stop(self) -> None:
        """End the guest. What is in its directory stays."""
        self._close_agent()
        pid = self._pid()
        if pid is None:
            return
        try:
            self._qmp("quit")
            self._wait_for_end(QUIT_PATIENCE)
        except (OSError, ValueError, LabError):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._wait_for_end(QUIT_PATIENCE)

    def reset(self, timeout: float = 240.0) -> None:
        """Write everything to disk, reset the guest, and return when its system is up again.

        Its agent is gone at once then. In an orderly reboot it is not known when the old one stops to answer.
        """
        self.run("sync")
        self._close_agent()
        self._qmp("system_reset")
        self._wait_for_agent(timeout)
        self.run("systemctl is-system-running --wait >/dev/null || true", timeout=timeout)

    def run(self, script: str, timeout: float = 60.0, check: bool = True) -> str:
        """Run a shell script as root in the guest and return its standard output.

        Raises:
            CommandError: non-zero exit status, unless `check` is false.
            WaitTimeoutError: no end within `timeout` seconds; the script goes on running.
        """
        status, output, errors = self.execute(["/bin/sh", "-c", script], timeout)
        if check and status != 0:
            raise CommandError(script, status, output, errors)
        return output

    def execute(self, command: list[str], timeout: float = 60.0) -> tuple[int, str, str]:
        """Run a command in the guest; return its exit status, standard output and standard error."""
        pid = self.agent("guest-exec", path=command[0], arg=command[1:], **{"capture-output": True})["pid"]
        deadline = time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        while not (result := self.agent("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() > deadline:
                raise WaitTimeoutError(f"{timeout:g} s were not enough for: {' '.join(command)}")
            time.sleep(pause)
            pause = min(1.2 * pause, LONGEST_PAUSE)
        status = result.get("exitcode", -int(result.get("signal", 0)))
        return status, _text(result.get("out-data", "")), _text(result.get("err-data", ""))

    def start(self, command: list[str]) -> int:
        """Start a command in the guest without waiting for its end; return its pid there."""
        pid: int = self.agent("guest-exec", path=command[0], arg=command[1:])["pid"]
        return pid

    def timed(self, script: str) -> float:
        """Run a script and return the guest's CLOCK_MONOTONIC, in seconds, at the instant before it began."""
        return float(self.run(f"cut -d' ' -f1 /proc/uptime; {{ {script}; }} >&2"))

    def now(self) -> float:
        """Return the guest's CLOCK_MONOTONIC in seconds."""
        return float(self.read_file("/proc/uptime").split()[0])

    def instant(self, wall: float) -> float:
        """Return the guest's CLOCK_MONOTONIC at a moment of its wall clock (seconds since 1970)."""
        now, up = map(float, self.run("echo $(date +%s.%N) $(cut -d' ' -f1 /proc/uptime)").split())
        return wall - now + up

    def write_file(self, path: str, contents: str | bytes) -> None:
        """Write a file in the guest, replacing what is there."""
        data = contents.encode() if isinstance(contents, str) else contents
        handle = self.agent("guest-file-open", path=path, mode="w")
        try:
            for start in range(0, len(data), 1 << 20):
                chunk = base64.b64encode(data[start : start + (1 << 20)]).decode()
                self.agent("guest-file-write", handle=handle, **{"buf-b64": chunk})
        finally:
            self.agent("guest-file-close", handle=handle)

    def read_file(self, path: str, offset: int = 0) -> bytes:
        """Return a file of the guest from `offset` (bytes) to its end."""
        handle = self.agent("guest-file-open", path=path, mode="r")
        try:
            if offset:
                self.agent("guest-file-seek", handle=handle, offset=offset, whence="set")
            chunks = []
            while True:
                reply = self.agent("guest-file-read", handle=handle, count=1 << 20)
                chunks.append(base64.b64decode(reply["buf-b64"]))
                if reply["eof"] or reply["count"] == 0:
                    return b"".join(chunks)
        finally:
            self.agent("guest-file-close", handle=handle)

    def agent(self, command: str, **arguments: Any) -> Any:
        """Send one command to the guest agent and return what it replies.

        Raises:
            LabError: the agent refused, or did not answer.
        """
        if self._agent is None:
            raise LabError("no connection to the guest agent")
        try:
            reply = self._agent.call(command, arguments)
        except OSError as error:
            raise LabError(f"guest agent, {command}: {error}") from error
        if "error" in reply:
            raise LabError(f"guest agent, {command}: {reply['error'].get('desc')}")
        return reply["return"]

    def _pid(self) -> int | None:
        """Return the process id of QEMU, or None when it has ended."""
        if self._process is not None:
            return None if self._process.poll() is not None else self._process.pid
        pidfile = self.directory / "qemu.pid"
        try:
            pid = int(pidfile.read_text(encoding="ascii"))
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # A pid left on disk may be another process's by now. Asking QEMU itself would take the one place in its queue.
        return pid if os.fsencode(pidfile) in arguments else None

    def _wait_for_end(self, timeout: float) -> None:
        _wait_for(lambda: not self.alive, timeout, "QEMU did not end")

    def _wait_for_agent(self, timeout: float) -> None:
        try:
            self._agent = Agent(self.directory / "agent", timeout, self._agent_is_silent)
        except (OSError, ValueError) as error:
            text = f"no guest agent within {timeout:g} s ({error}); see {self.directory}/console.log"
            raise WaitTimeoutError(text) from error

    def _agent_is_silent(self, seconds: float) -> None:
        """Report what the guest does while its agent is silent, and wake its processors.

        It is so while journald, to which it logs each command, does not read. Or the emulated guest stands still: where
        each processor is, twice, says whether that is so.

        Raises:
            LabError: the guest's kernel has given up.
        """
        if PANIC in (self.directory / "console.log").read_bytes():
            raise LabError("the kernel of the guest panicked; the end of console.log shows where")
        first = self._places()
        time.sleep(0.1)
        text = f"lab: no reply of the guest agent for {seconds:.0f} s; processors at {first}, then at {self._places()}"
        print(text, file=sys.stderr, flush=True)
        # Both kick every thread of an emulated processor: one that has missed an interrupt goes on.
        self._qmp("stop")
        self._qmp("cont")

    def _places(self) -> str:
        registers = self._qmp("human-monitor-command", **{"command-line": "info registers -a"})
        found = re.findall(r"RIP=(\w+).*?HLT=(\d)", registers, re.DOTALL)
        return " ".join(f"{place}{' (halted)' if halted == '1' else ''}" for place, halted in found)

    @contextmanager
    def _ended_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _close_agent(self) -> None:
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    def _qmp(self, command: str, **arguments: Any) -> Any:
        reply = qmp(self.directory / "qmp", command, arguments)
        if "error" in reply:
            raise LabError(f"QMP, {command}: {reply['error'].get('desc')}")
        return reply["return"]


def _create_overlay(overlay: Path, backing: Path, backing_format: str) -> None:
    if shutil.which("qemu-img") is None:
        raise LabError("qemu-img is missing (Debian package qemu-utils)")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", str(backing), str(overlay)]
    subprocess.run(command, check=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_for(condition: Callable[[], bool], timeout: float, failure: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise WaitTimeoutError(failure)
        time.sleep(0.02)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="replace")
