"""Tests of sources/bundle."""
