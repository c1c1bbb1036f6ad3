"""Sources: each one turns one part of the system into events, and changes nothing there."""
