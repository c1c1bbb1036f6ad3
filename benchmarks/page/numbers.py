"""Numbers as a table shows them."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """About three digits; a dash for what there is none of."""
    if math.isnan(value):
        return "-"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}" if abs(value) < 1 else f"{value:.2f}"


def beside(value: float, ours: float) -> str:
    """A peer's number, and how many times ours it is, or which part of ours."""
    if math.isnan(value) or math.isnan(ours) or not value or not ours:
        return number(value)
    return f"{number(value)} ({number(value / ours) if value >= ours else f'1/{number(ours / value)}'})"
