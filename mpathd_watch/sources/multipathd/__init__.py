"""multipathd, asked over its own socket: what it knows of paths and maps, and whether it still answers."""
