"""Which transitions are alerts, and their sentences."""
