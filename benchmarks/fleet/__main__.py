"""What a fleet costs Prometheus, and how many notifications one fault gives: ``python -m benchmarks.fleet``.

200 simulated hosts with 32 paths each answer a real Prometheus from one process on loopback. After a while without a
fault one is made: what Alertmanager then sends to a webhook is printed, beside the series, the samples, the bytes and
the time that the rules take. The exit status is 1 if there was not exactly one notification.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.fleet.figures import Figures, section, write
from benchmarks.fleet.servers import Binaries, Prometheus, Scraped, found, running
from benchmarks.fleet.serving import Fleet, Webhook
from benchmarks.fleet.simulated import Layout, SimulatedHost
from benchmarks.host.process import memory, processor_time
from benchmarks.machine import this_machine

PORTALS: Final = tuple(f"10.0.{number}.7:3260" for number in range(1, 5))
SPARED: Final = 10
"""One host in so many keeps the portal that the others lose."""

Faults = Mapping[str, tuple[str, ...]]


def _portal(hosts: Sequence[str]) -> Faults:
    return {host: PORTALS[:1] for number, host in enumerate(hosts) if number % SPARED}


def _array(hosts: Sequence[str]) -> Faults:
    return dict.fromkeys(hosts, PORTALS)


def _host(hosts: Sequence[str]) -> Faults:
    return {hosts[0]: PORTALS}


FAULTS: Final[Mapping[str, Callable[[Sequence[str]], Faults]]] = {"portal": _portal, "array": _array, "host": _host}
"""What is lost: a portal by nine hosts of ten, the whole array by all, or everything by one host."""


def main() -> int:
    """Measure what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__.partition("\n")[0])
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--maps", type=int, default=8, help="maps of a host, each with 4 paths (default: 8)")
    parser.add_argument("--fault", choices=FAULTS, default="portal", help="what is lost (default: portal)")
    parser.add_argument("--interval", type=int, default=15, help="seconds from scrape to scrape (default: 15)")
    parser.add_argument("--quiet", type=int, default=90, help="seconds without a fault (default: 90)")
    parser.add_argument("--seconds", type=int, default=300, help="seconds for which the fault lasts (default: 300)")
    parser.add_argument("--resolve", type=int, default=0, help="seconds that are watched after it (default: 0)")
    parser.add_argument("--prometheus", default=found("prometheus"), help="the program (default: found in PATH)")
    parser.add_argument("--alertmanager", default=found("prometheus-alertmanager", "alertmanager"))
    parser.add_argument("--page", type=Path, help="the page whose table of figures is written again: docs/fleet.md")
    options = parser.parse_args()
    if not options.prometheus or not options.alertmanager:
        parser.error("no prometheus or no alertmanager (Debian: prometheus, prometheus-alertmanager)")

    layout = Layout(options.maps, PORTALS)
    hosts = {host.name: host for host in (SimulatedHost(number, layout) for number in range(1, options.hosts + 1))}
    fleet, webhook = Fleet(hosts), Webhook()
    binaries = Binaries(options.prometheus, options.alertmanager)
    print(f"{len(hosts)} hosts x {layout.paths} paths, a scrape each {options.interval} s", flush=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        running(
            binaries,
            Path(directory),
            Scraped.by_path(list(hosts), fleet.port),
            webhook=webhook.port,
            interval=options.interval,
        ) as prometheus,
    ):
        # The first scrapes create all series.
        time.sleep(2 * options.interval)
        quiet = _watch("without a fault", prometheus, fleet, len(hosts), options.quiet, interval=options.interval)
        early = len(webhook.received)
        began = time.monotonic()
        fleet.lose(FAULTS[options.fault](list(hosts)))
        faulty = _watch(
            f"fault: {options.fault}", prometheus, fleet, len(hosts), options.seconds, interval=options.interval
        )
        if options.resolve:
            fleet.lose({})
            _watch("the fault is over", prometheus, fleet, len(hosts), options.resolve, interval=options.interval)
    fleet.close()
    webhook.close()
    for each in webhook.received:
        print(f"notification to {each.receiver} {each.at - began:+.0f} s after the fault, {each.status}: {each.names}")
        for alert in each.alerts[:3]:
            print(f"    {alert['status']}: {alert['annotations']['summary']}")
    firing = [each for each in webhook.received[early:] if each.status == "firing"]
    print(f"{len(firing)} notifications for one fault, {early} before it")
    if options.page:
        sent = [each.at - began for each in firing]
        load = os.getloadavg()[0]
        text = section(quiet, faulty, sent=sent, command=_command(options), machine=this_machine(), load=load)
        write(options.page, text)
    return 0 if len(firing) == 1 and not early else 1


def _command(options: argparse.Namespace) -> list[str]:
    """The options that decide what was measured: not those that are places on this machine."""
    names = ("hosts", "maps", "fault", "interval", "quiet", "seconds")
    return [word for name in names for word in (f"--{name}", str(getattr(options, name)))]


def _watch(title: str, prometheus: Prometheus, fleet: Fleet, hosts: int, seconds: float, *, interval: int) -> Figures:
    """What it costs for so long, printed too."""
    groups: dict[str, list[float]] = {}
    begun, busy, written = time.monotonic(), processor_time(prometheus.pid), prometheus.written()
    appended, bytes_, answers, rendering = prometheus.appended(), fleet.bytes, fleet.answers, fleet.seconds
    while time.monotonic() - begun < seconds:
        time.sleep(interval)
        for name, took in prometheus.groups().items():
            groups.setdefault(name, []).append(took)
    elapsed = time.monotonic() - begun
    appended, answers = prometheus.appended() - appended, max(fleet.answers - answers, 1)
    figures = Figures(
        title=title,
        hosts=hosts,
        interval=interval,
        seconds=elapsed,
        series=prometheus.own("prometheus_tsdb_head_series"),
        scraped=prometheus.value("avg(scrape_samples_post_metric_relabeling > 0)"),
        recorded=prometheus.value('count({__name__=~"mpathd_watch:.+"})'),
        samples=appended / elapsed,
        log_bytes=(prometheus.written() - written) / max(appended, 1),
        scrape_bytes=(fleet.bytes - bytes_) / answers,
        host_seconds=(fleet.seconds - rendering) / answers,
        share=(processor_time(prometheus.pid) - busy) / elapsed,
        memory=memory(prometheus.pid)[1],
        alerts=prometheus.alerts(),
        rules=groups,
    )
    print("\n".join(("", *figures.lines())), flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
