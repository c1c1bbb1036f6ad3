"""multipathd, by its socket: its paths and maps, its configuration, and whether it answers."""
