"""What the core must know of a transport: one row each, and the table that all other rooms ask."""
