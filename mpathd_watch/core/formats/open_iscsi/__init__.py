"""open-iscsi's node records and iscsid.conf: the configured timeouts, and nothing that is secret.

Pure: text in, facts out. Nothing here raises on any input, and everything takes time proportional to the input.
"""

from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.core.formats.open_iscsi.configured import Configured, configured, setting
from mpathd_watch.core.formats.open_iscsi.places import Place, record_path
from mpathd_watch.core.formats.open_iscsi.record import Code, Entry, Problem, Record, parse_record

__all__ = [
    "Code",
    "Configured",
    "Entry",
    "Place",
    "Problem",
    "Record",
    "configured",
    "keys",
    "parse_record",
    "record_path",
    "setting",
]
