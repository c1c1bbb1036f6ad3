"""The sinks: what the daemon tells the world, each from one immutable view of the state.

A sink never changes the state, never calls a source, and never makes the loop wait: what may block (a scrape, a hung
journald, a terminal) happens on a thread of its own.
"""
