"""Tests of sources/reading."""
