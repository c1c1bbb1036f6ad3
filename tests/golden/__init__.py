"""Recordings and replies of real systems, and what must come of them."""
