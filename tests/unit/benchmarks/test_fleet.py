"""The simulated fleet: what its hosts show before, in and after a fault, and how it is served."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fleet.__main__ import FAULTS, PORTALS
from benchmarks.fleet.figures import BEGIN, END, Figures, section, write
from benchmarks.fleet.serving import Fleet, Webhook
from benchmarks.fleet.simulated import Layout, SimulatedHost
from benchmarks.machine import Machine

LAYOUT = Layout(maps=8, portals=PORTALS)


def text(host: SimulatedHost) -> str:
    wanted, parts = host.metrics("text/plain;version=0.0.4", "identity")
    assert not wanted.gzipped
    return b"".join(parts).decode()


def health(page: str, of: str) -> list[str]:
    """The words that hold now."""
    return sorted(re.findall(rf'^mpathd_watch_{of}_health{{.*state="(\w+)"}} 1\.0$', page, re.MULTILINE))


def test_a_host_loses_a_portal_and_gets_it_back() -> None:
    host = SimulatedHost(1, LAYOUT)
    assert health(text(host), "path") == ["up"] * 32
    host.lose(PORTALS[:1])
    page = text(host)
    assert health(page, "path") == ["failed"] * 8 + ["up"] * 24
    assert health(page, "map") == ["degraded"] * 8
    assert f'session="{PORTALS[0]}/iqn.2009-02.com.example:array",state="FREE"}} 1.0' in page
    host.lose(PORTALS)
    assert health(text(host), "map") == ["lost"] * 8
    host.lose(())
    assert health(text(host), "map") == ["healthy"] * 8


def test_each_disk_has_a_name_and_works() -> None:
    host = SimulatedHost(1, LAYOUT)
    first, second = text(host), text(host)
    disks = re.findall(r'dev="(\w+)"', first)
    assert (len(set(disks)), disks[0], disks[-1]) == (32, "sda", "sdaf")
    ios = r"^mpathd_watch_path_ios_total{.*} (\S+)$"
    before, after = (list(map(float, re.findall(ios, page, re.MULTILINE))) for page in (first, second))
    assert len(before) == 64
    assert all(b > a for a, b in zip(before, after, strict=True))


def test_hosts_differ_in_their_initiator_name() -> None:
    names = {re.findall(r'initiator="([^"]+)"', text(SimulatedHost(number, LAYOUT)))[0] for number in (1, 2)}
    assert len(names) == 2


@pytest.mark.parametrize(("fault", "hosts", "portals"), [("portal", 180, 1), ("array", 200, 4), ("host", 1, 4)])
def test_a_fault_takes_what_its_name_says(fault: str, hosts: int, portals: int) -> None:
    lost = FAULTS[fault]([f"db{number:03d}" for number in range(200)])
    assert len(lost) == hosts
    assert {len(each) for each in lost.values()} == {portals}


def test_the_fleet_is_served() -> None:
    fleet = Fleet({host.name: host for host in (SimulatedHost(1, LAYOUT), SimulatedHost(2, LAYOUT))})
    fleet.lose({"db002": PORTALS[:2]})
    connection = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=10)
    found = {}
    for name in ("db001", "db002", "db003"):
        connection.request("GET", f"/{name}/metrics")
        answer = connection.getresponse()
        found[name] = (answer.status, health(answer.read().decode(), "map"))
    connection.close()
    fleet.close()
    assert found == {"db001": (200, ["healthy"] * 8), "db002": (200, ["degraded"] * 8), "db003": (404, [])}
    assert (fleet.answers, fleet.bytes > 100_000, fleet.seconds > 0) == (2, True, True)


def test_the_webhook_keeps_what_it_gets() -> None:
    webhook = Webhook()
    alerts = [{"status": "firing", "labels": {"alertname": name}} for name in ("B", "A", "B")]
    connection = http.client.HTTPConnection("127.0.0.1", webhook.port, timeout=10)
    connection.request("POST", "/people", json.dumps({"status": "firing", "alerts": alerts}))
    assert connection.getresponse().status == 200
    connection.close()
    webhook.close()
    assert [(each.receiver, each.status, each.names) for each in webhook.received] == [
        ("people", "firing", "1 x A, 2 x B")
    ]


FIGURES = Figures(
    title="without a fault",
    hosts=200,
    interval=15,
    seconds=90.0,
    series=200_000,
    scraped=960.0,
    recorded=2_000.0,
    samples=12_345.6,
    log_bytes=4.7,
    scrape_bytes=15_360.0,
    host_seconds=0.004,
    share=0.05,
    memory=512.0,
    alerts=0,
    rules={"paths": [0.010, 0.030, 0.020], "maps": [0.001, 0.001, 0.001]},
)
MACHINE = Machine("A processor", 2, 8.0, "Linux", "3.11", "0.1.0", "2026-01-02")


def test_the_figures_are_printed() -> None:
    lines = list(FIGURES.lines())
    assert lines[0] == "without a fault, 90 s:"
    assert lines[-1] == "  rules, all: 21.0 ms (11.0 to 31.0)"


def test_the_section_reckons_on(tmp_path: Path) -> None:
    faulty = replace(FIGURES, alerts=900)
    text = section(FIGURES, faulty, sent=[108.4], command=["--hosts", "200"], machine=MACHINE, load=0.3)
    assert "by `python -m benchmarks.fleet --hosts 200`, with a load average of 0.3 at the end:" in " ".join(
        text.split()
    )
    assert "| alerts that fire | 0 | 900 |" in text
    assert "1 notification went to the webhook for 900 alerts, the first 108 s after the fault." in text
    assert "| 10,000 | 10,000,000 | 666,667 | 9.8 | 1,207 | 25.0 | 2.50 | 1.05 |" in text
    assert (
        "So one more host takes 1,000 series, 67 samples a second, 8.6 MB on the disk a day, 2.6 MiB of memory," in text
    )
    assert "| one server | 1 | 10,000 | 10,000,000 | 25.0 | 2.50 | 1.1 | 0 |" in text
    assert "| several, with one above | 1 | 10,000 | 10,000,000 | 25.0 | 2.50 | 1.1 | 0 |" in text
    assert "| the one above | 1 | 10,000 | 60,000 | 0.1 | | | 0 |" in text
    assert "| agents that write all | 1 | 10,000 | 0 | | | 0 | 2.988 |" in text
    assert "| all series | 10,000,000 | 666,667 | 126.7 | 277 |" in text
    assert "| the recorded series | 100,000 | 6,667 | 1.3 | 3 |" in text
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n\n{END}\n\nafter\n", encoding="utf-8")
    write(page, text)
    write(page, text)
    assert page.read_text(encoding="utf-8") == f"before\n\n{BEGIN}\n{text}\n\n{END}\n\nafter\n"


def test_there_are_as_many_servers_as_the_rules_need() -> None:
    slow = replace(FIGURES, rules={"paths": [0.6], "maps": [0.6]})
    text = section(slow, slow, sent=[], command=[], machine=MACHINE, load=0.3)
    assert "| several, with one above | 4 | 2,500 | 2,500,000 | 6.2 | 0.62 | 15.0 | 0 |" in text
    assert "| several that write what they record | 4 | 2,500 | 2,500,000 | 6.2 | 0.62 | 15.0 | 0.007 |" in text


def test_a_page_without_the_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no"):
        write(page, "text")


def test_the_page_has_the_place() -> None:
    page = (Path(__file__).parents[3] / "docs/fleet.md").read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
