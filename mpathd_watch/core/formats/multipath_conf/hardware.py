"""An extract of multipath-tools' built-in hardware table: arrays that are common on iSCSI and FC.

Only what decides over time and over hiding is here, read off ``multipath -t`` of 0.9.4, 0.11.1 and 0.15.1 (compare
libmultipath/hwtable.c). An array that is not here gets the general defaults, which its real entry may differ from:
where multipathd answers, its own ``show config`` is the better table (``resolve(..., hardware=...)``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mpathd_watch.core.formats.multipath_conf.model import Section, Setting, Version

FILE = ""
"""The file that the entries of this table name."""

_ALWAYS: Version = (0, 0, 0)
_NEVER: Version = (9999, 0, 0)
_V11: Version = (0, 11, 0)
_V15: Version = (0, 15, 0)
_LIO_CHECKER: Version = (0, 9, 5)

_BY_PRIO = {"path_grouping_policy": "group_by_prio", "failback": "immediate"}
_RDAC = {
    **_BY_PRIO,
    "product_blacklist": "Universal Xport",
    "path_checker": "rdac",
    "features": "2 pg_init_retries 50",
    "no_path_retry": "30",
}


def _retry(value: str, base: Mapping[str, str] = _BY_PRIO) -> dict[str, str]:
    return {**base, "no_path_retry": value}


_MULTIBUS = {"path_grouping_policy": "multibus"}
_INFINIBOX = {
    "path_grouping_policy": "group_by_prio",
    "failback": "30",
    "no_path_retry": "fail",
    "fast_io_fail_tmo": "15",
}

_TABLE: tuple[tuple[str, str, Mapping[str, str], Version, Version], ...] = (
    # Generic first: of the entries that match a device, later ones go before.
    ("NVM[eE]", ".*", {**_BY_PRIO, "uid_attribute": "ID_WWN", "path_checker": "none"}, _ALWAYS, _V15),
    ("^NVME", ".*", {**_BY_PRIO, "uid_attribute": "ID_WWN", "path_checker": "none"}, _V15, _NEVER),
    ("3PARdata", "VV", {**_retry("18"), "fast_io_fail_tmo": "10", "dev_loss_tmo": "infinity"}, _ALWAYS, _NEVER),
    ("(HP|HPE)", "MSA [12]0[456]0 (SAN|SAS|FC|iSCSI)", _retry("18"), _ALWAYS, _V11),
    ("(HP|HPE)", "MSA [12]0[4567]0 (SAN|SAS|FC|iSCSI)", _retry("18"), _V11, _NEVER),
    ("HP", "(P2000 G3 FC|P2000G3 FC/iSCSI|P2000 G3 SAS|P2000 G3 iSCSI)", _retry("18"), _ALWAYS, _NEVER),
    ("LEFTHAND", "(P4000|iSCSIDisk|FCDISK)", _retry("18"), _ALWAYS, _NEVER),
    ("Nimble", "Server", _retry("queue"), _ALWAYS, _NEVER),
    ("NEXENTA", "COMSTAR", {"path_grouping_policy": "group_by_serial", "no_path_retry": "30"}, _ALWAYS, _NEVER),
    ("TEGILE", "(ZEBI-(FC|ISCSI)|INTELLIFLASH)", _retry("10"), _ALWAYS, _NEVER),
    ("EMC", "SYMMETRIX", _retry("6", _MULTIBUS), _ALWAYS, _NEVER),
    (
        "^DGC",
        "^(RAID|DISK|VRAID)",
        {
            **_retry("60"),
            "product_blacklist": "LUNZ",
            "path_checker": "emc_clariion",
            "detect_checker": "no",
        },
        _ALWAYS,
        _NEVER,
    ),
    ("EMC", "Invista", {**_retry("5", _MULTIBUS), "product_blacklist": "LUNZ"}, _ALWAYS, _NEVER),
    ("XtremIO", "XtremApp", _MULTIBUS, _ALWAYS, _NEVER),
    ("COMPELNT", "Compellent Vol", _retry("queue"), _ALWAYS, _NEVER),
    ("DELL", "^MD3", _RDAC, _ALWAYS, _NEVER),
    ("DellEMC", "PowerStore", {**_retry("3"), "fast_io_fail_tmo": "15"}, _ALWAYS, _NEVER),
    ("DellEMC", "^ME", _BY_PRIO, _ALWAYS, _NEVER),
    ("EQLOGIC", "100E-00", _retry("30", _MULTIBUS), _V15, _NEVER),
    ("FUJITSU", "ETERNUS_DX(H|L|M|400|8000)", _retry("10"), _ALWAYS, _NEVER),
    ("FUJITSU", "ETERNUS_AHB", _RDAC, _ALWAYS, _NEVER),
    ("(HITACHI|HP|HPE)", "^OPEN-", _MULTIBUS, _ALWAYS, _V11),
    ("(HITACHI|HP|HPE)", "^OPEN-", _retry("10"), _V11, _NEVER),
    ("HITACHI", "^DF", _retry("queue"), _ALWAYS, _NEVER),
    ("HITACHI", "^DF600F", _MULTIBUS, _ALWAYS, _NEVER),
    ("IBM", "^1746", _RDAC, _ALWAYS, _NEVER),
    ("IBM", "^1814", _RDAC, _ALWAYS, _NEVER),
    ("IBM", "^1818", _RDAC, _ALWAYS, _NEVER),
    ("IBM", "^2107900", _retry("queue"), _ALWAYS, _NEVER),
    ("IBM", "^2145", _retry("queue"), _ALWAYS, _NEVER),
    ("(XIV|IBM)", "(NEXTRA|2810XIV)", {**_retry("queue"), "failback": "15"}, _ALWAYS, _NEVER),
    ("(TMS|IBM)", "(RamSan|FlashSystem)", _MULTIBUS, _ALWAYS, _NEVER),
    ("LENOVO", "DE_Series", _RDAC, _ALWAYS, _NEVER),
    (
        "NETAPP",
        "LUN",
        {
            **_retry("queue"),
            "features": "2 pg_init_retries 50",
            "dev_loss_tmo": "infinity",
            "user_friendly_names": "no",
        },
        _ALWAYS,
        _NEVER,
    ),
    ("(NETAPP|LSI|ENGENIO)", "INF-01-00", _RDAC, _ALWAYS, _NEVER),
    ("SolidFir", "SSD SAN", _retry("24", _MULTIBUS), _ALWAYS, _NEVER),
    ("NEC", "DISK ARRAY", _BY_PRIO, _ALWAYS, _NEVER),
    ("^Oracle", "^Oracle FS", _BY_PRIO, _ALWAYS, _NEVER),
    ("SUN", "(Sun Storage|ZFS Storage|COMSTAR)", _retry("30"), _ALWAYS, _NEVER),
    ("(LIO-ORG|SUSE)", ".*", _retry("12"), _ALWAYS, _LIO_CHECKER),
    (
        "(LIO-ORG|SUSE)",
        ".*",
        {**_retry("12"), "path_checker": "directio", "detect_checker": "no"},
        _LIO_CHECKER,
        _NEVER,
    ),
    ("^SCST_", ".*", _retry("12"), _V11, _NEVER),
    ("DataCore", "SANmelody", _retry("queue"), _ALWAYS, _NEVER),
    ("DataCore", "Virtual Disk", _retry("queue"), _ALWAYS, _NEVER),
    ("PURE", "FlashArray", {**_BY_PRIO, "fast_io_fail_tmo": "10"}, _ALWAYS, _NEVER),
    ("HUAWEI", "XSG1", _retry("15"), _ALWAYS, _V11),
    ("^(HUAWEI|AnyStor|Marstor|NETPOSA|SanM|SUGON|UDsafe)", "XSG1", _retry("15"), _V11, _NEVER),
    (
        "NFINIDAT",
        "InfiniBox",
        {**_INFINIBOX, "path_selector": "round-robin 0", "dev_loss_tmo": "15"},
        _ALWAYS,
        _V11,
    ),
    ("NFINIDAT", "InfiniBox", {**_INFINIBOX, "path_selector": "round-robin 0"}, _V11, _V15),
    (
        "NFINIDAT",
        "InfiniBox",
        {**_retry("queue"), "fast_io_fail_tmo": "15", "dev_loss_tmo": "infinity"},
        _V15,
        _NEVER,
    ),
    ("NEXSAN", "NXS-B0", _retry("15"), _ALWAYS, _NEVER),
    ("Nexsan", "(NestOS|NST5000)", _retry("30"), _ALWAYS, _NEVER),
    ("Promise", "VTrak", {**_retry("30"), "product_blacklist": "VTrak V-LUN"}, _ALWAYS, _NEVER),
    ("^IFT", ".*", _retry("30"), _ALWAYS, _NEVER),
    ("DotHill", "^DH", _retry("30"), _ALWAYS, _NEVER),
    ("MacroSAN", "LU", _retry("30"), _ALWAYS, _NEVER),
    ("SEAGATE", "^[456]", _retry("30"), _V15, _NEVER),
    ("^Qsan", ".*", _retry("30"), _V15, _NEVER),
)
"""Vendor, product, settings, the first version that has the row, and the first that has it no more (or differently).

Where a change came between two versions that were looked at, it is dated to the later one."""


def table(version: Version) -> Iterator[Section]:
    """The extract as multipath-tools ``version`` would print it: device subsections in its own order."""
    for vendor, product, settings, since, until in _TABLE:
        if since <= version < until:
            named = {"vendor": vendor, "product": product, **settings}
            yield Section("device", FILE, 0, tuple(Setting(key, value, FILE, 0) for key, value in named.items()))
