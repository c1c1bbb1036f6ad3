"""The keywords of every section: how their values are read, since when they exist, and what replaces the old ones.

From libmultipath/dict.c of 0.9.4 (init_keywords()). Each keyword was tried in every section on multipath-tools 0.9.4,
0.11.1 and 0.15.1; what changed in between is from NEWS.md. What 0.9.4 already had is dated ``OLDEST``.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.core.formats.multipath_conf import values
from mpathd_watch.core.formats.multipath_conf.model import Version
from mpathd_watch.core.formats.multipath_conf.values import Reader
from mpathd_watch.immutable import immutable

OLDEST: Version = (0, 0, 0)


@immutable
class Keyword:
    """A keyword of one section.

    ``since``, ``ignored`` and ``deprecated`` are the first versions that have it, accept it without any effect, and
    advise against it; ``modern`` is what to do about it. ``name`` is the keyword itself, or the one that this is
    another spelling of (``checker`` is ``path_checker``).
    """

    name: str
    read: Reader
    unique: bool = True
    regex: bool = False
    since: Version = OLDEST
    ignored: Version | None = None
    deprecated: Version | None = None
    modern: str = ""


Table = Mapping[str, Keyword]


def _table(**readers: Reader) -> dict[str, Keyword]:
    return {name: Keyword(name, read) for name, read in readers.items()}


_MARGINAL = "use the marginal_path_ options"
_UNUSED = "remove it (the path_selector service-time does not use it)"
_OLD = {
    "delay_watch_checks": Keyword("delay_watch_checks", values.off_or_count, deprecated=OLDEST, modern=_MARGINAL),
    "delay_wait_checks": Keyword("delay_wait_checks", values.off_or_count, deprecated=OLDEST, modern=_MARGINAL),
    "rr_min_io": Keyword(
        "rr_min_io",
        values.count,
        ignored=(0, 15, 0),
        modern="remove it (it has no effect since kernel 2.6.31)",
    ),
    "rr_min_io_rq": Keyword(
        "rr_min_io_rq",
        values.count,
        ignored=(0, 15, 0),
        modern=_UNUSED,
    ),
    "rr_weight": Keyword(
        "rr_weight",
        values.rr_weight,
        ignored=(0, 15, 0),
        modern=_UNUSED,
    ),
}
_PG_TIMEOUT = {"pg_timeout": Keyword("pg_timeout", values.text_value, ignored=OLDEST, modern="remove it")}
_GETUID = {
    "getuid_callout": Keyword(
        "getuid_callout", values.text_value, ignored=(0, 9, 0), modern="use uid_attribute, by default ID_SERIAL"
    )
}

_MAP = {
    **_table(
        path_grouping_policy=values.policy,
        path_selector=values.counted(1),
        prio=values.text_value,
        prio_args=values.text_value,
        failback=values.failback,
        no_path_retry=values.retries,
        flush_on_last_del=values.flush,
        features=values.features,
        user_friendly_names=values.yes_no,
        deferred_remove=values.yes_no,
        marginal_path_err_sample_time=values.off_or_count,
        marginal_path_err_rate_threshold=values.off_or_count,
        marginal_path_err_recheck_gap_time=values.off_or_count,
        marginal_path_double_failed_time=values.off_or_count,
        skip_kpartx=values.yes_no,
        max_sectors_kb=values.count,
        ghost_delay=values.off_or_count,
        san_path_err_threshold=values.off_or_count,
        san_path_err_forget_rate=values.off_or_count,
        san_path_err_recovery_time=values.off_or_count,
    ),
    **_OLD,
    "purge_disconnected": Keyword("purge_disconnected", values.yes_no, since=(0, 14, 0)),
}
"""Keywords of multipath subsections that device subsections, overrides and defaults have, too."""

_TIMEOUTS = _table(
    fast_io_fail_tmo=values.off_or_seconds, dev_loss_tmo=values.dev_loss, eh_deadline=values.off_or_seconds
)

_PATH = {
    **_MAP,
    **_TIMEOUTS,
    **_GETUID,
    **_table(
        uid_attribute=values.text_value,
        path_checker=values.checker,
        alias_prefix=values.without_slash,
        retain_attached_hw_handler=values.yes_no,
        detect_prio=values.yes_no,
        detect_checker=values.yes_no,
        all_tg_pt=values.yes_no,
        recheck_wwid=values.yes_no,
    ),
    "checker": Keyword("path_checker", values.checker),
    "detect_pgpolicy": Keyword("detect_pgpolicy", values.yes_no, since=(0, 9, 6)),
    "detect_pgpolicy_use_tpg": Keyword("detect_pgpolicy_use_tpg", values.yes_no, since=(0, 9, 6)),
}

_FILES = {
    name: Keyword(
        name,
        values.absolute_path,
        deprecated=OLDEST,
        ignored=(0, 9, 7),
        modern=f"remove it, and keep the file at {place}",
    )
    for name, place in (
        ("bindings_file", "/etc/multipath/bindings"),
        ("wwids_file", "/etc/multipath/wwids"),
        ("prkeys_file", "/etc/multipath/prkeys"),
    )
}

_DEFAULTS = {
    **_PATH,
    **_PG_TIMEOUT,
    **_FILES,
    **_table(
        verbosity=values.integer(0, 4),
        polling_interval=values.polling,
        max_polling_interval=values.or_unset(values.unsigned),
        reassign_maps=values.yes_no,
        uid_attrs=values.uid_attrs,
        max_fds=values.max_fds,
        queue_without_daemon=values.queue_without_daemon,
        checker_timeout=values.or_unset(values.count),
        allow_usb_devices=values.yes_no,
        mode=values.mode,
        uid=values.owner,
        gid=values.owner,
        log_checker_err=values.log_checker_err,
        reservation_key=values.reservation_key,
        force_sync=values.yes_no,
        strict_timing=values.yes_no,
        partition_delimiter=values.partition_delimiter,
        find_multipaths=values.find_multipaths,
        uxsock_timeout=values.integer(4000, values.INT_MAX),
        retrigger_tries=values.count,
        retrigger_delay=values.count,
        missing_uev_wait_timeout=values.count,
        remove_retries=values.count,
        find_multipaths_timeout=values.integer(-values.INT_MAX - 1, values.INT_MAX),
        enable_foreign=values.text_value,
        marginal_pathgroups=values.marginal_pathgroups,
    ),
    "multipath_dir": Keyword("multipath_dir", values.text_value, ignored=OLDEST, modern="remove it"),
    "config_dir": Keyword(
        "config_dir", values.text_value, ignored=OLDEST, modern="put the files into /etc/multipath/conf.d"
    ),
    "disable_changed_wwids": Keyword(
        "disable_changed_wwids", values.text_value, ignored=OLDEST, modern="it is always on; see also recheck_wwid"
    ),
    "auto_resize": Keyword("auto_resize", values.auto_resize, since=(0, 9, 7)),
    "max_retries": Keyword("max_retries", values.retries_of_commands, since=(0, 9, 7)),
}


def _regex(name: str, *, unique: bool = True) -> dict[str, Keyword]:
    return {name: Keyword(name, values.text_value, unique=unique, regex=True)}


_VENDOR_PRODUCT = {**_regex("vendor"), **_regex("product")}

_BLACKLIST = {
    **_regex("devnode", unique=False),
    **_regex("wwid", unique=False),
    **_regex("property", unique=False),
    **_regex("protocol", unique=False),
}

_DEVICE = {
    **_PATH,
    **_PG_TIMEOUT,
    **_VENDOR_PRODUCT,
    **_regex("revision"),
    **_regex("product_blacklist"),
    **_table(hardware_handler=values.counted(0), vpd_vendor=values.vpd_vendor),
}

_MULTIPATH = {
    **_MAP,
    **_PG_TIMEOUT,
    **_table(
        wwid=values.text_value,
        alias=values.without_slash,
        mode=values.mode,
        uid=values.owner,
        gid=values.owner,
        reservation_key=values.reservation_key,
    ),
}

TABLES: Mapping[str, Table] = {
    "": {},
    "defaults": _DEFAULTS,
    "blacklist": _BLACKLIST,
    "blacklist/device": _VENDOR_PRODUCT,
    "blacklist_exceptions": _BLACKLIST,
    "blacklist_exceptions/device": _VENDOR_PRODUCT,
    "devices": {},
    "devices/device": _DEVICE,
    "overrides": _PATH,
    "overrides/protocol": {**_TIMEOUTS, "type": Keyword("type", values.protocol_type)},
    "multipaths": {},
    "multipaths/multipath": _MULTIPATH,
}
"""Keywords by the path of their section."""

SUBSECTIONS: Mapping[str, frozenset[str]] = {
    place: frozenset(
        other.removeprefix(f"{place}/" if place else "")
        for other in TABLES
        if other and other.rpartition("/")[0] == place
    )
    for place in TABLES
}
"""The sections that each section may contain; those of the file itself under ``""``."""

SECTIONS = SUBSECTIONS[""]

OPENED_WITHOUT_BRACE = frozenset(SECTIONS - {"overrides"}) | {"device", "multipath"}
"""The sections that multipath-tools opens even if the ``{`` is missing (is_sublevel_keyword() in parser.c)."""

REMOVED: Mapping[str, str] = {
    "selector": "write path_selector",
    "default_selector": "write path_selector",
    "default_path_grouping_policy": "write path_grouping_policy",
    "default_getuid_callout": "write uid_attribute",
    "default_prio_callout": "write prio",
    "default_prio": "write prio",
    "default_features": "write features",
    "default_path_checker": "write path_checker",
    "default_hardware_handler": "write hardware_handler in a device subsection",
    "prio_callout": "write prio",
    "hwhandler": "write hardware_handler",
    "hw_handler": "write hardware_handler",
    "bl_product": "write product_blacklist",
    "devnode_blacklist": "write the section blacklist",
    "udev_dir": "remove it, device nodes are always in /dev",
    "all_devs": "write the section overrides",
    "hw_str_match": "remove it, device subsections are always matched as expressions",
    "unpriv_sgio": "remove it, the kernel has dropped it",
}
"""Words of older releases and of distributions' patches that 0.9.4 and later do not know, and what to do about them."""


def lookup(place: str, keyword: str) -> Keyword | None:
    """The keyword as the section at ``place`` has it in any version."""
    return TABLES[place].get(keyword)


def homes(keyword: str) -> tuple[str, ...]:
    """The sections that have ``keyword``, for people who wrote it in another one."""
    return tuple(place for place, table in TABLES.items() if keyword in table)
