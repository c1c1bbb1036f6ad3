"""``check``: the health of the paths and the audit of the configuration, as a Nagios plugin prints them or as JSON."""

from mpathd_watch.sinks.check.document import VERSION, document
from mpathd_watch.sinks.check.result import Question, Result, judge
from mpathd_watch.sinks.check.text import summary, text
from mpathd_watch.sinks.exit_status import Status

__all__ = ["VERSION", "Question", "Result", "Status", "document", "judge", "summary", "text"]
