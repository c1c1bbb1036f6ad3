"""What the core must know of what joins paths into maps: one row each, and the table that all other rooms ask."""
