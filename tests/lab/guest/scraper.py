"""Scrapes the product's metrics over and over, run in the guest; writes each change as a JSON line.

Usage: scraper.py URL LOG

A line has `mono` (CLOCK_MONOTONIC when the reply was in, seconds), `began` (when it was asked for), `series` (name and
labels as exposed) and `value` (None: gone). A scrape that failed is a line with `error`, one that took long is a line
with `took` (seconds).
"""

import json
import sys
import time
import urllib.request
from pathlib import Path

INTERVAL = 0.5
"""Seconds between two scrapes. Each of them takes processor time of the daemon that is judged."""
LONG = 0.25
"""Seconds of a scrape that is worth a line."""
PREFIX = "mpathd_watch_"
NOISY = (
    "mpathd_watch_session_silence_seconds",
    "mpathd_watch_source_last_success_timestamp_seconds",
    "mpathd_watch_session_tcp_rtt_seconds",
)


def scrape(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - the lab passes a loopback URL
        return samples(reply.read().decode())


def samples(text: str) -> dict[str, float]:
    """Return the product's samples in a reply, except those that change all the time."""
    lines = [line for line in text.splitlines() if line.startswith(PREFIX) and not line.startswith(NOISY)]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def changes(known: dict[str, float], now: dict[str, float]) -> dict[str, float | None]:
    """Return each series that is not as it was, in no particular order: its value, or None if it is gone."""
    return {series: now.get(series) for series in known.keys() | now.keys() if known.get(series) != now.get(series)}


def main() -> None:
    url, log_path = sys.argv[1:]
    known: dict[str, float] = {}
    with Path(log_path).open("w", encoding="utf-8") as log:
        while True:
            began = round(time.monotonic(), 4)
            try:
                now = scrape(url)
            except (OSError, ValueError) as error:
                log.write(json.dumps({"mono": round(time.monotonic(), 4), "error": str(error)}) + "\n")
                # What can't be scraped says nothing: its series are gone until they are seen again.
                now = {}
            mono = round(time.monotonic(), 4)
            if mono - began > LONG:
                log.write(json.dumps({"mono": mono, "took": round(mono - began, 4)}) + "\n")
            changed = (
                {"mono": mono, "began": began, "series": series, "value": value}
                for series, value in changes(known, now).items()
            )
            log.writelines(json.dumps(line) + "\n" for line in changed)
            known = now
            log.flush()
            time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
