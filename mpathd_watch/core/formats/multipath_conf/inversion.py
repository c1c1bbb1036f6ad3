"""The expressions of blacklists, which a ``!`` inverts (check_invert() and regcomp() in libmultipath/blacklist.c)."""

from __future__ import annotations

from mpathd_watch.core.formats.multipath_conf import ere


def expression_of(value: str) -> tuple[bool, str]:
    r"""Whether a blacklist's value is inverted, and its expression: ``!`` inverts, ``\!`` is the character."""
    if value.startswith("!"):
        return True, value[1:]
    return False, value[1:] if value.startswith("\\!") else value


def refused(value: str) -> bool:
    """Whether multipath-tools refuses a blacklist's value."""
    try:
        ere.compiled(expression_of(value)[1])
    except ere.InvalidError:
        return True
    except ere.UnsupportedError:
        return False
    return False


def matches(value: str, text: str) -> bool | None:
    """Whether a blacklist's value matches ``text``; ``None`` if it is refused, or ``ere`` can't match it."""
    inverted, expression = expression_of(value)
    try:
        return ere.compiled(expression).search(text) != inverted
    except (ere.InvalidError, ere.UnsupportedError):
        return None
