"""A simulated host for the daemon as a process: a tree in memory, multipathd, journald, and real netlink uevents."""
