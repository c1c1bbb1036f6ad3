"""One look at a host on which no daemon runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon.once import look_once
from tests.fakes.sysfs import healthy_san


def test_it_sees_the_san_and_the_network_interfaces_though_multipathd_is_not_there(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    config = replace(Config(), sysfs=str(san.root), multipathd_socket=str(tmp_path / "none"))
    state = look_once(config).state
    assert [known.name for known in state.maps.values()] == ["mpio"]
    assert state.links is not None
    assert state.links["lo"].kind == ""
    assert state.source(SourceName.NETWORK).up
    assert state.source(SourceName.MULTIPATHD).up is False


def test_counters_of_disks_are_not_read_since_nothing_can_be_compared_with_them(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    config = replace(Config(), sysfs=str(san.root), multipathd_socket=str(tmp_path / "none"))
    (map_,) = look_once(config).state.maps.values()
    assert [(path.disk.io, path.disk_errors.counts.last) for path in map_.paths.values()] == [(None, None)] * 2
    assert [path.disk.timeout for path in map_.paths.values()] == [30, 30]


def test_a_disk_whose_session_is_not_shown_has_its_place_after_another_reading(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    next(san.root.glob("class/iscsi_session/session2")).unlink()
    config = replace(Config(), sysfs=str(san.root), multipathd_socket=str(tmp_path / "none"))
    (map_,) = look_once(config).state.maps.values()
    assert not map_.unplaced
    assert sorted(path.nexus != "" for path in map_.paths.values()) == [False, True]
