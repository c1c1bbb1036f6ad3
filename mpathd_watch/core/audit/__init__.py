"""The audit: what is configured, held against what is in force. Pure: a state and a configuration in, findings out."""

from mpathd_watch.core.audit.audit import Report, audit
from mpathd_watch.core.audit.budget import Budget
from mpathd_watch.core.audit.findings import Finding, FindingKind, Severity

__all__ = ["Budget", "Finding", "FindingKind", "Report", "Severity", "audit"]
