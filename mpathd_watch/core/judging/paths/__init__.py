"""Judging one path: its health, its outage, its cause, its deadline, and whether it flaps."""
