"""The daemon on a host without systemd's journal: everything that the journal would have is on standard error."""

from __future__ import annotations

import re
from pathlib import Path

from tests.component.process import Daemon, until
from tests.fakes.sysfs import healthy_san

PROGRAM = """
import sys
from pathlib import Path
from mpathd_watch import cli
from mpathd_watch.daemon import reporters
reporters.SOCKET = Path(sys.argv.pop(1))
sys.exit(cli.main())
"""
"""The daemon, with a socket of journald that does not exist, whatever this host has."""
PATH = "192.168.2.1:3260"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d  (crit|err|warning|notice|info) {2,}(\w+) +(.*)")


def test_without_a_journal_every_alert_is_a_line_on_standard_error(tmp_path: Path) -> None:
    san = healthy_san(tmp_path / "sys")
    daemon = Daemon(tmp_path, program=("-c", PROGRAM, str(tmp_path / "no/socket")))
    try:
        daemon.wait_notified(r"^READY=1$")
        daemon.wait_scraped(f'mpathd_watch_path_health{{map="mpio",path="{PATH}",state="up"}} 1.0')
        san.sessions[1].fail()
        daemon.wait_scraped(f'mpathd_watch_path_health{{map="mpio",path="{PATH}",state="stalled"}} 1.0')
        until(lambda: "incident_began" in daemon.said() or None, daemon.said)
        page = daemon.scrape()
        assert 'mpathd_watch_outlet_lost_total{outlet="console"} 0.0' in page
        assert 'outlet="journal"' not in page
        # What happens last is on standard error, too, although the daemon ends at once.
        san.sessions[1].expire()
        daemon.wait_scraped(f'mpathd_watch_path_health{{map="mpio",path="{PATH}",state="failed"}} 1.0')
        assert daemon.stop() == 0
        lines = [match.groups() for match in map(LINE.fullmatch, daemon.said().splitlines()) if match]
        assert len(lines) == len(daemon.said().splitlines()), daemon.said()
    finally:
        daemon.close()
    of_path = {event: text for _, event, text in lines if f"MPATHD_WATCH_PATH={PATH}" in text}
    assert {"path_stalled", "path_failed"} <= set(of_path)
    for text in (of_path["path_stalled"], of_path["path_failed"]):
        assert "MPATHD_WATCH_MAP=mpio" in text
        assert re.search(r"MPATHD_WATCH_OUTAGE=[0-9a-f]{16}", text)
    assert {"warning", "info"} <= {priority for priority, _, _ in lines}
