"""Saved guests, each built from the one before: booted, product installed, SAN up with the product watching it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.lab.kit import guest as guest_module
from tests.lab.kit import san as san_module
from tests.lab.kit import truth, watch
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest, SavedState
from tests.lab.kit.image import Image
from tests.lab.kit.san import San
from tests.lab.kit.watch import UNIT


class States:
    """Makes and keeps saved guests of one image. Only the booted one is kept beyond `directory`, beside the image."""

    def __init__(
        self, image: Image, deb: Path | None, directory: Path, say: Callable[[str], None], *, record: bool
    ) -> None:
        self.image = image
        self.deb = deb
        self._directory = directory
        self._say = say
        self._record = record
        self._installed: dict[int, SavedState] = {}
        """Memory of the guest in MiB -> the one in which the product is installed."""
        self._ready: dict[str, SavedState] = {}

    def ready(self, san: San) -> SavedState:
        """Return a guest in which `san` is set up and the product, if there is one, has said that it is ready.

        With `record` the recorders run in it too.
        """
        key = san.key()
        if key not in self._ready:
            self._ready[key] = self._make_ready(san, f"ready-{len(self._ready) + 1}")
        return self._ready[key]

    def _make_ready(self, san: San, name: str) -> SavedState:
        guest = self._from_installed(self._directory / name, san.memory_mib)
        try:
            self._say(f"{self.image.suite}: setting up the SAN")
            san_module.set_up(guest, san)
            if self.deb is not None:
                self._say(f"{self.image.suite}: starting the product")
                if not san.many:
                    guest.write_file(watch.CONFIG, f'record = "{watch.RECORDING}"\n'.encode())
                guest.run(f"systemctl start {UNIT}", timeout=180)
            # Started here and not in each scenario: interpreters take their time to start in an emulated guest.
            if self._record:
                truth.start_recorder(guest, polls=not san.many)
                if self.deb is not None:
                    watch.start_followers(guest, scrapes=not san.many)
            return guest.save()
        finally:
            guest.stop()

    def _from_installed(self, directory: Path, memory_mib: int) -> Guest:
        if self.deb is None:
            return self._from_booted(directory, memory_mib)
        if memory_mib not in self._installed:
            guest = self._from_booted(self._directory / f"installed-{memory_mib}", memory_mib)
            try:
                self._say(f"{self.image.suite}: installing {self.deb.name}")
                install(guest, self.deb)
                self._installed[memory_mib] = guest.save()
            finally:
                guest.stop()
        return Guest.restore(self._installed[memory_mib], directory)

    def _from_booted(self, directory: Path, memory_mib: int) -> Guest:
        kept = self.image.directory / f"booted-{_fingerprint(memory_mib)}"
        state = SavedState(self.image, kept / "state.ram", kept / "overlay.qcow2", memory_mib)
        if (kept / "complete").exists():
            try:
                return Guest.restore(state, directory)
            except LabError as error:
                self._say(f"{self.image.suite}: the saved guest does not start ({error}); booting again")
        self._say(f"{self.image.suite}: booting")
        shutil.rmtree(kept, ignore_errors=True)
        guest = Guest.boot(self.image, kept, memory_mib=memory_mib)
        try:
            guest.save()
        finally:
            guest.stop()
        (kept / "complete").touch()
        return Guest.restore(state, directory)


def install(guest: Guest, deb: Path) -> None:
    """Install the product's package in the guest as an administrator would; leave its service stopped and unused."""
    guest.write_file("/root/product.deb", deb.read_bytes())
    guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /root/product.deb", timeout=180)
    # Without a SAN yet it has nothing to say. Started again when there is one.
    guest.run(f"systemctl stop {UNIT}; rm -rf /var/lib/mpathd-watch/*")


def _fingerprint(memory_mib: int) -> str:
    """Tell apart what a saved guest depends on besides its image: QEMU and how it is called."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, check=True).stdout
    text = f"{guest_module.MACHINE} {memory_mib} {guest_module.KERNEL_COMMAND_LINE}".encode()
    return hashlib.sha256(version + text).hexdigest()[:12]
