"""The web configuration (``--web.config.file``): TLS, passwords and headers, in the format of Prometheus' exporters."""

from mpathd_watch.config.web.model import WebConfig, WebConfigError

__all__ = ["WebConfig", "WebConfigError"]
