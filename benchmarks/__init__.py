"""Figures that are measured and not asserted: ``make bench`` writes docs/performance.md.

``host`` is a simulated host for the daemon, ``peers`` are what others run in its place, ``measurements`` compare them,
and ``page`` writes what was found. ``commands``, ``polling`` and ``recording`` can be run alone.
"""
