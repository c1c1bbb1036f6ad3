"""The scenarios. How to add one: `tests/lab/README.md`."""
