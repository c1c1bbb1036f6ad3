"""Who has which alias, and that asking again for a product gives the same answer."""

from __future__ import annotations

from mpathd_watch.core.formats.multipath_conf import parse, resolver

CONF = """\
multipaths {
	multipath {
		wwid 36001
		alias data
	}
	multipath {
		wwid 36002
	}
	multipath {
		alias nobody
	}
	multipath {
		wwid 36003
		alias data
	}
	multipath {
		wwid 36001
		alias logs
	}
}
"""


def test_aliases_are_those_that_count_once_sections_are_merged() -> None:
    found = resolver(parse(CONF, "/etc/multipath.conf")).aliases()
    assert [(wwid, alias.value, alias.origin.line) for wwid, alias in found] == [
        ("36003", "data", 14),
        ("36001", "logs", 18),
    ]


def test_a_product_is_looked_up_once() -> None:
    asked = resolver(parse("", "/etc/multipath.conf"))
    first, second = (asked.resolve(wwid=wwid, vendor="PURE", product="FlashArray") for wwid in ("36001", "36002"))
    assert first.fast_io_fail_tmo == second.fast_io_fail_tmo
    assert asked.resolve(wwid="36001", vendor="LIO-ORG", product="x").no_path_retry.value == 12
    assert len(asked.cached) == 2
