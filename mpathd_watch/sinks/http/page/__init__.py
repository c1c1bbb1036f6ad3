"""The page for people: one HTML document without scripts or external resources."""

from mpathd_watch.sinks.http.page.page import REFRESH_SECONDS, Shown, render
from mpathd_watch.sinks.http.page.wanted import Wanted, wanted

__all__ = ["REFRESH_SECONDS", "Shown", "Wanted", "render", "wanted"]
