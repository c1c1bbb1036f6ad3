"""What root reads of dm: the command's output in, an event out; no answer where there is none."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mpathd_watch.core.events import DmStatusRead
from mpathd_watch.core.model.facts import DmStatus
from mpathd_watch.core.model.vocabulary import DmState
from mpathd_watch.sources.configuration import dm_status, dump, read_root_only
from mpathd_watch.sources.configuration.root_only import parse

STATUS = (
    "mpio: 0 262144 multipath 2 0 0 0 1 1 A 0 2 2 8:0 A 0 0 1 8:16 F 1 0 1 \n"
    "my\\x20map: 0 8 multipath 2 0 0 0 1 1 E 0 0 0 \n"
)
TABLE = "mpio: 0 262144 multipath 1 queue_if_no_path 0 1 1 service-time 0 2 2 8:0 1 1 8:16 1 1 \n"
MAPS = (
    DmStatus("mpio", True, {"8:0": DmState.ACTIVE, "8:16": DmState.FAILED}),
    DmStatus("my\\x20map", None, {}),
)


@pytest.fixture
def dmsetup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which the files ``status`` and ``table`` are what dmsetup prints; the module is loaded."""
    monkeypatch.setattr(dm_status, "MODULE", tmp_path)
    for name in ("status", "table"):
        monkeypatch.setattr(dm_status, f"_{name.upper()}", ("cat", str(tmp_path / name)))
    (tmp_path / "status").write_text(STATUS)
    (tmp_path / "table").write_text(TABLE)
    return tmp_path


@pytest.mark.usefixtures("dmsetup")
def test_it_has_the_state_of_every_path_and_whether_io_waits() -> None:
    assert dm_status.read() == MAPS
    found = dm_status.read_here()
    assert found is not None
    assert found.maps == MAPS
    assert dm_status.read_here(Path("/elsewhere")) is None


def test_without_the_table_it_is_not_known_whether_io_waits(dmsetup: Path) -> None:
    (dmsetup / "table").unlink()
    assert dm_status.read() == tuple(replace(map_, queues=None) for map_ in MAPS)


def test_without_maps_there_is_nothing(dmsetup: Path) -> None:
    (dmsetup / "status").write_text("No devices found\n")
    assert dm_status.read() == ()


def test_where_dmsetup_fails_or_is_missing_nothing_is_known(dmsetup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dmsetup / "status").unlink()
    assert dm_status.read() is None
    monkeypatch.setattr(dm_status, "_STATUS", (str(dmsetup / "none"),))
    assert dm_status.read() is None


def test_a_dmsetup_that_hangs_is_ended(dmsetup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dm_status, "DEADLINE", 0.05)
    monkeypatch.setattr(dm_status, "_STATUS", ("sleep", "60"))
    assert dm_status.read() is None
    assert dmsetup.exists()


def test_a_dmsetup_that_outlives_sigkill_holds_up_nothing(dmsetup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def outlived(process: subprocess.Popen[bytes]) -> None:
        """As in an uninterruptible ioctl: the signal is sent, and the process goes on."""
        started.append(process)

    monkeypatch.setattr(dm_status, "DEADLINE", 0.05)
    monkeypatch.setattr(dm_status, "AFTER_KILL", 0.05)
    monkeypatch.setattr(dm_status, "_STATUS", ("sleep", "60"))
    monkeypatch.setattr(subprocess.Popen, "kill", outlived)
    before = time.monotonic()
    assert dm_status.read() is None
    assert time.monotonic() - before < 30
    (process,) = started
    assert process.poll() is None
    process.terminate()
    process.wait()
    assert dmsetup.exists()


def test_without_the_module_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dm_status, "MODULE", tmp_path / "none")
    monkeypatch.setattr(dm_status, "_STATUS", ("false",))
    assert dm_status.read() is None


def test_it_is_handed_over_with_the_files_and_only_of_this_host(tmp_path: Path) -> None:
    found = read_root_only(tmp_path)
    assert found.dm is None
    handed = replace(found, dm=DmStatusRead(MAPS, 1234.5))
    assert parse(dump(handed).encode()) == handed
