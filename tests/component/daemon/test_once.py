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
