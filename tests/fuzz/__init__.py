"""Fuzzing of everything that reads foreign text. See README.md."""
