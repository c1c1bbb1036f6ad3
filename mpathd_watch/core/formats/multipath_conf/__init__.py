"""multipath.conf: read as multipath-tools reads it, with all problems, and resolved to the settings in force.

``parse`` each file, ``merge`` them (the main file first), then ask a ``resolver`` for a map's values and a
``blacklist`` about a device. Pure: text in, facts out. Nothing here raises on any input, and everything takes time
proportional to the input.
"""

from mpathd_watch.core.formats.multipath_conf.hiding import Blacklist, Rule, blacklist, separated
from mpathd_watch.core.formats.multipath_conf.inversion import expression_of, matches
from mpathd_watch.core.formats.multipath_conf.merging import merge
from mpathd_watch.core.formats.multipath_conf.model import (
    NEWEST,
    Code,
    Document,
    Problem,
    Section,
    Setting,
    Version,
    quoted,
    spelled,
)
from mpathd_watch.core.formats.multipath_conf.parser import parse, parse_printed
from mpathd_watch.core.formats.multipath_conf.precedence import UNCHECKED_INTERVAL, Origin
from mpathd_watch.core.formats.multipath_conf.resolution import Effective, Resolved, Resolver, resolver
from mpathd_watch.core.formats.multipath_conf.values import DIVIDES

__all__ = [
    "DIVIDES",
    "NEWEST",
    "UNCHECKED_INTERVAL",
    "Blacklist",
    "Code",
    "Document",
    "Effective",
    "Origin",
    "Problem",
    "Resolved",
    "Resolver",
    "Rule",
    "Section",
    "Setting",
    "Version",
    "blacklist",
    "expression_of",
    "matches",
    "merge",
    "parse",
    "parse_printed",
    "quoted",
    "resolver",
    "separated",
    "spelled",
]
