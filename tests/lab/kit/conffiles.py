"""Random multipath.conf files: from what people write, through what they get wrong, to what nobody should."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.lab.kit.san import TGT

NUMBERS = (
    "1",
    "2",
    "5",
    "20",
    "0",
    "-1",
    "-5",
    "007",
    "0x10",
    "5x",
    "1.5",
    " 7",
    "+3",
    "4294967295",
    "99999999999",
    "",
)
WORDS = ("yes", "no", "on", "off", "queue", "fail", "manual", "immediate", "infinity", "YES", "nonsense", "")
RETRIES = ("fail", "queue", *NUMBERS)

KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "polling_interval": NUMBERS,
    "max_polling_interval": NUMBERS,
    "fast_io_fail_tmo": ("off", *NUMBERS),
    "dev_loss_tmo": ("infinity", "off", *NUMBERS),
    "eh_deadline": ("off", *NUMBERS),
    "no_path_retry": RETRIES,
    "path_checker": ("tur", "directio", "readsector0", "rdac"),
    "checker": ("tur", "directio"),
    "detect_checker": WORDS,
    "checker_timeout": NUMBERS,
    "prio": ("const", "alua", "sysfs", "rdac"),
    "detect_prio": WORDS,
    "failback": ("manual", "immediate", "followover", *NUMBERS),
    "path_grouping_policy": ("failover", "multibus", "group_by_serial", "group_by_prio", "group_by_node_name", "odd"),
    "path_selector": ("round-robin 0", "queue-length 0", "service-time 0", "service-time"),
    "features": ("0", "1 queue_if_no_path", "2 queue_if_no_path retain_attached_hw_handler", "1 pg_init_retries"),
    "find_multipaths": ("yes", "no", "strict", "greedy", "smart", "on", "off"),
    "user_friendly_names": WORDS,
}
OTHERS = (
    "rr_min_io",
    "rr_weight",
    "udev_dir",
    "selector",
    "getuid_callout",
    "prio_callout",
    "pg_timeout",
    "no_such_thing",
)
PLACES: Mapping[str, tuple[str, ...]] = {
    "defaults": tuple(KEYWORDS),
    "overrides": tuple(KEYWORDS),
    "devices": tuple(KEYWORDS),
    "multipaths": (
        "no_path_retry",
        "prio",
        "failback",
        "path_grouping_policy",
        "path_selector",
        "features",
        "user_friendly_names",
    ),
}
MISTAKES = 0.06
"""How likely each thing that can go wrong is to go wrong."""


def make(seed: int) -> str:
    """Return the text of one file, always the same for a seed."""
    return _Writer(Random(seed)).text()  # noqa: S311 - nothing here is a secret


class _Writer:
    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._wrong = MISTAKES if chance.random() < 0.7 else 0.0
        self._lines: list[str] = []

    def text(self) -> str:
        for _ in range(self._chance.randint(1, 6)):
            self._section(self._chance.choice(list(PLACES)))
        ending = "\r\n" if self._slips(0.3) else "\n"
        return ending.join(self._lines) + ("" if self._slips() else ending)

    def _section(self, name: str) -> None:
        self._open(name)
        if name == "devices":
            self._subsections(
                "device", (("vendor", ("IET", "^I", "OTHER")), ("product", ("VIRTUAL-DISK", ".*", "DISK$")))
            )
        elif name == "multipaths":
            self._subsections("multipath", (("wwid", (TGT.wwid(1), TGT.wwid(2))), ("alias", ("mpio", "data", "a/b"))))
        else:
            self._settings(name)
            if name == "overrides" and self._chance.random() < 0.6:
                self._subsections("protocol", (("type", ("scsi:iscsi", "scsi:fcp", "scsi:nonsense")),))
        self._close()

    def _subsections(self, name: str, naming: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        for _ in range(self._chance.randint(1, 2)):
            self._open(name)
            for keyword, choice in naming:
                if not self._slips():
                    self._setting(keyword, self._chance.choice(choice))
            if name == "protocol":
                for keyword in ("fast_io_fail_tmo", "dev_loss_tmo", "eh_deadline"):
                    self._setting(keyword, self._chance.choice(KEYWORDS[keyword]))
            else:
                self._settings("devices" if name == "device" else "multipaths")
            self._close()

    def _settings(self, place: str) -> None:
        for _ in range(self._chance.randint(0, 6)):
            if self._slips():
                self._setting(self._chance.choice(OTHERS), self._chance.choice(WORDS))
            elif self._slips():
                self._lines.append(self._chance.choice(("# a comment", "! another", "", "\t", '"', "{", "lonely")))
            else:
                keyword = self._chance.choice(tuple(KEYWORDS) if self._slips() else PLACES[place])
                self._setting(keyword, self._chance.choice(KEYWORDS[keyword]))

    def _setting(self, keyword: str, value: str) -> None:
        quoted = f'"{value}"' if " " in value or not value or self._chance.random() < 0.3 else value
        if self._slips():
            quoted = self._chance.choice(
                (value, f'"{value}', f'{value}"', f"{quoted} more", f'{quoted} "and more"', "")
            )
        margin, gap = self._chance.choice(("", "\t", "    ")), self._chance.choice(" \t")
        comment = self._chance.choice(("", "", "", " # as agreed", "\t! or not", "#5"))
        self._lines.append(f"{margin}{keyword}{gap}{quoted}{comment}")

    def _open(self, name: str) -> None:
        self._lines.append(name if self._slips() else f"{name}{{" if self._slips() else f"{name} {{")

    def _close(self) -> None:
        if not self._slips():
            self._lines.append("} }" if self._slips(0.1) else "}")

    def _slips(self, share: float = 1.0) -> bool:
        return self._chance.random() < self._wrong * share
