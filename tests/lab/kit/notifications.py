"""What reaches people: mails of the daemon, and what Prometheus and Alertmanager make of its metrics.

The mail server is in the guest, where the daemon looks for it by default. Prometheus and Alertmanager of this machine
scrape the guest and notify a webhook, with the rules and the routes of docs/prometheus.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet.servers import Binaries, Scraped, found, running
from benchmarks.fleet.serving import Notification, Webhook
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.tail import JsonTail, wait_for

SERVER = Path(__file__).parent.parent / "guest/mail_server.py"
SMTP = Path(__file__).parents[2] / "fakes/smtp.py"
LOG = "/run/lab/mails.jsonl"
PORT = 25
INTERVAL = 15
"""Seconds from scrape to scrape, and from one evaluation of the rules to the next."""
CONFIG = '\n[mail]\nto = ["root@localhost"]\n'
"""What config.toml needs: the rest is right by default."""


@dataclass(frozen=True)
class Mail:
    """A mail that was accepted, at this CLOCK_MONOTONIC of the guest in seconds."""

    at: float
    subject: str
    event: str
    incident: str
    text: str


class Notifications:
    """What has been sent so far. What Alertmanager has sent has this machine's CLOCK_MONOTONIC."""

    def __init__(self, guest: Guest, webhook: Webhook) -> None:
        self._tail = JsonTail(guest, LOG)
        self._webhook = webhook
        self._mails: list[Mail] = []
        # The two clocks, of which Alertmanager's notifications have this machine's.
        self._ahead = guest.now() - time.monotonic()

    def mails(self, after: float, event: str | None = None) -> list[Mail]:
        """Return the mails later than `after`, with this event in their header."""
        for line in self._tail.new():
            if "ready" not in line:
                mail = Mail(line["mono"], line["subject"], line["event"], line["incident"], line["text"])
                self._mails.append(mail)
        return [mail for mail in self._mails if mail.at > after and event in (None, mail.event)]

    def alerts(self, after: float, status: str) -> list[tuple[float, Notification]]:
        """Return the notifications of this status later than `after`, each with its instant on the guest's clock."""
        every = [(each.at + self._ahead, each) for each in self._webhook.received if each.status == status]
        return [(at, each) for at, each in every if at > after]


@contextmanager
def notified(guest: Guest, work: Path) -> Iterator[Notifications]:
    """Run the servers until the block ends.

    Raises:
        LabError: this machine has no Prometheus or no Alertmanager.
    """
    binaries = Binaries(found("prometheus"), found("prometheus-alertmanager", "alertmanager"))
    if not binaries.prometheus or not binaries.alertmanager:
        raise LabError("these Debian packages are needed: prometheus prometheus-alertmanager")
    guest.run("mkdir -p /run/lab/tests/fakes")
    guest.write_file("/run/lab/tests/fakes/smtp.py", SMTP.read_text(encoding="utf-8"))
    guest.write_file("/run/lab/mail_server.py", SERVER.read_text(encoding="utf-8"))
    guest.start(["/usr/bin/python3", "/run/lab/mail_server.py", str(PORT), LOG])
    tail = JsonTail(guest, LOG)
    wait_for(lambda: tail.new() or None, f"the first line in {LOG}", 30.0)
    webhook = Webhook()
    work.mkdir(exist_ok=True)
    scraped = Scraped([f"127.0.0.1:{guest.port('metrics')}"])
    try:
        with running(binaries, work, scraped, webhook=webhook.port, interval=INTERVAL):
            yield Notifications(guest, webhook)
    finally:
        webhook.close()
