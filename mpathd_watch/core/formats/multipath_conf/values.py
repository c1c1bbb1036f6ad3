"""What a value means to multipath-tools: one reader for each handler of libmultipath/dict.c (0.9.4; 0.11.1, 0.15.1).

A reader takes the text and the version, and never fails. It returns the value, that the keyword is "not set" again, or
that multipath-tools rejects the text and keeps the value that it had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpathd_watch.core.formats.multipath_conf.lines import BLANKS
from mpathd_watch.core.formats.multipath_conf.model import Code, Value, Version, spelled
from mpathd_watch.immutable import immutable, replace

INT_MAX = 2**31 - 1
UINT_MAX = 2**32 - 1
ULONG_MAX = 2**64 - 1
MOST_MODE = 0o777
_MOST_DIGITS = 21
"""One more than the largest number of 64 bits has."""


@immutable
class Reading:
    """How a text is understood. ``value`` is ``None`` for "not set"; ``advice`` completes the text of a problem.

    ``since`` is the first version in which it is a problem; the oldest one that was compared has it if there is none.
    """

    accepted: bool
    value: Value | None = None
    code: Code | None = None
    advice: str = ""
    since: Version | None = None


Reader = Callable[[str, Version], Reading]

_TO_BLANK = str.maketrans(dict.fromkeys(BLANKS, " "))


def _rejected(why: str, outcome: str = ", so multipathd ignores the line") -> Reading:
    return Reading(accepted=False, code=Code.BAD_VALUE, advice=f"{why}{outcome}")


def leading_integer(text: str) -> tuple[int, str, str]:
    """The number at the beginning of ``text``, its digits (none if there is no number), and the rest, as strtol()."""
    trimmed = text.lstrip(BLANKS)
    sign = trimmed[:1] if trimmed[:1] in ("+", "-") else ""
    body = trimmed[len(sign) :]
    rest = body.lstrip("0123456789")
    digits = body[: len(body) - len(rest)]
    if not digits:
        return 0, "", text
    # As many digits as are beyond every limit. Python makes no number of thousands of them.
    number = int(digits.lstrip("0")[:_MOST_DIGITS] or "0")
    return number * (-1 if sign == "-" else 1), digits, rest


def integer(least: int, most: int) -> Reader:
    """A number from ``least`` to ``most``; a number beyond is replaced by the limit (do_set_int())."""

    def read(text: str, _version: Version) -> Reading:
        number, digits, rest = leading_integer(text)
        if not digits or rest.strip(BLANKS):
            return _rejected("it is not a number")
        if least <= number <= most:
            return Reading(accepted=True, value=number)
        limit = most if number > most else least
        return Reading(accepted=True, value=limit, code=Code.CAPPED_VALUE, advice=f"multipathd uses {limit} instead")

    return read


def or_unset(reader: Reader) -> Reader:
    """Like ``reader``, but 0 means "not set", whatever was set before."""

    def read(text: str, version: Version) -> Reading:
        reading = reader(text, version)
        return replace(reading, value=reading.value or None)

    return read


def unsigned(text: str, _version: Version) -> Reading:
    """A number from 0 to 4294967295 (set_uint())."""
    trimmed = text.lstrip(BLANKS)
    number, digits, rest = leading_integer(trimmed)
    if not digits or not trimmed.startswith(digits) or rest.strip(BLANKS) or number > UINT_MAX:
        return _rejected("it is not a number of seconds")
    return Reading(accepted=True, value=number)


DIVIDES: Version = (0, 10, 0)
"""The first version that divides by the intervals and loops over them (adjust_int in libmultipath/config.c)."""


def polling(text: str, version: Version) -> Reading:
    """polling_interval: seconds; on 0 and very large numbers multipathd crashes or hangs (tried: 0.11.1, 0.15.1)."""
    reading = unsigned(text, version)
    if not reading.accepted:
        return _rejected("it is not a number of seconds", ", so multipathd may take it for 4294967294")
    if reading.value == 0 and version >= DIVIDES:
        return Reading(accepted=True, value=0, code=Code.BAD_VALUE, advice="multipathd 0.10 and later crash on it")
    return reading


def text_value(text: str, _version: Version) -> Reading:
    """Any text, the empty one included (set_str())."""
    return Reading(accepted=True, value=text)


def without_slash(text: str, _version: Version) -> Reading:
    """Any text without a slash (set_str_noslash())."""
    return _rejected("it must not contain a slash") if "/" in text else Reading(accepted=True, value=text)


def partition_delimiter(text: str, version: Version) -> Reading:
    """Any text without a slash, on which multipath-tools crashes (def_partition_delim_handler(), 0.9.4 to 0.15.1)."""
    reading = without_slash(text, version)
    return reading if reading.accepted else replace(reading, code=Code.CRASH, advice="multipathd crashes on the slash")


def absolute_path(text: str, _version: Version) -> Reading:
    """An absolute path (set_path())."""
    return Reading(accepted=True, value=text) if text.startswith("/") else _rejected("it is not an absolute path")


def yes_no(text: str, _version: Version) -> Reading:
    """Yes or no, 1 or 0 (set_yes_no(), set_yes_no_undef())."""
    if text not in ("yes", "no", "1", "0"):
        return _rejected("it must be yes or no")
    return Reading(accepted=True, value=text in ("yes", "1"))


def words(meanings: Mapping[str, str], *, otherwise: Reader | None = None, described: str = "") -> Reader:
    """One of a few words, each with its meaning; ``otherwise`` reads any other text, if there is such a reader.

    ``described`` is what people read in place of all the words.
    """

    def read(text: str, version: Version) -> Reading:
        if text in meanings:
            return Reading(accepted=True, value=meanings[text])
        if otherwise is not None:
            reading = otherwise(text, version)
            if reading.accepted:
                return reading
        allowed = described or ", ".join(meanings) + (" or a number" if otherwise else "")
        return _rejected(f"it must be {allowed}" if described or otherwise else f"it must be one of {allowed}")

    return read


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def counted(index: int) -> Reader:
    """Several words; the one at ``index`` is the number of those after it: path_selector, features (set_arg_str())."""

    def read(text: str, _version: Version) -> Reading:
        parts = [part for part in text.translate(_TO_BLANK).split(" ") if part]
        number, digits, rest = leading_integer(parts[index]) if len(parts) > index else (0, "", "")
        if not digits or rest or number < 0:
            return _rejected(f"its word {index + 1} must be the number of the words after it")
        following = len(parts) - index - 1
        if number != following:
            return _rejected(f"its number must be {following}, because that many words follow")
        return Reading(accepted=True, value=text)

    return read


_features = counted(0)


def features(text: str, version: Version) -> Reading:
    """features: queue_if_no_path in it is superseded by no_path_retry (multipath.conf(5), 0.9.4)."""
    reading = _features(text, version)
    if reading.accepted and "queue_if_no_path" in text:
        return replace(reading, code=Code.DEPRECATED_VALUE, advice="use no_path_retry queue instead")
    return reading


def dev_loss(text: str, _version: Version) -> Reading:
    """dev_loss_tmo: ``infinity`` or a number, read by sscanf(), which ignores what follows it (set_dev_loss())."""
    if text == "infinity":
        return Reading(accepted=True, value="infinity")
    number, digits, rest = leading_integer(text)
    if not digits:
        return _rejected("it must be infinity or a number")
    seconds = (number if abs(number) <= ULONG_MAX else ULONG_MAX) & UINT_MAX
    value: Value | None = "infinity" if seconds == UINT_MAX else seconds or None
    if rest.strip(BLANKS) or seconds != number:
        return Reading(
            accepted=True, value=value, code=Code.BAD_VALUE, advice=f"multipathd takes it for {value or 'not set'}"
        )
    return Reading(accepted=True, value=value)


_POLICIES = ("failover", "multibus", "group_by_serial", "group_by_prio", "group_by_node_name")


def policy(text: str, version: Version) -> Reading:
    """path_grouping_policy: anything may follow the name (get_pgpolicy_id()); group_by_tpg exists since 0.9.6."""
    for name in (*_POLICIES, *(("group_by_tpg",) if version >= (0, 9, 6) else ())):
        if text.startswith(name):
            return Reading(accepted=True, value=name)
    return _rejected("there is no such policy")


FLUSH_WORDS: Version = (0, 9, 9)
_FLUSH = {"yes": "always", "1": "always", "no": "unused", "0": "unused"}
_NEW_FLUSH = _same("always", "unused", "never")
_old_flush, _new_flush = words(_FLUSH), words(_NEW_FLUSH)


def flush(text: str, version: Version) -> Reading:
    """flush_on_last_del: yes and no; since 0.9.9 always, unused and never, yes and no being deprecated."""
    if version < FLUSH_WORDS:
        return _old_flush(text, version)
    if text in _FLUSH:
        advice = f"the value is deprecated since multipath-tools {spelled(FLUSH_WORDS)}, write {_FLUSH[text]} instead"
        return Reading(True, _FLUSH[text], Code.DEPRECATED_VALUE, advice, since=FLUSH_WORDS)
    return _new_flush(text, version)


def mode(text: str, _version: Version) -> Reading:
    """A file mode: octal digits, read by sscanf(), which ignores what follows them (set_mode())."""
    digits = text.lstrip(BLANKS).removeprefix("+")
    digits = digits[: len(digits) - len(digits.lstrip("01234567"))]
    if not digits or int(digits, 8) > MOST_MODE:
        return _rejected("it is not an octal number up to 0777")
    return Reading(accepted=True, value=text)


def owner(text: str, _version: Version) -> Reading:
    """The name or number of a user (set_uid(), set_gid()). Whether the host has a user of this name is not known."""
    if not text or not text.isascii() or any(character in "/:*" or character in BLANKS for character in text.strip()):
        return _rejected("it is not the name or number of a user")
    return Reading(accepted=True, value=text)


def uid_attrs(text: str, _version: Version) -> Reading:
    """Words like ``sd:ID_SERIAL``; those without a colon are left out (parse_uid_attrs())."""
    if all(":" in word for word in text.split()):
        return Reading(accepted=True, value=text)
    advice = "each of its words must be TYPE:ATTRIBUTE, for example sd:ID_SERIAL, and multipathd ignores the others"
    return Reading(accepted=True, value=text, code=Code.BAD_VALUE, advice=advice)


def checker(text: str, _version: Version) -> Reading:
    """path_checker: any word is accepted; readsector0 is deprecated (multipath.conf(5), 0.9.4)."""
    if text == "readsector0":
        return Reading(accepted=True, value=text, code=Code.DEPRECATED_VALUE, advice="use tur, or directio")
    return Reading(accepted=True, value=text)


def reservation_key(text: str, _version: Version) -> Reading:
    """``file``, or up to 16 hexadecimal digits with flags (parse_prkey_flags()); anything else is fatal."""
    key = text.partition(":")[0].removeprefix("0")
    key = key[1:] if key[:1] in ("x", "X") else key
    if text == "file" or (0 < len(key) <= 16 and not key.strip("0123456789abcdefABCDEF")):
        return Reading(accepted=True, value=text)
    return _rejected("it must be a hexadecimal key or the word file", "")


PROTOCOLS = (
    "undef",
    "ccw",
    "cciss",
    "scsi:fcp",
    "scsi:spi",
    "scsi:ssa",
    "scsi:sbp",
    "scsi:srp",
    "scsi:iscsi",
    "scsi:sas",
    "scsi:adt",
    "scsi:ata",
    "scsi:usb",
    "scsi:unspec",
    "nvme:pcie",
    "nvme:rdma",
    "nvme:fc",
    "nvme:tcp",
    "nvme:loop",
    "nvme:apple-nvme",
    "nvme:unspec",
)
"""Every ``type`` of a protocol subsection (protocol_name[] in libmultipath/structs.c, 0.9.4)."""

_positive = integer(1, INT_MAX)


def _zero_or_more(text: str, version: Version) -> Reading:
    # Only the bare 0 is zero: any other spelling of it is raised to 1.
    return Reading(accepted=True, value=0) if text == "0" else _positive(text, version)


count = integer(0, INT_MAX)
off_or_seconds = words({"off": "off"}, otherwise=_zero_or_more)
retries = words({"fail": "fail", "0": "fail", "queue": "queue"}, otherwise=_positive)
off_or_count = words({"no": "no", "0": "no"}, otherwise=_positive)
failback = words(_same("manual", "immediate", "followover"), otherwise=or_unset(count))
find_multipaths = words(
    _same("off", "on", "strict", "greedy", "smart") | {"no": "off", "0": "off", "yes": "on", "1": "on"}
)
marginal_pathgroups = words(_same("off", "on", "fpin") | {"no": "off", "0": "off", "yes": "on", "1": "on"})
queue_without_daemon = words({"yes": "yes", "1": "yes", "no": "no", "0": "no"})
protocol_type = words(_same(*PROTOCOLS), described="a protocol, for example scsi:iscsi")
auto_resize = words(_same("never", "grow_only", "grow_shrink"))
log_checker_err = words(_same("once", "always"))
vpd_vendor = words(_same("hp3par", "undef"))
retries_of_commands = words(_same("off") | {"0": "0"}, otherwise=integer(1, 5))
rr_weight = words(_same("priorities", "uniform"))
max_fds = words({"max": "max"}, otherwise=count)
