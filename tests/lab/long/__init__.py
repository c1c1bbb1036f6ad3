"""Scenarios that take too long to run each time: `python -m tests.lab test --long`."""
