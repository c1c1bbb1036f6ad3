"""A model of a host with a multipath SAN, which drives the core for many simulated hours, and an oracle that judges it.

``world`` is the truth: links, sessions, disks, dm, multipathd, an array. ``sources`` turn it into the events that the
real sources emit, with their delays, losses and failures. ``product`` is the core behind them. ``faults`` break the
world by a plan that a seed decides. ``oracle`` knows the world and not the core, and compares both.
"""
