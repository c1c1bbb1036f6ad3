"""The second layer of the simulator: the daemon itself, with its real sources and its loop, on a clock of its own.

``loop`` is an event loop on the clock of the world, which never waits. ``threads`` stand for the threads of the
daemon, ``sockets`` for the kernel's and multipathd's, ``readers`` for what reads sysfs. ``host`` wires the real sources
to them, ``product`` runs the real service, and ``rules`` judge what only a daemon can do wrong: deadlines, watchdog,
cancellations, busy loops. World, faults and oracle are those of the first layer.
"""
